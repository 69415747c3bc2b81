"""The server: one loopback port for all exchanges, told apart by their paths."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeAlias

from aiohttp import web

from gatepolicy.simulator.answers import Answer, Asked
from gatepolicy.simulator.delivery import Exchanged, answer, deliver
from gatepolicy.simulator.exchange import Exchange
from gatepolicy.simulator.exchanges.table import EXCHANGES, exchange_at
from gatepolicy.simulator.faults import Fault, FaultQueue
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.played import PlayedExchange
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.recorder import RecordedRequest, Recorder
from gatepolicy.simulator.rendering import Variant, render

_LOOPBACK = "127.0.0.1"
# Answers that are slow on purpose must not make the end of the simulation slow.
_SHUTDOWN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Loaded:
    key: SimulatedKey
    others: tuple[SimulatedKey, ...]
    bodies: Mapping[str, bytes]
    faults: FaultQueue


_Keys: TypeAlias = Mapping[tuple[str, str], _Loaded]


class Simulator:
    """Plays the exchanges for a fleet of keys while its context is open.

    ::

        async with Simulator(keys) as simulator:
            print(simulator.url)
    """

    def __init__(
        self,
        keys: Sequence[SimulatedKey],
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        record: bool = True,
        record_limit: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare every answer.

        Args:
            keys: What the exchanges know.
            faults: What goes wrong for every request, after the faults of the key.
            port: The port to listen on; 0 takes a free one.
            record: Whether requests are kept; forbidden and redirected ones always are.
            record_limit: How many requests are kept at most.
            clock: The exchanges' clock, Unix time in seconds.

        Raises:
            ValueError: Two keys of one exchange are the same.
        """
        self._clock = clock
        self._port = port
        self._faults = FaultQueue(faults)
        self._requests = Recorder(record_limit if record else 0)
        self._forbidden = Recorder(record_limit)
        self._followed = Recorder(record_limit)
        self._started = datetime.fromtimestamp(clock(), UTC)
        self._keys = _load([key for key in keys if key.exchange in _SHARING], self._started)
        self._played = _played(keys)
        self._played_ports: dict[str, int] = {}
        self._stack = AsyncExitStack()
        self._ports = (0, 0)

    async def __aenter__(self) -> Self:
        server = web.Server(self._respond, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            for port in (self._port, 0, *(0 for _ in self._played)):
                await web.TCPSite(runner, _LOOPBACK, port).start()
        except OSError:
            await self._stack.aclose()
            raise
        first, second, *others = runner.addresses
        self._ports = (first[1], second[1])
        self._played_ports = {
            name: address[1] for name, address in zip(self._played, others, strict=True)
        }
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """The base URL of every simulated exchange, without a final slash."""
        return f"http://{_LOOPBACK}:{self._ports[0]}"

    def url_of(self, exchange: str) -> str:
        """The base URL of one exchange: those with a profile have a port of their own."""
        port = self._played_ports.get(exchange, self._ports[0])
        return f"http://{_LOOPBACK}:{port}"

    @property
    def trap_url(self) -> str:
        """The base URL that redirects point to; it answers like the first one."""
        return f"http://{_LOOPBACK}:{self._ports[1]}"

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """The requests that arrived, oldest first."""
        return self._requests.kept

    @property
    def request_count(self) -> int:
        """How many requests arrived, kept or not."""
        return self._requests.count

    @property
    def forbidden_requests(self) -> tuple[RecordedRequest, ...]:
        """The requests that were anything but GET."""
        return self._forbidden.kept

    @property
    def followed_redirects(self) -> tuple[RecordedRequest, ...]:
        """The requests that followed a redirect to the trap."""
        return self._followed.kept

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        port = _local_port(request)
        for name, own_port in self._played_ports.items():
            if port == own_port:
                return await self._play(name, request, path, query)
        exchange = exchange_at(path)
        trapped = _local_port(request) == self._ports[1]
        self._note(RecordedRequest(request.method, path, exchange.id if exchange else ""), trapped)
        if request.method != "GET":
            return web.Response(status=405, headers={"Allow": "GET"})
        if exchange is None:
            return web.Response(status=404)
        body = await request.read() if request.can_read_body else b""
        asked = Asked(request.method, path, query, request.headers, body, self._clock())
        loaded = self._keys.get((exchange.id, exchange.presented(asked)))
        fault = None if trapped else await self._next_fault(loaded)
        exchanged = Exchanged(exchange, asked, self._real(exchange, asked, loaded), self.trap_url)
        return await deliver(request, answer(exchanged, fault), asked.now_ms(), fault)

    async def _play(
        self, name: str, request: web.BaseRequest, path: str, query: str
    ) -> web.StreamResponse:
        """Answer for an exchange that has a profile."""
        played = self._played[name]
        self._requests.add(RecordedRequest(request.method, path, name))
        if not played.declares(request.method, path) and request.method != "GET":
            self._forbidden.add(RecordedRequest(request.method, path, name))
            return web.Response(status=405)
        body = await request.read() if request.can_read_body else b""
        asked = Asked(request.method, path, query, request.headers, body, self._clock())
        said = played.answer(asked)
        return await deliver(request, said, asked.now_ms(), None)

    def _note(self, request: RecordedRequest, trapped: bool) -> None:  # noqa: FBT001
        self._requests.add(request)
        if request.method != "GET":
            self._forbidden.add(request)
        if trapped:
            self._followed.add(request)

    async def _next_fault(self, loaded: _Loaded | None) -> Fault | None:
        queues = (loaded.faults, self._faults) if loaded else (self._faults,)
        delay = sum(queue.delay() for queue in queues)
        if delay:
            await asyncio.sleep(delay)
        return next((fault for queue in queues if (fault := queue.take())), None)

    def _real(
        self, exchange: Exchange, asked: Asked, loaded: _Loaded | None
    ) -> Callable[[Variant], Answer]:
        def real(variant: Variant) -> Answer:
            call = exchange.calls.get(asked.path)
            if call is None:
                return exchange.not_found(asked)
            refusal = exchange.refuse(asked, loaded.key if loaded else None)
            if refusal or loaded is None:
                return refusal or exchange.not_found(asked)
            if variant is Variant.PLAIN:
                return Answer(200, loaded.bodies[asked.path])
            body = render(call, loaded.key, loaded.others, self._started, variant)
            return Answer(200, body)

        return real


_SHARING = frozenset(ExchangeId)
"""Exchanges that share one port."""


def _played(keys: Sequence[SimulatedKey]) -> Mapping[str, PlayedExchange]:
    names = sorted({key.exchange for key in keys} - _SHARING)
    return {
        name: PlayedExchange(load_profile(name), tuple(key for key in keys if key.exchange == name))
        for name in names
    }


def _local_port(request: web.BaseRequest) -> int:
    transport = request.transport
    return transport.get_extra_info("sockname")[1] if transport else 0


def _account(key: SimulatedKey) -> str:
    return f"shared {key.account}" if key.account else f"alone {key.exchange} {key.api_key}"


def _load(keys: Sequence[SimulatedKey], now: datetime) -> _Keys:
    accounts: dict[str, list[SimulatedKey]] = defaultdict(list)
    for key in keys:
        accounts[_account(key)].append(key)
    loaded: dict[tuple[str, str], _Loaded] = {}
    for key in keys:
        if (key.exchange, key.api_key) in loaded:
            raise ValueError(f"two simulated keys of {key.exchange} are the same")
        others = tuple(other for other in accounts[_account(key)] if other is not key)
        calls = EXCHANGES[ExchangeId(key.exchange)].calls
        bodies = {path: render(call, key, others, now) for path, call in calls.items()}
        loaded[key.exchange, key.api_key] = _Loaded(key, others, bodies, FaultQueue(key.faults))
    return loaded
