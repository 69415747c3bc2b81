"""The table of a text report: accounts × controls, the worst of each group in its cell."""

from collections.abc import Iterable, Iterator, Sequence

from gatepolicy.model.scan import AccountResult
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.reports.text_layout import Line, Span, Tone, cut, pad, width_of

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

MARK: dict[Outcome, str] = {
    Outcome.FAIL: "✗ FAIL",
    Outcome.UNKNOWN: "? unknown",
    Outcome.WAIVED: "~ waived",
    Outcome.PASS: "✓ pass",
    Outcome.NOT_APPLICABLE: "- n/a",
}
"""Readable without colour; the worst first."""

_TONE: dict[Outcome, Tone] = {
    Outcome.FAIL: Tone.BAD,
    Outcome.UNKNOWN: Tone.UNSURE,
    Outcome.WAIVED: Tone.UNSURE,
    Outcome.PASS: Tone.GOOD,
    Outcome.NOT_APPLICABLE: Tone.QUIET,
}
_GAP = "  "
_LEAST_NAME = 12


def table(accounts: Sequence[AccountResult], width: int) -> Iterator[Line]:
    """A heading and a line for each account.

    Where the width does not suffice, the exchange is left out first, and then names are cut.
    """
    rows = [_worst(account.verdicts) for account in accounts]
    columns = {
        name: max(width_of(name), *(width_of(MARK[row[name]]) for row in rows if name in row))
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


def _worst(verdicts: Iterable[Verdict]) -> dict[str, Outcome]:
    """The worst outcome of each column that has any."""
    outcomes: dict[str, set[Outcome]] = {}
    for verdict in verdicts:
        outcomes.setdefault(_column(verdict.name), set()).add(verdict.outcome)
    return {
        column: next(outcome for outcome in MARK if outcome in found)
        for column, found in outcomes.items()
    }


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


def _cell(outcome: Outcome | None, width: int) -> Span:
    if outcome is None:
        return Span(" " * (len(_GAP) + width))
    return Span(f"{_GAP}{pad(MARK[outcome], width)}", _TONE[outcome])
