"""The one tree of errors.

    GatepolicyError            has a hint and an exit code
    ├── UsageError             the command line asks for something impossible
    ├── AbortedError           a dialogue was stopped; nothing was written
    ├── DocumentError          files with problems, each with a place
    ├── ReportError            a report could not be written; the old file is kept
    │   ├── ClosedPipeError    whoever read standard output stopped reading
    │   └── ReportsError       several reports could not be written
    ├── LockedError            another process does the same just now
    ├── HistoryError           the history could not be read or written
    ├── SigningError           something cannot be signed, or a key cannot be used
    ├── RefusedError           what was signed does not hold
    └── InternalError          a defect of gatepolicy

The library raises; only ``gatepolicy.cli.boundary`` turns an error into text and an exit code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gatepolicy.model.evidence import Location
from gatepolicy.model.scan import ExitCode


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document."""

    location: Location
    """Where."""
    path: str
    """The place inside the document, such as ``accounts[3].credentials.apiKey``; may be empty."""
    what: str
    """What is wrong, without a final stop."""
    fix: str
    """What to do, without a final stop; may be empty."""

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{self.location}: {path}{self.what}{fix}"


class GatepolicyError(Exception):
    """Something that the user can act on."""

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the message and the hint.

        Args:
            message: What is wrong, and where.
            hint: What the user can do about it; may be empty.
        """
        super().__init__(message)
        self.hint = hint


class UsageError(GatepolicyError):
    """The command line asks for something impossible."""


class AbortedError(GatepolicyError):
    """The user stopped a dialogue before anything was written."""

    exit_code = ExitCode.INTERRUPTED


class DocumentError(GatepolicyError):
    """One or more documents have problems; all of them are reported at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems in the order in which they stand in the files."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ReportError(GatepolicyError):
    """A report could not be written; what was there before is still there."""


class ClosedPipeError(ReportError):
    """Whoever read standard output stopped reading it."""

    exit_code = ExitCode.CLOSED_PIPE


class ReportsError(ReportError):
    """Several reports could not be written; all others were."""

    def __init__(self, errors: Sequence[ReportError]) -> None:
        """Keep the errors in the order in which the reports were asked for."""
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


class LockedError(GatepolicyError):
    """Another process does the same just now; nothing was scanned."""

    exit_code = ExitCode.LOCKED


class HistoryError(GatepolicyError):
    """The history could not be read or written; scans and their reports do not depend on it."""


class SigningError(GatepolicyError):
    """Something cannot be signed or verified: a key or a library cannot be used."""


class RefusedError(GatepolicyError):
    """A signature, or what was signed, does not hold."""

    exit_code: ExitCode = ExitCode.VIOLATION


class InternalError(GatepolicyError):
    """A defect of gatepolicy, not of its input."""

    exit_code = ExitCode.INTERNAL
