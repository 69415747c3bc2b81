"""Markdown for a step summary or a comment on a pull request, as GitHub and GitLab render it.

Every text that comes from outside stands in a code span: there, neither Markdown nor HTML means
anything, and nobody is mentioned. The worst comes first, and what found no room is reported.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from gatepolicy import __version__
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.posture import AccountState, posture
from gatepolicy.model.scan import ExitCode, Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity
from gatepolicy.reports.summary import (
    Judged,
    all_judged,
    cut,
    exit_sentence,
    fixes,
    interruption,
    left_out,
    rank,
    strict_exit_code,
    unjudged,
    why_unknown,
)
from gatepolicy.reports.text_layout import place

GITHUB_COMMENT_LIMIT = 65_000
"""GitHub takes comments of up to 65,536 characters."""
_FOOT_ROOM = 1_000
_TEXT_LIMIT = 120
_LONG_LIMIT = 600
_NAMED = 10
"""So many accounts of a row are named."""


def code(text: str, limit: int = _TEXT_LIMIT) -> str:
    """A text from outside as a code span, fit for the cell of a table.

    The fence is longer than any run of backticks in the text. A table is split into cells before
    anything else is read, so a bar is escaped, with an odd number of backslashes in any case.
    """
    text = cut(text, limit)
    if not text.strip():
        return ""
    longest = max((len(list(run)) for char, run in groupby(text) if char == "`"), default=0)
    fence = "`" * (longest + 1)
    ends = {text[0], text[-1]}
    edge = " " if "`" in ends or ends == {" "} else ""
    return f"{fence}{edge}{_escaped_bars(text)}{edge}{fence}"


def _escaped_bars(text: str) -> str:
    parts = text.split("|")
    doubled = (part + "\\" * (len(part) - len(part.rstrip("\\")) + 1) for part in parts[:-1])
    return "|".join(chain(doubled, parts[-1:]))


def render_markdown(scan: Scan, *, limit: int = GITHUB_COMMENT_LIMIT) -> Iterator[str]:
    """The scan in at most so many characters; the worst is kept.

    Args:
        scan: The finished scan.
        limit: How many characters there is room for.
    """
    head = _head(scan)
    yield from head
    room = limit - _FOOT_ROOM - sum(map(len, head))
    hidden: list[str] = []
    for section in _sections(scan):
        lines, missing = section.fitted(room)
        room -= sum(map(len, lines))
        yield from lines
        if missing:
            hidden.append(f"{missing:,} of {len(section.rows):,} {section.what}")
    if hidden:
        yield f"\n**Left out**, since no more fits here: {', '.join(hidden)}.\n"
    yield f"\ngatepolicy {__version__}, {encode_time(scan.finished_at)}\n"


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading with rows, of which the first ones are kept."""

    heading: Sequence[str]
    """Lines before the rows."""
    rows: Sequence[str]
    """One line each."""
    what: str
    """What a row is, in the plural."""

    def fitted(self, room: int) -> tuple[Sequence[str], int]:
        """The lines that fit, and how many rows do not."""
        if not self.rows:
            return (), 0
        lines, left = list(self.heading), room - sum(map(len, self.heading))
        for number, row in enumerate(self.rows):
            left -= len(row)
            if left < 0:
                return (lines if number else ()), len(self.rows) - number
            lines.append(row)
        return lines, 0


def _head(scan: Scan) -> Sequence[str]:
    lines = [f"## gatepolicy: {_HEADLINE.get(strict_exit_code(scan), 'not complete')}\n", "\n"]
    lines.append(f"{exit_sentence(scan)}\n")
    if scan.narrowing.is_any:
        lines += ["\n", f"{code(left_out(scan.narrowing), _LONG_LIMIT)}\n"]
    if scan.interrupted_by is not None:
        lines += ["\n", f"{interruption(scan)}\n"]
    policies = [code(policy.name) for policy in scan.policies if policy.name]
    lines += ["\n", f"{len(scan.accounts):,} accounts; policies: {_named(policies) or 'none'}\n"]
    return [*lines, *_posture(scan)]


_HEADLINE = {
    ExitCode.OK: "no violation",
    ExitCode.VIOLATION: "violations or blocking unknowns",
    ExitCode.INCOMPLETE: "incomplete",
    ExitCode.NOTHING_EVALUATED: "nothing evaluated",
}
"""By exit code, whatever softens it; all others mean that the scan ended early."""


def _posture(scan: Scan) -> Iterator[str]:
    states = [state for state in AccountState if state is not AccountState.NOT_CHECKED]
    titles = " | ".join(state.value.replace("_", " ") for state in states)
    yield "\n"
    yield f"| accounts | {titles} |\n"
    yield f"|---|{'---:|' * len(states)}\n"
    for count in posture(scan).lines:
        cells = " | ".join(f"{count.of(state):,}" for state in states)
        yield f"| {count.title} | {cells} |\n"


def _sections(scan: Scan) -> Iterator[_Section]:
    by_outcome: Mapping[Outcome, list[Judged]] = {outcome: [] for outcome in Outcome}
    for one in all_judged(scan):
        by_outcome[one.verdict.outcome].append(one)
    violations = sorted(by_outcome[Outcome.FAIL], key=lambda one: rank(one.verdict))
    unknowns = sorted(by_outcome[Outcome.UNKNOWN], key=lambda one: rank(one.verdict))
    yield _violations(violations)
    yield _fixes(scan, violations)
    yield _unknowns(unknowns)
    yield _waived(by_outcome[Outcome.WAIVED])
    yield _unchecked(scan)
    yield _warnings(scan.warnings)


def _table(title: str, columns: str, count: int) -> Sequence[str]:
    return ("\n", f"### {title}\n", "\n", f"{columns}\n", f"|{'---|' * count}\n")


def _violations(violations: Iterable[Judged]) -> _Section:
    groups: dict[tuple[str, ...], list[Judged]] = {}
    for one in violations:
        verdict = one.verdict
        key = (verdict.severity, verdict.rule, verdict.subject, one.exchange, verdict.policy)
        groups.setdefault((*key, verdict.expected, place(verdict.location)), []).append(one)
    return _Section(
        _table(
            "Violations", "| severity | rule | what | exchange | accounts | expected | policy |", 7
        ),
        [_violation(group) for group in groups.values()],
        "rows of violations",
    )


def _violation(group: Sequence[Judged]) -> str:
    first = group[0].verdict
    cells = (
        _SIGN[first.severity],
        f"{code(first.rule)} {code(first.name)}",
        code(first.subject),
        code(group[0].exchange),
        _accounts(group),
        code(first.expected),
        f"{code(first.policy)} {code(place(first.location))}",
    )
    return _row(cells)


_SIGN = {
    Severity.CRITICAL: "✗ **critical**",
    Severity.HIGH: "✗ **high**",
    Severity.MEDIUM: "✗ medium",
    Severity.LOW: "✗ low",
    Severity.INFO: "✗ info",
}


def _fixes(scan: Scan, violations: Iterable[Judged]) -> _Section:
    fix_for = fixes(scan)
    by_fix: dict[tuple[str, str], list[str]] = {}
    for one in violations:
        key = (one.verdict.rule, fix_for(one.verdict.rule, one.exchange))
        places = by_fix.setdefault(key, [])
        if one.exchange not in places:
            places.append(one.exchange)
    rows = [
        f"- {code(rule)} {_named([code(place) for place in places if place])}:"
        f" {code(fix, _LONG_LIMIT)}\n"
        for (rule, fix), places in by_fix.items()
    ]
    return _Section(("\n", "### How to fix it\n", "\n"), rows, "fixes")


def _unknowns(unknowns: Iterable[Judged]) -> _Section:
    groups: dict[tuple[str, ...], list[Judged]] = {}
    for one in unknowns:
        verdict = one.verdict
        key = (verdict.on_unknown, why_unknown(verdict), one.exchange, verdict.needed)
        groups.setdefault(key, []).append(one)
    return _Section(
        _table("Not proved", "| effect | reason | exchange | rules | accounts | needed |", 6),
        [_unknown(group) for group in groups.values()],
        "rows of unknowns",
    )


_EFFECT = {
    OnUnknown.BLOCK: "✗ **blocking**",
    OnUnknown.INCOMPLETE: "? required",
    OnUnknown.WARN: "? warning",
}


def _unknown(group: Sequence[Judged]) -> str:
    first = group[0].verdict
    rules = dict.fromkeys(f"{code(one.verdict.rule)} {code(one.verdict.name)}" for one in group)
    cells = (
        _EFFECT[first.on_unknown],
        code(why_unknown(first)),
        code(group[0].exchange),
        _named(list(rules)),
        _accounts(group),
        code(first.needed, _LONG_LIMIT),
    )
    return _row(cells)


def _waived(waived: Iterable[Judged]) -> _Section:
    rows = []
    for one in waived:
        terms = one.verdict.waived.terms if one.verdict.waived else None
        cells = (
            code(one.account),
            f"{code(one.verdict.rule)} {code(one.verdict.name)} {code(one.verdict.subject)}",
            terms.expires.isoformat() if terms else "",
            code(terms.owner) if terms else "",
            code(terms.id) if terms else "",
        )
        rows.append(_row(cells))
    heading = _table(
        "Waived: still failing, accepted until a date",
        "| account | rule | until | owner | waiver |",
        5,
    )
    return _Section(heading, rows, "waived findings")


def _unchecked(scan: Scan) -> _Section:
    rows = [f"- {code(subject.id)} on {code(subject.exchange)}\n" for subject in unjudged(scan)]
    return _Section(("\n", "### Nothing was checked\n", "\n"), rows, "accounts without a verdict")


def _warnings(warnings: Iterable[str]) -> _Section:
    rows = [f"- {code(warning, _LONG_LIMIT)}\n" for warning in warnings if warning.strip()]
    return _Section(("\n", "### Warnings\n", "\n"), rows, "warnings")


def _accounts(group: Iterable[Judged]) -> str:
    counted = Counter(one.account for one in group if one.account)
    return _named([code(account) for account in counted])


def _named(texts: Sequence[str]) -> str:
    hidden = len(texts) - _NAMED
    more = f" and {hidden:,} more" if hidden > 0 else ""
    return f"{', '.join(text for text in texts[:_NAMED] if text)}{more}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
