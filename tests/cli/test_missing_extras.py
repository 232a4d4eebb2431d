"""A package that is not installed: before anything is computed, in a line that says what to install."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import TINY, isa, one_line

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        (["train", *TINY, "--out", "out"], "torch", "train"),
        (["train", *TINY, "--out", "out"], "matplotlib", "plot"),
        (["compare", "--task", "grid/unlock", "--variant", "isa", "--out", "out", "--dry-run"], "matplotlib", "plot"),
        (["reproduce", "fig4a", "--out", "out", "--dry-run"], "scipy", "plot"),
        (["report", "nowhere"], "torch", "report"),
        (["view", "nowhere"], "matplotlib", "report"),
        (["export", "nowhere", "policy.onnx"], "torch", "export"),
        (["plot", "nowhere"], "msgspec", "plot"),
    ],
)
def test_the_extra_is_named_before_anything_is_done(monkeypatch, capsys, command, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    assert isa(*command) == 2
    told = one_line(capsys.readouterr().err)
    assert told == f"isa: this command needs {package}, which is not installed; pip install 'isa-marl[{extra}]'"
    assert not Path("out").exists()


@pytest.mark.slow
def test_plots_need_no_torch(finished):
    """As the extra says: a run that was trained elsewhere is drawn where no torch is."""
    code = "import sys; sys.modules['torch'] = None; from isa_cli.app import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "plot", str(finished), "--out", str(Path("curves.svg").resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path("curves.svg").exists()
