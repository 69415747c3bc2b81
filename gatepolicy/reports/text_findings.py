"""Violations, what was accepted, and what was not proved, as text.

What accounts share is reported once for all of them; unknowns are a table of reasons and exchanges.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import HINT, Reason
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    RuleInfo,
    Severity,
    Verdict,
    WaiverInfo,
    WaiverState,
    WaiverTerms,
)
from gatepolicy.reports.summary import UnknownSource, source_of
from gatepolicy.reports.text_layout import (
    MARK,
    Line,
    Span,
    Tone,
    control,
    counted,
    cut,
    labelled,
    limited,
    line,
    of,
    pad,
    paragraph,
    place,
    title,
    width_of,
)

ACCOUNTS_LIMIT = 40
"""So many accounts with the same violation are named; verbose text and every file has all."""
TEXTS_LIMIT = 4
"""So many capabilities, words or policies are named."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What violations have in common that are reported together."""

    severity: Severity
    rule: str
    name: str
    fix: str


@dataclass(slots=True)
class _Found:
    """Violations of one kind, account by account."""

    accounts: list[tuple[Subject, list[Verdict]]] = field(default_factory=list)

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """All of them."""
        return [verdict for _, verdicts in self.accounts for verdict in verdicts]

    @property
    def exchanges(self) -> Sequence[str]:
        """Where they are, each once."""
        return list(dict.fromkeys(subject.exchange for subject, _ in self.accounts))


def violations(scan: Scan, width: int, verbose: int) -> Iterator[Line]:
    """Every violation of an account, the worst first; why and how to fix it once."""
    rules = {rule.id: rule for rule in scan.rules}
    groups = _groups(scan.accounts, rules)
    if groups:
        yield from title("Violations")
    before: dict[str, dict[str, str]] = {}
    for number, kind in enumerate(sorted(groups, key=lambda kind: (kind.severity.rank, kind.rule))):
        found = groups[kind]
        yield from (line(),) if number else ()
        yield from _head(kind, found, width)
        shown = before.setdefault(kind.rule, {})
        for label, new in _texts(kind, found, rules[kind.rule], verbose):
            # Whoever answered for the accounts above need not answer for these.
            text = new or ("none" if label == "owner" and shown.get(label) else "")
            # Of a rule with several fixes, the second one only says what is not as above.
            if label in _ALWAYS or shown.get(label) != text:
                yield from labelled(label, text, width, indent=2)
            shown[label] = text


_ALWAYS = ("accounts", "")


def _groups(
    accounts: Iterable[AccountResult], rules: Mapping[str, RuleInfo]
) -> Mapping[_Kind, _Found]:
    groups: dict[_Kind, _Found] = {}
    for account in accounts:
        subject = account.evidence.subject
        mine: dict[_Kind, list[Verdict]] = {}
        for verdict in of(account, Outcome.FAIL):
            fix = rules[verdict.rule].fix_for(subject.exchange)
            kind = _Kind(verdict.severity, verdict.rule, verdict.name, fix)
            mine.setdefault(kind, []).append(verdict)
        for kind, verdicts in mine.items():
            groups.setdefault(kind, _Found()).accounts.append((subject, verdicts))
    return groups


def _head(kind: _Kind, found: _Found, width: int) -> Iterator[Line]:
    what = f"{MARK[Outcome.FAIL]} {kind.severity} {kind.rule} {kind.name}"
    where = f" on {found.exchanges[0]}" if len(found.exchanges) == 1 else ""
    accounts = counted(len(found.accounts), "account")
    return paragraph(f"{what}{where}: {accounts}", width, tone=Tone.BAD)


def _texts(kind: _Kind, found: _Found, rule: RuleInfo, verbose: int) -> Iterator[tuple[str, str]]:
    """Labels with their texts, in the order in which they are reported."""
    limit = None if verbose else TEXTS_LIMIT
    verdicts = found.verdicts
    policies = list(dict.fromkeys(map(policy_place, verdicts)))
    yield "what", limited((v.subject for v in verdicts), limit)
    expected = limited((v.expected for v in verdicts), limit, "; ")
    # One policy is reported with what it asks for; several have a line of their own.
    yield "expected", f"{expected} ({policies[0]})" if len(policies) == 1 else expected
    seen = _seen(found)
    if len(seen) == 1:
        yield "seen", next(iter(seen))
    for number, text in enumerate(_accounts(found, verbose, tell_seen=len(seen) > 1)):
        yield "" if number else "accounts", text
    yield "owner", limited((subject.owner for subject, _ in found.accounts), limit)
    yield "policy", limited(policies, limit, "; ") if len(policies) > 1 else ""
    yield "why", rule.why
    yield "fix", kind.fix


def policy_place(verdict: Verdict) -> str:
    """The policy that asks, with its line; a shipped one is its own file."""
    where = place(verdict.location)
    return where if verdict.location.file == verdict.policy else f"{verdict.policy}, {where}"


def _seen(found: _Found) -> Mapping[str, list[Subject]]:
    """What is the case, with the accounts of which it is."""
    groups: dict[str, list[Subject]] = {}
    for subject, verdicts in found.accounts:
        groups.setdefault(limited((v.seen for v in verdicts), None, "; "), []).append(subject)
    return groups


def _accounts(found: _Found, verbose: int, *, tell_seen: bool) -> Iterator[str]:
    """The accounts: each exchange together, and in a line of their own what was seen of them."""
    names = _Names()
    limit = None if verbose else ACCOUNTS_LIMIT
    lines: dict[str, list[str]] = {}
    for exchange in found.exchanges:
        where = f"{exchange}: " if len(found.exchanges) > 1 else ""
        for seen, subjects in _seen(found).items():
            mine = [subject for subject in subjects if subject.exchange == exchange]
            if mine:
                accounts = limited(map(names.of, mine), limit)
                lines.setdefault(seen if tell_seen else "", []).append(f"{where}{accounts}")
    for seen, parts in lines.items():
        yield "; ".join(parts) + (f": {seen}" if seen else "")


class _Names:
    """Names accounts with the lines that declare them; the file only where it is another one."""

    def __init__(self) -> None:
        """Begin a list."""
        self._file = ""

    def of(self, subject: Subject) -> str:
        """The next one of the list."""
        file = "" if subject.location.file == self._file else subject.location.file
        self._file = subject.location.file
        return f"{subject.id} ({file}:{subject.location.line})"


def accounts_in_words(subjects: Sequence[Subject], verbose: int) -> str:
    """A list of accounts with the lines that declare them."""
    return limited(map(_Names().of, subjects), None if verbose else ACCOUNTS_LIMIT)


def waived(accounts: Iterable[AccountResult], width: int, verbose: int) -> Iterator[Line]:
    """Every finding that somebody accepted: it is still there."""
    groups: dict[tuple[str, str, WaiverTerms | None], list[Subject]] = {}
    for account in accounts:
        for verdict in of(account, Outcome.WAIVED):
            terms = verdict.waived.terms if verdict.waived else None
            key = (control(verdict), verdict.seen, terms)
            groups.setdefault(key, []).append(account.evidence.subject)
    if groups:
        yield from title("Waived: still failing, accepted until a date")
    for (what, seen, terms), subjects in groups.items():
        who = accounts_in_words(subjects, verbose)
        text = f"{what}; {seen}; {who}" if seen else f"{what}; {who}"
        yield from labelled(MARK[Outcome.WAIVED], text, width, indent=2)
        if terms is not None:
            by = f"{terms.owner} until {terms.expires} ({terms.id}): {terms.justification}"
            yield from labelled("", by, width, indent=2)


def waiver_list(waivers: Sequence[WaiverInfo], width: int, *, whole: bool) -> Iterator[Line]:
    """A heading and some lines for each waiver.

    What is wrong with a waiver is a finding, and reported as such; here is what is about to end.

    Args:
        waivers: All of them.
        width: Columns.
        whole: Whether those that hold for long are listed too.
    """
    shown = [w for w in waivers if whole or w.state is WaiverState.EXPIRING]
    if shown:
        yield from title("Waivers" if whole else "Waivers that expire soon")
    for waiver in shown:
        terms = waiver.terms
        yield line(f"  {terms.id}: {waiver.state}", Tone.PLAIN)
        count = counted(waiver.findings, "finding")
        accounts = counted(waiver.accounts, "account")
        yield from labelled("waives", f"{terms.rule}: {count} on {accounts}", width)
        yield from labelled("because", terms.justification, width)
        yield from labelled("owner", terms.owner, width)
        yield from labelled("approved", terms.approved_by, width)
        yield from labelled("ticket", terms.ticket, width)
        yield from labelled("days", f"{terms.created} to {terms.expires}", width)
        yield from labelled("file", place(terms.location), width)


NAMES_LIMIT = 4
"""So many accounts, or rules, of one gap are named."""
GAPS_LIMIT = 3
"""So many gaps are reported of one reason on one exchange."""

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
    open_rows = [row for row in rows if row.source is not UnknownSource.NOT_VERIFIABLE]
    open_rows.sort(key=lambda row: effects.index(row.effect))
    if open_rows:
        yield from title("Not proved")
        yield from _table(open_rows, width, verbose)
    yield from _silence([row for row in rows if row not in open_rows], width, verbose)


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
    cells_of = dict(zip(map(id, rows), cells, strict=True))
    for group in _by_reason(rows):
        for row in group:
            tone = Tone.BAD if row.effect is OnUnknown.BLOCK else Tone.UNSURE
            text = "  ".join(_aligned(cells_of[id(row)], widths))
            yield (Span("? ", tone), Span(text, tone))
        yield from _gaps(group, width, verbose)


def _by_reason(rows: Sequence[_Row]) -> Iterable[Sequence[_Row]]:
    """Rows of one reason together: what would prove them is reported below them once."""
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
    names = (
        f"{rule} ({limited(subjects_of_rule, NAMES_LIMIT)})" if any(subjects_of_rule) else rule
        for rule, subjects_of_rule in subjects.items()
    )
    return limited(names, NAMES_LIMIT)


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
