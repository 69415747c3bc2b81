"""The guard lets out declared reads only, and takes in bounded answers only."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from gatepolicy.collect.guard import (
    MAX_ANSWER,
    Received,
    Route,
    SignedRequest,
    differences,
    open_guard,
    redirect_to,
    retry_after,
)
from gatepolicy.exchanges.answers import Answer, NoAnswer
from gatepolicy.exchanges.exchange import Call
from gatepolicy.model.facts import Reason

HOSTS = frozenset({"api.example.com"})
CALL = Call(
    id="own_key",
    ccxt_method="private_get_own_key",
    http_method="GET",
    path="/v1/own-key",
    params={},
    permission="",
    reads="",
    body={},
    reference="https://docs.example.com/own-key",
)
URL = "https://api.example.com/v1/own-key?timestamp=1&signature=canary"


def request(method: str = "GET", url: str = URL, body: bytes | None = None) -> SignedRequest:
    return SignedRequest(method, url, {"X-KEY": "canary-key"}, body)


def passes(signed: SignedRequest, call: Call = CALL) -> bool:
    return not differences(signed, call, HOSTS)


def test_the_declared_read_passes() -> None:
    assert passes(request())
    assert not passes(request(method="POST"))


@pytest.mark.parametrize(
    "undeclared",
    [
        request(method="POST"),
        request(method="DELETE"),
        request(method="get"),
        request(body=b"{}"),
        request(url="http://api.example.com/v1/own-key"),
        request(url="https://evil.example.com/v1/own-key"),
        request(url="https://api.example.com:8443/v1/own-key"),
        request(url="https://api.example.com@evil.example.com/v1/own-key"),
        request(url="https://user@api.example.com/v1/own-key"),
        request(url="https://api.example.com/v1/own-key/delete"),
        request(url="https://api.example.com/v1/own-key/../withdraw"),
        request(url="https://api.example.com/v1/OWN-KEY"),
        request(url="https://api.example.com//v1/own-key"),
    ],
)
def test_nothing_undeclared_passes(undeclared: SignedRequest) -> None:
    assert not passes(undeclared)


def test_a_refused_request_reaches_nobody_and_its_reason_quotes_nothing_of_it() -> None:
    asked: list[str] = []

    async def handler(got: web.BaseRequest) -> web.Response:
        asked.append(got.path)
        return web.Response()

    moved = request(url="https://evil.example.com/v2/canary?signature=canary")
    received = sent_to(handler, signed=moved)
    assert isinstance(received, NoAnswer)
    assert received.reason is Reason.REQUEST_REFUSED
    assert "a different host and path than the catalog declares" in received.detail
    assert "canary" not in received.detail
    assert asked == []


READING_POST = replace(CALL, http_method="POST", reads="a query", body={"method": "getInfo"})


@pytest.mark.parametrize(
    "body", [b"method=getInfo&nonce=1", b"nonce=1&method=getInfo", b'{"method":"getInfo","n":1}']
)
def test_a_declared_post_passes_with_its_body(body: bytes) -> None:
    assert passes(request(method="POST", body=body), READING_POST)
    assert not passes(request(method="GET"), READING_POST)
    assert not passes(request(method="POST", body=body), CALL)


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"method=withdrawCoin",
        b"method=getInfo&method=withdrawCoin",
        b"method=withdrawCoin&method=getInfo",
        b"Method=getInfo",
        b'{"method":"withdrawCoin"}',
        b'{"method":["getInfo"]}',
        b'{"method":',
        b"\xff",
    ],
)
def test_the_same_path_with_another_body_does_not_pass(body: bytes | None) -> None:
    assert not passes(request(method="POST", body=body), READING_POST)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_a_declared_write_does_not_pass_either(method: str) -> None:
    assert not passes(request(method=method), replace(CALL, http_method=method))


def test_a_request_shows_nothing_secret() -> None:
    assert "canary" not in repr(request())


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, URL),
        (
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/v1/own-key?timestamp=1&signature=canary",
        ),
        (
            "https://relay.example.com",
            "https://relay.example.com/v1/own-key?timestamp=1&signature=canary",
        ),
    ],
)
def test_a_base_url_replaces_scheme_host_and_port_only(base_url: str | None, expected: str) -> None:
    assert redirect_to(URL, base_url) == expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("-1", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def sent_to(
    handler: Handler, *, timeout: float = 5.0, signed: SignedRequest | None = None
) -> Received | NoAnswer:
    """What the guard makes of a real server's behaviour."""

    async def exchange() -> Received | NoAnswer:
        runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            route = Route(HOSTS, f"http://127.0.0.1:{runner.addresses[0][1]}", None)
            async with open_guard(frozenset({None}), 4) as guard:
                return await guard.send(signed or request(), CALL, route, timeout=timeout)
        finally:
            await runner.cleanup()

    return asyncio.run(exchange())


def test_an_answer_comes_back_as_it_was_sent() -> None:
    async def handler(asked: web.BaseRequest) -> web.Response:
        assert asked.headers["User-Agent"].startswith("gatepolicy/")
        assert asked.raw_path == "/v1/own-key?timestamp=1&signature=canary"
        return web.Response(status=429, text="[1]", headers={"Retry-After": "3"})

    received = sent_to(handler)
    assert isinstance(received, Received)
    assert replace(received, date=None) == Received(Answer(429, b"[1]"), 3.0)
    assert received.date is not None
    assert abs(datetime.now(UTC) - received.date) < timedelta(minutes=2)


def test_a_redirect_is_never_followed() -> None:
    seen: list[str] = []

    async def handler(asked: web.BaseRequest) -> web.Response:
        seen.append(asked.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    received = sent_to(handler)
    assert seen == ["/v1/own-key"]
    assert isinstance(received, NoAnswer)
    assert received.reason is Reason.UNEXPECTED_ANSWER


def test_a_huge_answer_is_cut() -> None:
    async def handler(asked: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(asked)
        for _ in range(2 * MAX_ANSWER // 65536):
            await response.write(b" " * 65536)
        return response

    received = sent_to(handler)
    assert isinstance(received, NoAnswer)
    assert "larger than" in received.detail


def test_a_compression_bomb_is_cut() -> None:
    async def handler(asked: web.BaseRequest) -> web.Response:
        response = web.Response(body=b" " * (4 * MAX_ANSWER))
        response.enable_compression(web.ContentCoding.gzip)
        return response

    received = sent_to(handler)
    assert isinstance(received, NoAnswer)
    assert received.reason in (Reason.UNEXPECTED_ANSWER, Reason.UNREACHABLE)


def test_a_slow_answer_is_a_timeout() -> None:
    async def handler(asked: web.BaseRequest) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    received = sent_to(handler, timeout=0.2)
    assert isinstance(received, NoAnswer)
    assert received.reason is Reason.TIMEOUT


def test_a_dripping_answer_is_a_timeout() -> None:
    async def handler(asked: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(asked)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    received = sent_to(handler, timeout=0.3)
    assert isinstance(received, NoAnswer)
    assert received.reason is Reason.TIMEOUT


def test_a_broken_answer_is_unreachable() -> None:
    async def handler(asked: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(asked)
        await response.write(b"{")
        assert asked.transport is not None
        asked.transport.close()
        return response

    received = sent_to(handler)
    assert isinstance(received, NoAnswer)
    assert received.reason is Reason.UNREACHABLE


def test_nobody_listening_is_unreachable() -> None:
    async def exchange() -> Received | NoAnswer:
        async with open_guard(frozenset({None}), 4) as guard:
            route = Route(HOSTS, "http://127.0.0.1:9", None)
            return await guard.send(request(), CALL, route, timeout=2)

    received = asyncio.run(exchange())
    assert isinstance(received, NoAnswer)
    assert received.reason is Reason.UNREACHABLE


def test_plain_http_behind_https_is_a_tls_error() -> None:
    async def exchange() -> Received | NoAnswer:
        async def handler(asked: web.BaseRequest) -> web.Response:
            return web.Response()

        runner = web.ServerRunner(web.Server(handler, access_log=None))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            route = Route(HOSTS, f"https://127.0.0.1:{runner.addresses[0][1]}", None)
            async with open_guard(frozenset({None}), 4) as guard:
                return await guard.send(request(), CALL, route, timeout=5)
        finally:
            await runner.cleanup()

    received = asyncio.run(exchange())
    assert isinstance(received, NoAnswer)
    assert received.reason is Reason.TLS_ERROR
