"""Visited states are a uniform sample of what training stepped through, and cost it nothing that counts."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from learner_helpers import tiny_config
from report_helpers import small_run_folder

from isa_learners.checkpoint import load_checkpoint, save_checkpoint
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.loading import load_algorithm
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scopes import scope_for
from isa_learners.runs.training import train
from isa_learners.runs.visits import MOST_NUMBERS, MOST_STATES, Reservoir, Visits, visited
from isa_wrappers.errors import FileFormatError


def filled(seed, batches, size=8, last=200):
    """A sample of the states 0, 1, ..., last - 1, shown in batches."""
    sample = Reservoir(1, seed, size)
    for states in torch.arange(float(last))[:, None].split(batches):
        sample.add(states)
    return sample


@pytest.mark.parametrize("batches", [1, 7, 200])
def test_every_state_has_the_same_chance(batches):
    """400 samples of 8 out of 200: each quarter of the states makes up a quarter, within four standard errors."""
    drawn = np.concatenate([filled(seed, batches).states[:, 0] for seed in range(400)])
    shares = np.histogram(drawn, bins=4, range=(0, 200))[0] / len(drawn)
    assert np.abs(shares - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / len(drawn))


def test_no_state_is_there_twice_and_few_are_there_whole():
    sample = filled(3, 50)
    assert sample.seen == 200
    assert len(np.unique(sample.states)) == 8
    assert filled(3, 5, size=300).states[:, 0].tolist() == list(range(200))


def test_a_restored_sample_goes_on_as_it_would_have():
    whole, first = filled(5, 20), filled(5, 20, last=100)
    again = Reservoir(1, 5, 8)
    again.load_state_dict(first.state_dict())
    for states in torch.arange(100.0, 200.0)[:, None].split(20):
        again.add(states)
    assert again.seen == whole.seen
    assert again.states.tolist() == whole.states.tolist()
    with pytest.raises(ValueError, match="shape"):
        Reservoir(2, 5, 8).load_state_dict(first.state_dict())


def test_memory_is_bounded():
    assert Reservoir(3, 0).size == MOST_STATES
    assert Reservoir(1000, 0).size == MOST_NUMBERS // 1000


def test_steps_that_were_lost_led_nowhere():
    states = torch.arange(12.0).reshape(3, 2, 2)
    lost = torch.zeros(3, 2, dtype=torch.bool)
    lost[1, 0] = True
    visits = Visits(0, 2, ("play",))
    visits.add("play", SimpleNamespace(final_state=states, lost=lost))
    assert visits.phases["play"].states.tolist() == [[0, 1], [2, 3], [6, 7], [8, 9], [10, 11]]


def test_all_that_a_rollout_stepped_through_is_counted():
    config = tiny_config()
    algorithm = Algorithm(config, scope_for(config)[0])
    seen, collect = [], algorithm.phase.collector.collect
    algorithm.phase.collector.collect = lambda steps: seen.append(collect(steps)) or seen[-1]
    phase = algorithm.phase.name
    algorithm.iterate()
    assert algorithm.visits.phases[phase].states.tolist() == seen[0].final_state.flatten(0, 1).tolist()
    algorithm.close()


def test_a_run_keeps_its_sample_and_a_resumed_one_goes_on(tmp_path):
    folder = small_run_folder(tmp_path / "run", seed=1)
    found = visited(folder)
    algorithm, _ = load_algorithm(folder)
    assert sum(one.seen for one in found) == algorithm.env_steps - scope_for(folder.config())[1]
    for one in found:
        kept = algorithm.visits.phases[one.phase]
        assert kept.seen == one.seen
        assert kept.states.tolist() == one.states.tolist()
    assert [one.phase for one in found] == ["explore", "reach"]
    algorithm.close()


def test_checkpoints_of_before_load_and_tell_of_none(tmp_path):
    folder = small_run_folder(tmp_path / "run", seed=1)
    tensors, meta = load_checkpoint(folder.latest_checkpoint)
    without = {name: value for name, value in tensors.items() if not name.startswith("visits.")}
    save_checkpoint(folder.latest_checkpoint, without, meta)
    assert visited(folder) == []
    algorithm, _ = load_algorithm(folder)
    assert all(one.seen == 0 for one in algorithm.visits.phases.values())
    algorithm.close()


def test_a_run_without_checkpoint_tells_of_none_and_damage_is_told(tmp_path):
    folder = small_run_folder(tmp_path / "run", seed=1)
    tensors, meta = load_checkpoint(folder.latest_checkpoint)
    name = next(name for name in tensors if name.startswith("visits.") and name.endswith(".seen"))
    save_checkpoint(folder.latest_checkpoint, {**tensors, name: torch.tensor(-1)}, meta)
    with pytest.raises(FileFormatError, match="visited states that cannot be read"):
        visited(folder)
    folder.latest_checkpoint.unlink()
    folder.best_checkpoint.unlink()
    assert visited(folder) == []


def test_sampling_leaves_training_as_it_was(tmp_path, monkeypatch):
    """The weights of a run that keeps none are the same, bit for bit."""
    train(tiny_config(seed=4), tmp_path / "with")
    monkeypatch.setattr(Visits, "add", lambda *_: None)
    train(tiny_config(seed=4), tmp_path / "without")
    one, other = (load_checkpoint(RunFolder(tmp_path / name).latest_checkpoint)[0] for name in ("with", "without"))
    assert all(torch.equal(one[name], other[name]) for name in one if not name.startswith("visits."))
