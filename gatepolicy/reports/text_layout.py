"""Layout of text: lines, columns, colours, marks, and the table of accounts."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from gatepolicy import __version__
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Fact
from gatepolicy.model.posture import AccountState, state_of
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome, Verdict
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


COLUMNS: dict[str, tuple[str, ...]] = {
    "withdraw": ("withdrawal-",),
    "transfer": ("transfer-",),
    "permissions": ("permission-", "duties-"),
    "ip": ("ip-", "address-"),
    "key": (
        "key-",
        "trading-pairs-",
        "shared-key",
        "undeclared-key",
        "dead-key",
        "sandbox-account",
        "too-many-keys",
    ),
    "attested": ("two-factor-", "secret-storage-", "settings-", "review-"),
    "other": ("",),
}
"""Heading to the beginnings of the names of its rules. The first that fits takes a rule; a column
without any verdict is left out."""

NOT_VERIFIABLE = "- n/v"
"""What an exchange never discloses, and a policy only warns about."""

MARK: dict[Outcome, str] = {
    Outcome.FAIL: "✗ FAIL",
    Outcome.UNKNOWN: "? unknown",
    Outcome.WAIVED: "~ waived",
    Outcome.PASS: "✓ pass",
    Outcome.NOT_APPLICABLE: "- n/a",
}
"""Readable without colour; the worst first."""

_CELL: dict[AccountState, tuple[str, Tone]] = {
    AccountState.BAD: (MARK[Outcome.FAIL], Tone.BAD),
    AccountState.UNKNOWN: (MARK[Outcome.UNKNOWN], Tone.UNSURE),
    AccountState.WAIVED: (MARK[Outcome.WAIVED], Tone.UNSURE),
    AccountState.NOT_VERIFIABLE: (NOT_VERIFIABLE, Tone.QUIET),
    AccountState.GOOD: (MARK[Outcome.PASS], Tone.GOOD),
    AccountState.NOT_CHECKED: (MARK[Outcome.NOT_APPLICABLE], Tone.QUIET),
}
_GAP = "  "
_LEAST_NAME = 12


def table(accounts: Sequence[AccountResult], width: int) -> Iterator[Line]:
    """A heading and a line for each account.

    Where the width does not suffice, the exchange is left out first, and then names are cut.
    """
    rows = [_worst(account.verdicts) for account in accounts]
    columns = {
        name: max(width_of(name), *(width_of(_CELL[row[name]][0]) for row in rows if name in row))
        for name in COLUMNS
        if any(name in row for row in rows)
    }
    room = width - sum(len(_GAP) + column for column in columns.values())
    heads = _heads(accounts, max(room, _LEAST_NAME))
    titles = "".join(f"{_GAP}{pad(name, column)}" for name, column in columns.items())
    yield (Span(heads[0] + titles, Tone.QUIET),)
    for head, row in zip(heads[1:], rows, strict=True):
        cells = (_cell(row.get(name), column) for name, column in columns.items())
        yield (Span(head), *cells)


def _worst(verdicts: Iterable[Verdict]) -> dict[str, AccountState]:
    """The worst verdict of each column that has any."""
    found: dict[str, set[AccountState]] = {}
    for verdict in verdicts:
        found.setdefault(_column(verdict.name), set()).add(_shown_as(verdict))
    return {
        column: next(state for state in AccountState if state in states)
        for column, states in found.items()
    }


def _shown_as(verdict: Verdict) -> AccountState:
    """What a policy does more than warn about is unknown, whoever is silent."""
    return AccountState.UNKNOWN if verdict.incomplete else state_of(verdict)


def _column(rule: str) -> str:
    return next(column for column, starts in COLUMNS.items() if rule.startswith(starts))


def _heads(accounts: Sequence[AccountResult], room: int) -> list[str]:
    subjects = [account.evidence.subject for account in accounts]
    names = _padded(["account", *(subject.id for subject in subjects)], room)
    exchanges = _padded(["exchange", *(subject.exchange for subject in subjects)], room)
    left = room - len(_GAP) - width_of(exchanges[0])
    if left < min(_LEAST_NAME, width_of(names[0])):
        return names
    shorter = _padded([name.rstrip() for name in names], left)
    return [f"{name}{_GAP}{where}" for name, where in zip(shorter, exchanges, strict=True)]


def _padded(texts: Sequence[str], room: int) -> list[str]:
    """All of the same width, at most as wide as there is room."""
    texts = [cut(text, room) for text in texts]
    width = max(width_of(text) for text in texts)
    return [pad(text, width) for text in texts]


def _cell(state: AccountState | None, width: int) -> Span:
    if state is None:
        return Span(" " * (len(_GAP) + width))
    mark, tone = _CELL[state]
    return Span(f"{_GAP}{pad(mark, width)}", tone)


def of(account: AccountResult, outcome: Outcome) -> list[Verdict]:
    """The verdicts of one kind about an account."""
    return [verdict for verdict in account.verdicts if verdict.outcome is outcome]


def counted(number: int, noun: str) -> str:
    """Such as ``1 account`` and ``1,200 accounts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def limited(texts: Iterable[str], limit: int | None, separator: str = ", ") -> str:
    """Texts, each once and none that is empty; at most so many, with the number of the others."""
    each = list(dict.fromkeys(text for text in texts if text))
    shown = each if limit is None else each[:limit]
    hidden = len(each) - len(shown)
    return f"{separator.join(shown)} and {hidden:,} more" if hidden else separator.join(shown)


def title(text: str) -> Iterator[Line]:
    """The heading of a part."""
    yield line()
    yield line(text, Tone.TITLE)


def scan_head(scan: Scan, width: int) -> Iterator[Line]:
    """When the scan ended, and how old the evidence was then."""
    yield line(f"gatepolicy {__version__}, {encode_time(scan.finished_at)}", Tone.TITLE)
    if scan.evidence_at is not None:
        days = (scan.finished_at - scan.evidence_at).days
        before = f", {days:,} day{'' if days == 1 else 's'} before" if days > 0 else ""
        yield from paragraph(f"evidence of {encode_time(scan.evidence_at)}{before}", width)


def account_head(account: AccountResult, width: int, tone: Tone) -> Iterator[Line]:
    """Which account the following lines are about, and where it is declared."""
    evidence = account.evidence
    subject = evidence.subject
    name = evidence.facts.known.get("key.name")
    details = [
        place(subject.location),
        *([f"owner {subject.owner}"] if subject.owner else []),
        *([f'key named "{name.value}"'] if isinstance(name, Fact) else []),
    ]
    yield line()
    yield from paragraph(f"{subject.id} on {subject.exchange}", width, tone=tone)
    yield from paragraph(", ".join(details), width, indent=2, tone=Tone.QUIET)


def place(location: Location) -> str:
    """File and line."""
    return f"{location.file}:{location.line}"


def control(verdict: Verdict) -> str:
    """What was asked, in short."""
    subject = f" ({verdict.subject})" if verdict.subject else ""
    return f"{verdict.rule} {verdict.name}{subject}"


def marked(verdict: Verdict, width: int) -> Iterator[Line]:
    """A verdict in one line: its mark and what was asked."""
    tone = _tone(verdict)
    return labelled(MARK[verdict.outcome], control(verdict), width, indent=2, tone=tone)


def _tone(verdict: Verdict) -> Tone:
    if verdict.blocks:
        return Tone.BAD
    return Tone.UNSURE if verdict.outcome is Outcome.UNKNOWN else Tone.PLAIN
