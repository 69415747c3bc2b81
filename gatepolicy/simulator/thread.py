"""The simulator in a thread of its own, for callers that are not asynchronous."""

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from gatepolicy.simulator.server import Simulator


class SimulatorThread:
    """Runs a simulator on its own event loop while the context is open.

    ::

        with SimulatorThread(Simulator(keys)) as simulator:
            print(simulator.url)

    What the simulator recorded may be read at any time, also after the context is closed.
    """

    def __init__(self, simulator: Simulator) -> None:
        """Take a simulator that has not been started."""
        self._simulator = simulator
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="simulator")
        self._begun = threading.Event()
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._done: Future[None] = Future()

    def __enter__(self) -> Simulator:
        self._done = self._pool.submit(asyncio.run, self._serve())
        self._begun.wait()
        if self._stop is None:
            self._close()
        return self._simulator

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    async def _serve(self) -> None:
        stop = asyncio.Event()
        try:
            async with self._simulator:
                self._stop = (asyncio.get_running_loop(), stop)
                self._begun.set()
                await stop.wait()
        finally:
            self._begun.set()

    def _close(self) -> None:
        if self._stop is not None:
            loop, stop = self._stop
            loop.call_soon_threadsafe(stop.set)
        self._pool.shutdown()
        # Raises what went wrong while the server started or stopped.
        self._done.result()
