"""The end of a text report: what it all comes to."""

from collections.abc import Iterator, Sequence

from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome
from gatepolicy.reports.summary import (
    Summary,
    exit_sentence,
    interruption,
    is_unchecked,
    left_out,
    passes,
    summarise,
)
from gatepolicy.reports.text_layout import Line, paragraph
from gatepolicy.reports.text_parts import title

_NAMED = 5
"""How many of the accounts that could not be read are named."""


def foot(scan: Scan, width: int) -> Iterator[Line]:
    """Counts, and what the exit code means."""
    summary = summarise(scan)
    yield from title("Summary")
    yield from paragraph(_accounts_sentence(scan.accounts), width)
    yield from paragraph(_verdicts_sentence(summary), width)
    if scan.unread:
        yield from paragraph(_unread_sentence(scan.unread), width)
    if scan.narrowing.is_any:
        yield from paragraph(left_out(scan.narrowing), width)
    if scan.interrupted_by is not None:
        yield from paragraph(interruption(scan), width)
    yield from paragraph(exit_sentence(scan), width)


def _unread_sentence(unread: Sequence[AccountResult]) -> str:
    named = [
        f"{one.evidence.subject.id} ({one.evidence.unread.reason})"
        for one in unread[:_NAMED]
        if one.evidence.unread
    ]
    more = f" and {len(unread) - _NAMED:,} more" if len(unread) > _NAMED else ""
    return f"{_count(len(unread), 'account')} could not be read: {', '.join(named)}{more}."


def _accounts_sentence(accounts: Sequence[AccountResult]) -> str:
    if not accounts:
        return "No account was looked at."
    violating = sum(any(verdict.violates for verdict in a.verdicts) for a in accounts)
    passing = sum(passes(account) for account in accounts)
    unchecked = sum(is_unchecked(account) for account in accounts)
    parts = {
        "pass": passing,
        "with violations": violating,
        "with something else to look at": len(accounts) - violating - passing - unchecked,
        "not checked in anything": unchecked,
    }
    told = ", ".join(f"{count:,} {text}" for text, count in parts.items() if count)
    return f"{_count(len(accounts), 'account')}: {told}."


def _verdicts_sentence(summary: Summary) -> str:
    total = sum(summary.violations.values())
    worst = ", ".join(f"{n:,} {severity}" for severity, n in summary.violations.items() if n)
    violations = f"{_count(total, 'violation')}{f' ({worst})' if worst else ''}"
    others = [
        f"{summary.outcomes[outcome]:,} {word}"
        for outcome, word in (
            (Outcome.UNKNOWN, "unknown"),
            (Outcome.WAIVED, "waived"),
            (Outcome.PASS, "passed"),
            (Outcome.NOT_APPLICABLE, "not applicable"),
        )
        if summary.outcomes[outcome]
    ]
    return f"{', '.join([violations, *others])}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
