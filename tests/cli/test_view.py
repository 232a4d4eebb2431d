"""``isa view``: what it says, what it refuses, how it ends."""

import signal
import socket
import urllib.request

import pytest
from cli_helpers import ended, forked, isa, one_line
from report_helpers import small_run_folder

pytest.importorskip("torch")
pytest.importorskip("vl_convert", reason="pip install 'isa-marl[report]'")


@pytest.mark.slow
def test_it_serves_a_run_until_ctrl_c(tmp_path):
    run = small_run_folder(tmp_path / "run", seed=1)
    process = forked("view", run.path, "--no-open")
    line = process.stdout.readline()
    url = line.partition("serving ")[2].split()[0]
    assert line == f"serving {url} to this machine; press Ctrl-C to stop\n"
    with urllib.request.urlopen(url) as page:
        assert page.read().startswith(b"<!doctype html>")
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert (code, out.strip(), err) == (0, "", "")


def test_a_browser_is_opened_where_there_is_a_screen(tmp_path, monkeypatch, capsys):
    from isa_cli import view
    from isa_learners.runs.report.server import ReportServer

    opened = []
    monkeypatch.setattr(view.webbrowser, "open", opened.append)
    monkeypatch.setattr(ReportServer, "serve_forever", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    run = small_run_folder(tmp_path / "run", seed=1)
    monkeypatch.setattr(view.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert isa("view", run.path) == 0
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    assert isa("view", run.path, "--no-open") == 0
    assert opened == []
    assert isa("view", run.path) == 0
    assert opened == [capsys.readouterr().out.splitlines()[-2].split()[1]]


def test_what_is_wrong_is_told_in_one_line(tmp_path, capsys):
    run = small_run_folder(tmp_path / "run", seed=1)
    assert isa("view", tmp_path / "none", "--no-open") == 2
    assert "holds no run" in one_line(capsys.readouterr().err)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert isa("view", run.path, "--no-open", "--port", port) == 2
    assert f"cannot serve on port {port}" in one_line(capsys.readouterr().err)
    assert isa("view", run.path, "--no-open", "--port", 70_000) == 2
    assert "70000" in one_line(capsys.readouterr().err)
    run.config_file.write_text("env: [")
    assert isa("view", run.path, "--no-open") == 2
    assert "config.yaml" in one_line(capsys.readouterr().err)
