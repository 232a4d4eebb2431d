"""Tables over several tasks hold like against like, also where runs are missing."""

from pathlib import Path

import pytest

from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.table import better, coverage_note, scores_of, shared, table

TASKS = ["grid/shooting", "grid/unlock", "grid/navigation"]


def comparison(tasks=TASKS, variants=("isa", "ippo")):
    return Comparison(
        make_plan({"tasks": list(tasks), "variants": list(variants), "seeds": "0-1", "steps": 90_000}), Path("none")
    )


def rows(task, variant, value, seeds=(0, 1)):
    same = {"task": task, "variant": variant, "steps_to_0.9": float("inf"), "wall_time_s": 60.0, "episodes": 128}
    same["first_evaluation"] = 10_000.0
    return [
        {**same, "seed": seed, "folder": f"{variant}/seed{seed}", "success_rate": value, "area": value}
        for seed in seeds
    ]


MISSING = [
    *rows("grid/shooting", "isa", 0.5),
    *rows("grid/shooting", "ippo", 0.5),
    *rows("grid/unlock", "isa", 0.1),
    *rows("grid/navigation", "ippo", 0.9),
]
"""ISA lacks a task and IPPO another one; as many are left, and where both have runs these are equal."""


def cells(text, variant):
    """Return a variant's row of the table over all tasks, by column."""
    lines = [line for line in text.split("### all tasks")[1].splitlines() if line.startswith("|")]
    head, *found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return dict(zip(head, next(row for row in found if row[0] == variant), strict=True))


def test_tasks_are_held_against_themselves():
    text = table(comparison(), MISSING)
    assert cells(text, "ippo")["P(better than isa)"] == "0.50 [0.50, 0.50]"
    for variant in ("isa", "ippo"):
        found = cells(text, variant)
        assert (found["seeds"], found["mean"], found["IQM [95 %]"]) == ("2", "0.50", "0.50 [0.50, 0.50]")
    assert (
        "Over what every variant has finished, 2 of 6 pairs of task and seed: grid/shooting 2 of 2, grid/unlock 0 of "
        "2, grid/navigation 0 of 2." in text
    )
    assert "| isa | 2 | 0.10 |" in text, "the task's own table holds what there is"


def test_seeds_that_one_variant_lacks_weigh_for_none():
    """Runs of an easy task must not be more among those of one variant than of another."""
    two = comparison(TASKS[:2])
    found = [
        *rows("grid/shooting", "isa", 1.0), *rows("grid/unlock", "isa", 0.0, [0]),
        *rows("grid/shooting", "ippo", 1.0, [1]), *rows("grid/unlock", "ippo", 0.0),
    ]  # fmt: skip
    text = table(two, found)
    assert [cells(text, variant)["mean"] for variant in ("isa", "ippo")] == ["0.50", "0.50"]
    assert "2 of 4 pairs of task and seed: grid/shooting 1 of 2, grid/unlock 1 of 2." in text


def test_nothing_is_left_out_of_what_is_whole():
    whole = [row for task in TASKS for name in ("isa", "ippo") for row in rows(task, name, 0.5)]
    assert shared(comparison(), whole) == whole
    assert coverage_note(comparison(), whole) is None
    assert "Over what" not in table(comparison(), whole)
    alone = [row for row in whole if row["variant"] == "isa"]
    assert shared(comparison(), alone) == alone, "a variant without any run takes nothing from the others"


def test_seeds_of_a_single_task_all_count():
    one = comparison(TASKS[:1])
    found = [*rows("grid/shooting", "isa", 1.0), *rows("grid/shooting", "ippo", 0.0, [1])]
    assert shared(one, found) == found
    assert coverage_note(one, found) is None


def test_nothing_in_common():
    apart = [row for row in MISSING if row["task"] != "grid/shooting"]
    text = table(comparison(), apart)
    with pytest.raises(StopIteration):
        cells(text, "isa")
    assert "0 of 6 pairs of task and seed" in text


def test_better_over_the_tasks_that_both_have():
    scores = [scores_of(comparison(), MISSING, name, "area") for name in ("isa", "ippo")]
    assert [list(one) for one in scores] == [["grid/shooting", "grid/unlock"], ["grid/shooting", "grid/navigation"]]
    assert better(*scores).value == 0.5
    assert better({"a": [0.0]}, {"b": [1.0]}) is None


def test_a_run_without_an_evaluation_has_no_area_and_is_better_than_none():
    found = [{**row, "area": float("nan")} for row in rows("grid/unlock", "ippo", 1.0)]
    text = table(comparison(["grid/unlock"]), [*rows("grid/unlock", "isa", 0.5), *found])
    assert "| ippo | 2 | 1.00 | 1.00 | 1.00 [1.00, 1.00] | - | - | 1.0 | - |" in text


def test_episodes_that_were_lost_with_their_game_are_told():
    lost, whole = rows("grid/unlock", "isa", 1.0)
    text = table(comparison(["grid/unlock"]), [{**lost, "episodes": 4}, whole])
    assert "Fewer than 128 final episodes count, as the others were lost with their game: isa/seed0 (4)." in text


def test_a_bar_in_a_name_ends_no_cell():
    one = Comparison(make_plan({"tasks": "grid/unlock", "variants": {"a|b": {"algo": "isa"}}}), Path("none"))
    text = table(one, rows("grid/unlock", "a|b", 1.0))
    assert "| a\\|b | 2 |" in text
    assert "P(better than a\\|b)" in text


def test_steps_of_a_run_that_was_there_when_first_looked_at_are_at_most_these():
    one = comparison(["grid/unlock"])
    first, later = rows("grid/unlock", "isa", 1.0)
    first["steps_to_0.9"], later["steps_to_0.9"] = 10_000.0, 30_000.0
    assert "| <= 20,000 |" in table(one, [first, later])
    assert "| 30,000 |" in table(one, [later])


def test_first_evaluations_far_apart_are_told():
    one, late = comparison(["grid/unlock"]), {"first_evaluation": 20_001.0}
    isa, ippo = rows("grid/unlock", "isa", 1.0), rows("grid/unlock", "ippo", 1.0)
    assert "On grid/unlock" not in table(one, [*isa, *ippo])
    text = table(one, [*isa, *({**row, **late} for row in ippo)])
    assert "On grid/unlock runs were first evaluated after 10,000 to 20,001 steps: areas start at 20,001" in text
