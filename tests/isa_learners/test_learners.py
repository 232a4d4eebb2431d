"""Every learner of the list and every algorithm: what is listed trains, says what it names, resumes and acts."""

import pytest
import torch
from devices import TORCH
from learner_helpers import tiny_config
from resuming import PressCtrlC, assert_same_run, rows_of, seed_globals, sitting, whole_run

from isa_learners.algorithms import ALGORITHMS
from isa_learners.learner import LEARNERS
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.checks import check_run
from isa_learners.runs.loading import load
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scopes import scope_for
from isa_learners.runs.training import Training
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError

NEAR = {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}
TWO = {"num_agents": 2, "horizon": 9}
ALONE = [name for name in ALGORITHMS if name != "isa_reach"]
"""Algorithms that need no other run."""


@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("learner", list(LEARNERS))
@pytest.mark.parametrize("algo", ["ippo", "isa"])
def test_every_learner_trains_under_every_kind_of_algorithm(learner, algo, device):
    config = tiny_config(algo=algo, learner=learner, device=device)
    check_run(config)
    assert set(config.sections) & set(LEARNERS) == {learner}
    algorithm = Algorithm(config, scope_for(config)[0])
    first = algorithm.phase.name
    for _ in range(12):
        metrics = algorithm.iterate()
    assert set(LEARNERS[learner].metrics) <= set(metrics)
    assert algorithm.evaluate(4, 0).episodes == 4
    assert (first, algorithm.phase.name) == (("explore", "reach") if algo == "isa" else ("train", "train"))


@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("algo", ALONE)
def test_every_algorithm_trains(algo, device):
    config = tiny_config("grid/shooting", TWO, algo=algo, device=device)
    check_run(config)
    algorithm = Algorithm(config, scope_for(config)[0])
    before = {name: value.clone() for name, value in algorithm.phase.learner.state_dict().items()}
    for _ in range(8):
        algorithm.iterate()
    after = algorithm.phase.learner.state_dict()
    assert any(not torch.equal(value, after[name]) for name, value in before.items() if "weight" in name)
    assert {algorithm.phase.collector.current.obs.device.type} == {device}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algo", "learner"),
    [("qmix", "q"), ("maser", "q"), ("isa", "q"), ("mappo", "ppo"), ("coma", "coma"), ("happo", "ppo")],
)
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, algo, learner):
    config = tiny_config("grid/unlock", NEAR, algo=algo, learner=learner, steps=260, eval_interval=36)
    whole = whole_run(tmp_path / "whole", config)
    assert len(rows_of(whole)) >= 3
    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)
    sitting(folder, PressCtrlC(9), resume=False)
    seed_globals(999)
    Training(folder, resume=True, tensorboard=False).run()
    assert_same_run(whole, folder)
    loaded = load(folder.path)
    assert getattr(loaded.phase.learner, "replay", None) is None, "to act it needs none"
    assert loaded.evaluate(4, 0).episodes == 4


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"algo": "vdn", "q": {"mixer": "qmix"}}, "q.mixer is 'sum' in algorithm 'vdn', got 'qmix'; choose another"),
        ({"algo": "qmix", "learner": "ppo"}, "algorithm 'qmix' needs learner 'q', got 'ppo'; leave it out"),
        ({"algo": "vdn", "q": {"mixing_width": 8}}, "mixing_width needs mixer 'qmix', this run has 'sum'; got 8"),
        ({"algo": "qmix", "ppo": {"lr": 1e-3}}, "algorithm 'qmix' has no section 'ppo'; its sections are q"),
        ({"algo": "ippo", "q": {"lr": 1e-3}}, "algorithm 'ippo' has no section 'q'; its sections are ppo"),
        ({"algo": "qmix", "phases": {"train": {"q": {"mixer": "sum"}}}}, "phases.train.q.mixer is 'qmix' in algorithm"),
        ({"algo": "mappo", "ppo": {"critic": "own"}}, "ppo.critic is 'state' in algorithm 'mappo', got 'own'"),
        ({"algo": "mappo", "learner": "q"}, "algorithm 'mappo' needs learner 'ppo', got 'q'"),
        ({"algo": "maser", "learner": "ppo"}, "algorithm 'maser' needs learner 'q', got 'ppo'; leave it out"),
        ({"algo": "maser", "q": {"mixer": "sum"}}, "q.mixer is 'qmix' in algorithm 'maser', got 'sum'"),
        ({"algo": "maser", "maser": {"variant": "released"}}, "variant must be one of as_written, as_released"),
        ({"algo": "maser", "maser": {"alfa": 0.3}}, "unknown configuration key maser.alfa; did you mean 'maser.alpha'"),
        ({"algo": "qmix", "maser": {"alpha": 0.3}}, "algorithm 'qmix' has no section 'maser'; its sections are q"),
        ({"algo": "happo", "learner": "q"}, "algorithm 'happo' needs learner 'ppo', got 'q'; leave it out"),
        (
            {"algo": "happo", "ppo": {"share_parameters": True}},
            "ppo.share_parameters is False in algorithm",
        ),
        ({"algo": "ippo", "ppo": {"sequential": True}}, "sequential must be False if all agents share one policy"),
        ({"algo": "coma", "learner": "ppo"}, "algorithm 'coma' needs learner 'coma', got 'ppo'; leave it out"),
        ({"algo": "coma", "coma": {"reward": "own"}}, "coma.reward is 'team' in algorithm 'coma', got 'own'"),
        ({"algo": "ippo", "coma": {"lr": 1e-3}}, "algorithm 'ippo' has no section 'coma'; its sections are ppo"),
        ({"algo": "coma", "ppo": {"lr": 1e-3}}, "algorithm 'coma' has no section 'ppo'; its sections are coma"),
        ({"algo": "qmix", "q": {"epsilon": 0.1}}, "unknown configuration key q.epsilon"),
    ],
)
def test_options_of_one_algorithm_given_to_another(sections, message):
    with pytest.raises(InvalidValueError, match=message):
        tiny_config(**sections)


@pytest.mark.parametrize(
    ("task", "sections", "error", "message"),
    [
        (
            "continuous_toys:Reach",
            {"algo": "qmix"},
            InvalidValueError,
            "use learner ppo",
        ),
        (
            "grid/unlock",
            {"algo": "ippo", "learner": "q", "q": {"mixer": "sun"}},
            InvalidValueError,
            "did you mean 'sum'",
        ),
        (
            "grid/unlock",
            {"algo": "vdn", "q": {"replay": 10**7}},
            InvalidValueError,
            "MiB are free; lower replay",
        ),
        ("toy_envs:stateless", {"algo": "qmix"}, UnsupportedEnvironmentError, "has no state"),
        ("continuous_toys:Reach", {"algo": "coma"}, InvalidValueError, "use learner ppo"),
        ("toy_envs:stateless", {"algo": "happo"}, UnsupportedEnvironmentError, "has no state"),
        ("toy_envs:stateless", {"algo": "coma"}, UnsupportedEnvironmentError, "has no state"),
        ("toy_envs:stateless", {"algo": "maser"}, UnsupportedEnvironmentError, "has no state"),
        ("toy_envs:stateless", {"algo": "mappo"}, UnsupportedEnvironmentError, "has no state"),
    ],
)
def test_what_only_the_environment_can_tell_is_met_before_a_run(task, sections, error, message):
    kwargs = {"horizon": 100_000} if task == "grid/unlock" else {}
    with pytest.raises(error, match=message):
        check_run(tiny_config(task, kwargs, **sections))
