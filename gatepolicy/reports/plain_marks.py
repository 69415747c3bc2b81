"""Marks for an output that has no others than those of ASCII.

``?`` is the mark of an unknown: a check mark or a cross must not become one.
"""

import codecs

PLAIN_MARKS = "gatepolicy.plain_marks"
"""Name of an error handler for text that an encoding cannot hold."""

_PLAIN = {
    "\N{CHECK MARK}": "+",
    "\N{BALLOT X}": "x",
    "\N{HORIZONTAL ELLIPSIS}": "~",
    "\N{RIGHTWARDS ARROW}": ">",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{SECTION SIGN}": "S",
    "\N{MULTIPLICATION SIGN}": "x",
}
"""One character for one: the columns of a table stay where they are."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(char, "_") for char in text), error.end


codecs.register_error(PLAIN_MARKS, _plainly)
