"""The server: five exchanges share a loopback port, each of the others has its own."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.delivery import answer, deliver
from gatepolicy.simulator.exchanges.table import exchange_at
from gatepolicy.simulator.faults import Fault, FaultQueue
from gatepolicy.simulator.hosts import Host, own_hosts, shared_hosts
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.recorder import RecordedRequest, Recorder

_LOOPBACK = "127.0.0.1"
# Answers that are slow on purpose must not make the end of the simulation slow.
_SHUTDOWN_SECONDS = 0.1


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
            port: The first port to listen on; exchanges that have a port of their own take the
                next ones. 0 takes free ones.
            record: Whether requests are kept; forbidden and redirected ones always are.
            record_limit: How many requests are kept at most.
            clock: The exchanges' clock, Unix time in seconds.

        Raises:
            ValueError: Two keys of one exchange are the same, or nobody documents how a key is
                refused.
        """
        self._clock = clock
        self._port = port
        self._faults = FaultQueue(faults)
        self._requests = Recorder(record_limit if record else 0)
        self._forbidden = Recorder(record_limit)
        self._followed = Recorder(record_limit)
        started = datetime.fromtimestamp(clock(), UTC)
        self._shared = shared_hosts(keys, started)
        self._own = own_hosts(keys, started)
        self._own_ports: dict[str, int] = {}
        self._stack = AsyncExitStack()
        self._ports = (0, 0)

    async def __aenter__(self) -> Self:
        server = web.Server(self._respond, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            for port in self._wanted_ports():
                await web.TCPSite(runner, _LOOPBACK, port).start()
        except OSError:
            await self._stack.aclose()
            raise
        first, second, *others = runner.addresses
        self._ports = (first[1], second[1])
        self._own_ports = {
            name: address[1] for name, address in zip(self._own, others, strict=True)
        }
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def _wanted_ports(self) -> Sequence[int]:
        """The shared port, the trap's, and those of single exchanges; 0 for a free one."""
        own = range(1, self.port_count) if self._port else (0 for _ in self._own)
        return (self._port, 0, *(self._port + number for number in own))

    @property
    def port_count(self) -> int:
        """How many ports in a row are taken from the first one on."""
        return 1 + len(self._own)

    @property
    def url(self) -> str:
        """The base URL of every simulated exchange, without a final slash."""
        return f"http://{_LOOPBACK}:{self._ports[0]}"

    def url_of(self, exchange: str) -> str:
        """The base URL of one exchange: those that do not share a port have their own."""
        port = self._own_ports.get(exchange, self._ports[0])
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
        """The requests that were anything but GET, and no call of the exchange."""
        return self._forbidden.kept

    @property
    def followed_redirects(self) -> tuple[RecordedRequest, ...]:
        """The requests that followed a redirect to the trap."""
        return self._followed.kept

    async def _respond(self, incoming: web.BaseRequest) -> web.StreamResponse:
        path, _, query = incoming.raw_path.partition("?")
        port = _local_port(incoming)
        trapped = port == self._ports[1]
        name, host = self._trapped(incoming.method, path) if trapped else self._host(port, path)
        noted = RecordedRequest(incoming.method, path, name)
        self._requests.add(noted)
        if trapped:
            self._followed.add(noted)
        if incoming.method != "GET" and not (host and host.declares(incoming.method, path)):
            self._forbidden.add(noted)
            return web.Response(status=405, headers={"Allow": "GET"})
        if host is None:
            return web.Response(status=404)
        body = await incoming.read() if incoming.can_read_body else b""
        request = Request(incoming.method, path, query, incoming.headers, body, self._clock())
        if request.method != "GET" and not host.takes(request):
            # The path is that of a call, and the body names another one.
            self._forbidden.add(noted)
        fault = None if trapped else await self._next_fault(host.faults(request))
        said = answer(host.pending(request, self.trap_url), fault)
        return await deliver(incoming, said, request.now_ms(), fault)

    def _host(self, port: int, path: str) -> tuple[str, Host | None]:
        """Who listens on a port: one exchange, or those that share it."""
        for name, own_port in self._own_ports.items():
            if port == own_port:
                return name, self._own[name]
        exchange = exchange_at(path)
        return (exchange.id, self._shared[exchange.id]) if exchange else ("", None)

    def _trapped(self, method: str, path: str) -> tuple[str, Host | None]:
        """Who has a call, wherever it listens: what followed a redirect is answered well."""
        hosts = (*self._own.items(), *self._shared.items())
        return next((pair for pair in hosts if pair[1].declares(method, path)), ("", None))

    async def _next_fault(self, of_key: FaultQueue | None) -> Fault | None:
        queues = (of_key, self._faults) if of_key else (self._faults,)
        delay = sum(queue.delay() for queue in queues)
        if delay:
            await asyncio.sleep(delay)
        return next((fault for queue in queues if (fault := queue.take())), None)


def _local_port(request: web.BaseRequest) -> int:
    transport = request.transport
    return transport.get_extra_info("sockname")[1] if transport else 0
