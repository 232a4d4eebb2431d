"""A metrics.csv that a spreadsheet has saved: it is read, or refused with the cause, and no row is lost."""

import warnings
from types import SimpleNamespace

import pytest
from learner_helpers import tiny_config

from isa_learners.runs.metrics import CSVMetrics, columns_of, read_metrics
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError

CONFIG = tiny_config()


def write(path):
    """Write two rows as a run does; return the file."""
    hook = CSVMetrics()
    hook.on_start(SimpleNamespace(folder=RunFolder(path), config=CONFIG, resumed=False))
    for steps in (10, 20):
        hook.on_evaluation(None, dict.fromkeys(columns_of(CONFIG), 0.5) | {"env_steps": steps, "phase": "explore"})
    return path / "metrics.csv"


def resume(path):
    training = SimpleNamespace(folder=RunFolder(path), config=CONFIG, resumed=True)
    training.algorithm = SimpleNamespace(env_steps=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CSVMetrics().on_start(training)


@pytest.mark.parametrize(("separator", "mark"), [(";", ""), ("\t", ""), (",", "\ufeff")])
def test_another_separator_is_read_and_nothing_is_set_aside(tmp_path, separator, mark):
    file = write(tmp_path)
    before = file.read_bytes()
    saved = mark.encode() + before.replace(b",", separator.encode()).replace(b"\r\n", b"\n")
    file.write_bytes(saved)
    assert [row["env_steps"] for row in read_metrics(file)] == ["10", "20"]
    resume(tmp_path)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas_are_refused_with_the_cause(tmp_path, header):
    file = write(tmp_path)
    lines = file.read_text().replace(",", ";").replace("0.5", "0,5").splitlines(keepends=True)
    file.write_text("".join(lines if header else lines[1:]))
    before = file.read_bytes()
    said = r"decimal commas, such as '0,5'; save it with decimal points"
    with pytest.raises(ValueError, match=f"its numbers have {said}"):
        read_metrics(file)
    with pytest.raises(FileFormatError, match=rf"metrics\.csv cannot be read: its numbers have {said}"):
        resume(tmp_path)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]
