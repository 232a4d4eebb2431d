"""Many battles at once against jaxmarl's own environment driven by hand: the same steps, saved, seeded, drawn."""

from itertools import pairwise

import numpy as np
import pytest
from smax_play import COPIES, ByHand, absent, assert_same, numbers, picture

pytest.importorskip("jaxmarl")

from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.envs import make_batch
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import FEATURES, STOP
from isa_wrappers.envs.smax.install import jax_sees
from isa_wrappers.errors import DeviceError, InvalidValueError

pytestmark = pytest.mark.slow

CHECKED = (0, 7, 23)


def test_steps_are_jaxmarl_s_own(jax, game, played):
    keys = jax.random.split(jax.random.PRNGKey(3), COPIES)
    episodes = np.zeros(len(CHECKED))
    for number, copy in enumerate(CHECKED):
        hand = ByHand(jax, game, keys[copy])
        row = {**hand.shown(), **hand.shown("final_")}
        for time, (joint, step) in enumerate(played):
            row = hand.step(joint[copy]) if time else row
            for name, value in row.items():
                np.testing.assert_allclose(
                    getattr(step, name)[copy], value, rtol=1e-4, atol=1e-5, err_msg=f"{name} of {copy} at {time}"
                )
            episodes[number] += bool(row.get("done"))
    assert (episodes >= 1).all()


def test_play_has_all_ends_and_says_so(game, played):
    won = lost = deaths = 0
    for _, step in played[1:]:
        health = step.final_state.reshape(COPIES, 6, 4)[..., 0]
        allies, enemies = (health[:, :3] > 0).any(axis=1), (health[:, 3:] > 0).any(axis=1)
        np.testing.assert_array_equal(step.terminated, ~(allies & enemies))
        np.testing.assert_array_equal(step.success, allies & ~enemies)
        np.testing.assert_array_equal(step.final_alive, health[:, :3] > 0)
        assert not (step.terminated & step.truncated).any()
        for now, final in (("obs", "final_obs"), ("state", "final_state"), ("alive", "final_alive")):
            differs = (getattr(step, now) != getattr(step, final)).reshape(COPIES, -1).any(axis=1)
            assert not differs[~step.done].any()
        assert (step.state != step.final_state).any(axis=1)[step.done].all()
        assert step.alive[step.done].all()
        assert (step.state.reshape(COPIES, 6, 4)[step.done][..., [0, 3]] == [1, 0]).all()
        assert step.available[..., STOP].all()
        np.testing.assert_array_equal(step.available.sum(axis=2) == 1, ~step.alive)
        won, lost, deaths = won + step.success.sum(), lost + (~allies & enemies).sum(), deaths + (~step.alive).sum()
    assert min(won, lost, deaths) > 0, (won, lost, deaths)


def test_the_dead_keep_their_place(played):
    fallen = 0
    for (_, before), (_, after) in pairwise(played):
        was, now = before.state.reshape(-1, 4), after.final_state.reshape(-1, 4)
        dead = was[:, 0] == 0
        np.testing.assert_array_equal(now[dead], was[dead])
        assert not was[dead][:, 3].any()
        fallen += (was[dead][:, 1:3].min(axis=1) > 0).sum()  # not at a wall
    assert fallen


def test_the_state_is_within_its_bounds(played):
    states = np.stack([step.final_state for _, step in played])
    assert states.dtype == np.float32
    assert (states.min(), states.max()) == (0, 1)


def test_it_is_a_batch_env(game, played):
    batch = make_batch("smax/3m", 2)
    assert isinstance(batch, BatchEnv)
    assert batch.game is game
    assert (batch.agents, batch.num_actions, batch.horizon) == (game.agents, (8, 8, 8), 60)
    assert (batch.action_names, batch.state_names) == (game.action_names, game.state_names)
    step = played[-1][1]
    shapes = {name: value.shape[1:] for name, value in numbers(step).items()}
    assert shapes["obs"] == shapes["final_obs"] == (3, batch.obs_size)
    assert shapes["state"] == shapes["final_state"] == (batch.state_size,) == (24,)
    assert shapes["available"] == (3, 8)
    assert shapes["alive"] == shapes["final_alive"] == shapes["reward"] == (3,)
    assert shapes["terminated"] == shapes["truncated"] == shapes["success"] == ()
    kinds = {name: value.dtype for name, value in numbers(step).items()}
    floats = {"obs", "state", "reward", "final_obs", "final_state"}
    assert kinds == {name: np.float32 if name in floats else bool for name in kinds}


def test_torch_shares_memory_and_equals_numpy(game, played, monkeypatch):
    torch = pytest.importorskip("torch")
    seen, compiled = [], game.step_all
    monkeypatch.setattr(game, "step_all", lambda *args: seen.append(compiled(*args)) or seen[-1])
    batch = SMAXBatch(game, COPIES, "cpu")
    assert_same(batch.reset(seed=3), played[0][1])
    for joint, step in played[1:]:
        given = batch.step(torch.from_numpy(joint))
        assert_same(given, step)
        for theirs, name in zip(seen[-1][1], numbers(step), strict=True):
            mine = getattr(given, name)
            assert isinstance(mine, torch.Tensor)
            assert mine.data_ptr() == theirs.unsafe_buffer_pointer(), name
            assert str(mine.dtype) == f"torch.{getattr(step, name).dtype}"
    plain = SMAXBatch(game, COPIES)
    plain.reset(seed=3)
    step = plain.step(played[1][0])
    for theirs, name in zip(seen[-1][1], numbers(step), strict=True):
        assert getattr(step, name).__array_interface__["data"][0] == theirs.unsafe_buffer_pointer(), name


@pytest.mark.cuda
def test_a_batch_on_cuda(game):
    torch = pytest.importorskip("torch")
    if not (torch.cuda.is_available() and jax_sees("cuda")):
        pytest.skip("no CUDA device, or JAX sees none")
    here, there = SMAXBatch(game, COPIES, "cpu"), SMAXBatch(game, COPIES, "cuda")
    steps = [here.reset(seed=3), there.reset(seed=3)]
    for _ in range(5):
        for name in numbers(steps[1]):
            value = getattr(steps[1], name)
            assert value.device.type == "cuda"
            # On CUDA the compiler rounds otherwise: 2e-4 apart was seen.
            np.testing.assert_allclose(to_numpy(value), getattr(steps[0], name), rtol=1e-3, atol=1e-3, err_msg=name)
        joint = torch.from_numpy(np.full((COPIES, 3), STOP))
        steps = [here.step(joint), there.step(joint.cuda())]


@pytest.mark.parametrize("device", [None, "cpu"])
def test_steps_stay_as_they_were_returned(game, played, device):
    torch = pytest.importorskip("torch") if device else None
    batch, kept = SMAXBatch(game, COPIES, device), []
    batch.reset(seed=3)
    for joint, _ in played[1:30]:
        step = batch.step(torch.from_numpy(joint) if device else joint)
        kept.append((step, {name: value.copy() for name, value in numbers(step).items()}))
    for step, copies in kept:
        for name, value in numbers(step).items():
            np.testing.assert_array_equal(value, copies[name], err_msg=name)


def test_a_saved_state_goes_on_as_if_not_stopped(game, played):
    batch, half = SMAXBatch(game, COPIES), 20
    batch.reset(seed=3)
    for joint, _ in played[1 : half + 1]:
        batch.step(joint)
    saved = batch.state_dict()
    copies = {key: value.copy() for key, value in saved.items()}
    batch.step(played[1][0])  # goes on, and is put back
    for other in (batch, SMAXBatch(game, COPIES, seed=99)):
        resumed, last = other.load_state_dict(saved), played[half][1]
        for name in ("obs", "state", "available", "alive"):
            np.testing.assert_array_equal(getattr(resumed, name), getattr(last, name), err_msg=name)
        np.testing.assert_array_equal(resumed.final_state, resumed.state)
        assert not resumed.done.any()
        for joint, step in played[half + 1 :]:
            assert_same(other.step(joint), step)
    for key, value in saved.items():
        np.testing.assert_array_equal(value, copies[key], err_msg=key)


def test_seeds(game, played):
    batch = SMAXBatch(game, COPIES)
    first = batch.reset(seed=3)
    assert_same(first, played[0][1])
    assert len(np.unique(first.state, axis=0)) == COPIES
    following = batch.reset()
    assert not np.isin(following.state[:, 1], first.state[:, 1]).any()
    assert not np.isin(batch.reset(seed=4).state[:, 1], first.state[:, 1]).any()
    batch.reset(seed=3)
    assert_same(batch.reset(), following)
    assert_same(SMAXBatch(game, COPIES, seed=8).reset(), SMAXBatch(game, COPIES, seed=8).reset())


def test_a_step_is_compiled_once(game, played):
    """What goes on has the same types after a reset, a step and a load; JAX compiles for each anew."""
    batch, kinds = SMAXBatch(game, COPIES), []
    for advance in (batch.reset, lambda: batch.step(played[1][0]), lambda: batch.load_state_dict(batch.state_dict())):
        advance()
        kinds.append([(leaf.dtype, leaf.weak_type) for leaf in game.jax.tree.leaves(batch._battle)])
    assert kinds[0] == kinds[1] == kinds[2]


def test_a_batch_s_seed_is_of_its_first_episodes(game, played):
    assert_same(SMAXBatch(game, COPIES, seed=3).reset(), played[0][1])


@pytest.mark.parametrize("num_envs", [0, -1, 2.0, "3", True])
def test_bad_numbers_of_copies(game, num_envs):
    with pytest.raises(InvalidValueError, match="num_envs must be an integer at least 1"):
        SMAXBatch(game, num_envs)


def test_absent_devices(game, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="'cuda'"):
        SMAXBatch(game, 1, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for without in (absent, lambda kind: [object()]):
        monkeypatch.setattr(game.jax, "devices", without)
        with pytest.raises(DeviceError, match="'cuda:1' was requested, but JAX does not have it"):
            SMAXBatch(game, 1, "cuda:1")


def test_the_batch_draws_each_copy_before_its_reset(game, played):
    batch = SMAXBatch(game, COPIES)
    batch.reset(seed=3)
    ended = next(time for time, (_, step) in enumerate(played) if step.done.any())
    for joint, _ in played[1 : ended + 1]:
        batch.step(joint)
    step = played[ended][1]
    for copy in (0, int(step.done.argmax())):
        np.testing.assert_array_equal(batch.render(copy), picture(step.final_state[copy]))
    goal = np.full((6, len(FEATURES)), np.nan)
    goal[0, :3] = 0.5
    drawn = batch.render(1, goal.reshape(-1))
    np.testing.assert_array_equal(drawn, picture(step.final_state[1], goal))
    assert (drawn != batch.render(1)).any()


def test_all_of_a_seed_counts(game, played):
    batch = SMAXBatch(game, COPIES)
    first, far = batch.reset(seed=1), batch.reset(seed=1 + 2**32)
    assert not np.isin(far.state[:, 1], first.state[:, 1]).any()
    for seed in (-1, 2**63):
        with pytest.raises(InvalidValueError, match="seed must be an integer"):
            batch.reset(seed=seed)


def test_a_state_is_saved_before_the_first_reset_and_loaded_by_as_many_copies(game, played):
    saved = SMAXBatch(game, COPIES, seed=8).state_dict()
    again = SMAXBatch(game, COPIES)
    assert_same(again.load_state_dict(saved), SMAXBatch(game, COPIES, seed=8).reset())
    saved = {name: value if name == "stream" else value[:1] for name, value in saved.items()}
    with pytest.raises(InvalidValueError, match=f"the saved state contains 1 environments, but num_envs is {COPIES}"):
        again.load_state_dict(saved)
