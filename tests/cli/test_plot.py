"""``isa plot``: figures of one run and of several."""

from pathlib import Path

import pytest
from cli_helpers import LATE, NEAR, SMALL, isa, one_line

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")


@pytest.mark.figures
def test_plot_of_one_run(copy_of, capsys):
    run = copy_of()
    (run / "curves.png").unlink()
    (run / "scope.png").unlink()
    assert isa("plot", run) == 0
    assert capsys.readouterr().out.split() == [str(run / "curves.png"), str(run / "scope.png")]
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.figures
def test_plot_of_two_runs(finished, copy_of, capsys):
    other = copy_of()
    assert isa("plot", finished, other) == 0
    assert capsys.readouterr().out == "curves.png\n"
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG")
    assert isa("plot", finished, other, "--out", "deep/both.png") == 0
    assert Path("deep/both.png").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [("curves.foo", "curves.foo"), ("file/curves.png", "cannot write to file: file is not a folder")],
)
def test_a_plot_that_cannot_be_written(finished, name, message, capsys):
    Path("file").write_text("")
    assert isa("plot", finished, finished, "--out", name) == 2
    assert message in one_line(capsys.readouterr().err)


@pytest.mark.figures
def test_a_run_that_ends_before_its_first_evaluation(capsys):
    assert isa("train", "grid/unlock", "--kwargs", NEAR, "--steps", 70, *SMALL, *LATE, "--out", "short") == 0
    assert "never evaluated (eval_interval is 500)" in capsys.readouterr().err
    assert not Path("short/curves.png").exists()
    assert Path("short/scope.png").exists()
    assert isa("plot", "short") == 2
    out, err = capsys.readouterr()
    assert "holds no evaluation yet" in one_line(err)
    assert out == "short/scope.png\n"
    assert isa("plot", "short", "--out", "curves.pdf") == 2
    assert "holds no evaluation yet" in one_line(capsys.readouterr().err)
    assert not Path("curves.pdf").exists()


def test_plot_of_a_run_without_metrics(copy_of, capsys):
    run = copy_of()
    (run / "metrics.csv").unlink()
    assert isa("plot", run) == 2
    assert "has no metrics.csv; training writes it" in one_line(capsys.readouterr().err)


def test_an_unknown_statistic_is_refused_of_one_run_too(copy_of, capsys):
    assert isa("plot", copy_of(), "--statistic", "meen") == 2
    assert "must be one of median, mean, iqm; got 'meen'; did you mean 'mean'?" in one_line(capsys.readouterr().err)
