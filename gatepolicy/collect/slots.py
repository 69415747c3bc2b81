"""Slots: how much may be at work at once, over all exchanges."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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
