"""The one place where an error becomes text and an exit code."""

import io
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, TextIO

import click

from gatepolicy.errors import (
    AbortedError,
    ClosedPipeError,
    DocumentError,
    GatepolicyError,
    ReportsError,
)
from gatepolicy.model.scan import ExitCode, Interruption
from gatepolicy.reports.clean import clean


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


class Boundary:
    """Wraps the whole command; whatever leaves it becomes an exit code.

    Texts of unforeseen exceptions are not shown: they may hold what an exchange answered or a
    URL with a signature. Their class and the lines that they passed are.
    """

    def __init__(self, stderr: TextIO) -> None:
        self._stderr = stderr

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        sys.exit(self._tell(error))

    def _tell(self, error: BaseException) -> ExitCode:
        match error:
            case click.ClickException():
                error.show(self._stderr)
                return ExitCode.USAGE
            case ClosedPipeError() | BrokenPipeError():
                _discard_output()
                return ExitCode.CLOSED_PIPE
            case KeyboardInterrupt() | click.Abort():
                by = interruption_of(error)
                self._say(f"interrupted by {by}; nothing else was written")
                return by.exit_code
            case BaseExceptionGroup():
                return self._tell(error.exceptions[0])
            case GatepolicyError():
                self._tell_own(error)
                return error.exit_code
            case _:
                return self._tell_defect(error)

    def _tell_own(self, error: GatepolicyError) -> None:
        match error:
            case ReportsError():
                for one in error.errors:
                    self._tell(one)
            case DocumentError():
                for problem in error.problems:
                    self._say(str(problem))
                count = len(error.problems)
                self._say(f"error: {count} problem{'s' * (count != 1)} found, nothing was scanned")
            case AbortedError():
                self._say(str(error))
            case _:
                self._say(f"error: {error}")
                if error.hint:
                    self._say(f"hint: {error.hint}")

    def _tell_defect(self, error: BaseException) -> ExitCode:
        self._say(f"internal error: {type(error).__name__}; this run proves nothing")
        for frame in traceback.extract_tb(error.__traceback__):
            self._say(f"  {frame.name} in {frame.filename}:{frame.lineno}")
        self._say("hint: please report this; it contains no credential")
        return ExitCode.INTERNAL

    def _say(self, line: str) -> None:
        print(clean(line), file=self._stderr)


def _discard_output() -> None:
    """Send what Python still holds for standard output nowhere: at its end, it would complain."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, io.UnsupportedOperation, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
