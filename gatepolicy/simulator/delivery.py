"""Putting an answer on the wire, whole or broken on purpose."""

import asyncio
import gzip
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import TypeAlias

from aiohttp import web

from gatepolicy.simulator.answers import TIME_MARK, Answer, Request
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.rendering import Variant

_CHUNK = b"a" * 65_536
_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>One moment</title></head>"
    b"<body><h1>Checking your browser</h1></body></html>\n"
)
_TOO_OFTEN = frozenset({418, 429})


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """A request and what its exchange would answer."""

    request: Request
    """The request as the exchange sees it."""
    real: Callable[[Variant], Answer]
    """Makes the answer that the exchange would give."""
    rate_limited: Callable[[], Answer]
    """Makes the exchange's own answer to too many requests."""
    clock_error: Callable[[], Answer]
    """Makes the exchange's own answer to a timestamp outside its window."""
    trap_url: str
    """Where redirects point to."""


def answer(pending: PendingAnswer, fault: Fault | None) -> Answer:
    """The answer to a request, as a fault spoils it."""
    if fault is None:
        return pending.real(Variant.PLAIN)
    return _SPOILED[fault.kind](pending, fault)


def _real(pending: PendingAnswer, fault: Fault) -> Answer:
    del fault
    return pending.real(Variant.PLAIN)


def _status(pending: PendingAnswer, fault: Fault) -> Answer:
    status = fault.http_status()
    retry = (("Retry-After", fault.retry_after),) if fault.retry_after else ()
    too_often = status in _TOO_OFTEN
    body = pending.rate_limited().body if too_often else b""
    return Answer(status, body, retry)


def _truncated(pending: PendingAnswer, fault: Fault) -> Answer:
    whole = _real(pending, fault)
    return Answer(whole.status, whole.body[: len(whole.body) // 2])


def _redirect(pending: PendingAnswer, fault: Fault) -> Answer:
    location = fault.location or f"{pending.trap_url}{pending.request.target()}"
    return Answer(fault.http_status(), headers=(("Location", location),))


_Spoiler: TypeAlias = Callable[[PendingAnswer, Fault], Answer]

# What each kind makes of the answer; LATENCY acts before it and those after it on the wire.
_SPOILED: Mapping[FaultKind, _Spoiler] = {
    FaultKind.STATUS: _status,
    FaultKind.RATE_LIMIT: lambda here, _: here.rate_limited(),
    FaultKind.CLOCK_ERROR: lambda here, _: here.clock_error(),
    FaultKind.HTML: lambda _, fault: Answer(fault.http_status(), _PAGE, content_type="text/html"),
    FaultKind.EMPTY: lambda _, fault: Answer(fault.http_status()),
    FaultKind.TRUNCATED: _truncated,
    FaultKind.DUPLICATE_KEYS: lambda here, _: here.real(Variant.DUPLICATE_KEYS),
    FaultKind.WRONG_TYPES: lambda here, _: here.real(Variant.WRONG_TYPES),
    FaultKind.REDIRECT: _redirect,
    FaultKind.SCRIPTED: lambda _, fault: Answer(fault.http_status(), fault.body.encode()),
    FaultKind.DATE: _real,
    FaultKind.LATENCY: _real,
    FaultKind.RESET: _real,
    FaultKind.RESET_BODY: _real,
    FaultKind.SLOW_BODY: _real,
    FaultKind.HUGE_BODY: _real,
    FaultKind.BOMB: _real,
}


async def deliver(
    request: web.BaseRequest, said: Answer, now_ms: int, fault: Fault | None
) -> web.StreamResponse:
    """Send an answer, or break the connection as the fault says.

    Args:
        request: The request to answer.
        said: What to say.
        now_ms: The server's time, for the answers that carry it.
        fault: What goes wrong; most kinds have done so already.
    """
    body = said.body.replace(TIME_MARK, str(now_ms).encode())
    headers = {"Content-Type": said.content_type, **dict(said.headers)}
    match fault:
        case Fault(kind=FaultKind.RESET):
            _reset(request)
        case Fault(kind=FaultKind.RESET_BODY):
            return await _break_off(request, said.status, body)
        case Fault(kind=FaultKind.BOMB, size=size):
            body, headers["Content-Encoding"] = _bomb(size), "gzip"
        case Fault(kind=FaultKind.SLOW_BODY, seconds=seconds):
            return await _drip(request, said.status, body, seconds)
        case Fault(kind=FaultKind.HUGE_BODY, size=size):
            return await _flood(request, size)
        case Fault(kind=FaultKind.DATE, seconds=seconds):
            headers["Date"] = formatdate(now_ms / 1000 + seconds, usegmt=True)
        case _:
            pass
    return web.Response(body=body, status=said.status, headers=headers)


def _reset(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is None:
        return
    # With no time to linger the kernel sends RST instead of FIN.
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


async def _break_off(request: web.BaseRequest, status: int, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _reset(request)
    return response


@lru_cache(maxsize=4)
def _bomb(size: int) -> bytes:
    return gzip.compress(b'{"padding":"' + b"a" * size + b'"}')


async def _drip(
    request: web.BaseRequest, status: int, body: bytes, seconds: float
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    for index in range(len(body)):
        await response.write(body[index : index + 1])
        await asyncio.sleep(seconds)
    return response


async def _flood(request: web.BaseRequest, size: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b'{"padding":"')
    for _ in range(0, size, len(_CHUNK)):
        await response.write(_CHUNK)
    return response
