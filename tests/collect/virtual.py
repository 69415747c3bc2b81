"""A clock that only waiting moves, and a network on it: hours of a scan take seconds."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gatepolicy.accounts.account import Account, EnvReference
from gatepolicy.collect.collector import Edge, RetryPolicy, collect
from gatepolicy.collect.guard import Guard
from gatepolicy.collect.schedule import Schedule
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.collect.signer import Signer
from gatepolicy.correlate.collected import Collected, Target
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Location, Subject

if TYPE_CHECKING:
    import aiohttp
    import yarl

T = TypeVar("T")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
CREDENTIALS = {
    "K": "0123456789abcdef0123456789abcdef",
    "S": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "P": "passphrase",
}


class _Selector(selectors.DefaultSelector):
    """Waits for nothing: what would have been waited is added to the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own."""

    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


def run_virtually(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """The result, and the seconds that it took."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work), loop.time()
    finally:
        loop.close()


class Network:
    """Stands where a session stands: answers late, or fails, by host; counts what it meets."""

    def __init__(
        self,
        latency: float,
        failing: Mapping[str, tuple[float, Exception]],
        asked: Callable[[], None] = lambda: None,
        answer: Callable[["yarl.URL"], bytes] = lambda _: b"{}",
    ) -> None:
        self.latency = latency
        self.asked = asked
        self.answer = answer
        self.failing = failing
        self.sent: list[tuple[float, str]] = []
        self.most = 0
        self._at_once = 0

    @asynccontextmanager
    async def request(self, _: str, url: "yarl.URL", **__: object) -> AsyncIterator[Any]:
        host = url.host or ""
        self.sent.append((asyncio.get_running_loop().time(), host))
        self.asked()
        self._at_once += 1
        self.most = max(self.most, self._at_once)
        try:
            if host in self.failing:
                seconds, error = self.failing[host]
                await asyncio.sleep(seconds)
                raise error
            await asyncio.sleep(self.latency)
            yield SimpleNamespace(status=200, headers={}, content=_Body(self.answer(url)))
        finally:
            self._at_once -= 1


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        yield self._body


def targets_on(counts: Mapping[str, int], **more: Any) -> list[Target]:
    """So many accounts on each exchange, sorted by exchange."""
    return [
        target_on(exchange, number, **more)
        for exchange, count in counts.items()
        for number in range(count)
    ]


def target_on(exchange: str, number: int, **more: Any) -> Target:
    described = load_exchange(exchange)
    given = dict(zip(("apiKey", "secret", "password", "uid"), "KSPK", strict=True))
    account = Account(
        subject=Subject(f"{exchange}-{number:05}", exchange, {}, "", Location("a.yaml", 1, 1)),
        credentials={name: EnvReference(given.get(name, "K")) for name in described.credentials},
        credential_locations={},
        base_url=None,
        proxy=None,
        sandbox=False,
        timeout=30.0,
    )
    fields = {name: value for name, value in more.items() if name != "lists"}
    changed = Account(**{**{f: getattr(account, f) for f in Account.__slots__}, **fields})
    return Target(changed, described, None, lists=more.get("lists", False))


def collect_virtually(
    targets: Sequence[Target],
    network: Network,
    *,
    jobs: int = 64,
    max_rate: float | None = None,
    signer: Signer | None = None,
    environ: Mapping[str, str] = CREDENTIALS,
) -> tuple[dict[int, Collected], float]:
    """What is found out, and the seconds that it takes."""

    async def work() -> dict[int, Collected]:
        clock = asyncio.get_running_loop().time
        session = cast("aiohttp.ClientSession", network)
        edge = Edge(
            guard=Guard({target.account.proxy: session for target in targets}),
            signer=signer or Signer(),
            sources=SecretSources(
                environ=environ,
                folder=cast("Any", None),
                read=cast("Any", None),
                keyring=lambda *_: None,
                run=cast("Any", None),
            ),
            retry=RetryPolicy(attempts=2),
            monotonic=clock,
            sleep=asyncio.sleep,
            random=lambda: 0.5,
            now=lambda: NOW,
            keep_answers=False,
        )
        schedule = Schedule(targets, jobs=jobs, max_rate=max_rate, clock=clock, sleep=asyncio.sleep)
        found: dict[int, Collected] = {}
        await collect(schedule, edge, deliver=found.__setitem__)
        return found

    return run_virtually(work())
