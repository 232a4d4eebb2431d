"""Learned intrinsic rewards in runs: any algorithm takes them, runs resume number for number, scopes where asked."""

import pytest
from devices import TORCH
from learned_rewards import QUICK
from learner_helpers import algorithm_of, tiny_config
from resuming import PressCtrlC, assert_same_run, rows_of, seed_globals, sitting, whole_run

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scopes import scope_for
from isa_learners.runs.training import Training
from isa_wrappers.errors import InvalidValueError

SHOOTING = {"num_agents": 2, "horizon": 9}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "head"), [*((name, False) for name in QUICK), ("rnd", True)])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, name, head):
    more = {"algo": "ippo", "intrinsic": name, "steps": 150, "eval_interval": 36}
    config = tiny_config("grid/shooting", SHOOTING, **more, ppo={"bonus_head": head})
    whole = whole_run(tmp_path / "whole", config)
    assert len(rows_of(whole)) >= 3
    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)
    sitting(folder, PressCtrlC(5), resume=False)
    seed_globals(999)
    Training(folder, resume=True, tensorboard=False).run()
    assert_same_run(whole, folder)


@pytest.mark.parametrize(("algo", "learner"), [("mappo", "ppo"), ("qmix", "q")])
@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("device", TORCH)
def test_any_algorithm_takes_them(device, name, algo, learner):
    algorithm = algorithm_of(env="grid/shooting", env_kwargs=SHOOTING, algo=algo, intrinsic=name, device=device)
    before = {key: value.clone() for key, value in algorithm.phase.collector.env.reward.state_dict().items()}
    for _ in range(5):
        algorithm.iterate()
    after = algorithm.phase.collector.env.reward.state_dict()
    learned = [key for key in before if key.startswith("networks") and "target" not in key]
    assert learned
    assert all(bool((before[key] != after[key]).any()) for key in learned if "weight" in key)
    assert algorithm.config.learner == learner


def test_the_external_state_by_the_scope_of_the_run():
    scoped = {"laies": {"external": "scope"}, "scope": {"transitions": 600}}
    config = tiny_config("grid/shooting", SHOOTING, algo="ippo", intrinsic="laies", **scoped)
    assert {"scope", "credit"} <= set(config.sections)
    assert scope_for(config)[1] == 600, "it is estimated"
    told = tiny_config("grid/shooting", SHOOTING, algo="ippo", intrinsic="laies", true_scope=True, **scoped)
    algorithm = Algorithm(told, scope_for(told)[0])
    assert algorithm.phase.collector.env.reward.external == list(algorithm.credit.common_dims) == [4], "the bullets"
    algorithm.iterate()
    by_hand = tiny_config("grid/shooting", SHOOTING, algo="laies")
    assert not {"scope", "credit"} & set(by_hand.sections)
    assert scope_for(by_hand) == (None, 0)


def test_laies_is_ippo_with_that_reward():
    config = make_config("smax/3m", "paper", {"algo": "laies"})
    assert (config.intrinsic, config.learner) == ("laies", "ppo")
    assert config.laies.external == ("enemy_*.health", "enemy_*.x", "enemy_*.y")
    assert (config.laies.beta1, config.laies.beta2, config.laies.idi_clip) == (90.0, 0.0, 0.006)
    hard = make_config("smax/8m_vs_9m", "paper", {"algo": "laies"}).laies
    assert (hard.beta1, hard.beta2, hard.clip, hard.idi_clip) == (10.0, 20.0, 0.7, 0.002)
    assert make_config("smax/3m", "paper", {"algo": "laies", "learner": "q"}).learner == "q"
    with pytest.raises(InvalidValueError, match="intrinsic is 'laies' in algorithm 'laies', got 'rnd'"):
        make_config("smax/3m", "paper", {"algo": "laies", "intrinsic": "rnd"})
