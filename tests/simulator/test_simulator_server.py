"""The server around the exchanges: paths, methods, records, threads."""

import asyncio
import threading
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.recorder import RecordedRequest
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread


def _get(url: str, method: str = "GET") -> tuple[int, bytes]:
    request = urllib.request.Request(url, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v4/spot/x", b'{"label":"NOT_FOUND","message":"Request path not found"}'),
        ("/sapi/v1/x", b""),
        ("/v5/x", b""),
        ("/api/v5/x", b""),
        ("/api/v1/x", b'{"code":"404000","msg":"Url Not Found"}'),
        ("/", b""),
    ],
)
def test_unknown_path(path: str, body: bytes) -> None:
    with SimulatorThread(Simulator(())) as simulator:
        assert _get(simulator.url + path) == (404, body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_anything_but_get_is_refused_and_recorded(method: str) -> None:
    with SimulatorThread(Simulator((), record=False)) as simulator:
        status, _ = _get(f"{simulator.url}/api/v5/trade/order?signature=secret", method)

    assert status == 405
    assert simulator.requests == ()
    assert simulator.forbidden_requests == (RecordedRequest(method, "/api/v5/trade/order", "okx"),)


def test_order_of_a_real_client_is_recorded(ask: Any, now: datetime) -> None:
    outcome = ask(clean_key(ExchangeId.BYBIT, 1, now), method="private_post_v5_order_create")

    assert outcome.statuses == [405]
    assert outcome.simulator.forbidden_requests == (
        RecordedRequest("POST", "/v5/order/create", "bybit"),
    )


def test_withdrawal_of_a_real_client_is_recorded(ask: Any, clean: SimulatedKey) -> None:
    methods = {
        "gate": ("private_withdrawals_post_withdrawals", "/api/v4/withdrawals"),
        "binance": ("sapi_post_capital_withdraw_apply", "/sapi/v1/capital/withdraw/apply"),
        "bybit": ("private_post_v5_asset_withdraw_create", "/v5/asset/withdraw/create"),
        "okx": ("private_post_asset_withdrawal", "/api/v5/asset/withdrawal"),
        "kucoin": ("private_post_withdrawals", "/api/v3/withdrawals"),
    }
    method, path = methods[clean.exchange]
    outcome = ask(clean, method=method)

    assert [(r.method, r.path) for r in outcome.simulator.forbidden_requests] == [("POST", path)]


def test_records_are_bounded_and_counted() -> None:
    with SimulatorThread(Simulator((), record_limit=2)) as simulator:
        for path in "abc":
            _get(f"{simulator.url}/v5/{path}?api_key=secret")

    assert simulator.requests == (
        RecordedRequest("GET", "/v5/a", "bybit"),
        RecordedRequest("GET", "/v5/b", "bybit"),
    )
    assert simulator.request_count == 3


def test_requests_are_only_counted_when_not_recorded() -> None:
    with SimulatorThread(Simulator((), record=False)) as simulator:
        _get(f"{simulator.url}/v5/a")

    assert simulator.requests == ()
    assert simulator.request_count == 1


def test_body_of_a_get_is_part_of_what_is_signed(now: datetime) -> None:
    async def run() -> int:
        key = clean_key(ExchangeId.GATE, 1, now)
        async with Simulator((key,)) as simulator, aiohttp.ClientSession() as session:
            url = f"{simulator.url}/api/v4/account/detail"
            headers = {"KEY": key.api_key, "Timestamp": "1", "SIGN": "x"}
            async with session.get(url, data=b"{}", headers=headers) as response:
                return response.status

    assert asyncio.run(run()) == 403


def test_only_loopback_and_a_port_of_choice() -> None:
    with SimulatorThread(Simulator(())) as first:
        port = int(first.url.rpartition(":")[2])
    with SimulatorThread(Simulator((), port=port)) as second:
        assert second.url == f"http://127.0.0.1:{port}"
        assert first.url == second.url


def test_port_in_use_is_told_and_nothing_stays_behind() -> None:
    with SimulatorThread(Simulator(())) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            SimulatorThread(Simulator((), port=port)).__enter__()
        before = {t.name for t in threading.enumerate() if t.name.startswith("simulator")}
        assert len(before) == 1


def test_same_key_twice(now: datetime) -> None:
    key = clean_key(ExchangeId.OKX, 1, now)

    with pytest.raises(ValueError, match="two simulated keys of okx are the same"):
        Simulator((key, key))
