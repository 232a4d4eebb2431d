"""A scope from recorded play, and refusals of what says nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import scope_breakers
import scope_tasks

from isa_wrappers import ESTIMATORS, Episode, ScopeConfig, episodes_of, estimate_scope_from
from isa_wrappers.errors import InvalidValueError, NonFiniteError, RecordedDataError
from isa_wrappers.scope.episodes import episode_from, transitions_of
from isa_wrappers.scope.transitions import collect_all_at_once


def played(policy=None, episodes=60, length=25, agents=2, seed=0, masks=None):
    """Agents that push their own lever (1) or a common one (2), or wait; ``policy(state, draw)`` says what they do."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(episodes):
        state = np.concatenate([rng.integers(0, 4, agents), [0]]).astype(float)
        states, actions, available = [state], [], []
        for _ in range(length):
            draw = rng.integers(0, 3, agents)
            mask = np.ones((agents, 3), dtype=bool) if masks is None else masks(state)
            action = draw if policy is None else policy(state, draw, rng)
            action = np.where(mask[np.arange(agents), action], action, 0)
            state = state + np.concatenate([action == 1, [(action == 2).sum()]])
            states.append(state)
            actions.append(action)
            available.append(mask)
        found.append(Episode(states, actions, None if masks is None else available))
    return found


TRUTH = {"agent_0": [[], [0], [2]], "agent_1": [[], [1], [2]]}


def test_random_play_gives_the_scope():
    scope = estimate_scope_from(played(), state_names=("x", "y", "door"), action_names=("wait", "push", "pull"))
    assert scope.action_dims == TRUTH
    assert (scope.delta, scope.figure) == (0.1, "interval effect")
    assert scope.settings["env_steps"] == scope.settings["transitions"] == 1_500
    assert scope.dim_name(2) == "door"
    named = estimate_scope_from(played(), ScopeConfig(delta=0.9999), agents=["a", "b"])
    assert (named.agents, named.delta) == (("a", "b"), 0.9999)


@pytest.mark.slow
def test_it_is_the_scope_that_listening_gives():
    task, estimator = scope_tasks.Many(), ESTIMATORS["interval_effect"]
    config = estimator.settled(ScopeConfig(2_000))
    (part,) = collect_all_at_once(task, config, 0)
    heard = estimator.estimate([part], config, 9)
    episodes = []
    for stream in range(part.actions.shape[1]):
        for number in np.unique(part.episode[:, stream]):
            rows = part.episode[:, stream] == number
            states = np.concatenate([part.states[rows, stream], part.next_states[rows, stream][-1:]])
            episodes.append(Episode(states, part.actions[rows, stream], part.available[rows, stream]))
    scope = estimate_scope_from(episodes)
    assert scope.settings["transitions"] == 2_000
    np.testing.assert_array_equal(scope.action_mask, heard > 0.1)


def test_long_arrays_are_cut():
    parts = played(episodes=30)
    actions = np.concatenate([part.actions for part in parts])
    ends = np.concatenate([np.arange(25) == 24 for _ in parts])
    whole = episodes_of(np.concatenate([part.states for part in parts]), actions, ends)
    assert [len(part.actions) for part in whole] == [25] * 30
    np.testing.assert_array_equal(whole[7].states, parts[7].states)
    bare = episodes_of(np.concatenate([part.states[:-1] for part in parts]), actions, ends)
    assert [len(part.actions) for part in bare] == [24] * 30, "what the last step led to is not there"
    np.testing.assert_array_equal(bare[7].states, parts[7].states[:-1])
    open_end = episodes_of(np.zeros((7, 1)), np.zeros((5, 1)), [False, True, False, False, False])
    assert [len(part.actions) for part in open_end] == [2, 3]


def rounded(kind):
    """A lever, and a place that stands still but for the last digit of float32, which goes with the lever's moves."""
    rng, found = np.random.default_rng(0), []
    place = np.float32(0.7)
    for _ in range(60):
        actions = rng.integers(2, size=(40, 1))
        moves = np.concatenate([[[0]], actions])
        places = np.where(moves, np.nextafter(place, np.float32(1)), place)
        found.append(Episode(np.concatenate([np.cumsum(moves, axis=0), places], axis=1).astype(kind), actions))
    return found


@pytest.mark.parametrize("how", ["episodes", "mappings", "cut", "minari", "mixed"])
def test_rounding_of_what_was_recorded_in_float32_is_put_down_to_nobody(how):
    parts = rounded(np.float32)
    states, actions = (np.concatenate([getattr(part, name) for part in parts]) for name in ("states", "actions"))
    recorded = {
        "episodes": parts,
        "mappings": [{"states": part.states, "actions": part.actions} for part in parts],
        "cut": episodes_of(states, actions, np.tile(np.arange(40) == 39, 60)),
        "minari": SimpleNamespace(iterate_episodes=lambda: iter([minari(part, state=part.states) for part in parts])),
        "mixed": [*parts[:30], *rounded(np.float64)[30:]],
    }
    assert estimate_scope_from(recorded[how]).agent_dims == [[0]]
    assert estimate_scope_from(rounded(np.float64)).agent_dims == [[0, 1]], "float64 would tell so little apart"


def test_states_stay_as_they_were_recorded():
    kinds = [np.float16, np.float32, np.float64, np.int64]
    parts = [Episode(np.zeros((2, 1), kind), [[0]]) for kind in kinds]
    assert [part.states.dtype for part in parts] == [np.float32, np.float32, np.float64, np.float64]
    assert transitions_of(parts[2:]).states.dtype == np.float64


def minari(part, **infos):
    over = np.arange(len(part.actions)) == len(part.actions) - 1
    return SimpleNamespace(
        id=0, observations=part.states, actions=part.actions, rewards=over * 1.0, terminations=over & False,
        truncations=over, infos=infos,
    )  # fmt: skip


def test_episodes_in_minaris_form():
    parts = played()
    data = SimpleNamespace(iterate_episodes=lambda: iter([minari(part) for part in parts]))
    assert estimate_scope_from(data).action_dims == TRUTH
    told = minari(parts[0], state=parts[0].states * 2, action_mask=np.ones((26, 2, 3)))
    assert episode_from(told).states[0, 0] == 2 * parts[0].states[0, 0]
    assert episode_from(told).available.shape == (25, 2, 3)
    held = minari(parts[0])
    held.observations = {"state": parts[0].states}
    np.testing.assert_array_equal(episode_from(held).states, parts[0].states)
    held.observations = {"image": parts[0].states}
    with pytest.raises(InvalidValueError, match="contain 'state', got \\['image'\\]"):
        episode_from(held)
    glued = minari(parts[0])
    glued.terminations = np.arange(25) == 9
    with pytest.raises(InvalidValueError, match="continues after its end at step 9"):
        episode_from(glued)
    plain = {"states": parts[0].states, "actions": parts[0].actions}
    np.testing.assert_array_equal(episode_from(plain).actions, parts[0].actions)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Episode(np.zeros((3, 1)), np.zeros((3, 1))), "3 steps must have 4 states.* several episodes"),
        (lambda: Episode(np.zeros(3), np.zeros((3, 1))), r"states \[T \+ 1, K\] and actions \[T, A\]"),
        (lambda: Episode(np.zeros((1, 1)), np.zeros((0, 1))), r"got \[1, 1\] and \[0, 1\]"),
        (lambda: Episode(np.zeros((3, 1)), [[0.5], [1]]), "integers from 0"),
        (lambda: Episode(np.zeros((3, 1)), [[-2], [1]]), "integers from 0"),
        (lambda: Episode(np.zeros((3, 1)), [[0], [2]], np.ones((2, 1, 2))), r"available must be \[T, A, n\]"),
        (lambda: Episode(np.zeros((3, 1)), [[0], [1]], [[[1, 1]], [[1, 0]]]), "agent 0 took action 1 at step 1"),
        (lambda: episodes_of(np.zeros((6, 1)), np.zeros((5, 1)), [False, True, False, False, True]), "5 or 7 rows"),
        (lambda: episodes_of(np.zeros((5, 1)), np.zeros((5, 1)), [False, True]), "ends of 5 .* have 5 rows"),
        (lambda: episodes_of(np.zeros((5, 1)), np.zeros((5, 1)), [False] * 5, np.ones((4, 1, 2))), "available of 5"),
        (lambda: estimate_scope_from([]), "at least one episode"),
        (lambda: estimate_scope_from("data"), "list of episodes, got str"),
        (lambda: estimate_scope_from([3]), "Minari's EpisodeData, got int"),
        (lambda: estimate_scope_from([{"states": []}]), "needs 'actions'"),
        (lambda: estimate_scope_from(played(), agents=["a"]), r"agents must contain 2 names, got \['a'\]"),
        (lambda: estimate_scope_from(played(), ScopeConfig(estimator="nmi_block")), "all agents act at once"),
        (lambda: estimate_scope_from([Episode(np.zeros((3, 1)), [[0], [2]])]), "at least 6 recorded steps"),
        (lambda: transitions_of([Episode(np.zeros((2, size)), [[0]]) for size in (1, 2)]), "same dimensions"),
    ],
)  # fmt: skip
def test_data_that_make_no_sense(make, message):
    with pytest.raises(InvalidValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_states_that_are_not_finite():
    with pytest.raises(NonFiniteError, match="first at step 1"):
        Episode([[0.0], [np.nan], [0.0]], [[0], [1]])


def by_state(state, draw, rng):
    """Pushes where the lever is low: a policy."""
    return np.where(state[:2] < 3, 1, 2)


def often_by_state(state, draw, rng):
    return np.where(rng.random(2) < 0.7, by_state(state, draw, rng), draw)


def one_action(state, draw, rng):
    return np.ones(2, dtype=int)


def together(state, draw, rng):
    return draw[[0, 0]]


def blocked(state, draw, rng):
    """The common lever is to be had below 5 alone, which no mask tells."""
    return np.where((draw == 2) & (state[2] >= 5), rng.integers(0, 2, 2), draw)


def lopsided(state, draw, rng):
    return np.where(rng.random(2) < 0.8, 0, draw)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (by_state, "'agent_0' depend on dimension 0 of the state"),
        (often_by_state, "'agent_0' depend on dimension . of the state"),
        (one_action, "'agent_0' took action 1 whenever it had a choice"),
        (together, "'agent_0' are associated with those of 'agent_1'"),
        (blocked, r"'agent_0' never took action 2 where dimension 2 is .*pass the masks"),
        (lopsided, r"'agent_0' took action 0 \d+ and action \d \d+ times, but fair draws give 500 and 500"),
    ],
)
def test_actions_that_were_no_fair_draws_are_refused(policy, message):
    with pytest.raises(RecordedDataError, match=message) as caught:
        estimate_scope_from(played(policy))
    assert "\n" not in str(caught.value)
    assert estimate_scope_from(played(policy), trust=True).num_agents == 2


def test_masks_make_draws_fair():
    def masks(state):
        return np.array([[True, True, state[2] < 5]] * 2)

    def choose(state, draw, rng):
        return np.where(masks(state)[0][draw], draw, rng.integers(0, 2, 2))

    assert estimate_scope_from(played(choose, masks=masks)).action_dims == TRUTH


def test_who_did_not_act_does_not_count():
    parts = played()
    for part in parts:
        part.actions[13:, 1] = -1  # and the lever still moves in what was recorded
    scope = estimate_scope_from(parts)
    assert scope.evidence.taken.sum(axis=1).tolist() == [1_500, 780]
    assert scope.action_dims == TRUTH


def test_never_a_choice():
    parts = [
        Episode(part.states, np.zeros_like(part.actions), np.eye(3, dtype=bool)[part.actions * 0]) for part in played()
    ]
    with pytest.raises(RecordedDataError, match="never had a choice"):
        estimate_scope_from(parts)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_random_play_is_hardly_ever_refused(seed):
    for env in (scope_tasks.Faint(), scope_breakers.Nothing(), scope_tasks.Team(team=7)):
        (part,) = collect_all_at_once(env, ESTIMATORS["interval_effect"].settled(ScopeConfig(600)), seed)
        streams = [
            Episode(
                np.concatenate([part.states[:, b], part.next_states[-1:, b]]), part.actions[:, b], part.available[:, b]
            )
            for b in range(part.actions.shape[1])
        ]
        from isa_wrappers.scope.fairness import check_fair

        check_fair(transitions_of(streams), env.agents)
