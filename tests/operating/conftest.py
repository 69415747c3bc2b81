"""Receivers on this machine, and a firm whose keys are scanned."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.system.conftest import clean, firm

__all__ = ["clean", "firm"]


@dataclass
class Hook:
    """A server on this machine that keeps what it is sent."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    """The next answers; 200 once there is none."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Path and body of each request."""

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """The paths of all requests."""
        return [path for path, _ in self.calls]

    @property
    def bodies(self) -> list[str]:
        """The bodies of all requests."""
        return [body for _, body in self.calls]


@contextmanager
def serving() -> Iterator[Hook]:
    """A server until the end of the block."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            hook.calls.append((self.path, self.rfile.read(length).decode()))
            self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A server for one test."""
    with serving() as hook:
        yield hook
