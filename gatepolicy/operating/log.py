"""What a run does, as JSON lines: ``schemas/log.schema.json``.

Everything else that is written to the stream, such as a warning, becomes a line, too: whoever reads
them never meets another one.
"""

import io
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from gatepolicy.model.encoding import encode_time
from gatepolicy.reports.clean import clean

Clock = Callable[[], datetime]
_LEVELS = {"warning: ": "warning", "note: ": "note", "hint: ": "hint", "reference: ": "note"}
_ERROR = "error: "


class Log(io.TextIOBase):
    """A stream of JSON lines; or, in the place of the events, nothing.

    A secret never comes here: events hold what reports hold, and texts were made for people.
    """

    def __init__(self, stream: TextIO | None, clock: Clock) -> None:
        """Write nothing yet.

        Args:
            stream: Where lines go; ``None`` drops them.
            clock: Tells the time.
        """
        super().__init__()
        self._stream = stream
        self._clock = clock
        self._rest = ""

    def event(self, name: str, **members: object) -> None:
        """Write one line.

        Args:
            name: What happened, as the schema names it.
            members: More about it.
        """
        if self._stream is None:
            return
        entry = {"time": encode_time(self._clock()), "event": name, **members}
        self._stream.write(f"{json.dumps(entry)}\n")
        self._stream.flush()

    def writable(self) -> bool:
        """As for any stream that is written to."""
        return True

    def write(self, text: str | bytes) -> int:
        """Take a text for people: each of its lines is a problem."""
        # click tries bytes first: whatever takes them gets no text.
        if isinstance(text, bytes):
            raise TypeError("a log takes text")
        *lines, self._rest = f"{self._rest}{text}".split("\n")
        for line in lines:
            self._problem(line)
        return len(text)

    def finish(self) -> None:
        """Write what had no end of a line."""
        rest, self._rest = self._rest, ""
        self._problem(rest)

    def _problem(self, line: str) -> None:
        if line.strip():
            self.event("problem", **problem(line))


def problem(line: str) -> Mapping[str, str]:
    """A line for people, as members: how bad it is, and the text."""
    for start, level in _LEVELS.items():
        if line.startswith(start):
            return {"level": level, "text": clean(line.removeprefix(start))}
    return {"level": "error", "text": clean(line.removeprefix(_ERROR))}
