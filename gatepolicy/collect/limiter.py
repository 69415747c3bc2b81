"""Pacing: how fast one egress may ask one exchange, shared by all its accounts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from gatepolicy.exchanges.exchange import RateLimit

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
