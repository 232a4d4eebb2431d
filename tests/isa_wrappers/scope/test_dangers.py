"""What is compared is a fair draw, read as it was taken, and held against all that the agent moves."""

import numpy as np
import pytest
from cli_helpers import isa
from scope_dangers import Delayed, Dial, Empty, Gust, Lever, Mine, Risk, SetAnew, Whole

from isa_wrappers import Episode, ScopeConfig, estimate_scope, estimate_scope_from
from isa_wrappers.errors import InvalidValueError, RecordedDataError
from isa_wrappers.scope.episodes import episodes_of
from isa_wrappers.scope.explain import explain_scope


@pytest.mark.parametrize("seed", range(2))
def test_noise_is_not_credited_to_what_ends_episodes(seed):
    scope = estimate_scope(Risk(), seed=seed)
    assert scope.agent_dims == [[0]]
    assert scope.action_dims["agent_0"][2] == [0]


def test_who_is_left_where_either_action_ends_as_many_episodes():
    assert estimate_scope(Gust(), ScopeConfig(4_000)).agent_dims == [[0]]
    assert estimate_scope(Mine(), ScopeConfig(2_000, window=2)).agent_dims == [[0, 1]], "few ends hide nothing"


def falls(rng):
    """Recorded play of such gusts; each fall ends an episode by itself."""
    actions, gusts = rng.integers(2, size=20_000), rng.choice([-1.0, 1.0], 20_000)
    over = ((gusts > 0) == (actions == 0)) & (rng.random(20_000) < 0.75)
    ends = over | (np.arange(20_000) == 19_999)
    moved, first = np.stack([actions, gusts], axis=1), np.flatnonzero(np.roll(ends, 1))
    parts = [np.concatenate([np.zeros((1, 2)), np.cumsum(part, axis=0)]) for part in np.split(moved, first[1:])]
    return np.concatenate(parts), actions, ends, over


def test_recorded_ends_of_an_episodes_own_may_be_told():
    states, actions, ends, over = falls(np.random.default_rng(0))
    told = episodes_of(states, actions, ends, terminated=over)
    assert estimate_scope_from(told).agent_dims == [[0]]
    as_mappings = [vars(part) for part in told]
    assert estimate_scope_from(as_mappings).agent_dims == [[0]]
    with pytest.raises(InvalidValueError, match="terminated of 20000 recorded steps must have 20000 rows, got 3"):
        episodes_of(states, actions, ends, terminated=over[:3])


def test_a_late_effect_is_a_share_of_all_that_the_agent_moves():
    assert estimate_scope(SetAnew()).agent_dims == [[0]]


def test_what_is_negligible_hides_nothing():
    scope = estimate_scope(Lever(), ScopeConfig(window=1))
    assert scope.agent_dims == [[0], [1]]
    assert scope.influence[0].max() == pytest.approx(1.0)


def test_a_given_delta_holds_for_longer_changes_too():
    for delta in (None, 0.3):
        scope = estimate_scope(Delayed(), ScopeConfig(delta=delta))
        assert scope.agent_dims == [[0, 1]], delta


def test_the_value_that_was_taken_is_credited():
    scope = estimate_scope(Dial(), ScopeConfig(3_000))
    assert scope.action_dims["agent_0"] == [[], [], [], [], [], [0], [], []]


def storm(seed, dims=60):
    """Six agents; in a storm, which shakes everything, all but one action is closed; one action is seldom open."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(40):
        shaken, masks = rng.random(50) < 0.3, np.ones((50, 6, 6), dtype=bool)
        masks[:, :, 5] = rng.random((50, 6)) < 0.05
        masks[shaken, :, 1:] = False
        actions = (masks * rng.random(masks.shape)).argmax(-1)
        changes = rng.normal(size=(50, dims)) * np.where(shaken, 3.0, 1.0)[:, None]
        found.append(Episode(np.concatenate([np.zeros((1, dims)), np.cumsum(changes, axis=0)]), actions, masks))
    return found


@pytest.mark.slow
def test_steps_without_a_choice_make_nothing_certain():
    for seed in range(6):
        scope = estimate_scope_from(storm(seed), ScopeConfig(window=1), trust=True)
        assert not scope.agent_mask.any()
        assert scope.evidence.log_p.min() == 0.0


def test_states_of_whole_numbers_and_of_none():
    assert estimate_scope(Whole(), ScopeConfig(1_000)).agent_dims == [[0]]
    with pytest.raises(InvalidValueError, match="the state must have at least one dimension, got none"):
        estimate_scope(Empty(), ScopeConfig(1_000))
    with pytest.raises(InvalidValueError, match="at least one dimension"):
        estimate_scope_from([Episode(np.zeros((9, 0)), np.arange(8) % 2)])


@pytest.mark.parametrize("scale", [1e-300, 1e-43, 1e160, 1e300])
def test_scales_at_the_ends_of_what_numbers_hold(scale):
    rng = np.random.default_rng(0)
    kind = np.float32 if scale == 1e-43 else np.float64
    played = []
    for _ in range(40):
        actions, noise = rng.integers(2, size=50), rng.integers(2, size=50)
        places = np.concatenate([[[0.0, 0.0]], np.cumsum(np.stack([actions, noise], axis=1), axis=0)])
        played.append(Episode((places * scale).astype(kind), actions))
    assert estimate_scope_from(played).agent_dims == [[0]]


def test_every_pair_of_a_large_team_is_looked_at():
    actions = np.random.default_rng(0).integers(2, size=(1_000, 22))
    actions[:, 21] = actions[:, 20]
    with pytest.raises(RecordedDataError, match="'agent_20' are associated with those of 'agent_21'"):
        estimate_scope_from([Episode(np.zeros((1_001, 1)), actions)])


def test_last_steps_that_are_dropped_must_be_like_the_others():
    rng = np.random.default_rng(0)
    actions = rng.integers(3, size=2_000)
    ends = (actions == 1) & (rng.random(2_000) < 0.5)
    with pytest.raises(
        InvalidValueError, match=r"episodes end more often with some actions of agent 0 .* \[N \+ E, K\]"
    ):
        episodes_of(np.zeros((2_000, 1)), actions, ends)
    assert episodes_of(np.zeros((2_000, 1)), actions, rng.random(2_000) < 0.1)
    stops = len(np.unique([*np.flatnonzero(ends), 1_999]))
    assert len(episodes_of(np.zeros((2_000 + stops, 1)), actions, ends[:, None])) == stops


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: episodes_of(np.zeros((4, 1)), [0, 1, 0], np.zeros((3, 2))), "ends must be .N., .* got .3, 2."),
        (lambda: episodes_of(np.zeros((4, 1)), [0, 1, 0], True), "ends must be .N., .* got .."),
        (
            lambda: estimate_scope_from([Episode(np.zeros((3, 1)), [0, 10**12])]),
            "actions must be numbers from 0 to 65535, got 1000000000000",
        ),
        (lambda: estimate_scope_from([Episode(np.zeros((9, 1)), np.arange(8) % 2)], agents=3), "agents must be a list"),
    ],
)
def test_recorded_play_that_cannot_be_read(call, says):
    with pytest.raises(InvalidValueError, match=says):
        call()


def test_seldom_is_what_was_taken_less_than_the_rest():
    """With a small delta, everything would be below what shows: that alone is not seldom."""
    scope = estimate_scope(Lever(), ScopeConfig(2_000, window=1, delta=0.01))
    assert explain_scope(scope).seldom == ()


@pytest.mark.slow
def test_names_that_no_file_can_hold_are_met_before_anything_is_estimated(capsys, tmp_path):
    assert isa("scope", "toy_envs:named_alike", "--out", tmp_path / "scope") == 2
    assert capsys.readouterr().err == "isa: agents 1 and '1' are indistinguishable in a file; rename one of them\n"
