"""The one place where an error becomes text and an exit code."""

import io
import os
import sys
import traceback
from types import TracebackType
from typing import Self, TextIO

import click

from gatepolicy.cli.process import interruption_of
from gatepolicy.errors import (
    AbortedError,
    ClosedPipeError,
    DocumentError,
    GatepolicyError,
    ReportsError,
)
from gatepolicy.model.exit_codes import ExitCode
from gatepolicy.reports.clean import clean


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
                self._say(f"interrupted by {by}; nothing more was written")
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
        self._say(f"internal error: {type(error).__name__}; nothing can be concluded from this run")
        for frame in traceback.extract_tb(error.__traceback__):
            self._say(f"  {frame.name} in {frame.filename}:{frame.lineno}")
        self._say("hint: please report these lines; they hold no credential")
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
