"""Faults happen as they say, as often as they say."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import aiohttp
import pytest

from gatepolicy.simulator.answers import hex_hmac
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.delivery import _SPOILED
from gatepolicy.simulator.faults import Fault, FaultKind, FaultQueue
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator

T = TypeVar("T")


@pytest.fixture
def key(now: datetime) -> SimulatedKey:
    return clean_key(ExchangeId.BINANCE, 1, now)


def _asking(key: SimulatedKey, simulator: Simulator) -> tuple[str, dict[str, str]]:
    query = f"timestamp={int(time.time() * 1000)}"
    signature = hex_hmac("sha256", key.secret, query)
    url = f"{simulator.url}/sapi/v1/account/apiRestrictions?{query}&signature={signature}"
    return url, {"X-MBX-APIKEY": key.api_key}


def _with_response(
    key: SimulatedKey,
    look: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    *,
    allow_redirects: bool = False,
) -> tuple[T, Simulator]:
    async def run() -> tuple[T, Simulator]:
        async with Simulator((key,)) as simulator, aiohttp.ClientSession() as session:
            url, headers = _asking(key, simulator)
            options: Any = {"headers": headers, "allow_redirects": allow_redirects}
            async with session.get(url, **options) as response:
                return await look(response), simulator

    return asyncio.run(run())


def _faulty(key: SimulatedKey, **fault: Any) -> SimulatedKey:
    return replace(key, faults=(Fault(**fault),))


def test_every_kind_is_known_to_the_delivery() -> None:
    assert set(_SPOILED) == set(FaultKind)


def test_queue_uses_faults_up_in_order() -> None:
    limit = Fault(kind=FaultKind.STATUS, status=429, times=2)
    late = Fault(kind=FaultKind.LATENCY, seconds=0.5, times=1)
    page = Fault(kind=FaultKind.HTML, times=1)
    queue = FaultQueue((limit, late, page))

    assert [queue.take() for _ in range(4)] == [limit, limit, page, None]
    assert [queue.delay() for _ in range(2)] == [0.5, 0]


def test_fault_without_times_never_ends() -> None:
    queue = FaultQueue((Fault(kind=FaultKind.EMPTY),))

    assert all(queue.take() is not None for _ in range(5))


def test_rate_limit_status_twice_then_well(key: SimulatedKey) -> None:
    limited = _faulty(key, kind=FaultKind.STATUS, status=429, retry_after="7", times=2)

    async def run() -> list[tuple[int, str | None]]:
        seen = []
        async with Simulator((limited,)) as simulator, aiohttp.ClientSession() as session:
            for _ in range(3):
                url, headers = _asking(key, simulator)
                async with session.get(url, headers=headers) as response:
                    seen.append((response.status, response.headers.get("Retry-After")))
        return seen

    assert asyncio.run(run()) == [(429, "7"), (429, "7"), (200, None)]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (418, b'{"code":-1003,"msg":"Too many requests; current request has limited."}'),
        (429, b'{"code":-1003,"msg":"Too many requests; current request has limited."}'),
        (500, b""),
        (0, b""),
    ],
)
def test_status(key: SimulatedKey, status: int, body: bytes) -> None:
    faulty = _faulty(key, kind=FaultKind.STATUS, status=status, retry_after="")
    (seen, said, retry), _ = _with_response(faulty, _status_body_retry)

    assert (seen, said, retry) == (status or 503, body, None)


async def _status_body_retry(response: aiohttp.ClientResponse) -> tuple[int, bytes, str | None]:
    return response.status, await response.read(), response.headers.get("Retry-After")


OWN_RATE_LIMIT: Mapping[str, tuple[int, str, Mapping[str, object]]] = {
    "gate": (429, "RateLimitExceeded", {"label": "TOO_MANY_REQUESTS"}),
    "binance": (429, "DDoSProtection", {"code": -1003}),
    "bybit": (200, "RateLimitExceeded", {"retCode": 10006}),
    "okx": (429, "RateLimitExceeded", {"code": "50011", "msg": "Too Many Requests"}),
    "kucoin": (429, "RateLimitExceeded", {"code": "429000", "msg": "Too Many Requests"}),
}


def test_each_exchange_limits_in_its_own_way(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(_faulty(clean, kind=FaultKind.RATE_LIMIT))
    status, error, fields = OWN_RATE_LIMIT[clean.exchange]

    assert (outcome.statuses, outcome.error) == ([status], error)
    assert {name: outcome.body[name] for name in fields} == fields


def test_clock_error(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(_faulty(clean, kind=FaultKind.CLOCK_ERROR))

    expected = "AuthenticationError" if clean.exchange is ExchangeId.GATE else "InvalidNonce"
    assert outcome.error == expected


def test_global_fault_concerns_every_key(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(clean, faults=(Fault(kind=FaultKind.EMPTY, status=500),))

    assert outcome.statuses == [500]


def test_page_with_status_200_reaches_the_caller_as_text(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(_faulty(clean, kind=FaultKind.HTML))

    assert outcome.error == ""
    assert str(outcome.body).startswith("<!DOCTYPE html>")


def test_firewall_page(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(_faulty(clean, kind=FaultKind.HTML, status=403))

    assert outcome.statuses == [403]
    bybit = clean.exchange is ExchangeId.BYBIT
    assert outcome.error == ("RateLimitExceeded" if bybit else "ExchangeNotAvailable")


def test_reset(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(_faulty(clean, kind=FaultKind.RESET))

    assert outcome.error == "ExchangeNotAvailable"
    assert outcome.statuses == []


def test_empty_body(key: SimulatedKey) -> None:
    seen, _ = _with_response(_faulty(key, kind=FaultKind.EMPTY), _status_body_retry)

    assert seen == (200, b"", None)


def test_truncated(key: SimulatedKey) -> None:
    (status, body, _), _ = _with_response(
        _faulty(key, kind=FaultKind.TRUNCATED), _status_body_retry
    )

    assert status == 200
    assert body.startswith(b'{"ipRestrict":true,')
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_redirect_that_is_not_followed(key: SimulatedKey) -> None:
    async def look(response: aiohttp.ClientResponse) -> tuple[int, str]:
        return response.status, response.headers["Location"]

    (status, location), simulator = _with_response(_faulty(key, kind=FaultKind.REDIRECT), look)

    assert status == 302
    assert location.startswith(f"{simulator.trap_url}/sapi/v1/account/apiRestrictions?timestamp=")
    assert simulator.trap_url != simulator.url
    assert simulator.followed_redirects == ()


def test_redirect_that_is_followed_is_answered_well_and_recorded(key: SimulatedKey) -> None:
    (status, _, _), simulator = _with_response(
        _faulty(key, kind=FaultKind.REDIRECT, status=307), _status_body_retry, allow_redirects=True
    )

    assert status == 200
    assert [r.path for r in simulator.followed_redirects] == ["/sapi/v1/account/apiRestrictions"]
    assert simulator.request_count == 2


def test_redirect_elsewhere(key: SimulatedKey) -> None:
    async def look(response: aiohttp.ClientResponse) -> str:
        return response.headers["Location"]

    faulty = _faulty(key, kind=FaultKind.REDIRECT, location="http://127.0.0.1:1/")

    assert _with_response(faulty, look)[0] == "http://127.0.0.1:1/"


def test_latency_and_slow_body(key: SimulatedKey) -> None:
    late = Fault(kind=FaultKind.LATENCY, seconds=0.05)
    slow = Fault(kind=FaultKind.SLOW_BODY, seconds=0.0001)
    began = time.monotonic()
    (status, body, _), _ = _with_response(replace(key, faults=(late, slow)), _status_body_retry)

    assert time.monotonic() - began > 0.05 + len(body) * 0.0001
    assert status == 200
    assert json.loads(body)["enableReading"] is True


def test_huge_body_is_bounded(key: SimulatedKey) -> None:
    seen, _ = _with_response(
        _faulty(key, kind=FaultKind.HUGE_BODY, size=200_000), _status_body_retry
    )

    assert seen[1] == b'{"padding":"' + b"a" * 262_144


def test_huge_body_ends_when_nobody_reads(key: SimulatedKey) -> None:
    async def look(response: aiohttp.ClientResponse) -> bytes:
        return await response.content.read(10)

    began = time.monotonic()
    start, _ = _with_response(_faulty(key, kind=FaultKind.HUGE_BODY, size=10**12), look)

    assert b'{"padding":'.startswith(start[:11])
    assert time.monotonic() - began < 2


def test_reset_within_the_body(key: SimulatedKey) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        _with_response(_faulty(key, kind=FaultKind.RESET_BODY), _status_body_retry)


def test_bomb_is_small_until_it_is_unpacked(key: SimulatedKey) -> None:
    async def look(response: aiohttp.ClientResponse) -> tuple[int, int]:
        return int(response.headers["Content-Length"]), len(await response.read())

    (sent, unpacked), _ = _with_response(_faulty(key, kind=FaultKind.BOMB, size=1_000_000), look)

    assert unpacked == len('{"padding":""}') + 1_000_000
    assert sent < 2_000


def test_duplicate_keys_end_harmless(key: SimulatedKey) -> None:
    risky = replace(key, permissions=frozenset({"enableReading", "enableWithdrawals"}))
    (_, body, _), _ = _with_response(
        _faulty(risky, kind=FaultKind.DUPLICATE_KEYS), _status_body_retry
    )
    pairs = json.loads(body, object_pairs_hook=list)

    assert [v for name, v in pairs if name == "enableWithdrawals"] == [True, False]
    assert [v for name, v in pairs if name == "createTime"][1] == 0


def test_duplicate_keys_of_lists_texts_and_objects(ask: Any, now: datetime) -> None:
    key = _faulty(clean_key(ExchangeId.BYBIT, 1, now), kind=FaultKind.DUPLICATE_KEYS)
    result = ask(key).body["result"]

    assert (result["ips"], result["note"], result["permissions"]) == ([], "", {})


def test_wrong_types(ask: Any, now: datetime) -> None:
    key = _faulty(clean_key(ExchangeId.BYBIT, 1, now), kind=FaultKind.WRONG_TYPES)
    result = ask(key).body["result"]

    assert result["isMaster"] == "true"
    assert result["readOnly"] == "0"
    assert result["note"] == len("ICG-MM 1")
    assert result["ips"] == {"0": "203.0.113.10", "1": "203.0.113.11"}
    assert result["permissions"] is None


def test_spoiled_answer_is_still_refused_to_strangers(ask: Any, clean: SimulatedKey) -> None:
    stranger = replace(clean, given_secret="another", faults=(Fault(kind=FaultKind.WRONG_TYPES),))

    assert ask(stranger).error != ""
