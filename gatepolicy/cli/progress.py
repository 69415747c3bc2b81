"""Progress of long work: one line on a terminal, nothing anywhere else."""

from typing import TextIO


class Progress:
    """Counts accounts that are done."""

    def __init__(self, total: int, stream: TextIO, *, quiet: bool) -> None:
        """Show nothing yet.

        Args:
            total: How many there will be.
            stream: Where to show it; only a terminal is written to.
            quiet: Show nothing at all.
        """
        self._total = total
        self._stream = stream
        self._shown = not quiet and stream.isatty()
        self._step = max(1, total // 100)
        self._done = 0

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        if self._shown and (self._done % self._step == 0 or self._done == self._total):
            self._stream.write(f"\rasked {self._done} of {self._total} accounts")
            self._stream.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._shown and self._done:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
