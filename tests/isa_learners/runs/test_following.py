"""A scope that follows a run: found while exploring, taken by rewards and by the next phase; what is refused."""

from dataclasses import replace

import pytest
import torch
from devices import TORCH
from following_runs import FAR, TASK, following_config
from learner_helpers import tiny_config

from isa_learners.algorithms import ALGORITHMS, AlgorithmSpec, PhaseSpec
from isa_learners.learner import LEARNERS, LearnerSpec
from isa_learners.ppo import PPOConfig
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.checks import check_run
from isa_learners.runs.config_io import make_config
from isa_learners.runs.following import FOLLOWING_COLUMNS, check_following
from isa_learners.runs.metrics import columns_of
from isa_learners.runs.scopes import scope_for
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.scope.files import save_scope
from isa_wrappers.wrappers import batch

X = [[0], [2]]
XY = [[0, 1], [2, 3]]
INTERVALS = {"transitions": 60, "estimator": "interval_effect"}


def algorithm_of(tmp_path, **sections):
    config = following_config(tmp_path / "scope", **sections)
    return Algorithm(config, scope_for(config)[0])


@pytest.mark.parametrize("device", TORCH)
def test_a_scope_grows_while_exploring_and_the_rewards_go_on_with_it(tmp_path, device):
    algorithm = algorithm_of(tmp_path, goal={"first_goals": 100}, device=device)
    counter = algorithm.phase.collector.env.reward.counter
    first, second = algorithm.iterate(), None
    assert algorithm.scope.special_dims == X
    assert first["probes"] > 250
    assert first["dims_added"] == 0
    while algorithm.env_steps < 1_200:
        second = algorithm.iterate()
    assert algorithm.scope.special_dims == XY
    assert algorithm.credit.special_dims == XY
    assert algorithm.phase.context.credit is algorithm.credit
    assert second["dims_added"] == 2
    assert algorithm.following.came == [640], "the first iteration beyond 600 steps"
    assert algorithm.scope.settings["env_steps"] == 640
    reward = algorithm.phase.collector.env.reward
    assert reward.counter is counter
    assert counter.segments == [[], *XY]
    assert reward.credit is algorithm.credit


def test_the_end_of_the_phase_is_a_look_and_the_next_phase_has_what_came_of_it(tmp_path):
    algorithm = algorithm_of(tmp_path, probes={"share": 0.5, "every": 10**9, "memory": 10_000})
    for _ in range(4):
        algorithm.iterate()
    assert algorithm.scope.special_dims == X
    algorithm.shared["goals"].add(torch.zeros(1, 8), torch.tensor([True]))
    algorithm.iterate()
    assert algorithm.phase.name == "reach"
    assert algorithm.scope.special_dims == XY
    sampling = algorithm.phase.collector.env.env
    assert sampling.projection.dims == XY
    assert algorithm.phase.collector.prober is None, "goals are reached without probes"
    probes = algorithm.following.probes.number
    assert algorithm.iterate()["probes"] == probes
    algorithm.close()


def test_evaluations_have_no_probes(tmp_path):
    """Greedy actions of one policy in copies of one state are all the same."""
    algorithm = algorithm_of(tmp_path, probes={"share": 1.0, "every": 600, "memory": 1_000})
    seen = []
    _, base = algorithm.evaluation_env(16)
    step = base.step
    base.step = lambda actions: (seen.append(actions.clone()), step(actions))[1]
    algorithm.evaluate(16, 0)
    assert all(bool((actions == actions[:1]).all()) for actions in seen)
    assert algorithm.following.probes.number == 0


def test_columns_are_those_of_a_run_that_follows(tmp_path):
    assert set(FOLLOWING_COLUMNS) <= set(columns_of(following_config(tmp_path / "scope")))
    assert not set(FOLLOWING_COLUMNS) & set(columns_of(tiny_config()))


def goals_from_the_start(context, env):
    return batch.GoalSampling(env, context.shared["goals"], context.credit)


@pytest.fixture
def others():
    """A learner that cannot mark probes, and an algorithm that shows goals to those who are probed."""
    ppo, isa = LEARNERS["ppo"], ALGORITHMS["isa"]
    LEARNERS.register("deaf", LearnerSpec("takes no probes", PPOConfig, ppo.metrics, ppo.make))
    phases = (PhaseSpec("show", goals_from_the_start, probes=True),)
    ALGORITHMS.register(
        "showing", AlgorithmSpec("", phases, needs_scope=True, sections=isa.sections, shared=isa.shared)
    )
    yield
    for registry, name in ((LEARNERS, "deaf"), (ALGORITHMS, "showing")):
        registry.unregister(name)


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"learner": "deaf"}, "learner 'deaf' cannot mark probes, but probes.share is 0.1; set it to 0, or use ppo"),
        ({"credit": {"rule": "whole_state"}}, "credit rule 'whole_state' does not use an estimated scope"),
        ({"scope": {"transitions": 60, "estimator": "nmi_block"}}, "got 'normalised mutual information'; set"),
        ({"algo": "showing"}, "a policy that sees them cannot follow it"),
        ({"probes": {"share": 2.0}}, "share must be a number in"),
        ({"probes": {"shares": 0.1}}, "did you mean 'probes.share'"),
    ],
)
def test_what_does_not_go_with_probes_is_refused(sections, message):
    whole = {"env_kwargs": FAR, "device": "cpu", "scope": INTERVALS, "probes": {"share": 0.1}, **sections}
    with pytest.raises(InvalidValueError, match=message):
        check_run(make_config(TASK, "paper", whole))


def test_actions_of_more_than_a_number_are_refused():
    config = tiny_config(scope=INTERVALS, probes={"share": 0.1})
    env = make_batch(config.env, 1, "cpu", **config.env_kwargs)
    check_following(config, env)
    env.action_code = object()
    with pytest.raises(InvalidValueError, match="probes need Discrete actions, but those of grid/unlock are of ano"):
        check_following(config, env)


def test_an_algorithm_without_an_exploring_phase_has_no_such_section():
    with pytest.raises(InvalidValueError, match="algorithm 'ippo' has no section 'probes'"):
        tiny_config(algo="ippo", probes={"share": 0.1})


def test_a_scope_of_another_figure_is_refused_before_and_when_training_begins(tmp_path):
    config = following_config(tmp_path / "scope")
    save_scope(replace(scope_for(config)[0], figure="certainty"), tmp_path / "scope")
    for begin in (check_run, lambda config: Algorithm(config, scope_for(config)[0])):
        with pytest.raises(InvalidValueError, match="must use interval effects, got 'certainty'"):
            begin(config)
    told = tiny_config(true_scope=True, scope=INTERVALS, probes={"share": 0.1})
    with pytest.raises(InvalidValueError, match="got 'what the rules say'"):
        check_run(told)


@pytest.mark.slow
def test_a_scope_that_grows_as_the_phase_ends_keeps_it_from_ending_where_goals_are_no_longer_ready(tmp_path):
    """Goals that could be stitched are to be stitched of the grown scope's places, which nobody has found yet."""
    probes = {"share": 0.5, "every": 10**9, "memory": 10_000}
    algorithm = algorithm_of(tmp_path, probes=probes, goal={"stitched": True})
    goals = algorithm.shared["goals"]
    goals._ready = True
    algorithm.iterate()
    assert algorithm.scope.special_dims == XY
    assert algorithm.phase.name == "explore"
    assert not goals.stitches
    algorithm.close()
