"""metrics.csv: what is written is read back, and resuming loses no row it should keep."""

import csv

import pytest

from isa_learners.runs.metrics import COLUMNS, MetricsWriter, read_metrics


def row(steps, **more):
    numbers = dict.fromkeys(COLUMNS, 0.5)
    return {**numbers, "env_steps": steps, "phase": "explore", "success_rate": steps / 1000, **more}


def steps_in(path):
    return [int(r["env_steps"]) for r in read_metrics(path)]


def test_rows_follow_one_header(tmp_path):
    with MetricsWriter(tmp_path, tensorboard=False) as writer:
        writer.write(row(10))
        writer.write(row(20, phase="reach"))
    with (tmp_path / "metrics.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert tuple(lines[0]) == COLUMNS
    assert [line[0] for line in lines[1:]] == ["10", "20"]
    found = read_metrics(tmp_path / "metrics.csv")
    assert [r["phase"] for r in found] == ["explore", "reach"]
    assert float(found[1]["success_rate"]) == 0.02


def test_the_header_holds_what_the_design_asks_for():
    wanted = {"env_steps", "wall_time_s", "phase", "success_rate", "return_mean", "episode_length"}
    assert wanted <= set(COLUMNS)
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_a_new_run_starts_with_the_header_alone(tmp_path):
    MetricsWriter(tmp_path, tensorboard=False)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [",".join(COLUMNS)]


def test_a_resumed_run_keeps_rows_up_to_its_checkpoint(tmp_path):
    writer = MetricsWriter(tmp_path, tensorboard=False)
    for steps in (10, 20, 30):
        writer.write(row(steps))
    before = (tmp_path / "metrics.csv").read_text()
    again = MetricsWriter(tmp_path, after=20, tensorboard=False)
    assert steps_in(again.path) == [10, 20]
    again.write(row(30))
    assert (tmp_path / "metrics.csv").read_text() == before


def test_a_row_cut_off_in_writing_is_left_out(tmp_path):
    writer = MetricsWriter(tmp_path, tensorboard=False)
    writer.write(row(10))
    with writer.path.open("a") as file:
        file.write("20,0.5,explore,0.1")
    assert steps_in(writer.path) == [10]
    again = MetricsWriter(tmp_path, after=100, tensorboard=False)
    again.write(row(20))
    assert steps_in(again.path) == [10, 20]


def test_an_unknown_value_is_no_column(tmp_path):
    with pytest.raises(ValueError, match="surprise"):
        MetricsWriter(tmp_path, tensorboard=False).write(row(10, surprise=1.0))


def test_tensorboard_gets_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with MetricsWriter(tmp_path) as writer:
        writer.write(row(10))
        writer.write(row(20))
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    found = [(event.step, round(event.value, 6)) for event in events.Scalars("success_rate")]
    assert found == [(10, 0.01), (20, 0.02)]
    assert "env_steps" not in events.Tags()["scalars"]
