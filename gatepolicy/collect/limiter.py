"""Pacing: how fast one egress may ask one exchange, shared by all its accounts."""

from collections.abc import Awaitable, Callable

from gatepolicy.exchanges.exchange import RateLimit

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class Limiter:
    """Hands out turns at an even pace.

    Turns are reserved in order: who comes later waits longer, and nobody wakes up only to find
    that the turn is gone.
    """

    def __init__(self, limit: RateLimit, *, clock: Clock, sleep: Sleep) -> None:
        """Make a limiter that has been idle for ever.

        Args:
            limit: The pace.
            clock: Monotonic seconds.
            sleep: Waits for seconds.
        """
        self._interval = limit.seconds / limit.calls
        self._clock = clock
        self._sleep = sleep
        self._next_turn = float("-inf")

    async def turn(self, weight: int = 1) -> None:
        """Return when it is this caller's turn.

        Args:
            weight: How many turns the caller takes: the next one waits for all of them.
        """
        now = self._clock()
        turn = max(now, self._next_turn)
        self._next_turn = turn + self._interval * weight
        if turn > now:
            await self._sleep(turn - now)

    def pause(self, seconds: float) -> None:
        """Nobody gets a turn for so long: the exchange said ``Retry-After``."""
        self._next_turn = max(self._next_turn, self._clock() + seconds)
