"""What all learned rewards share: saving, devices, no waits on the host, the global generator, torch where used."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from learned_rewards import QUICK, random_steps

torch = pytest.importorskip("torch")

from host_reads import NoHostReads  # noqa: E402

from isa_wrappers.arrays import to_backend  # noqa: E402
from isa_wrappers.errors import InvalidValueError  # noqa: E402
from isa_wrappers.rewards import RewardContext, Transition, make_reward  # noqa: E402
from isa_wrappers.rewards.learned.settings import ICMConfig, NovelDConfig, RNDConfig  # noqa: E402

ROOT = Path(__file__).parents[4]
CONTEXT = RewardContext(("a", "b"), (3, 3), obs_size=2, state_size=2, device="cpu")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]


CONTEXT = RewardContext(("a", "b"), (3, 3), 2, 2, None, "cpu", 0)


def made(name, device="cpu", seed=0):
    return make_reward(name, RewardContext(("a", "b"), (3, 3), 2, 2, None, device, seed), QUICK[name])


def moved_to(device, step):
    return Transition(*(None if part is None else to_backend(part, device) for part in step))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", QUICK)
def test_what_is_saved_at_any_step_continues_number_for_number(name, device):
    steps = [moved_to(device, step) for step in random_steps(23)]
    for at in (0, 3, 4, 9):
        whole = made(name, device)
        for step in steps[:at]:
            whole(step)
        saved = {key: value.cpu() for key, value in whole.state_dict().items()}
        later = made(name, device, seed=5)
        later.load_state_dict(saved)
        for step in steps[at:]:
            assert torch.equal(whole(step).total, later(step).total)
        mine, theirs = whole.state_dict(), later.state_dict()
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", QUICK)
def test_numpy_and_torch_are_paid_the_same_on_their_own_kind(name, device):
    ours, theirs = made(name, None), made(name, device)
    for number, step in enumerate(random_steps(10)):
        found, expected = theirs(moved_to(device, step)).total, ours(step).total
        assert isinstance(expected, np.ndarray)
        assert found.device.type == device
        if device == "cuda" and number >= ours.config.interval:
            continue  # rows to learn from are drawn on the device
        np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=1e-5 if device == "cuda" else 1e-6, atol=1e-4)


@pytest.mark.parametrize("name", QUICK)
def test_looking_up_teaches_nothing_even_where_learning_is_due(name):
    reward, steps = made(name), [moved_to("cpu", step) for step in random_steps(20)]
    for step in steps[:3]:
        reward(step)
    before = reward.state_dict()
    for step in steps[3:]:
        reward(step, update=False)
    after = reward.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    weights = {key: value for key, value in before.items() if key.startswith("networks") and "target" not in key}
    reward(steps[3])
    assert any(not torch.equal(value, reward.state_dict()[key]) for key, value in weights.items()), "now it is due"


@pytest.mark.parametrize("name", QUICK)
def test_the_host_waits_for_nothing_between_two_updates(name):
    reward, steps = made(name), [moved_to("cpu", step) for step in random_steps(3)]
    reward(steps[0])  # which lays out room
    with NoHostReads():
        for step in steps[1:]:
            reward(step)


@pytest.mark.parametrize("name", QUICK)
def test_seeds_alone_tell_networks_apart_and_the_global_generator_stays(name):
    before = torch.random.get_rng_state()
    first, same, other = (made(name, seed=seed).networks.state_dict() for seed in (0, 0, 1))
    reward = made(name)
    for step in random_steps(9):
        with torch.inference_mode():
            reward(moved_to("cpu", step))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(value, same[key]) for key, value in first.items())
    assert any(not torch.equal(value, other[key]) for key, value in first.items())


@pytest.mark.parametrize("name", QUICK)
def test_another_number_of_environments_starts_memory_anew(name):
    reward = made(name)
    for envs in (3, 5, 1):
        for step in random_steps(3, envs=envs):
            assert torch.isfinite(reward(moved_to("cpu", step)).total).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_without_torch_it_is_said_in_one_line(name):
    code = f"""
import sys
sys.modules["torch"] = None
from isa_wrappers.rewards import REWARDS, RewardContext, make_reward
spec = REWARDS[{name!r}]
print(spec.config(), spec.description)
try:
    make_reward({name!r}, RewardContext(("a",), (2,), 1, 1), None)
except ImportError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    last = done.stdout.splitlines()[-1:]
    assert last == [
        f"MissingDependencyError intrinsic reward {name!r} needs torch, which is not installed; "
        "pip install 'isa-marl[train]'"
    ], done.stderr


@pytest.mark.parametrize("name", [*QUICK, "noveld by counts"])
def test_a_caller_s_inference_mode_stays_outside(name):
    reward = made(name) if name in QUICK else make_reward("noveld", CONTEXT, NovelDConfig(novelty="counts"))
    steps = [moved_to("cpu", step) for step in random_steps(20)]
    with torch.inference_mode():
        for step in steps[:5]:
            reward(step)
        reward.load_state_dict(reward.state_dict())
    for step in steps[5:]:
        assert torch.isfinite(reward(step).total).all()


def test_hidden_states_follow_an_episode_that_is_only_looked_at():
    """What is paid for looks alone is what is paid while learning, before there is anything learned."""
    looked, taught = made("laies"), make_reward("laies", CONTEXT, replace(QUICK["laies"], interval=1_000))
    for step in (moved_to("cpu", step) for step in random_steps(12)):
        assert torch.equal(looked(step, update=False).total, taught(step).total)


SETTINGS = {"rnd": RNDConfig, "noveld": NovelDConfig, "icm": ICMConfig}


@pytest.mark.parametrize("name", ["rnd", "noveld"])
def test_the_state_is_new_where_observations_are_empty(name):
    context = RewardContext(("a", "b"), (3, 3), obs_size=0, state_size=2)
    reward = make_reward(name, context, SETTINGS[name](of="state", warmup=0))
    empty = np.zeros((3, 2, 0), dtype=np.float32)
    for step in random_steps(3):
        assert reward(step._replace(obs_t=empty, obs_tp1=empty)).intrinsic.shape == (3, 2)


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("rnd", {}, "of must be 'state' if the observation is empty, got 'observation'"),
        ("noveld", {"of": "state"}, "of must be 'observation' if the state is empty, got 'state'"),
        ("icm", {}, "reward 'icm' needs observations, but those of the environment are empty"),
    ],
)
def test_nothing_to_be_new_is_one_line(name, settings, says):
    empty = "state_size" if settings else "obs_size"
    context = RewardContext(("a", "b"), (3, 3), **{"obs_size": 2, "state_size": 2, empty: 0})
    with pytest.raises(InvalidValueError, match=says):
        make_reward(name, context, SETTINGS[name](**settings))
