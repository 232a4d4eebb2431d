"""Which episode is filmed, and what is told of it."""

import numpy as np
import pytest
import torch
from learner_helpers import tiny_config

from isa_learners.runs import filming
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import EpisodeOutcomes
from isa_learners.runs.filming import Film, Shot, film_episode
from isa_learners.runs.phases import wrapped
from isa_learners.runs.scopes import scope_for
from isa_wrappers.border.layers import layers_of
from isa_wrappers.envs import make_batch
from isa_wrappers.wrappers.batch import RewardWrapper

KWARGS = {"num_agents": 2, "grid": 4, "targets": [[0, 2], [3, 0]], "horizon": 7}


def algorithm_of(phase="explore"):
    config = tiny_config(env_kwargs=KWARGS, goal={"alpha1": 0.5, "alpha2": 0.25})
    algorithm = Algorithm(config, scope_for(config)[0])
    if phase == "reach":
        goals = torch.tensor([[0.0, 2.0, 3.0, 0.0, 0.0, 2.0, 3.0, 0.0]])[:, : algorithm.phase.context.env.state_size]
        algorithm.shared["goals"].add(goals, torch.tensor([True]))
        algorithm.phase = algorithm.enter("reach")
    return algorithm


def played(algorithm, episodes=4, seed=3):
    outcomes = EpisodeOutcomes()
    found = algorithm.evaluate(episodes, seed, outcomes)
    assert outcomes.won.mean() == pytest.approx(found.success_rate)
    assert outcomes.steps.mean() == pytest.approx(found.episode_length)
    return outcomes


@pytest.mark.parametrize("phase", ["explore", "reach"])
def test_the_film_is_the_evaluation_s_episode_and_changes_nothing(phase, recwarn):
    algorithm = algorithm_of(phase)
    outcomes = played(algorithm)
    before = {name: value.clone() for name, value in algorithm.shared["goals"].state_dict().items()}
    film = film_episode(algorithm, outcomes, 3, 2)
    assert not recwarn.list
    assert [shot.step for shot in film.shots] == list(range(outcomes.steps[2] + 1))
    assert film.won is bool(outcomes.won[2])
    for name, value in algorithm.shared["goals"].state_dict().items():
        assert torch.equal(torch.as_tensor(value), torch.as_tensor(before[name])), name


def test_parts_add_up_to_eq_7():
    algorithm = algorithm_of("reach")
    film = film_episode(algorithm, played(algorithm), 3, 0)
    for shot in film.shots[1:]:
        assert set(shot.parts) == {"r_c", "r_(i-c)", "env"}
        total = shot.parts["r_c"] + 0.5 * shot.parts["r_(i-c)"] + 0.25 * shot.parts["env"]
        np.testing.assert_allclose(shot.total, total, atol=1e-6)
    assert film.shots[-1].returned == pytest.approx(sum(shot.parts["env"].mean() for shot in film.shots[1:]))


def test_bonuses_are_those_that_training_would_pay_next():
    trained, algorithm = algorithm_of(), algorithm_of()
    trained.iterate()
    tensors, meta = trained.state_dict()
    algorithm.load_state_dict(tensors, meta, policy_only=True)
    env = wrapped(algorithm.phase.context, algorithm.phase.spec, make_batch("grid/unlock", 2, "cpu", **KWARGS))
    filming.restore_rewards(env, algorithm.saved_env)
    counted = [next(layers_of(one, RewardWrapper)).reward.state_dict() for one in (env, trained.phase.collector.env)]
    for name in counted[1]:
        assert torch.equal(torch.as_tensor(counted[0][name]), torch.as_tensor(counted[1][name])), name
    film = film_episode(algorithm, played(algorithm), 3, 0)
    fresh = film_episode(algorithm_of(), played(algorithm_of()), 3, 0)
    assert film.shots[1].parts["bonus_(i-c)"].max() < fresh.shots[1].parts["bonus_(i-c)"].max()


def test_an_environment_that_does_not_repeat_itself_is_told_of():
    algorithm = algorithm_of()
    outcomes = played(algorithm)
    outcomes.steps[1] += 1
    with pytest.warns(UserWarning, match="does not repeat its episodes from a seed: episode 1 took 8 steps"):
        film_episode(algorithm, outcomes, 3, 1)


def test_a_long_film_keeps_its_first_and_last_shot(monkeypatch):
    monkeypatch.setattr(filming, "MOST_SHOTS", 10)
    film, picture = Film("task", "ippo", ("a",), 0), np.zeros((2, 2, 3), dtype=np.uint8)
    for step in range(46):
        film.add(Shot(step, picture), last=step == 45)
    assert film.stride == 8
    assert [shot.step for shot in film.shots] == [0, 8, 16, 24, 32, 40, 45]
