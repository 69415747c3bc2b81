"""Asking the simulator with real ccxt clients."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import aiohttp
import ccxt.async_support as ccxt
import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.faults import Fault
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator

# The first implicit method that asks each exchange about the key itself.
METHODS = {
    ExchangeId.GATE: "private_account_get_main_keys",
    ExchangeId.BINANCE: "sapi_get_account_apirestrictions",
    ExchangeId.BYBIT: "private_get_v5_user_query_api",
    ExchangeId.OKX: "private_get_account_config",
    ExchangeId.KUCOIN: "private_get_user_api_key",
}


@dataclass
class Outcome:
    """What came of one call."""

    simulator: Simulator
    answer: Any = None
    error: str = ""
    statuses: list[int] = field(default_factory=list)
    body: Any = None


class Ask(Protocol):
    """Serves ``known`` (by default the key itself) and makes one call with ``key``."""

    def __call__(
        self,
        key: SimulatedKey,
        *,
        known: Sequence[SimulatedKey] | None = None,
        method: str = "",
        faults: Sequence[Fault] = (),
        ahead: float = 0.0,
    ) -> Outcome: ...


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(params=list(ExchangeId))
def clean(request: pytest.FixtureRequest, now: datetime) -> SimulatedKey:
    """A clean key of each exchange."""
    return clean_key(ExchangeId(request.param), 7, now)


@pytest.fixture
def documented() -> Callable[[str], object]:
    """Reads the documented example of an answer."""

    def read(name: str) -> object:
        path = Path(__file__).parent / "documented" / f"{name}.json"
        value: object = json.loads(path.read_text(encoding="utf-8"))
        return value

    return read


@pytest.fixture
def ask() -> Ask:
    def call(
        key: SimulatedKey,
        *,
        known: Sequence[SimulatedKey] | None = None,
        method: str = "",
        faults: Sequence[Fault] = (),
        ahead: float = 0.0,
    ) -> Outcome:
        simulator = Simulator(
            (key,) if known is None else known, faults=faults, clock=lambda: time.time() + ahead
        )
        return asyncio.run(_one_call(simulator, key, method or METHODS[ExchangeId(key.exchange)]))

    return call


async def _one_call(simulator: Simulator, key: SimulatedKey, method: str) -> Outcome:
    outcome = Outcome(simulator)
    async with simulator, aiohttp.ClientSession(trace_configs=[_statuses(outcome)]) as session:
        client = _client(key, simulator.url, session)
        try:
            outcome.answer = await getattr(client, method)()
        except ccxt.BaseError as error:
            outcome.error = type(error).__name__
        finally:
            outcome.body = _parsed(client.last_http_response)
            await client.close()
    return outcome


def _client(key: SimulatedKey, url: str, session: aiohttp.ClientSession) -> ccxt.Exchange:
    settings = {
        "apiKey": key.api_key,
        "secret": key.secret if key.given_secret is None else key.given_secret,
        "password": key.passphrase,
        "session": session,
        "verify": False,
        "enableRateLimit": False,
        "timeout_on_exit": 0,
        "timeout": 2_000,
    }
    client = getattr(ccxt, key.exchange)(settings)
    client.urls["api"] = _moved(client.urls["api"], url)
    return client


def _moved(urls: object, base: str) -> object:
    if isinstance(urls, dict):
        return {name: _moved(value, base) for name, value in urls.items()}
    host, slash, path = str(urls).removeprefix("https://").partition("/")
    assert host
    return f"{base}{slash}{path}"


def _parsed(body: str | None) -> object:
    try:
        value: object = json.loads(body or "")
    except ValueError:
        return body
    return value


def _statuses(outcome: Outcome) -> aiohttp.TraceConfig:
    async def note(
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        end: aiohttp.TraceRequestEndParams,
    ) -> None:
        outcome.statuses.append(end.response.status)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    return trace
