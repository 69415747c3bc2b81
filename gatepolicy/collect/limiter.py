"""Pace: one limiter for each queue of calls to an exchange from one egress."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from gatepolicy.correlate.collected import Target
from gatepolicy.exchanges.exchange import Call, Exchange, RateLimit

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

_ROUNDING = 1e-9
"""Seconds by which a turn may come early: clocks that sleeping moves add up with rounding."""


class Limiter:
    """Hands out turns at an even pace, in the order in which they are asked for.

    A turn that is due takes a slot only then: who waits for an exchange's pace holds up nobody
    who asks another one.
    """

    def __init__(self, limit: RateLimit, *, clock: Clock, sleep: Sleep) -> None:
        """Make a limiter that has been idle for ever.

        Args:
            limit: The pace.
            clock: Monotonic seconds.
            sleep: Waits for seconds.
        """
        self.interval = limit.seconds / limit.calls
        """Seconds from one turn to the next."""
        self._clock = clock
        self._sleep = sleep
        self._next_turn = float("-inf")
        self._in_order = asyncio.Lock()

    @asynccontextmanager
    async def turn(
        self,
        slot: AbstractAsyncContextManager[None],
        *,
        weight: int = 1,
        unless: Callable[[], bool] = lambda: False,
    ) -> AsyncIterator[bool]:
        """Enter when it is this caller's turn, and tell whether the caller has it.

        Args:
            slot: Entered when the turn is due, and left with it.
            weight: How many turns the caller takes: the next one waits for all of them.
            unless: When nothing is to be sent any more; then nobody waits, and no turn is taken.
        """
        async with AsyncExitStack() as held:
            async with self._in_order:
                due = max(self._clock(), self._next_turn)
                await self._wait(unless)
                if not unless():
                    await held.enter_async_context(slot)
                taken = not unless()
                if taken:
                    # A timer or a slot that comes late does not slow down the pace, as long as it
                    # is late by less than a turn: more is never made up for.
                    start = max(due, self._next_turn, self._clock() - self.interval)
                    self._next_turn = start + self.interval * weight
            yield taken

    async def _wait(self, unless: Callable[[], bool]) -> None:
        while not unless() and (wait := self._next_turn - self._clock()) > _ROUNDING:
            # Again, because a pause may have been asked for meanwhile.
            await self._sleep(wait)

    def pause(self, seconds: float) -> None:
        """Nobody gets a turn for so long: the exchange said ``Retry-After``."""
        self._next_turn = max(self._next_turn, self._clock() + seconds)


TYPICAL_LATENCY = 0.25
"""Seconds until an answer, where nothing was measured yet: one request over an open connection to
another continent."""
UNLIMITED = RateLimit(calls=1_000_000, seconds=1.0)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, order=True)
class QueueName:
    """What accounts have in common that share one pace."""

    exchange: str
    """Id of the exchange."""
    egress: str
    """The proxy; empty for a direct egress."""
    base_url: str
    """What replaces the exchange's own server; may be empty."""
    sandbox: bool
    """Whether it is the exchange's sandbox, which has servers of its own."""

    def __str__(self) -> str:
        """For people: the exchange, and what sets it apart from its other queues."""
        at = f" at {self.base_url}" if self.base_url else ""
        sandbox = " (sandbox)" if self.sandbox else ""
        return f"{self.exchange}{sandbox}{at} via {self.egress or 'direct'}"


def queue_of(target: Target) -> QueueName:
    """The queue of an account."""
    account = target.account
    return QueueName(
        exchange=account.subject.exchange,
        egress=account.proxy or "",
        base_url=account.base_url or "",
        sandbox=account.sandbox,
    )


def by_queue(targets: Sequence[Target]) -> Mapping[QueueName, Sequence[int]]:
    """Positions of targets by queue.

    Neither the queues nor what is in them depend on the order of the targets: so neither does what
    is found out. Accounts that list other keys come first, since they take longest.
    """
    queues: dict[QueueName, list[int]] = {}
    for position, target in enumerate(targets):
        queues.setdefault(queue_of(target), []).append(position)

    def rank(position: int) -> tuple[bool, str]:
        return not targets[position].lists, targets[position].account.subject.id

    return {name: sorted(queues[name], key=rank) for name in sorted(queues)}


def rate_limit(target: Target, max_rate: float | None) -> RateLimit:
    """How fast a target may be asked.

    The catalog's limits protect exchanges (and the egress, which they would ban); a server on
    the loopback interface needs no such protection.
    """
    if max_rate is not None:
        return RateLimit(calls=1, seconds=1.0 / max_rate)
    base_url = target.account.base_url
    if base_url is not None and urlsplit(base_url).hostname in _LOOPBACK:
        return UNLIMITED
    return target.exchange.rate_limit if target.exchange is not None else UNLIMITED


def calls_of(target: Target) -> Sequence[Call]:
    """Every call that reading a target may send; those that list other keys repeatedly."""
    if target.exchange is None or target.unusable is not None or not target.asks:
        return ()
    return (*target.exchange.sendable, *_list_calls(target, target.exchange))


def calls_needed(target: Target) -> Sequence[Call]:
    """The calls that reading a target needs at least: without alternatives, and one page a list."""
    if target.exchange is None or target.unusable is not None or not target.asks:
        return ()
    return (*target.exchange.calls, *_list_calls(target, target.exchange))


def _list_calls(target: Target, exchange: Exchange) -> list[Call]:
    listings = exchange.listings if target.lists else ()
    return [call for listing in listings for call in listing.calls]


def turns_of(target: Target) -> int:
    """Turns of the pace that a target needs, at least."""
    return sum(call.weight for call in calls_needed(target))


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long reading all accounts takes, at least."""

    seconds: float
    """Without retries, and with every list of keys on one page."""
    calls: int
    """How many calls that is."""
    slowest: QueueName | None
    """The queue whose pace decides; ``None`` when the number of jobs does."""
    slowest_turns: int
    """Turns in that queue."""
    pace: float
    """Turns per second of that queue; zero without one."""


def forecast(targets: Sequence[Target], max_rate: float | None, jobs: int) -> Forecast:
    """The floor of a scan: its slowest queue at its pace, or all calls through all jobs.

    Args:
        targets: What is asked.
        max_rate: Turns per second in place of the catalog's.
        jobs: Calls at a time.
    """
    calls = sum(len(calls_needed(target)) for target in targets)
    found = Forecast(calls * TYPICAL_LATENCY / jobs, calls, None, 0, 0.0)
    for name, positions in by_queue(targets).items():
        turns = sum(turns_of(targets[position]) for position in positions)
        limit = rate_limit(targets[positions[0]], max_rate)
        seconds = turns * limit.seconds / limit.calls
        if seconds > found.seconds:
            found = Forecast(seconds, calls, name, turns, limit.calls / limit.seconds)
    return found
