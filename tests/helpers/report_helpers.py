"""A run of a moment, trained once per session and copied, for pages of it."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from learner_helpers import tiny_config

from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import train


@cache
def _trained(algo, seed):
    folder = Path(tempfile.mkdtemp()) / "run"
    train(tiny_config(algo=algo, seed=seed), folder)
    return folder


def small_run_folder(path, seed=0, algo="isa"):
    """Return a finished run in a folder of its own."""
    shutil.copytree(_trained(algo, seed), path)
    return RunFolder.open(path)


def opened(browser, url, width):
    """Open a page; return it drawn, with what its console said and what it asked for since."""
    tab = browser.new_page(viewport={"width": width, "height": 900})
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.set_default_timeout(120_000)
    tab.goto(url)
    tab.wait_for_selector("html[data-ready=yes]", state="attached")
    return tab, said, asked
