"""Progress of long work: one line on a terminal, nothing anywhere else."""

from collections.abc import Callable
from typing import TextIO

from gatepolicy.cli.durations import in_words


class Progress:
    """Counts accounts that are done."""

    def __init__(self, total: int, stream: TextIO | None, *, quiet: bool) -> None:
        """Show nothing yet.

        Args:
            total: How many there will be.
            stream: Where to show it; only a terminal is written to. ``None`` when the caller
                closed it.
            quiet: Show nothing at all.
        """
        self._total = total
        self._stream = stream if not quiet and stream is not None and stream.isatty() else None
        self._step = max(1, total // 100)
        self._done = 0

    def advance(self, left: Callable[[], float]) -> None:
        """One more is done.

        Args:
            left: The seconds that the others take, at least.
        """
        self._done += 1
        if self._stream and (self._done % self._step == 0 or self._done == self._total):
            seconds = left()
            rest = f", at least {in_words(seconds)} left" if seconds >= 1 else ""
            self._stream.write(f"\r\x1b[2Kread {self._done} of {self._total} accounts{rest}")
            self._stream.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._stream and self._done:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
