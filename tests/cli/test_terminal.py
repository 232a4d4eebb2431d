"""Training in a real (pseudo) terminal: the live display bears every phase."""

import json
import os
import pty
import re

import pytest
from cli_helpers import NEAR, forked

pytestmark = pytest.mark.slow


def test_the_live_display_shows_phases_and_the_end(tmp_path):
    settings = ("ppo.rollout_steps=6", "eval_interval=500", "scope.transitions=300")
    command = ["train", "grid/unlock", "--kwargs", NEAR, "--num-envs", 4, "--steps", 1500, "--out", tmp_path / "run"]
    command += [part for pair in settings for part in ("--set", pair)]
    ours, theirs = pty.openpty()
    process = forked(*command, env={"TERM": "xterm", "COLUMNS": "60"}, terminal=theirs)
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
    steps = {phase: int(step.replace(",", "")) for phase, step in re.findall(r"phase (\w+) from step ([\d,]+)", text)}
    assert steps["scope"] == 0
    assert steps["explore"] == json.loads((tmp_path / "run/scope.json").read_text())["settings"]["env_steps"]
    assert steps["explore"] < steps["reach"] < 1500
    *live, _ = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split("grid/unlock: ")[0].replace("\r", "\n").split("\n")
    assert max(map(len, live)) <= 60
