"""Python on pages that reads what a run or a comparison has left: it runs as printed on such files."""

import csv
import re
from pathlib import Path

import pytest

from isa_learners.experiments.results import as_csv
from isa_learners.runs.config_io import make_config
from isa_learners.runs.metrics import columns_of
from isa_wrappers.rewards import Transition

ROOT = Path(__file__).parents[1]


def printed(page, capsys):
    """Run a page's only block of Python here; return what it prints."""
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    exec(compile(block, page, "exec"), {})
    return capsys.readouterr().out.splitlines()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_lines_of_a_latex_table(capsys):
    rates = {"isa": [1.0, 1.0], "common_only": [0.5, 0.5]}
    rows = [
        {"task": "grid/unlock", "variant": name, "seed": seed, "success_rate": rate}
        for name, both in rates.items()
        for seed, rate in enumerate(both)
    ]
    Path("ablation").mkdir()
    Path("ablation/results.csv").write_text(as_csv(rows))
    assert printed("docs/comparisons.md", capsys) == [
        r"grid/unlock & isa & 1.00 & [1.00, 1.00] \\",
        r"grid/unlock & common\_only & 0.50 & [0.50, 0.50] \\",
    ]


def test_metrics_from_python(capsys):
    Path("RUN").mkdir()
    with open("RUN/metrics.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, columns_of(make_config("grid/unlock", "fast")))
        writer.writeheader()
        writer.writerows({"env_steps": steps, "success_rate": rate} for steps, rate in ((100, 0.5), (200, 0.75)))
    assert printed("docs/metrics.md", capsys) == ["(0.75, 200)"]


def test_every_field_of_a_transition_is_listed():
    text = (ROOT / "docs/extending/intrinsic-reward.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| `\[", text, flags=re.MULTILINE)
    assert tuple(listed) == Transition._fields
