"""Runs on actions of more than a number: trained twice alike, resumed, evaluated, from the command line too."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from cli_helpers import SMALL, isa, one_line
from continuous_toys import Mixed
from learner_helpers import tiny_config

from isa_learners.component_head import ComponentHead
from isa_learners.ppo.learner import PPOLearner
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scopes import scope_for
from isa_learners.runs.training import Training
from isa_wrappers.batch import ParallelEnvBatch

SCOPE = {"transitions": 400}
CLOCKS = {"wall_time_s", "steps_per_second"}


def config_of(task="continuous_toys:Reach", **sections):
    ppo = {"num_envs": 8, "rollout_steps": 12, "buffer_rollouts": 1, "epochs": 4, "hidden": 16, "lr": 5e-3}
    return tiny_config(task, {}, **{"steps": 2_400, "eval_interval": 500, "scope": SCOPE, "ppo": ppo, **sections})


def collector_of(env, seed=0):
    learner = PPOLearner(Sizes.of(env), config_of().ppo, "cpu", seed)
    noise = torch.Generator()
    noise.manual_seed(seed)
    return Collector(env, learner, noise, seed)


def rows_of(folder):
    with folder.metrics_file.open(newline="") as file:
        return [{key: value for key, value in row.items() if key not in CLOCKS} for row in csv.DictReader(file)]


def test_what_is_learned_from_is_what_the_environments_got():
    env = ParallelEnvBatch([Mixed(), Mixed()], device="cpu")
    collector = collector_of(env)
    learner = collector.learner
    assert isinstance(learner.head, ComponentHead)
    rollout = collector.collect(7)
    batch = learner.batch(rollout)
    assert rollout.action.shape == (7, 2, 4, 2)
    torch.testing.assert_close(learner.head.native(batch.action), rollout.action)
    for b, copy in enumerate(env._copies._copies):
        for t, joint in enumerate(copy.env.seen):
            for i, (agent, code) in enumerate(zip(env.agents, env.action_code.codes, strict=True)):
                np.testing.assert_array_equal(joint[agent], code.native(rollout.action[t, b, i].tolist()))


def test_before_an_update_every_action_is_as_likely_as_when_it_was_taken():
    collector = collector_of(ParallelEnvBatch([Mixed(), Mixed()], device="cpu"))
    learner = collector.learner
    batch = learner.batch(collector.collect(9))
    outputs, hidden = [], batch.actor_hidden[0].flatten(0, 1)
    for inputs in batch.inputs:
        out, hidden = learner.ppo.actor(inputs.flatten(0, 1), hidden)
        outputs.append(out.view(2, 4, -1))
    policy = learner.head.policy(torch.stack(outputs), batch.available, torch.arange(4))
    torch.testing.assert_close(policy.log_prob(batch.action), batch.log_prob, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_whole_of_the_algorithm_learns():
    config = config_of(steps=20_000, ppo={**vars(config_of().ppo), "num_envs": 32, "entropy_factor": 0.01})
    algorithm = Algorithm(config, scope_for(config)[0])
    assert algorithm.scope.special_dims == [[0], [1]]
    assert algorithm.evaluate(8, 0).success_rate == 0.0
    for iteration in range(config.steps // (32 * 12)):
        algorithm.iterate()
        if iteration % 8 == 7 and algorithm.phase.name == "reach" and algorithm.evaluate(32, 1).success_rate >= 0.9:
            break
    assert algorithm.phase.name == "reach"
    assert algorithm.evaluate(32, 1).success_rate >= 0.9
    algorithm.close()


def trained(path, **sections):
    folder = RunFolder.create(path, config_of(steps=1_800, **sections))
    Training(folder, tensorboard=False).run()
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run; look, do not touch."""
    return trained(tmp_path_factory.mktemp("components") / "run")


@pytest.mark.slow
def test_a_run_is_repeated_number_for_number(run, tmp_path):
    assert rows_of(run) == rows_of(trained(tmp_path / "again", workers=2))
    assert len(rows_of(run)) >= 3


@pytest.mark.slow
def test_a_checkpoint_resumes_and_acts_as_before(run, tmp_path):
    before = rows_of(run)
    folder = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"), "continuous_toys:Reach")
    resumed = Training(folder, resume=True, steps=2_700, tensorboard=False)
    resumed.run()
    assert rows_of(folder)[: len(before)] == before
    assert len(rows_of(folder)) > len(before)


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
def test_the_command_line(tmp_path, capsys):
    task = "continuous_toys:Reach"
    assert isa("scope", task, "--json", "--transitions", 400, "--out", tmp_path / "scope") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["D_i"] == [[0], [1]]
    assert found["action_names"][0][0] == "[0] in -1..-0.5"
    run, scope = tmp_path / "run", ["--scope", tmp_path / "scope"]
    assert isa("train", task, *SMALL, "--set", "ppo.rollout_steps=12", "--steps", 900, *scope, "--out", run) == 0
    assert isa("eval", run, "--episodes", 4, "--env", task) == 0
    assert isa("check", task) == 0
    assert "actions of 1 choice or actions of 2 continuous numbers" in capsys.readouterr().out


def test_an_action_space_that_cannot_be_taken_is_refused_in_one_line(capsys):
    assert isa("scope", "continuous_toys:Unbounded") == 2
    assert "without bounds; give it finite low and high" in one_line(capsys.readouterr().err)
