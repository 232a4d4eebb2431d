"""The report on an environment: each thing that it looks at, good and bad."""

import warnings

import numpy as np
import pytest
from border_toys import Endless, Lingering, masked, seen
from check_toys import (
    Broken,
    Drawing,
    Flagged,
    Growing,
    Idle,
    Leaving,
    Mapped,
    Mute,
    NeverClosed,
    Numbered,
    Raising,
    Seedless,
    Silent,
    Still,
    Strewn,
    Tiny,
    Unwritten,
)
from continuous_toys import Mixed, SynthC
from gymnasium import spaces
from parallel_toys import WalkEnv
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers import check_env
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import InvalidValueError


def verdicts(report):
    return {finding.about: finding.verdict for finding in report.findings}


def only(report, about):
    found = [finding for finding in report.findings if finding.about == about]
    assert len(found) == 1, str(report)
    return found[0]


@pytest.mark.slow
def test_a_good_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check_env(lambda: make_parallel("grid/shooting"), episodes=2)
    assert not report.refused
    assert not report.warned
    assert "common dimensions: at least bullets" in str(report), "its look is short"
    assert list(verdicts(report)) == [
        "interface", "state", "factory", "seeds", "episodes", "success", "masks", "influence",
    ]  # fmt: skip


def test_an_environment_itself_will_do():
    report = check_env(WalkEnv(), episodes=1)
    assert "factory" not in verdicts(report)
    assert not report.refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "about", "verdict", "says"),
    [
        (Drawing, "seeds", "warning", "the same seed and actions gave two different episodes"),
        (Mapped, "codes", "warning", "18 of 18 dimensions are 0 or 1"),
        (Still, "dimensions", "warning", "the state never changed"),
        (Tiny, "units", "note", "dimension 0, dimension 1 change by less than half of scope.bin_width, 0.01"),
        (Idle, "influence", "warning", "walker_1 had no significant influence"),
        (
            Silent,
            "signals",
            "warning",
            "step() returned no reward of walker_1, no terminations of walker_0, no terminations of walker_1 and more",
        ),
        (Mute, "success", "warning", "no info contains the key 'success'"),
        (Endless, "episodes", "warning", "5 of 5 did not end within 1,000 steps"),
        (Lingering, "ends", "warning", "walker_0, walker_1 stay in env.agents"),
        (lambda: WalkEnv(stateless=True), "state", "refused", "has no state(); pass --state-fallback observations"),
        (Growing, "state", "refused", "has 3 numbers in step 1 but had 2 before; its length must not change"),
        (Broken, "state", "refused", "must be finite: dimension 1 is nan in step 2"),
        (
            lambda: Strewn(horizon=20),
            "units",
            "note",
            "most changes of dimension 2 get a bin of their own at width 0.01",
        ),
        (lambda: masked("walker_0", np.zeros(3)), "state", "refused", "forbids all of its 3 actions"),
        (lambda: seen("walker_1", np.zeros(1)), "state", "refused", "got 1 numbers instead of 2"),
        (lambda: seen("walker_1", np.array([0, np.nan])), "state", "refused", "must be finite"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(make, about, verdict, says):
    finding = only(check_env(make), about)
    assert finding.verdict == verdict
    assert says in finding.says
    assert finding.remedy
    assert "\n" not in str(finding)


def test_how_often_random_play_wins():
    never, always = (only(check_env(WalkEnv(), episodes=2, success=least), "success") for least in (9.0, 0.0))
    assert (never.verdict, never.says) == (
        "note",
        "none of 2 random episodes was won: random play wins rarely or never",
    )
    assert (always.verdict, always.says) == ("fine", "2 of 2 random episodes were won")


def test_masks_told_and_untold():
    told, untold = (only(check_env(WalkEnv(masks=masks), episodes=1), "masks") for masks in ("info", None))
    assert (told.verdict, told.says) == ("fine", "given for 2 of 2 agents, never empty")
    assert (untold.verdict, untold.says) == ("note", "none given: every action counts as available")


def test_dimensions_that_never_change_are_named():
    class Named(WalkEnv):
        state_names = ("left", "right", "wall")

        def state(self):
            return np.append(self.position, 7)

    finding = only(check_env(Named), "dimensions")
    assert (finding.says, finding.remedy) == ("wall never changed", "leave out constant dimensions")


def test_actions_of_kinds_that_are_not_supported():
    class Pushing(WalkEnv):
        def action_space(self, agent):
            return spaces.Tuple([spaces.Box(-1, 1, (2,))])

    report = check_env(Pushing)
    assert verdicts(report) == {"interface": "refused"}
    assert "supported: Discrete(n)" in report.findings[0].says


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (SynthC, "2 agents with actions of 4 continuous numbers, observations of 8 numbers"),
        (Mixed, "4 agents with 3 actions or actions of 1 continuous number or actions of 2 choices, observations of"),
    ],
)
def test_actions_of_more_than_a_number_are_fine(make, says):
    report = check_env(make)
    assert not report.refused
    assert only(report, "interface").verdict == "fine"
    assert only(report, "interface").says.startswith(says)
    assert only(report, "influence").verdict == "fine"


@pytest.mark.parametrize("wrap", [lambda env: env, BaseParallelWrapper])
def test_a_factory_of_one_object(wrap):
    shared = WalkEnv()
    assert only(check_env(lambda: wrap(shared)), "factory").verdict == "refused"


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("reset", "KeyError at check_toys.py:{} in reset: 'level'"),
        ("step", "ValueError at check_toys.py:{} in step: need at least one array to stack"),
    ],
)
def test_what_an_environment_raises_is_told_with_its_place(where, says):
    report = check_env(lambda: Raising(where))
    assert verdicts(report) == {"interface": "fine", "state": "refused"}
    line = {"reset": Raising.reset, "step": Raising.step}[where].__code__.co_firstlineno + 2
    assert only(report, "state").says == says.format(line)


@pytest.mark.parametrize(
    ("make", "about", "says"),
    [
        (Flagged, "state", "returned terminations of agent 'walker_0' that are not True or False: "),
        (Unwritten, "state", "step() is not implemented, but PettingZoo requires it"),
        (Leaving, "state", "SystemExit at check_toys.py:"),
        (Numbered, "interface", "not a gymnasium space: 4; use gymnasium.spaces.Discrete(n)"),
        (Seedless, "state", "does not accept seed; define reset(self, seed=None, options=None)"),
        (lambda: WalkEnv(horizon=-4), "influence", "horizon must be an integer at least 0, got -4"),
    ],
)
def test_what_cannot_be_taken_is_said_plainly(make, about, says):
    finding = only(check_env(make), about)
    assert finding.verdict == "refused"
    assert says in finding.says


def test_what_a_factory_raises_is_told_and_our_own_faults_are_raised(monkeypatch):
    def absent():
        raise RuntimeError("the game is not\n installed")

    (finding,) = check_env(absent).findings
    assert finding.says.startswith("RuntimeError at test_check.py:")
    assert finding.says.endswith("in absent: the game is not installed")
    monkeypatch.setattr("isa_wrappers.envs.check.random_episode", lambda *_: None)
    with pytest.raises(AttributeError):
        check_env(WalkEnv)
    monkeypatch.setattr("isa_wrappers.envs.check.np", None)
    with pytest.raises(AttributeError):
        check_env(WalkEnv)


@pytest.mark.slow
def test_what_was_made_is_closed():
    closed = []

    class Closing(WalkEnv):
        def close(self):
            closed.append(self)

    check_env(Closing, episodes=1)
    assert len(closed) == len(set(map(id, closed))) == 2
    closed.clear()
    check_env(Closing(), episodes=1)
    assert not closed, "what was brought along stays open"


def test_a_horizon_that_is_not_kept():
    class Hasty(WalkEnv):
        @property
        def horizon(self):
            return 8 if self.time_matters else 3

        @horizon.setter
        def horizon(self, value):
            self.time_matters = False

        def step(self, actions):
            self.time_matters = True
            said = super().step(actions)
            self.time_matters = False
            return said

    finding = only(check_env(Hasty), "episodes")
    assert (finding.verdict, finding.says) == ("warning", "one took 8 steps, but horizon is 3")


def test_an_environment_without_close_is_looked_at_all_the_same():
    assert check_env(NeverClosed, episodes=1).findings


@pytest.mark.parametrize(("name", "value"), [("episodes", 0), ("episodes", True), ("episodes", 2.0), ("seed", -1)])
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(InvalidValueError, match=f"{name} must be an integer at least [01], got {value}"):
        check_env(WalkEnv, **{name: value})
