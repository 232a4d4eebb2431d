"""Curves: what is drawn, seen through matplotlib's axes rather than its pixels."""

import csv
from dataclasses import replace

import pytest
from learner_helpers import tiny_config

from isa_learners.runs.curves import Group, grouped, read_curve
from isa_learners.runs.metrics import columns_of
from isa_learners.runs.plots import draw_curves, draw_profiles, plot_curves, plot_run
from isa_learners.runs.report.charts import charts_of
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError, InvalidValueError
from isa_wrappers.scope.files import save_scope
from isa_wrappers.scope.influence import InfluenceScope

pytest.importorskip("matplotlib")
PNG = b"\x89PNG\r\n"


def run(path, rates, seed=0, **sections):
    """A run's folder with one evaluation for each ``steps: success rate``."""
    config = tiny_config(seed=seed, **sections)
    folder = RunFolder.create(path, config)
    columns = columns_of(config)
    with folder.metrics_file.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for steps, rate in rates.items():
            writer.writerow({**dict.fromkeys(columns, 0.0), "env_steps": steps, "success_rate": rate})
    return folder


@pytest.fixture
def drawn(monkeypatch):
    """The lines of the success-rate panel of the last figure saved: label (or None) -> points."""
    from matplotlib.figure import Figure

    lines = []
    save = Figure.savefig

    def watched(figure, path, **options):
        lines.clear()
        lines.extend(figure.axes[0].lines)
        save(figure, path, **options)

    monkeypatch.setattr(Figure, "savefig", watched)
    return lines


def points(line):
    return list(zip(line.get_xdata().tolist(), line.get_ydata().tolist(), strict=True))


def labelled(lines):
    return {line.get_label(): line for line in lines if not line.get_label().startswith("_")}


@pytest.mark.slow
def test_one_run_into_its_own_folder(tmp_path, drawn):
    folder = run(tmp_path / "a", {10: 0.0, 20: 0.5})
    scope = InfluenceScope.from_dimensions({"agent_0": [[], [0]]}, state_size=2)
    assert [path.name for path in plot_run(folder)] == ["curves.png"]
    save_scope(scope, folder.path)
    files = plot_run(folder)
    assert [path.name for path in files] == ["curves.png", "scope.png"]
    assert all(path.read_bytes().startswith(PNG) for path in files)


@pytest.mark.slow
def test_runs_that_differ_in_seed_share_a_line(tmp_path, drawn):
    folders = [
        run(tmp_path / "a", {10: 0.0, 20: 0.2}, seed=0),
        run(tmp_path / "b", {10: 0.4, 20: 0.6}, seed=1),
        run(tmp_path / "c", {10: 0.5, 20: 1.0}, seed=2),
        run(tmp_path / "d", {10: 0.3, 20: 0.3}, algo="ippo"),
    ]
    plot_curves(folders, tmp_path / "out.png")
    named = labelled(drawn)
    assert set(named) == {"isa (n=3)", "ippo (n=1)"}
    assert points(named["isa (n=3)"]) == [(10, 0.4), (20, 0.6)], "the median"
    assert named["isa (n=3)"].get_color() != named["ippo (n=1)"].get_color()


@pytest.mark.slow
def test_a_run_that_stopped_early_keeps_its_last_value(tmp_path, drawn):
    folders = [run(tmp_path / "a", {10: 0.0, 20: 1.0}), run(tmp_path / "b", {10: 0.0, 20: 0.0, 40: 0.0}, seed=1)]
    plot_curves(folders, tmp_path / "out.png")
    assert points(labelled(drawn)["isa (n=2)"]) == [(10, 0.0), (20, 0.5), (40, 0.5)]


@pytest.mark.parametrize(("ended", "at"), [(1, None), (3, 30)])
def test_a_phase_ends_where_most_seeds_have_ended_it(tmp_path, drawn, ended, at):
    """Of five; those that never ended it were left out."""
    rates = dict.fromkeys([10, 20, 30], 0.0)
    curves = [read_curve(run(tmp_path / str(seed), rates, seed=seed)) for seed in range(5)]
    curves = [replace(one, changes=(10.0 * (i + 1),) if i < ended else ()) for i, one in enumerate(curves)]
    group = Group("isa", "grid/unlock", tuple(curves))
    draw_curves([group], tmp_path / "out.png")
    triangles = [float(line.get_xdata()[0]) for line in drawn if line.get_marker() == "v"]
    assert triangles == [change["steps"] for change in charts_of([group])[0]["changes"]] == ([] if at is None else [at])


@pytest.mark.slow
def test_a_run_whose_evaluations_were_all_lost_is_left_out(tmp_path, drawn):
    folders = [run(tmp_path / str(seed), {10: rate}, seed=seed) for seed, rate in enumerate(("nan", 0.5, 0.7))]
    plot_curves(folders, tmp_path / "out.png", statistic="iqm")
    assert points(labelled(drawn)["isa (n=2)"]) == [(10, pytest.approx(0.6))]
    assert {row["runs"] for row in charts_of(grouped(folders))[0]["rows"]} == {"isa (n=2)"}


@pytest.mark.slow
def test_runs_not_evaluated_yet_are_left_out(tmp_path, drawn):
    empty, full = run(tmp_path / "a", {}), run(tmp_path / "b", {10: 0.5}, seed=1)
    plot_curves([empty, full], tmp_path / "out.png")
    assert points(labelled(drawn)["isa (n=1)"]) == [(10, 0.5)]
    with pytest.raises(FileFormatError, match=r"a/metrics\.csv holds no evaluation yet"):
        plot_curves([empty], tmp_path / "deep" / "empty.png")
    assert not (tmp_path / "deep").exists(), "nothing empty is drawn"


def test_a_run_without_metrics_is_refused(tmp_path):
    folder = RunFolder.create(tmp_path / "a", tiny_config())
    with pytest.raises(FileFormatError, match=r"a has no metrics\.csv; training writes it"):
        plot_curves([folder], tmp_path / "out.png")


def test_metrics_that_are_no_numbers_are_refused(tmp_path):
    folder = run(tmp_path / "a", {10: "much"})
    with pytest.raises(FileFormatError, match=r"metrics\.csv is not a readable"):
        plot_curves([folder], tmp_path / "out.png")


@pytest.mark.parametrize("name", ["out.foo", "out", "out.csv"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(InvalidValueError, match=f"ends in .png, .pdf, .svg, got .*{name}"):
        plot_curves([run(tmp_path / "a", {10: 0.0})], tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "starts"), [("out.png", PNG), ("out.pdf", b"%PDF"), ("out.svg", b"<?xml")])
def test_formats_of_papers(tmp_path, name, starts):
    runs = [run(tmp_path / str(seed), {10: 0.1 * seed, 20: 0.5}, seed=seed) for seed in range(3)]
    assert plot_curves(runs, tmp_path / name, statistic="iqm").read_bytes().startswith(starts)


@pytest.mark.slow
def test_runs_that_differ_in_a_setting_do_not_share_a_line(tmp_path, drawn):
    """A sweep over learning rates was merged into one median."""
    folders = [run(tmp_path / str(lr), {10: lr * 100}, ppo={"lr": lr}) for lr in (0.001, 0.002)]
    plot_curves(folders, tmp_path / "out.png")
    assert set(labelled(drawn)) == {"isa, ppo.lr=0.001 (n=1)", "isa, ppo.lr=0.002 (n=1)"}


@pytest.mark.slow
def test_labels_make_the_groups(tmp_path, drawn):
    folders = [run(tmp_path / str(seed), {10: 0.5}, seed=seed) for seed in range(3)]
    plot_curves(folders, tmp_path / "out.png", labels=["ours", "ours", "theirs"])
    assert set(labelled(drawn)) == {"ours (n=2)", "theirs (n=1)"}
    with pytest.raises(InvalidValueError, match="one --label for each of 3 runs, got 1"):
        plot_curves(folders, tmp_path / "out.png", labels=["ours"])


@pytest.mark.slow
def test_profiles(tmp_path):
    assert draw_profiles({"isa": [[0.5, 1.0]], "ippo": [[0.0, 0.0]]}, tmp_path / "p.png").read_bytes().startswith(PNG)


@pytest.mark.slow
def test_profiles_of_nothing_say_why(tmp_path):
    drawn = draw_profiles({}, tmp_path / "p.svg", note="0 of 6 pairs of task and seed").read_text()
    assert "<!-- 0 of 6 pairs of task and seed -->" in drawn


def test_where_curves_coincide_the_first_lies_on_top(tmp_path, drawn):
    curve = read_curve(run(tmp_path / "a", {10: 1.0, 20: 1.0}))
    names = [f"variant {index}" for index in range(10)]
    draw_curves([Group(name, "task", (curve,)) for name in names], tmp_path / "out.png")
    solid = [line.get_zorder() for line in drawn if not line.get_label().startswith("_")]
    assert solid == sorted(solid, reverse=True)
    assert len(set(solid)) == 10
    dashed = [line.get_zorder() for line in drawn if line.get_label().startswith("_")]
    assert max(dashed) <= min(solid), "success while training lies beneath"
    draw_profiles({name: [[1.0, 1.0]] for name in names}, tmp_path / "out.png")
    assert [line.get_zorder() for line in drawn] == solid
