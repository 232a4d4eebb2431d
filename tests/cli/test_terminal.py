"""Training in a real (pseudo) terminal: the live display bears every phase."""

import os
import pty
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_the_live_display_shows_phases_and_the_end(tmp_path):
    command = [sys.executable, "-c", "from isa_cli.main import main; main()", "train", "grid/unlock"]
    command += ["--kwargs", '{"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}', "--num-envs", "4"]
    command += [
        "--steps",
        "3000",
        "--set",
        "ppo.rollout_steps=6",
        "--set",
        "eval_interval=1000",
        "--set",
        "scope.transitions=300",
        "--out",
        str(tmp_path / "run"),
    ]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not chunk:
                break
            shown += chunk
        code = process.wait(timeout=60)
    text = shown.decode(errors="replace")
    assert code == 0, text
    for word in ("phase scope", "phase explore", "phase reach", "success", "/s", "grid/unlock:"):
        assert word in text
    assert "Traceback" not in text
