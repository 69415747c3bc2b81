"""A heartbeat is called as healthchecks.io takes it, and its URL is told nobody."""

import socket

import pytest

from gatepolicy.model.scan import ExitCode
from gatepolicy.model.secret import Secret
from gatepolicy.operating.heartbeat import beat, call, is_callable_url, url_at_end, url_at_start
from tests.operating.conftest import Hook

URL = "https://ping.example.com/5f1c-secret"


@pytest.mark.parametrize(
    ("url", "start", "failed"),
    [
        (URL, f"{URL}/start", f"{URL}/1"),
        (f"{URL}/", f"{URL}/start", f"{URL}/1"),
        (f"{URL}?rid=7", f"{URL}/start?rid=7", f"{URL}/1?rid=7"),
    ],
)
def test_what_is_called(url: str, start: str, failed: str) -> None:
    assert url_at_start(url) == start
    assert url_at_end(url, ExitCode.OK) == url
    assert url_at_end(url, ExitCode.VIOLATION) == failed


def test_no_other_exit_code_is_a_success() -> None:
    ends = {code: url_at_end(URL, code) for code in ExitCode}
    assert [code for code, url in ends.items() if url == URL] == [ExitCode.OK]
    assert len(set(ends.values())) == len(ends)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, True),
        ("http://127.0.0.1:8000/x", True),
        ("file:///etc/passwd", False),
        ("ftp://example.com/x", False),
        ("ping.example.com/x", False),
        ("https://", False),
        ("https://[::1/x", False),
        ("https://example.com/a\nb", False),
        ("", False),
    ],
)
def test_which_urls_can_be_called(url: str, expected: bool) -> None:
    assert is_callable_url(url) is expected


def beaten(answers: list[str], url: Secret | None) -> tuple[list[str], list[float], list[str]]:
    called: list[str] = []
    slept: list[float] = []
    warned: list[str] = []

    def send(url: str) -> str:
        called.append(url)
        return answers.pop(0)

    beat(url, url_at_start, send=send, sleep=slept.append, warn=warned.append)
    return called, slept, warned


def test_without_a_url_nothing_is_called() -> None:
    assert beaten([], None) == ([], [], [])


def test_it_is_called_once_when_it_answers() -> None:
    assert beaten([""], Secret(URL)) == ([f"{URL}/start"], [], [])


def test_it_is_tried_again_and_then_told_without_the_url() -> None:
    called, slept, warned = beaten(["timeout", "HTTP status 500", ""], Secret(URL))
    assert (len(called), slept, warned) == (3, [1.0, 4.0], [])
    _, _, warned = beaten(["a", "b", "HTTP status 500"], Secret(URL))
    assert warned == ["the heartbeat was not received: HTTP status 500"]


def test_a_real_call(hook: Hook) -> None:
    assert call(f"http://{hook.address}/abc/start") == ""
    assert hook.calls == [("/abc/start", "")]


def test_a_refusal_is_told_by_its_status(hook: Hook) -> None:
    hook.statuses.append(404)
    assert call(f"http://{hook.address}/s3cret") == "HTTP status 404"


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert call(f"http://127.0.0.1:{port}/s3cret") == "Connection refused"


def test_an_answer_that_is_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        port = server.getsockname()[1]
        assert call(f"http://127.0.0.1:{port}/s3cret", timeout=0.2) in ("TimeoutError", "timed out")


def test_a_url_that_http_refuses() -> None:
    assert call("http://127.0.0.1:1/a b") == "InvalidURL"
