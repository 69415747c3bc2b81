"""What concerns the process as a whole: its signals, its standard error, its end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from gatepolicy.model.interruption import Interruption


class Signalled(KeyboardInterrupt):
    """A signal, raised where the program is just then: whoever has begun something cleans up.

    It is a ``KeyboardInterrupt`` so that event loops and command lines let it pass.
    """

    def __init__(self, by: Interruption) -> None:
        """Keep the signal."""
        super().__init__()
        self.by = by


@contextmanager
def own_process() -> Iterator[None]:
    """Run as a process of one's own: signals are raised, and after an interruption nothing waits.

    While accounts are read, the first signal is handled there, so that reports are still written.
    """
    if sys.stderr is None:
        # The caller closed it. NOTE: what is said about problems must not go anywhere else, least
        # of all into the first file that is opened, whose descriptor would be that of stderr.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for _, number in _signals():
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _raise)
    try:
        yield
    except SystemExit as ended:
        _leave(ended.code)
        raise


def interruption_of(error: BaseException) -> Interruption:
    """The signal behind an error; Ctrl-C unless another one is known."""
    for one in (error, error.__cause__):
        if isinstance(one, Signalled):
            return one.by
    return Interruption.SIGINT


def _signals() -> Iterator[tuple[Interruption, signal.Signals]]:
    """Those that this platform has."""
    for by in Interruption:
        if hasattr(signal, by):
            yield by, signal.Signals[by]


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    raise Signalled(Interruption(signal.Signals(number).name))


def _leave(code: object) -> None:
    """From here on the exit code stands; what still runs is not waited for."""
    for _, number in _signals():
        signal.signal(number, signal.SIG_IGN)
    if code in [by.exit_code for by in Interruption]:
        # A thread may wait for a name server; the interpreter would wait for it.
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(int(str(code)))
