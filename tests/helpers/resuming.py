"""Whole runs, runs that Ctrl-C interrupts, and what must be equal of both."""

import csv
import json
import os
import random
import signal

import numpy as np
import pytest
import torch

from isa_learners.checkpoint import load_checkpoint
from isa_learners.runs.hooks import Hook
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.signals import Interrupted
from isa_learners.runs.training import Training

CLOCKS = {"wall_time_s", "steps_per_second", "wall_time"}


def seed_globals(seed):
    """The run does not seed the global generators: so that both runs start from the same, the test does."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def whole_run(path, config):
    seed_globals(0)
    folder = RunFolder.create(path, config)
    Training(folder, tensorboard=False).run()
    return folder


class PressCtrlC(Hook):
    """Sends SIGINT after the given iteration of this sitting."""

    def __init__(self, iteration):
        self.left = iteration
        self.phase = None

    def on_iteration(self, training, values):
        self.left -= 1
        if self.left == 0:
            self.phase = values["phase"]
            os.kill(os.getpid(), signal.SIGINT)


def sitting(folder, press, resume):
    training = Training(folder, resume=resume, hooks=[press], tensorboard=False)
    with pytest.raises(Interrupted):
        training.run()
    assert not folder.summary_file.exists(), "the run is not over"
    return training


def without_clocks(data):
    if isinstance(data, dict):
        return {key: without_clocks(value) for key, value in data.items() if key not in CLOCKS}
    return data


def rows_of(folder):
    with folder.metrics_file.open(newline="") as file:
        return [without_clocks(row) for row in csv.DictReader(file)]


def assert_same_checkpoint(one, other):
    (tensors, meta), (other_tensors, other_meta) = load_checkpoint(one), load_checkpoint(other)
    assert set(tensors) == set(other_tensors)
    for name, value in tensors.items():
        assert value.dtype == other_tensors[name].dtype, name
        assert value.numpy().tobytes() == other_tensors[name].numpy().tobytes(), f"{name} differs"
    assert without_clocks(meta) == without_clocks(other_meta)


def assert_same_run(one, other):
    assert rows_of(one) == rows_of(other)
    assert_same_checkpoint(one.latest_checkpoint, other.latest_checkpoint)
    assert_same_checkpoint(one.best_checkpoint, other.best_checkpoint)
    summaries = [json.loads(folder.summary_file.read_text()) for folder in (one, other)]
    assert without_clocks(summaries[0]) == without_clocks(summaries[1])
