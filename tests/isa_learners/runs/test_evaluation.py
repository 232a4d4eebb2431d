"""Greedy evaluation, against episodes played by hand."""

import random

import numpy as np
import pytest
import torch
from learner_helpers import tiny_config
from scripted_env import ScriptedEnv

from isa_learners.checkpoint import global_generators, set_global_generators
from isa_learners.config import RunConfig
from isa_learners.ppo import PPOConfig, PPOLearner
from isa_learners.ppo.networks import RecurrentNet
from isa_learners.rollout import Sizes
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import Evaluation, evaluate
from isa_learners.runs.progress import Progress
from isa_wrappers.envs import make_batch
from isa_wrappers.wrappers.batch import EpisodeStatistics


class Favourite(RecurrentNet):
    """Prefers actions in a fixed order whatever it sees; remembers its inputs and hidden states."""

    def __init__(self, size, order, seen):
        super().__init__(size, 4, len(order))
        self.preference = torch.tensor([float(-order.index(a)) for a in range(len(order))])
        self.seen = seen

    def forward(self, inputs, hidden):
        self.seen.append((inputs.clone(), hidden.clone()))
        return self.preference.repeat(len(inputs), 1), hidden + 1.0


def favouring(env, order, seen=None):
    """A learner whose actor is a Favourite."""
    learner = PPOLearner(Sizes.of(env), PPOConfig(num_envs=env.num_envs, hidden=4), "cpu", 0)
    learner.ppo.actor = Favourite(learner.encoder.size, order, [] if seen is None else seen)
    return learner


@pytest.mark.slow
def test_every_copy_counts_its_first_episode_alone():
    """Copy 0 wins after 2 steps, copy 1 is cut off after 4, copy 2 after 3; rewards are the number of the step."""
    ends = [["", "", ""], ["terminated", "", ""], ["", "", "truncated"], ["terminated", "truncated", "terminated"]]
    env = ScriptedEnv(ends)
    found = evaluate(env, favouring(env, [0, 1, 2]), seed=0)
    assert found.success_rate == pytest.approx(1 / 3)
    assert found.return_mean == pytest.approx(((1 + 2) + (1 + 2 + 3 + 4) + (1 + 2 + 3)) / 3)
    assert found.episode_length == pytest.approx((2 + 4 + 3) / 3)
    assert found.episodes == 3
    assert env.time == 4, "it stops when the last episode ends"


ENDS_OF_FOUR = [["", "", "", ""], ["terminated", "lost", "", ""], ["", "truncated", "lost", "truncated"]]


def test_episodes_lost_with_their_game_enter_no_mean():
    """Copies 1 and 2 lose their first episodes; copy 1 has another one, which an evaluation does not wait for."""
    env = ScriptedEnv(ENDS_OF_FOUR)
    found = evaluate(env, favouring(env, [0, 1, 2]), seed=0)
    assert found == Evaluation(0.5, ((1 + 2) + (1 + 2 + 3)) / 2, (2 + 3) / 2, 2)
    gone = ScriptedEnv([["lost", "lost"]])
    found = evaluate(gone, favouring(gone, [0, 1, 2]), seed=0)
    assert found.episodes == 0
    assert np.isnan([found.success_rate, found.return_mean, found.episode_length]).all()


@pytest.mark.parametrize("episodes", [10, 70])
def test_nine_of_ten_is_0_9_and_counts_as_solved(episodes):
    won = ["terminated"] * (9 * episodes // 10) + ["truncated"] * (episodes // 10)
    env, progress = ScriptedEnv([won]), Progress()
    found = evaluate(env, favouring(env, [0, 1, 2]), seed=0)
    assert (found.success_rate, found.return_mean, found.episodes) == (0.9, 1.0, episodes)
    for at in range(3):
        progress.evaluated(found.success_rate, {"env_steps": at})
    assert progress.solved == {"env_steps": 0}


def test_an_evaluation_that_was_lost_ends_no_streak():
    progress = Progress()
    for at, rate in enumerate((1.0, float("nan"), 0.95, float("nan"), 1.0)):
        progress.evaluated(rate, {"env_steps": at})
    assert (progress.streak, progress.solved) == (3, {"env_steps": 0})


def test_the_recorder_counts_lost_episodes_apart():
    recorder = EpisodeStatistics(ScriptedEnv(ENDS_OF_FOUR))
    recorder.reset()
    for _ in ENDS_OF_FOUR:
        recorder.step(torch.zeros(4, 2, dtype=torch.int64))
    told = recorder.take()
    assert (told.pop("discarded"), told.pop("episodes")) == (2, 3)
    of = {"success_rate": [1, 0, 0], "return_mean": [1 + 2, 3, 1 + 2 + 3], "episode_length": [2, 1, 3]}
    assert told == pytest.approx({name: sum(values) / 3 for name, values in of.items()})


def test_actions_are_the_best_available_and_the_policy_is_told_them():
    ends = [[""] * 4] * 5 + [["truncated"] * 4]
    env, seen = ScriptedEnv(ends, seed=3), []
    evaluate(env, favouring(env, [2, 1, 0], seen), seed=0)
    previous, lived = torch.zeros(4, 2, 3), torch.zeros(8)
    for t, (inputs, hidden) in enumerate(seen):
        inputs = inputs.view(4, 2, -1)
        assert torch.equal(inputs[..., 2:5], previous)
        assert torch.equal(hidden, lived[:, None].expand_as(hidden)), "the state of the dead stands still"
        lived = lived + env.alive[t].flatten().float()
        best = torch.where(env.masks[t], torch.tensor([0.0, 1.0, 2.0]), torch.tensor(-1.0)).argmax(-1)
        assert torch.equal(env.actions[t], best)
        acted = env.alive[t][..., None]
        previous = torch.where(acted, torch.nn.functional.one_hot(best, 3).float(), previous)


def test_watch_sees_the_first_and_every_later_step():
    env, steps = ScriptedEnv([[""], [""], ["truncated"]]), []
    evaluate(env, favouring(env, [0, 1, 2]), seed=0, watch=steps.append)
    assert [float(step.reward[0, 0]) for step in steps] == [0.0, 1.0, 2.0, 3.0]
    assert bool(steps[-1].done[0])


@pytest.mark.parametrize(
    ("action", "expected"),
    [(2, Evaluation(1.0, 1.0, 1.0, 5)), (1, Evaluation(0.0, 0.0, 6.0, 5))],
    ids=["up to the lock", "down"],
)
def test_a_real_task(action, expected):
    env = make_batch("grid/unlock", 5, "cpu", num_agents=1, grid=3, targets=[[0, 1]], horizon=6)
    order = [action, *[a for a in range(5) if a != action]]
    order[1:] = sorted(order[1:])  # stay comes second
    assert evaluate(env, favouring(env, order), seed=0) == expected


class Unending(ScriptedEnv):
    """Copy 0 is won in its second step, copy 1 goes on for ever."""

    def __init__(self, horizon=0):
        super().__init__([["", ""], ["terminated", ""], *[["", ""]] * 60])
        self.horizon = horizon


@pytest.mark.parametrize(
    ("env", "limit", "says"),
    [
        (Unending(), 7, "1 of 2 evaluation episodes had not ended after eval_limit, 7 steps"),
        (Unending(horizon=7), 50, "1 of 2 evaluation episodes had not ended after its horizon of 7 steps"),
    ],
)
def test_an_episode_without_end_is_cut_off_with_a_word(env, limit, says):
    with pytest.warns(UserWarning, match=says) as heard:
        found = evaluate(env, favouring(env, [0, 1, 2]), seed=0, limit=limit)
    assert len(heard) == 1
    assert env.time == 7
    assert (found.success_rate, found.episode_length, found.episodes) == (0.5, (2 + 7) / 2, 2)


def test_the_limit_is_configured():
    algorithm = Algorithm(tiny_config("border_toys:Endless", {}, algo="ippo", eval_limit=9), None)
    with pytest.warns(UserWarning, match="eval_limit, 9 steps"):
        assert algorithm.evaluate(2, seed=0).episode_length == 9
    assert RunConfig("grid/unlock").eval_limit == 1_000


def drawn():
    """What the global generators would draw next."""
    before = global_generators()
    found = (np.random.random(), random.random(), float(torch.rand(1)))
    set_global_generators(before)
    return found


def test_global_generators_are_left_as_they_were():
    """The environment draws from all of them, when it is made too."""
    algorithm = Algorithm(tiny_config("border_toys:Gambling", {}, algo="ippo"), None)
    before = drawn()
    algorithm.evaluate(2, seed=0)
    assert drawn() == before


@pytest.mark.slow
def test_how_often_is_evaluated_changes_no_weights():
    weights = []
    for evaluations in (0, 3):
        torch.manual_seed(0), np.random.seed(0), random.seed(0)
        algorithm = Algorithm(tiny_config("border_toys:Gambling", {}, algo="ippo"), None)
        for number in range(3):
            algorithm.iterate()
            if number < evaluations:
                algorithm.evaluate(2, seed=number)
        weights.append(algorithm.phase.learner.ppo.actor.head.weight)
    assert torch.equal(*weights)
