"""Slots go to the most urgent, and none is ever lost."""

import asyncio

from gatepolicy.collect.schedule import Slots


def test_the_most_urgent_is_served_first_and_equal_ones_in_order() -> None:
    served: list[str] = []

    async def work() -> None:
        slots = Slots(1)

        async def take(name: str, urgency: float) -> None:
            async with slots.held(urgency):
                served.append(name)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for name, urgency in (("first", 0), ("low", 1), ("high", 9), ("also high", 9)):
                group.create_task(take(name, urgency))

    asyncio.run(work())
    assert served == ["first", "high", "also high", "low"]


def test_whoever_is_cancelled_takes_no_slot_along() -> None:
    async def work() -> None:
        slots = Slots(1)

        async def take() -> None:
            async with slots.held():
                await asyncio.sleep(0)

        async with slots.held():
            waiting, handed = asyncio.create_task(take()), asyncio.create_task(take())
            await asyncio.sleep(0)
            waiting.cancel()
        # The slot is handed over; its taker is cancelled before it can go on.
        handed.cancel()
        await asyncio.gather(waiting, handed, return_exceptions=True)
        assert waiting.cancelled()
        assert handed.cancelled()
        async with asyncio.timeout(1), slots.held():
            pass

    asyncio.run(work())
