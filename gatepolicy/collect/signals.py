"""Signals while accounts are read: the first ends the reading, a second one the process."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from gatepolicy.model.interruption import Interruption


async def until_signal(work: Awaitable[None]) -> Interruption | None:
    """Wait for some work, or for the first signal, which cancels it.

    A signal that whoever started the process chose to ignore, as ``nohup`` does, stays ignored.

    Returns:
        The signal; ``None`` when the work was done before any came.
    """
    current = asyncio.current_task()
    assert current is not None
    task = asyncio.ensure_future(work)
    came: list[Interruption] = []

    def interrupt(by: Interruption) -> None:
        came.append(by)
        task.cancel()

    with _handled(interrupt):
        try:
            await task
        except asyncio.CancelledError:
            if not came or current.cancelling():
                raise
    return came[0] if came and task.cancelled() else None


@contextmanager
def _handled(interrupt: Callable[[Interruption], None]) -> Iterator[None]:
    """Hand the first signal over; from then on, and afterwards, signals do what they did before."""
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may handle signals.
        yield
        return
    loop = asyncio.get_running_loop()
    numbers = {by: signal.Signals[by] for by in Interruption if hasattr(signal, by)}
    before = {by: signal.getsignal(number) for by, number in numbers.items()}
    heeded = [by for by, handler in before.items() if handler not in (signal.SIG_IGN, None)]

    def restore() -> None:
        for by in heeded:
            loop.remove_signal_handler(numbers[by])
            signal.signal(numbers[by], before[by])

    def first(by: Interruption) -> None:
        restore()
        interrupt(by)

    for by in heeded:
        loop.add_signal_handler(numbers[by], first, by)
    try:
        yield
    finally:
        restore()
