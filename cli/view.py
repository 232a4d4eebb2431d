"""``isa view``: show the report of a run, live while it trains."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from .options import RunEnvs, Trust, need_plots, need_training


def view(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN...")],
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1; 0 picks a free one.", min=0, max=65535)] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the report in a browser, if one is available.")
    ] = True,
    env: RunEnvs = None,
    trust: Trust = False,
) -> None:
    """Serve the report of runs to a local browser, live while they train; press Ctrl-C to stop."""
    need_training("report")
    need_plots("report")
    from isa_learners.runs.report.live import LiveContents
    from isa_learners.runs.report.page import vega
    from isa_learners.runs.report.server import ReportServer
    from isa_learners.runs.run_folder import open_runs

    folders = open_runs(runs, env or (), trust)  # unreadable runs are reported before the server starts
    live = LiveContents(folders)
    with ReportServer(live, vega(), port) as server:
        live.start()
        try:
            typer.echo(f"serving {server.url} to this machine; press Ctrl-C to stop")
            if open_browser and _can_open():
                webbrowser.open(server.url)
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            typer.echo()
        finally:
            live.close()


def _can_open() -> bool:
    """Return whether there is a screen: a text browser would take over the terminal."""
    return sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))
