"""What was not proved, as text: a table of reasons and exchanges, and what would prove it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import HINT, Reason
from gatepolicy.model.scan import AccountResult
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.reports.summary import UnknownSource, source_of
from gatepolicy.reports.text_layout import (
    Line,
    Span,
    Tone,
    counted,
    cut,
    limited,
    of,
    pad,
    paragraph,
    title,
    width_of,
)

NAMES_LIMIT = 4
"""So many accounts, or rules, of one gap are named."""
GAPS_LIMIT = 3
"""So many gaps are told of one reason on one exchange."""

EFFECT = {
    OnUnknown.BLOCK: "blocking",
    OnUnknown.INCOMPLETE: "required",
    OnUnknown.WARN: "warning",
}
"""What an unknown does, the worst first."""


@dataclass(slots=True)
class _Row:
    """All unknowns of one reason on one exchange."""

    reason: str
    exchange: str
    source: UnknownSource
    found: list[tuple[Subject, Verdict]] = field(default_factory=list)

    @property
    def effect(self) -> OnUnknown:
        """What the worst of them does."""
        met = {verdict.on_unknown for _, verdict in self.found}
        return next(one for one in EFFECT if one in met)

    @property
    def accounts(self) -> Sequence[str]:
        """Their ids, each once."""
        return list(dict.fromkeys(subject.id for subject, _ in self.found))


def unknowns(accounts: Iterable[AccountResult], width: int, verbose: int) -> Iterator[Line]:
    """Every gap; those that block first, and those that no answer could close last."""
    rows = _rows(accounts)
    effects = list(EFFECT)
    told = [row for row in rows if row.source is not UnknownSource.NOT_VERIFIABLE]
    told.sort(key=lambda row: effects.index(row.effect))
    if told:
        yield from title("Not proved")
        yield from _table(told, width, verbose)
    yield from _silence([row for row in rows if row not in told], width, verbose)


def _rows(accounts: Iterable[AccountResult]) -> Sequence[_Row]:
    rows: dict[tuple[UnknownSource, str, str], _Row] = {}
    for account in accounts:
        subject, why = account.evidence.subject, account.evidence.why_not_read
        for verdict in of(account, Outcome.UNKNOWN):
            source, reason = source_of(verdict, why), str(verdict.reason)
            key = (source, reason, subject.exchange)
            row = rows.setdefault(key, _Row(reason, subject.exchange, source))
            row.found.append((subject, verdict))
    return list(rows.values())


_HEADS = ("reason", "exchange", "accounts", "controls", "effect")
_WIDEST = 22
"""Of the names of reasons and exchanges."""


def _table(rows: Sequence[_Row], width: int, verbose: int) -> Iterator[Line]:
    cells = [
        (
            cut(row.reason, _WIDEST),
            cut(row.exchange, _WIDEST),
            f"{len(row.accounts):,}",
            f"{len(row.found):,}",
            EFFECT[row.effect],
        )
        for row in rows
    ]
    widths = [max(map(width_of, column)) for column in zip(_HEADS, *cells, strict=True)]
    yield (Span("  " + "  ".join(_aligned(_HEADS, widths)), Tone.QUIET),)
    told = dict(zip(map(id, rows), cells, strict=True))
    for group in _by_reason(rows):
        for row in group:
            tone = Tone.BAD if row.effect is OnUnknown.BLOCK else Tone.UNSURE
            text = "  ".join(_aligned(told[id(row)], widths))
            yield (Span("? ", tone), Span(text, tone))
        yield from _gaps(group, width, verbose)


def _by_reason(rows: Sequence[_Row]) -> Iterable[Sequence[_Row]]:
    """Rows of one reason together: what would prove them is told below them once."""
    groups: dict[tuple[UnknownSource, str], list[_Row]] = {}
    for row in rows:
        groups.setdefault((row.source, row.reason), []).append(row)
    return groups.values()


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Texts to the left, numbers to the right."""
    for cell, width in zip(cells, widths, strict=True):
        is_number = cell.replace(",", "").isdigit()
        yield " " * (width - width_of(cell)) + cell if is_number else pad(cell, width)


def _gaps(rows: Sequence[_Row], width: int, verbose: int) -> Iterator[Line]:
    """What would prove it, with the accounts and, where not all is open, the rules."""
    gaps: dict[str, list[tuple[Subject, Verdict]]] = {}
    for subject, verdict in (found for row in rows for found in row.found):
        gaps.setdefault(verdict.needed, []).append((subject, verdict))
    shown = list(gaps.items()) if verbose else list(gaps.items())[: GAPS_LIMIT * len(rows)]
    for needed, found in shown:
        yield from paragraph(_gap(rows[0], needed, found, verbose), width, indent=4)
    if len(gaps) > len(shown):
        more = f"and {len(gaps) - len(shown):,} more, which -v shows"
        yield from paragraph(more, width, indent=4, tone=Tone.QUIET)


def _gap(row: _Row, needed: str, found: list[tuple[Subject, Verdict]], verbose: int) -> str:
    who = _few((subject.id for subject, _ in found), "account", verbose)
    if row.source is not UnknownSource.NOT_READ:
        who = f"{_rules(v for _, v in found)} on {who}"
    return f"{who}: {needed}" if needed else who


def _few(names: Iterable[str], noun: str, verbose: int) -> str:
    each = list(dict.fromkeys(names))
    return counted(len(each), noun) if len(each) > NAMES_LIMIT and not verbose else ", ".join(each)


def _rules(verdicts: Iterable[Verdict]) -> str:
    """Each rule once, with what within the account it asks about."""
    subjects: dict[str, list[str]] = {}
    for verdict in verdicts:
        subjects.setdefault(f"{verdict.rule} {verdict.name}", []).append(verdict.subject)
    told = (
        f"{rule} ({limited(asked, NAMES_LIMIT)})" if any(asked) else rule
        for rule, asked in subjects.items()
    )
    return limited(told, NAMES_LIMIT)


def _silence(rows: Sequence[_Row], width: int, verbose: int) -> Iterator[Line]:
    if rows:
        yield from title("Not verifiable: the exchange never discloses it")
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        effect = "" if row.effect is OnUnknown.WARN else f" ({EFFECT[row.effect]})"
        groups.setdefault(f"{_rules(v for _, v in row.found)}{effect}", []).append(row)
    for rules, alike in groups.items():
        exchanges = ", ".join(row.exchange for row in alike)
        who = _few((name for row in alike for name in row.accounts), "account", verbose)
        yield from paragraph(f"{exchanges}: {rules} on {who}", width, indent=2)
    if rows:
        hint = HINT[Reason.NOT_DISCLOSED]
        yield from paragraph(f"{hint[0].upper()}{hint[1:]}.", width, indent=2, tone=Tone.QUIET)
