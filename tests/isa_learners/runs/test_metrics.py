"""metrics.csv: what is written is read back, and resuming loses no row it should keep."""

import csv
import errno
import warnings
from types import SimpleNamespace

import pytest
from learner_helpers import tiny_config

from isa_learners.algorithms import ALGORITHMS, AlgorithmSpec, PhaseSpec
from isa_learners.ppo import METRICS
from isa_learners.runs.checks import check_run
from isa_learners.runs.metrics import RUN_COLUMNS, CSVMetrics, columns_of, read_metrics
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import CannotWriteError, InvalidValueError

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


@pytest.mark.parametrize(("name", "owner"), [("env_steps", "every run"), ("policy_loss", "algorithm 'mine'")])
def test_two_metrics_of_one_name_are_refused_before_a_run(name, owner):
    ALGORITHMS.register("mine", AlgorithmSpec("mine", (PhaseSpec("train"),), metrics={name: float}))
    try:
        with pytest.raises(InvalidValueError, match=f"unique names: '{name}' is used by {owner} and by"):
            check_run(tiny_config(algo="mine"))
    finally:
        ALGORITHMS.unregister("mine")


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


# --- damaged files ---


def damaged(path, change, steps=(10, 20, 30)):
    """Write rows, change the file's lines, resume after them; return what stands and the warning, if any."""
    write(begun(path), *(row(number, train_return_mean=number / 7) for number in steps))
    file = path / "metrics.csv"
    before = change(file.read_bytes())
    file.write_bytes(before)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hook = begun(path, env_steps=100, resumed=True)
    write(hook, row(40))
    said = [str(warning.message) for warning in caught]
    assert len(said) <= 1
    if said:
        assert (path / "metrics.csv.set-aside").read_bytes() == before, "nothing is lost"
        assert "metrics.csv.set-aside" in said[0]
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened)), said


def in_header(old, new):
    return lambda data: data.replace(old, new, 1)


def without_column(name, header_only=False):
    def change(data):
        lines = [line.split(b",") for line in data.split(b"\r\n")]
        place = lines[0].index(name)
        for line in lines[: 1 if header_only else None]:
            del line[place : place + 1]
        return b"\r\n".join(b",".join(line) for line in lines)

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (in_header(b"success_rate", b"succ\xffss_rate"), True),
        (in_header(b"env_steps", b"env_stesp"), True),
        (without_column(b"episode_length", header_only=True), True),
        (lambda data: data.split(b"\r\n", 1)[1], True),
        (lambda data: data.replace(b"\r\n", b"\n"), False),
    ],
    ids=["a damaged name", "a damaged first name", "a name lost", "no header", "other line ends"],
)
def test_a_damaged_header_loses_no_row(tmp_path, change, told):
    rows, said = damaged(tmp_path, change)
    assert [int(r["env_steps"]) for r in rows] == [10, 20, 30, 40]
    assert [float(r["train_return_mean"]) for r in rows[:3]] == [10 / 7, 20 / 7, 30 / 7], "under its own column"
    assert float(rows[1]["success_rate"]) == 0.02
    assert tuple(rows[0]) == COLUMNS
    assert bool(said) == told


def test_a_file_of_a_version_with_a_column_fewer_is_kept(tmp_path):
    rows, said = damaged(tmp_path, without_column(b"train_discarded"))
    assert said == []
    assert [int(r["env_steps"]) for r in rows] == [10, 20, 30, 40]
    assert [r["train_discarded"] for r in rows] == ["", "", "", "0.5"]
    assert float(rows[2]["train_return_mean"]) == 30 / 7


def test_a_column_that_is_written_no_more_is_kept(tmp_path):
    def change(data):
        lines = data.split(b"\r\n")
        return b"\r\n".join(line + (b",former" if k == 0 else b",7") for k, line in enumerate(lines) if line) + b"\r\n"

    rows, said = damaged(tmp_path, change)
    assert said == []
    assert [r["former"] for r in rows] == ["7", "7", "7", ""]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (in_header(b"\r\n20,", b"\r\n2x,"), [10, 30]),
        (in_header(b"\r\n20,0.5", b"\r\n20,0.5,0.5"), [10, 30]),
        (in_header(b"\r\n20,", b'\r\n"20,'), [10, 30]),
        (lambda data: b"\x00\xff" * 500 + b"\n", []),
        (lambda data: b"", []),
    ],
    ids=["no number", "a value more", "a quote", "noise", "empty"],
)
def test_rows_that_cannot_be_read_are_set_aside(tmp_path, change, kept):
    rows, said = damaged(tmp_path, change)
    assert [int(r["env_steps"]) for r in rows] == [*kept, 40]
    assert len(said) == 1
    assert f"{len(kept)} rows are kept" in said[0]


def test_what_is_set_aside_is_not_written_over(tmp_path):
    (tmp_path / "metrics.csv.set-aside").write_text("earlier")
    write(begun(tmp_path), row(10))
    (tmp_path / "metrics.csv").write_text("noise\n")
    with pytest.warns(UserWarning, match=r"set-aside-2"):
        begun(tmp_path, env_steps=100, resumed=True)
    assert (tmp_path / "metrics.csv.set-aside").read_text() == "earlier"
    assert (tmp_path / "metrics.csv.set-aside-2").read_text() == "noise\n"


def test_a_row_cut_off_within_its_last_number_is_left_out(tmp_path):
    """It looks whole, and its last number is another."""
    hook = begun(tmp_path)
    write(hook, row(10), row(20, **{COLUMNS[-1]: 0.123}))
    hook.path.write_bytes(hook.path.read_bytes()[:-4])
    assert steps_in(hook.path) == [10]


def test_a_full_disk_leaves_whole_rows(tmp_path, monkeypatch):
    hook = begun(tmp_path)
    write(hook, row(10))
    before = hook.path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("isa_learners.runs.metrics.os.fsync", full)
    with pytest.raises(CannotWriteError, match=r"cannot write to .*metrics\.csv: No space left on device"):
        write(hook, row(20))
    assert hook.path.read_bytes() == before


def test_a_file_that_is_gone_is_not_begun_anew_without_its_header(tmp_path):
    hook = begun(tmp_path)
    hook.path.unlink()
    with pytest.raises(CannotWriteError, match="No such file"):
        write(hook, row(10))
    assert not hook.path.exists()


def test_reading_says_what_it_leaves_out(tmp_path):
    hook = begun(tmp_path)
    write(hook, row(10), row(20))
    hook.path.write_bytes(hook.path.read_bytes().replace(b"\r\n20,", b"\r\nxx,"))
    with pytest.warns(UserWarning, match="1 rows cannot be read and are left out"):
        assert steps_in(hook.path) == [10]
