"""Training in a real (pseudo) terminal: the live display bears every phase."""

import os
import pty

import pytest
from cli_helpers import NEAR, forked

pytestmark = pytest.mark.slow


def test_the_live_display_shows_phases_and_the_end(tmp_path):
    settings = ("ppo.rollout_steps=6", "eval_interval=1000", "scope.transitions=300")
    command = ["train", "grid/unlock", "--kwargs", NEAR, "--num-envs", 4, "--steps", 3000, "--out", tmp_path / "run"]
    command += [part for pair in settings for part in ("--set", pair)]
    ours, theirs = pty.openpty()
    process = forked(*command, env={"TERM": "xterm"}, terminal=theirs)
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
