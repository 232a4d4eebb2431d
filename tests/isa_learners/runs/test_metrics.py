"""metrics.csv: what is written is read back, and resuming loses no row it should keep."""

import csv
from types import SimpleNamespace

import pytest
from learner_helpers import tiny_config

from isa_learners.ppo import METRICS
from isa_learners.runs.metrics import RUN_COLUMNS, CSVMetrics, TensorBoard, columns_of, read_metrics
from isa_learners.runs.run_folder import RunFolder

COLUMNS = columns_of(tiny_config())


def row(steps, **more):
    numbers = dict.fromkeys(COLUMNS, 0.5)
    return {**numbers, "env_steps": steps, "phase": "explore", "success_rate": steps / 1000, **more}


def run(path, env_steps=0, resumed=False):
    """What a hook is told of a training."""
    algorithm = SimpleNamespace(env_steps=env_steps)
    return SimpleNamespace(folder=RunFolder(path), config=tiny_config(), algorithm=algorithm, resumed=resumed)


def begun(path, **how):
    hook = CSVMetrics()
    hook.on_start(run(path, **how))
    return hook


def write(hook, *rows):
    for one in rows:
        hook.on_evaluation(None, one)


def steps_in(path):
    return [int(r["env_steps"]) for r in read_metrics(path)]


def test_rows_follow_one_header(tmp_path):
    write(begun(tmp_path), row(10), row(20, phase="reach"))
    with (tmp_path / "metrics.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert tuple(lines[0]) == COLUMNS
    assert [line[0] for line in lines[1:]] == ["10", "20"]
    found = read_metrics(tmp_path / "metrics.csv")
    assert [r["phase"] for r in found] == ["explore", "reach"]
    assert float(found[1]["success_rate"]) == 0.02


def test_columns_follow_from_algorithm_and_learner():
    wanted = {"env_steps", "wall_time_s", "phase", "success_rate", "return_mean", "episode_length"}
    assert wanted <= set(RUN_COLUMNS)
    assert (*RUN_COLUMNS, "goals", *METRICS) == COLUMNS
    assert columns_of(tiny_config(algo="ippo")) == (*RUN_COLUMNS, *METRICS)
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_a_new_run_starts_with_the_header_alone(tmp_path):
    begun(tmp_path)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [",".join(COLUMNS)]


def test_a_resumed_run_keeps_rows_up_to_its_checkpoint(tmp_path):
    write(begun(tmp_path), *(row(steps) for steps in (10, 20, 30)))
    before = (tmp_path / "metrics.csv").read_text()
    again = begun(tmp_path, env_steps=20, resumed=True)
    assert steps_in(again.path) == [10, 20]
    write(again, row(30))
    assert (tmp_path / "metrics.csv").read_text() == before


def test_a_row_cut_off_in_writing_is_left_out(tmp_path):
    hook = begun(tmp_path)
    write(hook, row(10))
    with hook.path.open("a") as file:
        file.write("20,0.5,explore,0.1")
    assert steps_in(hook.path) == [10]
    write(begun(tmp_path, env_steps=100, resumed=True), row(20))
    assert steps_in(hook.path) == [10, 20]


def test_an_unknown_value_is_no_column(tmp_path):
    with pytest.raises(ValueError, match="surprise"):
        write(begun(tmp_path), row(10, surprise=1.0))


def test_tensorboard_gets_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    hook = TensorBoard()
    hook.on_start(run(tmp_path))
    write(hook, row(10), row(20))
    hook.on_end(None, None)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    found = [(event.step, round(event.value, 6)) for event in events.Scalars("success_rate")]
    assert found == [(10, 0.01), (20, 0.02)]
    assert "env_steps" not in events.Tags()["scalars"]
