"""Texts that somebody else wrote, made harmless for a terminal, a log and a CI runner."""

import codecs
import re

_COMMAND = re.compile(r":(?=:[0-9A-Fa-f]*[G-Zg-z_-])|#(?=#)")
"""What such a command begins with, wherever it stands: a line may be wrapped there. Addresses of
IPv6 have two colons as well, and no letter behind them but hexadecimal digits."""


def clean(text: str) -> str:
    r"""The text with everything that does not print shown as an escape such as ``\x1b``.

    That is every control, formatting, surrogate and unassigned character, marks of direction and
    invisible ones included, and every space but the plain one. The beginnings of commands to CI
    runners are broken by such an escape. What is clean stays as it is.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    if "::" in text or "##" in text:
        return _COMMAND.sub(lambda start: _escape(start[0]), text)
    return text


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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
