"""Exit codes: one contract for every command and every report format."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller. All other codes are reserved."""

    OK = 0
    """Everything selected was evaluated; nothing at or above ``--fail-on``."""
    VIOLATION = 1
    """At least one violation at or above ``--fail-on``."""
    USAGE = 2
    """Usage, configuration, schema or policy error (nothing was scanned); or a report that could
    not be written, or a baseline that could not be read."""
    INCOMPLETE = 3
    """No violation, but something that a policy requires is unknown, or an account could not be
    read."""
    NOTHING_EVALUATED = 4
    """No account or no rule matched, or no account could be read at all."""
    INTERNAL = 5
    """A defect of gatepolicy."""
    HUNG_UP = 129
    """SIGHUP: the terminal was closed."""
    INTERRUPTED = 130
    """SIGINT: the user pressed Ctrl-C."""
    CLOSED_PIPE = 141
    """Whoever read standard output, such as ``head``, stopped reading. As for any command that
    SIGPIPE ends: 128 and the number of the signal."""
    TERMINATED = 143
    """SIGTERM: such as ``kill``, ``timeout`` or the service manager."""


MEANING: dict[ExitCode, str] = {
    ExitCode.OK: "everything selected was evaluated, nothing at or above --fail-on",
    ExitCode.VIOLATION: "at least one violation at or above --fail-on",
    ExitCode.USAGE: "usage, configuration, schema or policy error (nothing was scanned);"
    " or a report that could not be written, or a baseline that could not be read",
    ExitCode.INCOMPLETE: "no violation, but something that a policy requires is unknown,"
    " or an account could not be read",
    ExitCode.NOTHING_EVALUATED: "nothing evaluated: no account or no rule matched,"
    " or no account could be read",
    ExitCode.INTERNAL: "internal error",
    ExitCode.HUNG_UP: "ended by SIGHUP; accounts that were not read are unknown",
    ExitCode.INTERRUPTED: "ended by SIGINT (Ctrl-C); accounts that were not read are unknown",
    ExitCode.CLOSED_PIPE: "whoever read the output, such as head, stopped reading it",
    ExitCode.TERMINATED: "ended by SIGTERM; accounts that were not read are unknown",
}
