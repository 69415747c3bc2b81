"""A signal that would end the process ends its children first."""

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator

_ENDING = ("SIGTERM", "SIGHUP")
"""SIGINT is not among them: asyncio cancels what runs by itself."""


def run_to_the_end(work: Coroutine[None, None, None]) -> None:
    """Run, and on a signal that ends the process cancel the work before it does.

    Whatever runs then ends as on any other cancellation: commands are killed with their children,
    connections are closed. Signals that are ignored or handled by somebody else are left alone.
    """
    received: list[int] = []

    async def main() -> None:
        task = asyncio.ensure_future(work)

        def end(number: int) -> None:
            received.append(number)
            task.cancel()

        for number in _unhandled():
            asyncio.get_running_loop().add_signal_handler(number, end, number)
        await task

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        if not received:
            raise
        # The loop is closed, and has put the default back.
        signal.raise_signal(received[0])


def _unhandled() -> Iterator[int]:
    if threading.current_thread() is not threading.main_thread():
        return
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            yield number
