"""A won and a lost episode: what is shown is what was played, and the run stays as it was."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from learner_helpers import tiny_config
from policy_helpers import drawn_algorithm

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.report import replay
from isa_learners.runs.report.replay import replays
from isa_learners.runs.scopes import needs_estimate, scope_for
from isa_wrappers.rewards import REWARDS

GRID = "grid/unlock", {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}
WIDE = {"num_agents": 2, "grid": 4, "targets": [[0, 2], [3, 0]], "horizon": 7}


def going(action, **options):
    """An algorithm whose policy does one thing; the lock is a cell above."""
    algorithm = drawn_algorithm(env=GRID, **options)
    actor = algorithm.phase.learner.ppo.actor
    with torch.no_grad():
        actor.head.weight.zero_()
        actor.head.bias.copy_(torch.eye(5)[action] * 9)
    return algorithm


@pytest.mark.parametrize(("action", "won", "steps"), [(2, True, 1), (0, False, 6)], ids=["up to the lock", "staying"])
@pytest.mark.parametrize("algo", ["isa", "ippo"])
def test_an_episode_is_told_step_by_step(action, won, steps, algo):
    (told,) = replays(going(action, algo=algo))
    assert told["won"] is won
    assert len(told["steps"]) == len(told["frames"]) == steps + 1, "with the start"
    assert told["stride"] == 1
    assert told["steps"][0] == {"state": [0.0, 0.0, 0.0, 1.0]}
    assert told["steps"][-1]["state"] == [0.0, 1.0 if won else 0.0, 0.0, 1.0]
    assert told["steps"][-1]["parts"]["environment"] == [1.0 if won else 0.0]
    assert (told["goal"] is None) == (algo == "ippo")
    assert json.dumps(told, allow_nan=False)


def test_parts_are_those_of_the_reward():
    """Their sum is Eq. 7's intrinsic reward: going up ends at what the lock's state says of the goal's."""
    algorithm = going(2)
    (told,) = replays(algorithm)
    parts = told["steps"][1]["parts"]
    assert len(parts) > 1
    assert set(parts) > {"environment"}
    assert all(len(values) == 1 and np.isfinite(values).all() for values in parts.values())
    assert any(values != [0.0] for name, values in parts.items() if name != "environment"), "a goal came nearer"


def test_goals_and_generators_stay_as_they_were():
    algorithm = going(2)
    states, seed = algorithm.shared["goals"].states.clone(), torch.get_rng_state()
    one, other = replays(algorithm), replays(algorithm)
    assert torch.equal(states, algorithm.shared["goals"].states)
    assert torch.equal(seed, torch.get_rng_state())
    assert one == other


def test_goals_stay_as_they_were_after_an_error_too(monkeypatch):
    algorithm = going(2)

    def fail(picture):
        algorithm.shared["goals"].add(torch.ones(1, 4), torch.tensor([True]))
        raise OSError("no space")

    monkeypatch.setattr(replay, "_png", fail)
    states = algorithm.shared["goals"].states.clone()
    with pytest.raises(OSError, match="no space"):
        replays(algorithm)
    assert torch.equal(states, algorithm.shared["goals"].states)


def test_pictures_are_left_out_until_they_fit(monkeypatch):
    monkeypatch.setattr(replay, "MOST_FRAMES", 3)
    (told,) = replays(going(0))
    assert len(told["frames"]) == 2
    assert told["stride"] == 4
    picture = pytest.importorskip("PIL.Image").open(
        io.BytesIO(base64.b64decode(told["frames"][0].removeprefix("data:image/png;base64,")))
    )
    assert picture.size[0] > 30


def test_an_environment_that_draws_nothing_is_told_by_its_states():
    told = replays(drawn_algorithm())
    assert told
    assert all(one["frames"] == [] and len(one["steps"]) > 1 for one in told)


def restored(iterations, **options):
    """A run's algorithm as a report loads it from a checkpoint written after so many iterations."""
    config = tiny_config(**options)
    trained, algorithm = (Algorithm(config, scope_for(config)[0] if needs_estimate(config) else None) for _ in "ab")
    for _ in range(iterations):
        trained.iterate()
    algorithm.load_state_dict(*trained.state_dict(), policy_only=True)
    return algorithm


def test_bonuses_are_those_that_training_would_pay_next():
    """They fall with training's counts, and are told under the names that a film has for them."""
    seen = [restored(iterations, env_kwargs=WIDE) for iterations in (0, 3)]
    paid = [replays(algorithm)[0]["steps"][1]["parts"] for algorithm in seen]
    assert [set(parts) for parts in paid] == [{"environment", "bonus_c", "bonus_(i-c)"}] * 2
    assert 0.0 < max(paid[1]["bonus_(i-c)"]) < max(paid[0]["bonus_(i-c)"])


@pytest.mark.parametrize("intrinsic", [name for name in REWARDS if not REWARDS[name].needs_goal])
def test_a_replay_keeps_nothing_of_what_it_counts_and_learns(intrinsic):
    algorithm = restored(2, algo="ippo", intrinsic=intrinsic)
    saved = {name: value.clone() for name, value in algorithm.saved_env.items()}
    assert replays(algorithm) == replays(algorithm)
    assert all(torch.equal(value, saved[name]) for name, value in algorithm.saved_env.items())
