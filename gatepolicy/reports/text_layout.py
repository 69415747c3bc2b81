"""Lines for a terminal: clean, wrapped, and coloured only when asked.

Whatever reaches a line passes ``clean``, and nothing but ``paint`` adds an escape sequence.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from gatepolicy.reports.clean import clean


class Tone(StrEnum):
    """What a piece of a line means; its value is the ANSI sequence that begins it."""

    PLAIN = ""
    TITLE = "\x1b[1m"
    BAD = "\x1b[1;31m"
    UNSURE = "\x1b[33m"
    GOOD = "\x1b[32m"
    QUIET = "\x1b[2m"


_RESET = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    """Any text; it is cleaned when it is painted."""
    tone: Tone = Tone.PLAIN
    """What it means."""


Line = Sequence[Span]


def line(text: str = "", tone: Tone = Tone.PLAIN) -> Line:
    """A line of one piece."""
    return (Span(text, tone),)


def width_of(text: str) -> int:
    """How many columns a clean text takes."""
    return len(text) if text.isascii() else sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """A clean text of at most this many columns; an ellipsis tells that it was cut."""
    text = clean(text)
    return text if width_of(text) <= width else f"{_head(text, width - 1)}…"


def _head(text: str, width: int) -> str:
    """As many characters from the beginning as fit."""
    ends = accumulate(map(_char_width, text))
    return text[: sum(end <= width for end in ends)]


def pad(text: str, width: int) -> str:
    """A clean text with spaces behind it up to this many columns."""
    return text + " " * (width - width_of(text))


def wrap(text: str, width: int) -> Iterator[str]:
    """Clean lines of at most this many columns; longer words are broken.

    Line breaks of the text count as spaces.
    """
    current, used = "", 0
    for word in _pieces(text, width):
        columns = width_of(word)
        if not current:
            current, used = word, columns
        elif used + 1 + columns <= width:
            current, used = f"{current} {word}", used + 1 + columns
        else:
            yield current
            current, used = word, columns
    yield current


def _pieces(text: str, width: int) -> Iterator[str]:
    for word in text.split():
        yield from _broken(clean(word), width)


def _broken(word: str, width: int) -> Iterator[str]:
    """A word in parts of at most this many columns, each of at least one character.

    Every character is measured once: a name can be as long as an answer.
    """
    start = used = 0
    for index, char in enumerate(word):
        columns = _char_width(char)
        if used + columns > width and index > start:
            yield word[start:index]
            start, used = index, 0
        used += columns
    yield word[start:]


def paragraph(text: str, width: int, *, indent: int = 0, tone: Tone = Tone.PLAIN) -> Iterator[Line]:
    """A wrapped text, every line of it indented."""
    for part in wrap(text, width - indent):
        yield (Span(" " * indent), Span(part, tone))


def labelled(
    label: str, text: str, width: int, *, indent: int = 4, tone: Tone = Tone.PLAIN
) -> Iterator[Line]:
    """A wrapped text behind a label; nothing when the text is empty."""
    column = indent + 10
    for number, part in enumerate(wrap(text, width - column) if text else ()):
        start = f"{' ' * indent}{label}" if number == 0 else ""
        yield (Span(pad(start, column), Tone.QUIET), Span(part, tone))


def paint(lines: Iterable[Line], *, colour: bool) -> Iterator[str]:
    """Text with a line break behind every line, and no spaces at the end of any."""
    for spans in lines:
        if colour:
            yield "".join(map(_coloured, spans)) + "\n"
        else:
            yield "".join(clean(span.text) for span in spans).rstrip() + "\n"


def _coloured(span: Span) -> str:
    text = clean(span.text)
    return f"{span.tone.value}{text}{_RESET}" if span.tone is not Tone.PLAIN else text
