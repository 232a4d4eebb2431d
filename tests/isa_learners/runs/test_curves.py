"""Which runs belong together, and how a curve goes on."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learner_helpers import tiny_config

from isa_learners.runs.changes import Change, follow, record
from isa_learners.runs.curves import Curve, distinct_labels, grouped, read_curve
from isa_learners.runs.metrics import columns_of
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError


def run(path, played=("explore", "reach"), **overrides):
    config = tiny_config(**overrides)
    folder = RunFolder.create(path, config)
    header = columns_of(config)
    lines = [",".join(header)]
    for index, phase in enumerate(played):
        row = {**dict.fromkeys(header, "0.0"), "env_steps": str(10 * index), "phase": phase}
        lines.append(",".join(row[name] for name in header))
    folder.metrics_file.write_text("\n".join(lines) + "\n")
    return folder


def test_groups_by_task_and_by_what_differs(tmp_path):
    runs = [run(tmp_path / f"{seed}-{lr}", seed=seed, ppo={"lr": lr}) for seed in (0, 1) for lr in (0.1, 0.2)]
    runs.append(run(tmp_path / "two", env_kwargs={"num_agents": 2, "targets": [[0, 1], [1, 0]]}))
    groups = grouped(runs)
    assert [(group.name, len(group.runs)) for group in groups] == [
        ("isa, ppo.lr=0.1", 2),
        ("isa, ppo.lr=0.2", 2),
        (f"isa, ppo.lr={tiny_config().ppo.lr}", 1),
    ]
    assert {group.task.split(",")[0] for group in groups} == {"grid/unlock (num_agents=1", "grid/unlock (num_agents=2"}
    assert [group.task for group in grouped(runs[:4])] == ["grid/unlock"] * 2


def test_what_changes_the_clock_alone_tells_nothing(tmp_path):
    runs = [run(tmp_path / "a", threads=1), run(tmp_path / "b", threads=2, seed=5, checkpoint_interval=77)]
    assert [group.name for group in grouped(runs)] == ["isa"]


def test_the_change_of_phase_is_read(tmp_path):
    (group,) = grouped([run(tmp_path / "a", ("explore", "explore", "reach", "reach"))])
    assert group.runs[0].changes == (20.0,)


def curve(steps, values):
    return Curve("task", "", {}, {"env_steps": np.array(steps, float), "x": np.array(values, float)}, ())


def test_a_missing_value_is_bridged_and_the_last_one_kept():
    assert curve([0, 10, 20], [0.0, np.nan, 1.0]).at(np.array([5.0, 10.0, 99.0]), "x").tolist() == [0.25, 0.5, 1.0]
    assert np.isnan(curve([0], [np.nan]).at(np.array([0.0]), "x")).all()


def test_before_its_first_evaluation_a_run_has_no_value():
    assert np.isnan(curve([10, 20], [np.nan, 1.0]).at(np.array([5.0, 15.0]), "x")).all()


values = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2))


@given(st.lists(values, min_size=1, max_size=6))
def test_names_tell_apart_whatever_shares_keys(settings):
    whole = [{**dict.fromkeys("abcd", 0), **one} for one in settings]
    names = distinct_labels(whole)
    for one, name in zip(whole, names, strict=True):
        assert [name == other for other in names] == [one == two for two in whole]


def test_sections_of_another_algorithm_tell_nothing_more():
    assert distinct_labels([{"algo": "isa", "goal.capacity": 3}, {"algo": "ippo"}]) == ["isa", "ippo"]


@pytest.mark.parametrize("value", ["a" * 100, list(range(100))])
def test_long_values_are_cut(value):
    assert len(distinct_labels([{"k": value}, {"k": 1}])[0]) < 60


def test_a_phase_s_setting_tells_runs_of_one_algorithm_apart(tmp_path):
    plain = run(tmp_path / "plain", ppo={"lr": 0.002})
    other = run(tmp_path / "other", seed=1, ppo={"lr": 0.002}, phases={"reach": {"ppo": {"lr": 1e-9}}})
    same = run(tmp_path / "same", seed=2, ppo={"lr": 0.002})
    names = {group.name: len(group.runs) for group in grouped([plain, other, same])}
    assert names == {"isa, phases.reach.ppo.lr=0.002": 2, "isa, phases.reach.ppo.lr=1e-09": 1}


def test_values_that_end_alike_are_not_one(tmp_path):
    ends = "/scopes/of/grid-unlock/seed0"
    made = {one: run(tmp_path / one, scope_folder=f"/{one}{ends}") for one in ("random_play", "by_hand")}
    names = {group.name: len(group.runs) for group in grouped([*made.values(), run(tmp_path / "none")])}
    assert list(names.values()) == [1, 1, 1]
    assert [one in name for one, name in zip(made, names, strict=False)] == [True, True]
    assert distinct_labels([{"k": 1}, {"k": "1"}]) == ["run, k=1", "run, k='1'"]


def test_a_run_that_was_changed_in_mid_run_is_no_seed_of_others(tmp_path):
    plain, changed = run(tmp_path / "a", ppo={"lr": 0.05}), run(tmp_path / "b", seed=1, ppo={"lr": 0.05})
    record(changed, [Change(20, "threads", 1, 2), Change(20, "steps", 200, 300)])
    assert [group.name for group in grouped([plain, changed])] == ["isa"]
    record(changed, [Change(40, "ppo.lr", 0.001, 0.05)])
    assert [group.name for group in grouped([plain, changed])] == ["isa", "isa, ppo.lr@40=0.001 -> 0.05"]


def test_when_a_run_ends_and_is_looked_at_tells_nothing_apart(tmp_path):
    """Each seed stops as solved after steps of its own, and continues to the same end."""
    runs = [run(tmp_path / str(seed), seed=seed) for seed in (0, 1)]
    for steps, folder in zip((60, 100), runs, strict=True):
        record(folder, [Change(steps, "stop_when_solved", True, False), Change(steps, "eval_episodes", 2, 8)])
    assert [(group.name, len(group.runs)) for group in grouped(runs)] == [("isa", 2)]
    plain = run(tmp_path / "2", seed=2)
    follow(plain, plain.config(), replace(plain.config(), eval_interval=77), done=60)
    as_it_is = run(tmp_path / "3", seed=3)
    assert [(group.name, len(group.runs)) for group in grouped([plain, as_it_is])] == [("isa", 2)]


@pytest.mark.parametrize("ppo", [{"ppo": {"anneal_to": 0.1}}, {"phases": {"reach": {"ppo": {"anneal_to": 0.1}}}}])
def test_other_steps_are_another_run_where_rates_fall_with_them(tmp_path, ppo):
    plain, longer = run(tmp_path / "a", **ppo), run(tmp_path / "b", seed=1, **ppo)
    record(longer, [Change(200, "steps", 200, 400)])
    assert [group.name for group in grouped([plain, longer])] == ["isa", "isa, steps@200=200 -> 400"]


@pytest.mark.parametrize("column", ["env_steps", "success_rate", "return_mean"])
def test_a_column_that_is_missing_is_named(tmp_path, column):
    folder = run(tmp_path / "a")
    header, *rows = (line.split(",") for line in folder.metrics_file.read_text().splitlines())
    kept = [i for i, name in enumerate(header) if name != column]
    folder.metrics_file.write_text("".join(",".join(line[i] for i in kept) + "\n" for line in (header, *rows)))
    with pytest.raises(FileFormatError, match=rf"metrics\.csv (has no column '{column}'|is not a readable)"):
        read_curve(folder)


def test_a_run_given_twice_is_one_seed(tmp_path, monkeypatch):
    folder = run(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    (group,) = grouped([folder, RunFolder("a"), folder])
    assert len(group.runs) == 1
    assert [len(group.runs) for group in grouped([folder, folder], ["x", "y"])] == [1, 1]
