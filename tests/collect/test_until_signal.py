"""The first signal cancels the reading; whoever handled signals before does so again."""

import asyncio
import os
import signal
import threading

import pytest

from gatepolicy.collect.run import until_signal
from gatepolicy.model.scan import Interruption

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in NUMBERS]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_cancels_the_work_and_is_told(number: signal.Signals) -> None:
    before = handlers()
    ended: list[str] = []

    async def work() -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("cleaned up")

    async def main() -> Interruption | None:
        return await until_signal(work())

    assert asyncio.run(main()) is Interruption(number.name)
    assert ended == ["cleaned up"]
    assert handlers() == before


def test_work_that_ends_by_itself_was_not_interrupted() -> None:
    before = handlers()

    async def main() -> Interruption | None:
        return await until_signal(asyncio.sleep(0))

    assert asyncio.run(main()) is None
    assert handlers() == before


def test_whoever_cancels_the_wait_gets_the_cancellation() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(until_signal(asyncio.sleep(30)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())


def test_errors_of_the_work_are_raised() -> None:
    async def work() -> None:
        raise ValueError("x")

    async def main() -> None:
        await until_signal(work())

    with pytest.raises(ValueError, match="x"):
        asyncio.run(main())


def test_another_thread_handles_no_signals() -> None:
    found: list[Interruption | None] = []

    async def main() -> None:
        found.append(await until_signal(asyncio.sleep(0)))

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join()
    assert found == [None]
