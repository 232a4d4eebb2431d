"""Contents follow the run folder while somebody asks, and no faster than they may."""

import time

import pytest
from report_helpers import small_run_folder

from isa_learners.runs.report import live as live_module
from isa_learners.runs.report.live import NO_METRICS, LiveContents
from isa_wrappers.errors import UntrustedRunError


def wait(condition, seconds=120):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it takes too long"
        time.sleep(0.02)


@pytest.fixture
def quick(monkeypatch):
    """Episodes are not played, and looks follow each other fast; what was asked for is kept."""
    asked = []
    monkeypatch.setattr(live_module, "PAUSE", 0.01)
    monkeypatch.setattr(live_module, "played", lambda folder, most_bytes: asked.append(folder) or [])
    return asked


@pytest.fixture
def begun():
    """Start following folders; whoever started is stopped."""
    started = []

    def begin(*folders, rest=0.0):
        started.append(LiveContents(folders, rest))
        started[-1].start()
        return started[-1]

    yield begin
    for live in started:
        live.close()


def values(live):
    return [row["steps"] for row in live.contents["tasks"][0]["charts"][0]["rows"]]


def followed(live, condition):
    """Ask as a page does, until it holds."""
    wait(lambda: live.state() and condition())


def test_a_new_row_comes_to_be_shown(tmp_path, quick, begun):
    folder = small_run_folder(tmp_path / "run", seed=1)
    header, *rows = folder.metrics_file.read_text().splitlines(keepends=True)
    folder.metrics_file.write_text(header + rows[0])
    live = begun(folder)
    followed(live, lambda: "tasks" in live.contents)
    assert len(values(live)) == 1
    version = live.state()["version"]
    with folder.metrics_file.open("a") as file:
        file.writelines(rows[1:])
    followed(live, lambda: len(values(live)) == len(rows))
    assert live.state()["version"] > version
    assert live.error is None


def test_a_run_without_metrics_is_waited_for(tmp_path, quick, begun):
    folder = small_run_folder(tmp_path / "run", seed=1)
    other = small_run_folder(tmp_path / "other", seed=2)
    text = folder.metrics_file.read_text()
    folder.metrics_file.write_text(text.splitlines(keepends=True)[0])
    other.metrics_file.unlink()
    live = begun(folder, other)
    followed(live, lambda: NO_METRICS in live.contents.get("waiting", ""))
    folder.metrics_file.write_text(text)
    followed(live, lambda: "tasks" in live.contents)
    assert len(live.contents["runs"]) == 1
    assert f"{other.path} {NO_METRICS}" in live.contents["notes"]
    followed(live, lambda: live.contents["runs"][0]["replays"] == [])


def test_what_was_read_stands_where_a_file_cannot_be_read(tmp_path, quick, begun):
    folder = small_run_folder(tmp_path / "run", seed=1)
    live = begun(folder)
    followed(live, lambda: "tasks" in live.contents)
    before, text = values(live), (folder.path / "scope.json").read_text()
    (folder.path / "scope.json").write_text("{")
    followed(live, lambda: live.error is not None)
    assert "scope" in live.state()["error"]
    assert values(live) == before
    (folder.path / "scope.json").write_text(text)
    followed(live, lambda: live.error is None)


def test_episodes_are_played_for_a_new_checkpoint_alone(tmp_path, quick, begun):
    folder = small_run_folder(tmp_path / "run", seed=1)
    live = begun(folder)
    followed(live, lambda: live.contents.get("runs", [{}])[0].get("replays") == [])
    assert len(quick) == 1
    version = live.contents["version"]
    with folder.metrics_file.open("a") as file:
        file.write(folder.metrics_file.read_text().splitlines(keepends=True)[-1])
    followed(live, lambda: live.contents["version"] > version)
    assert live.contents["runs"][0]["replays"] == [], "those that are there already"
    assert len(quick) == 1
    folder.latest_checkpoint.write_bytes(folder.latest_checkpoint.read_bytes())
    followed(live, lambda: len(quick) == 2)


def test_why_there_are_no_episodes_stays_said(tmp_path, quick, begun, monkeypatch):
    def untrusted(folder, most_bytes):
        raise UntrustedRunError("nobody has agreed")

    monkeypatch.setattr(live_module, "played", untrusted)
    folder = small_run_folder(tmp_path / "run", seed=1)
    live = begun(folder)
    note = f"no replay of {folder.path}: nobody has agreed"
    followed(live, lambda: live.contents.get("notes") == [note])
    version = live.contents["version"]
    folder.metrics_file.write_text(folder.metrics_file.read_text())
    followed(live, lambda: live.contents["version"] > version)
    assert live.contents["notes"] == [note]


def test_what_an_environment_raises_is_told(tmp_path, quick, begun, monkeypatch):
    monkeypatch.setattr(live_module, "played", lambda *_: 1 / 0)
    live = begun(small_run_folder(tmp_path / "run", seed=1))
    followed(live, lambda: live.error == "ZeroDivisionError: division by zero")
    assert "tasks" in live.contents


def test_it_rests_after_each_reading_and_sleeps_when_nobody_asks(tmp_path, quick, begun, monkeypatch):
    folder = small_run_folder(tmp_path / "run", seed=1)
    live = begun(folder, rest=10_000.0)
    followed(live, lambda: "tasks" in live.contents)
    version = live.contents["version"]
    followed(live, lambda: live.contents["version"] > version)  # the episodes
    folder.metrics_file.write_text(folder.metrics_file.read_text())
    for _ in range(20):
        time.sleep(0.01)
        assert live.state()["version"] == version + 1
    monkeypatch.setattr(live_module, "IDLE_SECONDS", -1.0)
    asleep = begun(folder)
    time.sleep(0.3)
    assert asleep.contents["version"] == 0
