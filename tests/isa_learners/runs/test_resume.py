"""A run that was interrupted and resumed equals one that was not, number for number."""

import csv
import json
import shutil
import signal

import msgspec
import pytest
import torch
from learner_helpers import tiny_config
from resuming import (
    PressCtrlC,
    assert_same_run,
    rows_of,
    seed_globals,
    sitting,
    whole_run,
)

from isa_learners.checkpoint import load_checkpoint, save_checkpoint
from isa_learners.runs.hooks import Hook
from isa_learners.runs.loading import load_algorithm
from isa_learners.runs.progress import Progress
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.signals import Interrupted
from isa_learners.runs.training import Training
from isa_wrappers.errors import FileFormatError

pytestmark = pytest.mark.slow

EXPLORE, REACH = "explore", "reach"
NEAR = {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}
FAR = {"num_agents": 2, "grid": 6, "targets": [[5, 5], [4, 5]], "horizon": 7}
MIDDLE = {"num_agents": 1, "grid": 5, "targets": [[2, 2]], "horizon": 8}
RANDOM = {"num_agents": 2, "grid": 3, "targets": "random", "horizon": 6}
SHOOTING = {"num_agents": 2, "horizon": 9}

# task, options, sections, steps, the iteration after which Ctrl-C comes, the phase that is then on
CASES = {
    "explore": ("grid/navigation", FAR, {}, 280, 5, EXPLORE),
    "explore with a buffer": ("grid/navigation", FAR, {"ppo": {"buffer_rollouts": 3}}, 280, 4, EXPLORE),
    "explore, then reach": ("grid/unlock", MIDDLE, {"seed": 1}, 300, 2, EXPLORE),
    "reach": ("grid/unlock", NEAR, {}, 260, 12, REACH),
    "reach with a buffer": ("grid/unlock", NEAR, {"ppo": {"buffer_rollouts": 3, "minibatches": 2}}, 260, 11, REACH),
    "random targets": ("grid/navigation", RANDOM, {"ppo": {"minibatches": 2}}, 300, 6, None),
    "shooting": ("grid/shooting", SHOOTING, {}, 280, 3, EXPLORE),
    "an lstm": ("grid/unlock", NEAR, {"ppo": {"network": "lstm", "layers": [5, 3]}}, 260, 12, REACH),
    "no memory": ("grid/unlock", NEAR, {"ppo": {"network": "mlp", "buffer_rollouts": 2}}, 260, 12, REACH),
    "a network of one's own": ("grid/unlock", NEAR, {"ppo": {"network": "network_toys:Own"}}, 260, 12, REACH),
    "normalised": ("grid/unlock", NEAR, {"ppo": {"normalize_obs": True, "critic": "state"}}, 260, 12, REACH),
    "normalised from the start": (
        "grid/shooting",
        SHOOTING,
        {"algo": "happo", "ppo": {"normalize_obs": True, "network": "lstm"}},
        200,
        1,
        "train",
    ),
    "plain ippo": ("grid/unlock", NEAR, {"algo": "ippo"}, 200, 7, "train"),
}


def config_of(case):
    task, kwargs, sections, steps, _, _ = case
    # Listening takes its own steps; evaluations come every fourth iteration or so, and not in step with Ctrl-C.
    return tiny_config(task, kwargs, **{"steps": steps, "eval_interval": 36, **sections})


@pytest.fixture(scope="module")
def whole_of(tmp_path_factory):
    """Make a case's run that nothing interrupted, once; look, do not touch."""
    made = {}

    def whole(name):
        if name not in made:
            made[name] = whole_run(tmp_path_factory.mktemp("whole") / "run", config_of(CASES[name]))
        return made[name]

    return whole


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_resumed_run_equals_an_uninterrupted_one(whole_of, tmp_path, name):
    case = CASES[name]
    config, iteration, phase = config_of(case), case[4], case[5]
    whole = whole_of(name)
    assert len(rows_of(whole)) >= 3, "there is something to compare"

    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)
    press = PressCtrlC(iteration)
    sitting(folder, press, resume=False)
    if phase is not None:
        assert press.phase == phase, "interrupted in the phase that this case is about"
    tensors, meta = load_checkpoint(folder.latest_checkpoint)
    assert meta["env_steps"] < config.steps
    kept = sum(name.startswith("learner.ppo.buffer.") and name.endswith(".reward") for name in tensors)
    assert kept == min(config.ppo.buffer_rollouts, iteration) or phase is None

    seed_globals(999)  # what happened in between must not matter
    Training(folder, resume=True, tensorboard=False).run()
    assert_same_run(whole, folder)
    if name == "explore, then reach":
        assert load_checkpoint(folder.latest_checkpoint)[1]["phase"] == REACH


def test_the_checkpoint_holds_everything(whole_of, tmp_path):
    """The comparison above covers goals, counts, optimisers, value norm, generators, buffer, environment."""
    explore = RunFolder.create(tmp_path / "explore", config_of(CASES["explore"]))
    sitting(explore, PressCtrlC(3), resume=False)
    reach = whole_of("reach")
    names = {name: set(load_checkpoint(folder.latest_checkpoint)[0]) for name, folder in
             (("explore", explore), ("reach", reach))}  # fmt: skip
    both = {
        "shared.goals.states", "shared.goals.added", "shared.goals.rng", "learner.ppo.generator",
        "learner.ppo.value_norm.moments", "learner.ppo.actor.gru.weight_hh_l0", "learner.ppo.actor_optimizer.0.exp_avg",
        "learner.ppo.critic_optimizer.0.exp_avg_sq", "learner.ppo.actor_optimizer.0.step",
        "learner.ppo.buffer.0.reward", "learner.ppo.buffer.0.log_prob", "learner.critic_hidden", "collector.noise",
        "collector.memory.actor_hidden", "collector.memory.last_action", "collector.start",
    }  # fmt: skip
    assert both <= names["explore"] & names["reach"]
    assert any(name.startswith("collector.env.reward.counter.") for name in names["explore"])
    for held in ("goal", "rng", "position"):
        assert any(name.startswith("collector.env.") and name.endswith(f".{held}") for name in names["reach"])


def test_interrupted_twice(whole_of, tmp_path):
    config = config_of(CASES["reach with a buffer"])
    whole = whole_of("reach with a buffer")
    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)
    sitting(folder, PressCtrlC(3), resume=False)
    sitting(folder, PressCtrlC(6), resume=True)
    Training(folder, resume=True, tensorboard=False).run()
    assert_same_run(whole, folder)


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path):
    """Rows written after the checkpoint are dropped and come again, the same."""
    config = config_of(("grid/unlock", NEAR, {"checkpoint_interval": 70, "eval_interval": 20}, 260, 0, None))
    whole = whole_run(tmp_path / "whole", config)
    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)

    class Killed(BaseException):
        """No error, after which a run saves what stands."""

    class Die(Hook):
        def on_evaluation(self, training, row):
            if row["env_steps"] >= 200:
                raise Killed

    with pytest.raises(Killed):
        Training(folder, hooks=[Die()], tensorboard=False).run()
    saved = load_checkpoint(folder.latest_checkpoint)[1]["env_steps"]
    assert saved < int(rows_of(folder)[-1]["env_steps"]), "there are rows to drop"
    seed_globals(999)
    Training(folder, resume=True, tensorboard=False).run()
    assert_same_run(whole, folder)


def test_a_run_stopped_before_its_first_checkpoint_starts_over(whole_of, tmp_path):
    config = config_of(CASES["reach"])
    whole = whole_of("reach")
    folder = RunFolder.create(tmp_path / "parts", config)
    seed_globals(0)
    Training(folder, resume=True, tensorboard=False).run()
    assert_same_run(whole, folder)


def test_resuming_a_finished_run_changes_nothing(whole_of, tmp_path):
    folder = RunFolder.open(shutil.copytree(whole_of("reach").path, tmp_path / "run"))
    rows, checkpoint = rows_of(folder), load_checkpoint(folder.latest_checkpoint)
    Training(folder, resume=True, tensorboard=False).run()
    assert rows_of(folder) == rows
    tensors, _ = load_checkpoint(folder.latest_checkpoint)
    assert all(torch.equal(tensors[name], checkpoint[0][name]) for name in tensors)


def test_the_streak_of_a_solved_run_survives_the_interruption(tmp_path):
    config = config_of(("grid/unlock", NEAR, {
        "algo": "ippo", "stop_when_solved": True, "eval_interval": 10, "steps": 4_000,
        "ppo": {"lr": 0.05, "num_envs": 8, "epochs": 4},
    }, 4_000, 0, None))  # fmt: skip
    whole = whole_run(tmp_path / "whole", config)
    summary = json.loads(whole.summary_file.read_text())
    assert summary["solved"] is not None
    assert summary["env_steps"] < 4_000
    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)
    sitting(folder, PressCtrlC(summary["env_steps"] // 40 - 1), resume=False)
    assert load_checkpoint(folder.latest_checkpoint)[1]["progress"]["streak"] in (1, 2)
    Training(folder, resume=True, tensorboard=False).run()
    assert_same_run(whole, folder)


def test_the_clock_goes_on(tmp_path):
    folder = RunFolder.create(tmp_path / "run", config_of(CASES["reach"]))
    sitting(folder, PressCtrlC(8), resume=False)
    tensors, meta = load_checkpoint(folder.latest_checkpoint)
    assert 0.0 < meta["progress"]["wall_time"] < 60.0
    meta["progress"]["wall_time"] += 1_000.0
    save_checkpoint(folder.latest_checkpoint, tensors, meta)
    summary = Training(folder, resume=True, tensorboard=False).run()
    assert 1_000.0 < summary["wall_time_s"] < 1_060.0
    with folder.metrics_file.open(newline="") as file:
        assert float(list(csv.DictReader(file))[-1]["wall_time_s"]) > 1_000.0


def test_a_loaded_run_takes_its_configured_threads(whole_of):
    folder = whole_of("plain ippo")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        load_algorithm(folder)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("damage", ["truncated", "foreign", "no progress"])
def test_a_damaged_checkpoint_is_refused_and_nothing_is_lost(tmp_path, damage):
    folder = RunFolder.create(tmp_path / "run", config_of(CASES["reach"]))
    sitting(folder, PressCtrlC(8), resume=False)
    metrics = folder.metrics_file.read_text()
    assert len(metrics.splitlines()) > 1
    path = folder.latest_checkpoint
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    elif damage == "foreign":
        path.write_text("something else")
    else:
        tensors, meta = load_checkpoint(path)
        del meta["progress"]
        save_checkpoint(path, tensors, meta)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match=r"latest\.safetensors"):
        Training(folder, resume=True, tensorboard=False)
    assert folder.metrics_file.read_text() == metrics
    assert path.read_bytes() == before


def test_ctrl_c_is_python_s_again_afterwards(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    folder = RunFolder.create(tmp_path / "run", config_of(CASES["reach"]))
    sitting(folder, PressCtrlC(2), resume=False)
    assert signal.getsignal(signal.SIGINT) is before


def test_whole_numbers_of_steps_stay_whole_when_a_run_resumes():
    """Else what a resumed run tells, 640.0, differs from what one tells that was never stopped, 640."""
    kept = msgspec.convert({"first_success": {"env_steps": 640, "wall_time_s": 1.5}}, Progress)
    assert str(kept.first_success["env_steps"]) == "640"


def test_a_run_that_goes_on_is_not_whole_until_it_ends_again(whole_of, tmp_path):
    folder = RunFolder.open(shutil.copytree(whole_of("reach").path, tmp_path / "run"))
    assert folder.summary_file.exists()
    steps = load_checkpoint(folder.latest_checkpoint)[1]["env_steps"]
    with pytest.raises(Interrupted):
        Training(folder, resume=True, tensorboard=False, steps=steps + 1_000, hooks=[PressCtrlC(2)]).run()
    assert not folder.summary_file.exists()
