"""A read-only server of a report for this machine only."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from isa_learners.runs.report.live import LiveContents
from isa_learners.runs.report.page import page
from isa_wrappers.errors import InvalidValueError

HOST = "127.0.0.1"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
PATIENCE = 30.0
"""Maximum seconds of a request."""


class ReportServer(socketserver.ThreadingTCPServer):
    """Serves ``/``, ``/state.json`` (the current version) and ``/data.json`` to this machine.

    A request must name this machine as its host, which prevents DNS rebinding.

    Args:
        live: contents to show.
        library: Vega's code.
        port: port to listen on; 0 picks a free one.

    Attributes:
        url: URL of the page.

    Raises:
        InvalidValueError: if the port is in use or not permitted.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, live: LiveContents, library: str, port: int = 0) -> None:
        self.live, self.library = live, library
        try:
            super().__init__((HOST, port), _Answer)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidValueError(f"cannot serve on port {port} ({reason}); give --port another one, or 0") from error
        port = self.server_address[1]
        self.url = f"http://{HOST}:{port}/"
        self.hosts = {f"{name}{end}" for name in (HOST, "localhost") for end in (f":{port}", *([""] * (port == 80)))}

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors, as browsers close connections at any time."""


class _Answer(BaseHTTPRequestHandler):
    server: ReportServer
    server_version, sys_version = "isa", ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        if not set(self.headers.get_all("Host", ["none"])) <= self.server.hosts:
            self.send_error(HTTPStatus.FORBIDDEN, "another host's name")
            return
        live = self.server.live
        answers: dict[str, Callable[[], tuple[str, str]]] = {
            "/": lambda: ("text/html", page(live.contents, self.server.library, live=True)),
            "/data.json": lambda: ("application/json", json.dumps(live.contents, allow_nan=False)),
            "/state.json": lambda: ("application/json", json.dumps(live.state())),
        }
        if self.path not in answers:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind, text = answers[self.path]()
        data = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass
