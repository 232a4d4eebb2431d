"""The server answers its own page on this machine, and nobody else; a page sees a run go on."""

import http.client
import json
import socket
import threading
from contextlib import contextmanager

import pytest
from report_helpers import opened, small_run_folder

from isa_learners.runs.report.live import NO_METRICS, LiveContents
from isa_learners.runs.report.page import vega
from isa_learners.runs.report.server import HOST, ReportServer
from isa_wrappers.errors import InvalidValueError


@contextmanager
def serving(live, library="/* vega */"):
    with ReportServer(live, library) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server():
    with serving(LiveContents([])) as running:
        yield running


def answer(server, path="/", method="GET", host=None):
    connection = http.client.HTTPConnection(HOST, server.server_address[1], timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name in [f"{HOST}:{server.server_address[1]}"] if host is None else host:
        connection.putheader("Host", name)
    connection.endheaders()
    found = connection.getresponse()
    found.text = found.read().decode()
    connection.close()
    return found


def test_it_serves_a_page_and_what_the_page_asks_for(server):
    found = answer(server)
    assert found.status == 200
    assert found.getheader("Content-Type") == "text/html; charset=utf-8"
    assert 'data-live="yes"' in found.text
    assert "connect-src 'self'" in found.text
    assert json.loads(answer(server, "/state.json").text) == {"version": 0, "error": None}
    assert json.loads(answer(server, "/data.json").text) == server.live.contents
    for path in ("/", "/state.json"):
        found = answer(server, path)
        assert found.getheader("X-Content-Type-Options") == "nosniff"
        assert found.getheader("Cache-Control") == "no-store"
        assert found.getheader("Cross-Origin-Resource-Policy") == "same-origin"


@pytest.mark.parametrize(
    "path", ["/config.yaml", "/../etc/passwd", "/index.html", "/x//", "/?", "http://evil.example/"]
)
def test_nothing_else_is_there(server, path):
    found = answer(server, path)
    assert found.status == 404
    assert "isa report" not in found.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_it_can_only_be_read(server, method):
    assert answer(server, "/data.json", method).status == 501


def test_another_name_is_not_answered(server):
    """As a page from elsewhere whose name was made to lead here would give it (DNS rebinding)."""
    port = server.server_address[1]
    for host in (["evil.example"], [f"evil.example:{port}"], [HOST], ["localhost:1"], [], [f"{HOST}:{port}", "evil"]):
        assert answer(server, "/data.json", host=host).status == 403, host
    assert answer(server, "/data.json", host=[f"localhost:{port}"]).status == 200


def test_it_listens_on_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_told_in_one_line():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidValueError, match=rf"^cannot serve on port {port} \(.*in use.*\).*--port[^\n]*$"):
            ReportServer(LiveContents([]), "", port)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_sees_a_run_go_on(browser, tmp_path, width):
    """From waiting for the first row to a new point; what the reader has set stays, and so does the focus."""
    folder = small_run_folder(tmp_path / "run", seed=1)
    header, *rows = folder.metrics_file.read_text().splitlines(keepends=True)
    folder.metrics_file.write_text(header)
    live = LiveContents([folder], rest=0.0)
    live.start()
    try:
        with serving(live, vega()) as server:
            tab, said, asked = opened(browser, server.url, width)
            tab.get_by_text(NO_METRICS).wait_for()
            folder.metrics_file.write_text(header + rows[0])
            slider = tab.locator("input.delta")
            slider.wait_for()
            tab.locator("section.replay").first.wait_for()  # no more changes by themselves
            slider.focus()
            slider.evaluate("(node) => { node.value = 0.37; node.dispatchEvent(new Event('input')); }")
            sets = tab.locator(".sets").get_attribute("data-told")
            with folder.metrics_file.open("a") as file:
                file.write(rows[1])
            tab.wait_for_function("window.isaReport.data.tasks[0].charts[0].rows.length === 2")
            tab.wait_for_function(
                "version => document.documentElement.dataset.version >= version", arg=live.contents["version"]
            )
            assert slider.input_value() == "0.37"
            assert tab.locator(".sets").get_attribute("data-told") == sets
            assert tab.evaluate("document.activeElement.className") == "delta"
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert said == []
            assert {url.removeprefix(server.url) for url in asked if url.startswith("http")} == {
                "",
                "state.json",
                "data.json",
            }
        tab.get_by_text("isa view has stopped").wait_for()
        tab.close()
    finally:
        live.close()
