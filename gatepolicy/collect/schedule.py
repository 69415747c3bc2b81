"""Pace and order of work: each queue at its own pace, all of them through the same slots."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gatepolicy.correlate.collected import Target
from gatepolicy.exchanges.exchange import Call, Exchange, RateLimit
from gatepolicy.model.facts import Reason, Unknown

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


class Slots:
    """A semaphore that serves the most urgent first.

    ``asyncio.Semaphore`` serves in order of arrival: then many short queues would take the slots
    of the one whose pace decides how long a scan takes.
    """

    def __init__(self, count: int) -> None:
        """All slots are free.

        Args:
            count: At least 1.
        """
        self._free = count
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def held(self, urgency: float = 0.0) -> AsyncIterator[None]:
        """Hold a slot.

        Args:
            urgency: The highest is served first; equal ones in order of arrival.
        """
        await self._take(urgency)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, urgency: float) -> None:
        if self._free:
            self._free -= 1
            return
        handed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((urgency, handed))
        try:
            await handed
        except asyncio.CancelledError:
            if not handed.cancelled():
                # It was handed over, and its taker cancelled before it could go on.
                self._give_back()
            raise

    def _give_back(self) -> None:
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]
        if not self._waiting:
            self._free += 1
            return
        first = max(range(len(self._waiting)), key=lambda position: self._waiting[position][0])
        self._waiting.pop(first)[1].set_result(None)


SILENT_AFTER = 5
"""Accounts in a row that must fail in the same way, without any answer between them: a single slow
account, or one short outage of its own, is no dead exchange."""
NETWORK_REASONS = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.TLS_ERROR})
"""Failures without any answer; a name that cannot be resolved is unreachable."""


class Silence:
    """What one queue's accounts have met, one after the other."""

    def __init__(self, name: str) -> None:
        """Nothing was tried yet.

        Args:
            name: Of the queue, for people.
        """
        self._name = name
        self._reason: Reason | None = None
        self.row = 0
        """How many accounts in a row have failed in the same way."""
        self._patience = 0.0

    def answered(self) -> None:
        """Somebody is there."""
        self._reason, self.row, self._patience = None, 0, 0.0

    def failed(self, reason: Reason, timeout: float) -> None:
        """An account got no answer at all.

        Args:
            reason: One of ``NETWORK_REASONS``.
            timeout: The seconds that the account would have waited.
        """
        if reason is not self._reason:
            self.answered()
            self._reason = reason
        self.row += 1
        self._patience = max(self._patience, timeout)

    def why(self, timeout: float) -> Unknown | None:
        """Why an account is not asked any more; ``None`` while it is.

        Args:
            timeout: The seconds that the account would wait. One that waits longer than all that
                failed by time-out is asked.
        """
        if self._reason is None or self.row < SILENT_AFTER:
            return None
        if self._reason is Reason.TIMEOUT and timeout > self._patience:
            return None
        return Unknown(
            self._reason,
            f"not read: at least {SILENT_AFTER} accounts in a row failed with {self._reason}"
            f" on {self._name}",
        )


_AHEAD = 5.0
"""Seconds before its turn that an account is begun at the earliest: time for a command to print its
credentials, and short enough for those that expire soon."""


@dataclass(slots=True)
class Answering:
    """How long answers take."""

    seconds: float = 0.0
    """Of all calls together."""
    calls: int = 0
    """How many there were."""

    @property
    def latency(self) -> float:
        """Seconds per call."""
        return self.seconds / self.calls if self.calls else TYPICAL_LATENCY


@dataclass(slots=True)
class Lane:
    """One queue at work."""

    name: QueueName
    """Which one."""
    positions: Sequence[int]
    """Of its targets, in the order in which they are begun."""
    limiter: Limiter
    """Its pace."""
    silence: Silence
    """Whether anybody answers."""
    slots: Slots
    """Shared with all other lanes."""
    answering: Answering
    """Shared with all other lanes."""
    clock: Clock
    """Monotonic seconds."""
    turns_left: int
    """Turns that its accounts still need, at least."""
    jobs: int
    """Accounts at work at once, at most."""
    ahead: int
    """Accounts that wait for their first turn, at most."""
    _at_work: int = field(default=0, init=False)
    _waiting: int = field(default=0, init=False)
    _is_proven: bool = field(default=False, init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def seconds_left(self) -> float:
        """What its pace still takes, at least: the lane with the most is served first."""
        return self.turns_left * self.limiter.interval

    @asynccontextmanager
    async def visit(self, target: Target) -> AsyncIterator["Visit"]:
        """An account's time in this lane; the account was let in by ``let_in``."""
        visit = Visit(self, target.account.timeout)
        try:
            yield visit
        finally:
            visit.begin()
            self.turns_left -= turns_of(target)
            self._at_work -= 1
            self._changed.set()

    async def let_in(self) -> None:
        """Return when the next account may begin."""
        while not self._has_room():
            self._changed.clear()
            await self._changed.wait()
        self._at_work += 1
        self._waiting += 1

    def _has_room(self) -> bool:
        if self._at_work >= self.jobs or self._waiting >= self.ahead:
            return False
        # Until anybody answers, a queue gets no more slots than it takes to find out that it is
        # dead: others need them, and which accounts are asked does not depend on their number.
        is_decided = self._is_proven or self.silence.row >= SILENT_AFTER
        return is_decided or self._at_work + self.silence.row < SILENT_AFTER

    def begun(self) -> None:
        """An account waits for its first turn no longer."""
        self._waiting -= 1
        self._changed.set()

    def answered(self) -> None:
        """An answer came, whatever it says."""
        self._is_proven = True
        self.silence.answered()
        self._changed.set()


@dataclass(slots=True)
class Visit:
    """One account in its lane."""

    lane: Lane
    """Whose pace it keeps."""
    timeout: float
    """Seconds that the account waits for answers."""
    _begun: bool = field(default=False, init=False)

    def begin(self) -> None:
        """The account waits for its first turn no longer."""
        if not self._begun:
            self._begun = True
            self.lane.begun()

    @property
    def silence(self) -> Unknown | None:
        """Why the account is not asked; ``None`` when it is."""
        return self.lane.silence.why(self.timeout)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Work that asks no exchange."""
        async with self.lane.slots.held(self.lane.seconds_left):
            yield

    @asynccontextmanager
    async def turn(self, weight: int) -> AsyncIterator[bool]:
        """A call's turn, and whether the account has it: it has none where nobody answers."""
        lane = self.lane
        slot = lane.slots.held(lane.seconds_left)
        async with lane.limiter.turn(
            slot, weight=weight, unless=lambda: self.silence is not None
        ) as taken:
            self.begin()
            started = lane.clock()
            yield taken
            if taken:
                lane.answering.seconds += lane.clock() - started
                lane.answering.calls += 1


class Schedule:
    """All lanes of a scan."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        jobs: int,
        max_rate: float | None,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        """Sort targets into lanes.

        Args:
            targets: What is asked.
            jobs: How much may be at work at once.
            max_rate: Turns per second of each lane, in place of the catalog's.
            clock: Monotonic seconds.
            sleep: Waits for seconds.
        """
        self.targets = targets
        self._jobs = jobs
        slots, self._answering = Slots(jobs), Answering()

        def lane(name: QueueName, positions: Sequence[int]) -> Lane:
            limit = rate_limit(targets[positions[0]], max_rate)
            limiter = Limiter(limit, clock=clock, sleep=sleep)
            return Lane(
                name=name,
                positions=positions,
                limiter=limiter,
                silence=Silence(str(name)),
                slots=slots,
                answering=self._answering,
                clock=clock,
                turns_left=sum(turns_of(targets[position]) for position in positions),
                jobs=jobs,
                ahead=1 + math.ceil(_AHEAD / limiter.interval),
            )

        self.lanes = [lane(name, positions) for name, positions in by_queue(targets).items()]
        """By the names of their queues."""

    def seconds_left(self) -> float:
        """How long the rest takes, at least."""
        turns = sum(lane.turns_left for lane in self.lanes)
        by_jobs = turns * self._answering.latency / self._jobs
        return max([by_jobs, *(lane.seconds_left for lane in self.lanes)])
