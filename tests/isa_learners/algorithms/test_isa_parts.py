"""Each half of ISA alone."""

import shutil

import numpy as np
import pytest
import torch
from learner_helpers import algorithm_of, tiny_config

from isa_learners.algorithms.isa_parts import saved_goals
from isa_learners.checkpoint import save_checkpoint
from isa_learners.runs.loading import load
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import Training, train
from isa_wrappers import GoalBuffer
from isa_wrappers.errors import FileFormatError, InvalidValueError, ScopeMismatchError

TWO = {"num_agents": 2, "grid": 3, "targets": [[0, 1], [2, 0]], "horizon": 6}


@pytest.fixture
def won(tmp_path):
    """The folder of a run of ISA that has won."""
    train(tiny_config(), tmp_path / "isa")
    return str(tmp_path / "isa")


def test_exploration_alone_keeps_exploring_after_wins():
    algorithm = algorithm_of(algo="isa_explore")
    for _ in range(20):
        algorithm.iterate()
    assert len(algorithm.shared["goals"]) > 0
    assert algorithm.phase.name == "explore"


@pytest.mark.slow
def test_goals_of_another_run_are_taken_and_added_to(won):
    algorithm = algorithm_of(algo="isa_reach", given={"run": won})
    goals = algorithm.shared["goals"]
    before = len(goals)
    assert before > 0
    assert algorithm.phase.name == "reach"
    assert sorted(goals.states.tolist()) == sorted(load(won).shared["goals"].states.tolist())
    for _ in range(20):
        algorithm.iterate()
    assert len(goals) > before


def test_the_other_run_is_needed_no_more_once_there_is_a_checkpoint(won, tmp_path):
    train(tiny_config(algo="isa_reach", given={"run": won}, steps=100), tmp_path / "reach")
    (tmp_path / "isa").rename(tmp_path / "gone")
    training = Training(RunFolder.open(tmp_path / "reach"), resume=True, tensorboard=False, steps=140)
    training.run()
    training.algorithm.close()


def test_goals_are_given_in_the_order_in_which_they_were_won(tmp_path):
    goals = GoalBuffer(1, capacity=4)
    goals.add(np.arange(6, dtype=np.float32)[:, None], np.ones(6, dtype=bool))
    saved = {f"shared.goals.{name}": torch.as_tensor(value.copy()) for name, value in goals.state_dict().items()}
    save_checkpoint(tmp_path / "latest.safetensors", saved, {})
    assert saved_goals(tmp_path / "latest.safetensors", oldest_first=True).flatten().tolist() == [2.0, 3.0, 4.0, 5.0]
    assert saved_goals(tmp_path / "latest.safetensors").flatten().tolist() == [4.0, 5.0, 2.0, 3.0], "as in the buffer"


@pytest.mark.parametrize(("names", "found"), [(("won",), 0.0), (("lost", "goals"), 1.0), (("won", "also"), 1.0)])
def test_goals_are_found_whatever_an_algorithm_calls_its_buffer(names, found, tmp_path):
    saved = {"shared.visits.states": torch.zeros(3, 1), "shared.book.added": torch.zeros(1)}
    for number, name in enumerate(names):
        goals = GoalBuffer(1, device="cpu")
        goals.add(torch.full((1, 1), float(number)), torch.tensor([True]))
        saved |= {f"shared.{name}.{key}": value for key, value in goals.state_dict().items()}
    save_checkpoint(tmp_path / "latest.safetensors", saved, {})
    assert saved_goals(tmp_path / "latest.safetensors").tolist() == [[found]]


def test_stitched_goals_pursue_by_the_weight_of_the_phase_that_reaches_them():
    more = {"env_kwargs": TWO, "goal": {"stitched": True}, "true_scope": True}
    algorithm = algorithm_of(**more, phases={"reach": {"goal": {"alpha1": 0.0}}})
    assert algorithm.shared["goals"]._pursued_rows == []
    assert algorithm_of(**more).shared["goals"]._pursued_rows == [1, 2], "all that an agent moves is its own"


@pytest.mark.slow
def test_what_gives_no_goals_is_refused(won, tmp_path):
    with pytest.raises(InvalidValueError, match=r"set its folder: given\.run=RUN"):
        algorithm_of(algo="isa_reach")
    with pytest.raises(FileFormatError, match="no checkpoint at"):
        algorithm_of(algo="isa_reach", given={"run": str(tmp_path / "none")})
    with pytest.raises(ScopeMismatchError, match="have 4 dimensions, states here 8"):
        algorithm_of(env_kwargs=TWO, algo="isa_reach", given={"run": won})
    far = {"num_agents": 1, "grid": 9, "targets": [[8, 8]], "horizon": 2}
    train(tiny_config(env_kwargs=far), tmp_path / "lost")
    with pytest.raises(InvalidValueError, match="has won no episode"):
        algorithm_of(env_kwargs=far, algo="isa_reach", given={"run": str(tmp_path / "lost")})


@pytest.mark.slow
def test_a_run_needs_the_one_that_gave_its_goals_no_more(won, tmp_path):
    """Its checkpoint holds them: the other run may move, and it is read from anywhere."""
    train(tiny_config(algo="isa_reach", given={"run": won}), tmp_path / "reach")
    shutil.move(won, tmp_path / "moved")
    algorithm = load(tmp_path / "reach")
    assert len(algorithm.shared["goals"]) > 0
    assert algorithm.phase.name == "reach"
    training = Training(RunFolder.open(tmp_path / "reach"), resume=True, tensorboard=False, steps=260)
    assert training.run()["env_steps"] >= 260
