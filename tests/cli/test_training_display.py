"""What a terminal of 60 columns shows of a run, step by step."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from isa_cli.training_display import TrainingDisplay
from isa_learners.algorithms import PhaseSpec
from isa_wrappers import InfluenceScope

ROW = {"env_steps": 1_230_000, "phase": "explore", "success_rate": 0.25, "return_mean": -1234.5678}
ROW |= {"episode_length": 1000.0, "wall_time_s": 12_345.6, "steps_per_second": 98_765.0}


def training_of(goals=12, needed=64, episodes=16.0):
    phase = PhaseSpec("explore", progress=lambda context: ("goals", goals, needed))
    statistics = SimpleNamespace(so_far=lambda: {"episodes": episodes, "success_rate": 0.31})
    scope = InfluenceScope.from_dimensions({"a": [[], [0]], "b": [[], [0, 1]]}, state_size=3)
    algorithm = SimpleNamespace(
        scope=scope,
        phase=SimpleNamespace(spec=phase, name="explore", context=None, statistics=statistics),
        spec=SimpleNamespace(metrics={"goals": None}),
    )
    return SimpleNamespace(algorithm=algorithm, progress=SimpleNamespace(best=0.5, last={}))


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def display(tmp_path, screen, monkeypatch):
    terminal = {"file": screen, "force_terminal": True, "width": 60, "color_system": None}
    monkeypatch.setattr("isa_cli.training_display.Console", lambda **options: Console(**options, **terminal))
    return TrainingDisplay(tmp_path, 2_100_000)


def lines_of(display, screen):
    display._console.print(display._drawn())
    return screen.getvalue().splitlines()


def test_everything_is_whole_at_60_columns(display, screen):
    training = training_of()
    display.on_phase(training, "scope", 0)
    display.on_scope(training, 10_000)
    display.on_start(training)
    display.on_phase(training, "explore", 10_000)
    display.on_evaluation(training, ROW)
    display.on_iteration(training, {"env_steps": 1_234_567, "steps_per_second": 12_345.6, "goals": 12.0})
    lines = lines_of(display, screen)
    assert max(map(len, lines)) <= 60
    assert "phase explore from step 10,000" in lines
    assert "scope: 2 of 3 dimensions moved: 1 common, 0 to 1 special" in "\n".join(lines)
    assert any(
        "1,230,000  explore success 0.25" in line and line.endswith("return -1.23k  length 1k") for line in lines
    )
    bar, told = lines[-2:]
    assert bar.startswith("explore ")
    assert "1.23M/2.1M  12.3k/s" in bar
    assert told.split("  ") == ["goals 12 of 64", "training 0.31", "success 0.25", "best 0.50"]


def test_names_in_square_brackets_are_no_styles(display, screen):
    training = training_of()
    display.on_phase(training, "[bold]", 10_000)
    display.on_start(training)
    display.on_iteration(training, {"env_steps": 12_000, "steps_per_second": 1.0, "goals": 0.0})
    lines = lines_of(display, screen)
    assert "phase [bold] from step 10,000" in lines
    assert any(line.startswith("[bold] ") for line in lines), "of the bar"


def test_while_the_scope_is_estimated_its_steps_are_shown(display, screen):
    display.on_phase(training_of(), "scope", 0)
    display.on_scope(training_of(), 4_000)
    assert lines_of(display, screen)[-2].startswith("scope ")
    assert "4k/2.1M" in screen.getvalue()
    assert display._progress_text() == "phase scope, 4,000 of 2,100,000 steps"


def test_a_training_success_stays_until_the_next_episode_ends(display):
    display.on_phase(training_of(), "explore", 0)
    values = {"env_steps": 1, "steps_per_second": 1.0, "goals": 3.0}
    display.on_iteration(training_of(), values)
    display._last_refresh = 0.0
    display.on_iteration(training_of(episodes=0.0), values)
    assert display._status["training"] == "0.31"


def test_a_run_that_was_never_evaluated_says_so(display, capsys):
    summary = {"solved": None, "success_rate": None, "env": "grid/unlock", "env_steps": 20, "wall_time_s": 0.5}
    display.finish(summary, 50)
    err = capsys.readouterr().err
    assert err == (
        "grid/unlock: ended after 20 steps, 0.5 s; never evaluated (eval_interval is 50), "
        "so there is no success rate and no curves\n"
    )
