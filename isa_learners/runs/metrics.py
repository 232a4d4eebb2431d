"""Metrics of a run: one CSV row per evaluation."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import RunConfig
from isa_learners.learner import LEARNERS
from isa_learners.runs.config_keys import parts_of
from isa_learners.runs.following import FOLLOWING_COLUMNS, follows
from isa_learners.runs.hooks import Hook
from isa_wrappers.errors import FileFormatError, InvalidValueError
from isa_wrappers.files import convert_write_errors, read_bytes, replacing, write_text

if TYPE_CHECKING:
    from isa_learners.runs.training import Training

RUN_COLUMNS = (
    "env_steps",
    "wall_time_s",
    "phase",
    "success_rate",
    "return_mean",
    "episode_length",
    "train_success_rate",
    "train_return_mean",
    "train_episode_length",
    "train_episodes",
    "train_discarded",
    "reward_mean",
    "steps_per_second",
)
"""Columns of ``metrics.csv`` of every run; see ``docs/metrics.md`` for their definitions."""

DECIMAL_COMMA = re.compile(r"[-+]?\d[\d.]*,\d+([eE][-+]?\d+)?")


def columns_of(config: RunConfig) -> tuple[str, ...]:
    """Return the columns of a run: common ones, and those of algorithm, updated scope, learner and its parts.

    Raises:
        InvalidValueError: if two of these have the same name.
    """
    algo, learner = f"algorithm {config.algo!r}", f"learner {config.learner!r}"
    by_owner: list[tuple[str, Iterable[str]]] = [
        ("every run", RUN_COLUMNS),
        (algo, ALGORITHMS[config.algo].metrics),
        ("a scope that follows training", FOLLOWING_COLUMNS if follows(config) else ()),
        (learner, LEARNERS[config.learner].metrics),
        *(
            (f"part {name!r} of {learner}", part.metrics)
            for name, part in parts_of(config.algo, config.learner).items()
        ),
    ]
    owners: dict[str, str] = {}
    for owner, names in by_owner:
        for name in names:
            if name in owners:
                raise InvalidValueError(
                    f"metrics must have unique names: {name!r} is used by {owners[name]} and by {owner}"
                )
            owners[name] = owner
    return tuple(owners)


class CSVMetrics(Hook):
    """Appends a row per evaluation to ``metrics.csv``; a resume first drops rows later than the checkpoint."""

    def on_start(self, training: Training) -> None:
        """Write the header and the valid rows; keep a copy of a damaged file."""
        self.path, self.columns = training.folder.metrics_file, columns_of(training.config)
        parsed = Rows()
        if training.resumed and self.path.exists():
            content = read_bytes(self.path)
            parsed = parse_metrics(content, self.columns)
            if parsed.decimal_comma:
                raise FileFormatError(f"{self.path} cannot be read: {parsed.refusal}")
            if parsed.damaged:
                backup = _back_up(self.path, content)
                warnings.warn(
                    f"{self.path} is damaged: {len(parsed.rows)} rows are kept, {parsed.unreadable} cannot be read; "
                    f"the original file is kept as {backup.name}",
                    stacklevel=2,
                )
        self.columns += tuple(name for name in parsed.columns if name not in self.columns)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, restval="")
        writer.writeheader()
        writer.writerows(row for row in parsed.rows if int(row["env_steps"]) <= training.algorithm.env_steps)
        write_text(self.path, text.getvalue())

    def on_evaluation(self, training: Training, row: Mapping[str, Any]) -> None:
        """Append a row; if the disk is full, write none of it."""
        text = io.StringIO(newline="")
        csv.DictWriter(text, self.columns, restval="").writerow(row)
        data = text.getvalue().encode()
        with convert_write_errors(self.path), self.path.open("r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                while data:
                    data = data[file.write(data) :]
                os.fsync(file.fileno())  # a saved checkpoint relies on its rows
            except OSError:
                file.truncate(size)
                raise


@dataclass
class Rows:
    """The contents of a ``metrics.csv``.

    Attributes:
        rows: readable rows, by column.
        columns: columns of the file.
        unreadable: number of unreadable rows, not counting an incomplete last one.
        damaged: whether rows cannot be read or the header was changed.
        decimal_comma: an example of a number with a decimal comma, if none of the rows can be read because of them.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    unreadable: int = 0
    damaged: bool = False
    decimal_comma: str = ""

    @property
    def refusal(self) -> str:
        """The reason why none of the rows can be read."""
        if self.decimal_comma:
            return f"its numbers have decimal commas, such as {self.decimal_comma!r}; save it with decimal points"
        return f"none of its {self.unreadable} rows can be read"


def parse_metrics(content: bytes, columns: Sequence[str]) -> Rows:
    """Read the rows of a ``metrics.csv`` by the file's own columns, even if the file is damaged.

    A damaged name in the header is replaced by the one in ``columns``. If the header lost a name, rows with as many
    values as ``columns`` are read by ``columns``. Semicolons and tabs, as saved by spreadsheets, work as separators.

    Args:
        content: content of the file.
        columns: columns that the run writes.
    """
    text = [line for line in content.decode("utf-8-sig", errors="replace").splitlines() if line]
    separator = max(",;\t", key=text[0].count) if text else ","
    lines = [_fields(line, separator) for line in text]
    if lines and not content.endswith(b"\n"):
        lines.pop()  # incomplete, perhaps within a number
    header = lines[0] if lines else []
    no_header = _is_row(dict(zip(columns, header, strict=False)))
    names = list(columns) if no_header else _repaired(header, columns)
    parsed = Rows(columns=tuple(names), damaged=names != header)
    for values in lines if no_header else lines[1:]:
        row_names = names if len(values) == len(names) else columns
        row = dict(zip(row_names, values, strict=False)) if len(values) == len(row_names) else {}
        if _is_row(row):
            parsed.rows.append(row)
            parsed.damaged |= len(row_names) != len(names)
            parsed.columns += tuple(name for name in row_names if name not in parsed.columns)
        else:
            parsed.unreadable += 1
    parsed.damaged |= parsed.unreadable > 0
    if parsed.unreadable and not parsed.rows:
        parsed.decimal_comma = next(filter(DECIMAL_COMMA.fullmatch, itertools.chain(*lines)), "")
    return parsed


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _repaired(header: list[str], columns: Sequence[str]) -> list[str]:
    """Return the names of the header; damaged names come from ``columns``, all of them if it is no header."""
    names = list(header)
    if len(names) == len(columns):
        names = [old if old in columns or new in header else new for old, new in zip(names, columns, strict=True)]
    usable = "env_steps" in names and "" not in names and len(set(names)) == len(names)
    return names if usable else list(columns)


def _is_row(row: Mapping[str, str]) -> bool:
    """Return whether every value is valid: a number, empty, or the name of a phase."""
    try:
        numbers = [float(value) for name, value in row.items() if value and name != "phase"]
        return int(row["env_steps"]) >= 0 and bool(numbers)
    except (KeyError, ValueError):
        return False


def _back_up(path: Path, content: bytes) -> Path:
    """Keep a damaged file under an unused name."""
    backup = path.with_name(f"{path.name}.set-aside")
    number = 1
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.set-aside-{number}")
    with replacing(backup) as file:
        file.write(content)
    return backup


def read_metrics(path: Path, columns: Sequence[str] = RUN_COLUMNS) -> list[dict[str, str]]:
    """Return the rows of a ``metrics.csv`` without an incomplete last row; other unreadable rows cause a warning.

    Raises:
        OSError: if the file cannot be opened.
        ValueError: if it has rows but none can be read.
    """
    parsed = parse_metrics(read_bytes(path), columns)
    if parsed.unreadable and not parsed.rows:
        raise ValueError(parsed.refusal)
    if parsed.unreadable:
        warnings.warn(f"{path} is damaged: {parsed.unreadable} rows cannot be read and are left out", stacklevel=2)
    return parsed.rows
