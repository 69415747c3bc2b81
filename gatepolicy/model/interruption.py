"""The signals that end a scan early, and how its process ends then."""

from enum import StrEnum

from gatepolicy.model.exit_codes import ExitCode


class Interruption(StrEnum):
    """A signal, by its name (POSIX, ``signal.h``)."""

    SIGHUP = "SIGHUP"
    """The terminal was closed."""
    SIGINT = "SIGINT"
    """Ctrl-C."""
    SIGTERM = "SIGTERM"
    """Whoever runs the process wants it to end."""

    @property
    def exit_code(self) -> ExitCode:
        """128 and the signal's number, as shells report it."""
        return _EXIT_CODES[self]

    @property
    def number(self) -> int:
        """The signal's number (POSIX, ``kill``)."""
        return self.exit_code - 128


_EXIT_CODES = {
    Interruption.SIGHUP: ExitCode.HUNG_UP,
    Interruption.SIGINT: ExitCode.INTERRUPTED,
    Interruption.SIGTERM: ExitCode.TERMINATED,
}
