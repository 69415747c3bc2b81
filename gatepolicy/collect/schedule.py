"""The order of work: each queue at its own pace, all of them through the same slots."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gatepolicy.collect.limiter import (
    TYPICAL_LATENCY,
    Clock,
    Limiter,
    QueueName,
    Sleep,
    by_queue,
    rate_limit,
    turns_of,
)
from gatepolicy.correlate.collected import Target
from gatepolicy.model.facts import Reason, Unknown


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
