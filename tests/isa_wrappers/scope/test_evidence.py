"""How sure figures are: checked, kept with the file, and counted from the tests that were made."""

import numpy as np
import pytest
import scope_tasks

from isa_wrappers import InfluenceScope, ScopeConfig, estimate_scope, load_scope, save_scope
from isa_wrappers.errors import FileFormatError, InvalidValueError
from isa_wrappers.scope import kuiper
from isa_wrappers.scope.evidence import Evidence
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT
from isa_wrappers.scope.transitions import Transitions


def evidence(agents=1, actions=2, size=3):
    return Evidence(-np.ones((agents, actions, size)), np.full((agents, actions), 50), np.full((agents, actions), 0.25))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((np.zeros((1, 2)), [[1, 2]], [[0.1, 0.1]]), r"log_p \[A, n, K\]"),
        ((np.zeros((1, 2, 3)), [[1]], [[0.1, 0.1]]), r"taken and least \[A, n\]"),
        ((np.full((1, 2, 3), 0.1), [[1, 2]], [[0.1, 0.1]]), "log_p at most 0"),
        ((np.full((1, 2, 3), np.nan), [[1, 2]], [[0.1, 0.1]]), "log_p"),
        ((np.zeros((1, 2, 3)), [[-1, 2]], [[0.1, 0.1]]), "taken at least 0"),
        ((np.zeros((1, 2, 3)), [[1, 2]], [[1.1, 0.1]]), "least in"),
    ],
)
def test_evidence_that_makes_no_sense(parts, message):
    with pytest.raises(InvalidValueError, match=message):
        Evidence(*parts)


def test_evidence_fits_its_scope():
    with pytest.raises(
        InvalidValueError, match=r"evidence must have the shape of influence, \[1, 2, 3\], got \[1, 2, 4\]"
    ):
        InfluenceScope(("a",), np.zeros((1, 2, 3)), 0.1, (2,), evidence=evidence(size=4))
    with pytest.raises(InvalidValueError, match="evidence"):
        InfluenceScope(("a",), np.zeros((1, 2, 3)), 0.1, (2,), evidence=np.zeros((1, 2, 3)))


def test_it_is_kept_with_the_file(tmp_path):
    scope = InfluenceScope(("a",), np.full((1, 2, 3), 0.5), 0.1, (2,), evidence=evidence())
    save_scope(scope, tmp_path)
    loaded = load_scope(tmp_path).evidence
    for name in ("log_p", "taken", "least"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(scope.evidence, name))
    assert loaded.taken.dtype == np.int64
    save_scope(InfluenceScope(("a",), np.full((1, 2, 3), 0.5), 0.1, (2,)), tmp_path)
    assert load_scope(tmp_path).evidence is None


def test_a_file_with_half_of_it_is_refused(tmp_path, monkeypatch):
    from isa_wrappers.scope import files

    monkeypatch.setattr(files, "EVIDENCE", ("log_p", "taken"))
    save_scope(InfluenceScope(("a",), np.full((1, 2, 3), 0.5), 0.1, (2,), evidence=evidence()), tmp_path)
    monkeypatch.undo()
    with pytest.raises(FileFormatError, match="least"):
        load_scope(tmp_path)


def test_chances_are_those_of_the_tests_made():
    """One agent, one push, one dimension: Fisher's exact test, times all that is compared, half of the chance to it."""
    length = 120
    actions = (np.arange(length) % 2)[:, None, None]
    states = np.zeros((length, 1, 1), dtype=np.float32)
    ones = np.ones((length, 1, 1), dtype=bool)
    episode = np.zeros((length, 1), dtype=np.int64)
    part = Transitions(
        np.ones((1, 1), dtype=bool), actions, np.ones((length, 1, 1, 2), dtype=bool), states,
        states + actions.astype(np.float32), episode, np.full(actions.shape, -1), ones,
    )  # fmt: skip
    found = INTERVAL_EFFECT.measure([part], INTERVAL_EFFECT.settled(ScopeConfig(length, window=1)), 2)
    pairs = 1 * 1 * 2 * 1 / 2 * 3  # cells, pairs of two actions, the change and its rest by Kuiper, and Fisher's
    fisher = float(kuiper.fisher_log_p(60, 60, 0, 60, kuiper.log_factorials(length)))
    by_kuiper = float(kuiper.log_tail(kuiper.scale(np.float64(30.0))))
    assert found.evidence.log_p[0, 1, 0] == pytest.approx(min(fisher, by_kuiper) + np.log(pairs))
    assert found.evidence.log_p[0, 0, 0] == 0.0, "waiting moves nothing"
    assert found.evidence.taken.tolist() == [[60, 60]]
    least = kuiper.least_scaled(np.log(0.05 / 2 / pairs)) / kuiper.scale(np.float64(30.0))
    assert found.evidence.least[0] == pytest.approx(float(kuiper.unbiased(least, np.float64(30.0))))


@pytest.mark.slow
def test_what_is_in_a_scope_is_sure_and_what_is_not_is_not():
    scope = estimate_scope(scope_tasks.Many(), ScopeConfig(4_000))
    inside = scope.action_mask
    assert (scope.evidence.log_p[inside] < np.log(0.05)).all()
    assert (scope.evidence.log_p[scope.influence == 0.0] == 0.0).all()
    rare, often = scope.evidence.taken[:, 4], scope.evidence.taken[:, :4]
    assert (rare < often.min(axis=1) / 10).all()
    assert (scope.evidence.least[:, 4] > 2 * scope.evidence.least[:, :4].max(axis=1)).all()
