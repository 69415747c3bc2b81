"""Text for people: one line of verdict, the posture, what to do, and what the exit code means.

It is read in a terminal and in the mail of a nightly scan, so what matters comes first, and what
would repeat stands there once: a violation for all accounts of an exchange that share it, an
unknown for all of one reason. Every mark has a word beside it, so that nothing depends on colour.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatepolicy.model.posture import NAMES_THE_BAD, Coverage, PostureCount, posture
from gatepolicy.model.scan import AccountResult, ExitCode, Scan
from gatepolicy.model.verdicts import Outcome, Severity
from gatepolicy.reports.summary import (
    ACCOUNT_WORDS,
    Summary,
    UnknownSource,
    account_word,
    count_not_verifiable,
    exit_sentence,
    interruption,
    left_out,
    passes,
    source_of,
    strict_exit_code,
    summarise,
)
from gatepolicy.reports.text_drift import drift_lines
from gatepolicy.reports.text_findings import unknowns, violations, waived, waiver_list
from gatepolicy.reports.text_layout import (
    MARK,
    NOT_VERIFIABLE,
    Line,
    Span,
    Tone,
    account_head,
    counted,
    labelled,
    line,
    marked,
    pad,
    paint,
    paragraph,
    place,
    scan_head,
    table,
    title,
    wrap,
)


def verdict_lines(scan: Scan, summary: Summary, width: int) -> Iterator[Line]:
    """What the scan comes to, in one line; no option softens it."""
    mark, tone, text = _verdict(scan, summary)
    yield from paragraph(f"{mark}: {text}", width, tone=tone)


def _verdict(scan: Scan, summary: Summary) -> tuple[str, Tone, str]:
    code = strict_exit_code(scan)
    failing = any(summary.violations.values()) or any(summary.blocking_unknowns.values())
    if failing:
        return MARK[Outcome.FAIL], Tone.BAD, _failure(scan, summary)
    if scan.interrupted_by is not None:
        return "? INTERRUPTED", Tone.UNSURE, interruption(scan).partition(": ")[2].rstrip(".")
    if code is ExitCode.USAGE:
        return "? NOT COMPARED", Tone.UNSURE, "the baseline could not be read"
    if code is ExitCode.NOTHING_EVALUATED:
        return "? NOTHING EVALUATED", Tone.UNSURE, _accounts_sentence(scan.accounts).rstrip(".")
    if code is ExitCode.INCOMPLETE:
        return "? INCOMPLETE", Tone.UNSURE, _gaps(scan, summary)
    return "✓ PASS", Tone.GOOD, _success(scan, summary)


def _failure(scan: Scan, summary: Summary) -> str:
    """The numbers that fit into a line: of the severities, only the worst."""
    violations_ = sum(summary.violations.values())
    blocking = sum(summary.blocking_unknowns.values())
    worst = next((f" ({n:,} {severity})" for severity, n in summary.violations.items() if n), "")
    parts = [f"{counted(violations_, 'violation')}{worst}"] if violations_ else []
    parts += [counted(blocking, "blocking unknown")] if blocking else []
    accounts = sum(any(v.blocks for v in account.verdicts) for account in scan.accounts)
    if not accounts:
        return f"{', '.join(parts)} about the scan itself"
    return f"{', '.join(parts)}; {accounts:,} of {counted(len(scan.accounts), 'account')}"


def _gaps(scan: Scan, summary: Summary) -> str:
    what = f"{summary.incomplete:,} of {counted(len(scan.accounts), 'account')}"
    parts = [f"something required is unknown of {what}"] if summary.incomplete else []
    if any(verdict.incomplete for verdict in scan.general):
        parts.append("something about the scan itself")
    return ", and ".join(parts)


def _success(scan: Scan, summary: Summary) -> str:
    beside = [
        f"{number:,} {word}"
        for number, word in (
            (summary.outcomes[Outcome.WAIVED], "waived"),
            (summary.left_open + summary.of_accounts_not_read, "unknown, which policies accept"),
            (summary.not_verifiable, "not verifiable"),
        )
        if number
    ]
    accounts = counted(len(scan.accounts), "account")
    return f"{accounts}; {', '.join(beside)}" if beside else accounts


def posture_lines(scan: Scan, width: int) -> Iterator[Line]:
    """A line for each thing that a reviewer asks first."""
    found = posture(scan)
    yield line()
    yield from paragraph(_coverage(found.coverage), width, tone=Tone.TITLE)
    column = max(len(one.title) for one in found.lines) + 4
    for one in found.lines:
        start = f"  {one.title}"
        for part in wrap(", ".join(_count_in_words(one)), width - column):
            yield (Span(pad(start, column)), Span(part, _tone(one)))
            start = ""


def _coverage(coverage: Coverage) -> str:
    found = f" and {coverage.found:,} found" if coverage.found else ""
    unread = coverage.could_not_be_read
    return (
        f"Posture: {coverage.selected - coverage.found:,} of"
        f" {counted(coverage.inventory, 'account')}{found}; {coverage.answered:,} answered"
        + (f", {unread:,} could not be read" if unread else "")
    )


def _count_in_words(one: PostureCount) -> Iterator[str]:
    if not one.asked:
        yield "no policy checks it"
        return
    names_bad = one.line in NAMES_THE_BAD
    yield f"{one.bad if names_bad else one.good:,} of {counted(one.asked, 'account')}"
    for number, word in (
        (0 if names_bad else one.bad, "not"),
        (one.waived, "waived"),
        (one.unknown, "unknown"),
        (one.not_verifiable, "not verifiable"),
        (one.not_checked, "not checked"),
    ):
        if number:
            yield f"{number:,} {word}"


def _tone(one: PostureCount) -> Tone:
    if one.bad:
        return Tone.BAD
    if not one.asked:
        return Tone.QUIET
    return Tone.UNSURE if one.unknown or one.waived else Tone.GOOD


_NAMED = 5
"""How many of the accounts that could not be read are named."""


def foot(scan: Scan, summary: Summary, width: int) -> Iterator[Line]:
    """Counts, and what the exit code means."""
    yield from title("Summary")
    yield from paragraph(_accounts_sentence(scan.accounts), width)
    yield from paragraph(_verdicts_sentence(scan, summary), width)
    if summary.not_read:
        yield from paragraph(_unread_sentence(scan.accounts), width)
    if scan.narrowing.is_any:
        yield from paragraph(left_out(scan.narrowing), width)
    if scan.interrupted_by is not None:
        yield from paragraph(interruption(scan), width)
    yield from paragraph(exit_sentence(scan), width)


def _unread_sentence(accounts: Sequence[AccountResult]) -> str:
    reasons = [
        f"{account.evidence.subject.id} ({why.reason})"
        for account in accounts
        if (why := account.evidence.why_not_read) is not None
    ]
    blocking = _blocking(accounts, UnknownSource.NOT_READ)
    more = f" and {len(reasons) - _NAMED:,} more" if len(reasons) > _NAMED else ""
    what = f"{counted(len(reasons), 'account')} could not be read"
    without = f", which leaves {counted(blocking, 'blocking unknown')}" if blocking else ""
    return f"{what}{without}: {', '.join(reasons[:_NAMED])}{more}."


def _blocking(accounts: Iterable[AccountResult], source: UnknownSource) -> int:
    """How many blocking unknowns of accounts come from there."""
    return sum(
        verdict.is_blocking_unknown and source_of(verdict, account.evidence.why_not_read) is source
        for account in accounts
        for verdict in account.verdicts
    )


def _accounts_sentence(accounts: Sequence[AccountResult]) -> str:
    if not accounts:
        return "No account was scanned."
    states = Counter(account_word(account) for account in accounts)
    counts = ", ".join(f"{states[word]:,} {word}" for word in ACCOUNT_WORDS if states[word])
    return f"{counted(len(accounts), 'account')}: {counts}{_silence(accounts)}."


def _silence(accounts: Sequence[AccountResult]) -> str:
    """How many of those that pass do so but for what nobody can verify."""
    counts = [count_not_verifiable(account) for account in accounts if passes(account)]
    some = [count for count in counts if count]
    if not some:
        return ""
    return f" ({len(some):,} of those that pass with {sum(some):,} not verifiable)"


def _verdicts_sentence(scan: Scan, summary: Summary) -> str:
    """Those of accounts that could not be read are reported with these."""
    silent = _blocking(scan.accounts, UnknownSource.NOT_VERIFIABLE)
    unread = _blocking(scan.accounts, UnknownSource.NOT_READ)
    blocking = sum(summary.blocking_unknowns.values()) - unread - silent
    others = [
        f"{number:,} {word}"
        for number, word in (
            (blocking, f"blocking unknown{'s' * (blocking != 1)}"),
            (summary.left_open - blocking, "other unknown" if blocking else "unknown"),
            (silent, "blocking and not verifiable"),
            (summary.not_verifiable - silent, "not verifiable"),
            (summary.outcomes[Outcome.WAIVED], "waived"),
            (summary.outcomes[Outcome.PASS], "passed"),
            (summary.outcomes[Outcome.NOT_APPLICABLE], "not applicable"),
        )
        if number
    ]
    return f"{', '.join([_by_severity(summary.violations, 'violation'), *others])}."


def _by_severity(counts: Mapping[Severity, int], noun: str) -> str:
    worst = ", ".join(f"{n:,} {severity}" for severity, n in counts.items() if n)
    return f"{counted(sum(counts.values()), noun)}{f' ({worst})' if worst else ''}"


@dataclass(frozen=True, slots=True)
class Style:
    """How a text report looks."""

    width: int = 80
    """Columns; less than 60 is taken as 60."""
    colour: bool = False
    """Whether ANSI colours are written."""
    verbose: int = 0
    """From 1 on, accounts that pass and every verdict are shown, however many there are."""
    audit_waivers: bool = False
    """Whether every waiver is listed, and not only those that need attention soon."""


TABLE_LIMIT = 20
"""With more accounts than this, only verbose text has the table."""


def render_text(scan: Scan, *, style: Style) -> Iterator[str]:
    """The whole scan, line by line, calm and at most as wide as asked."""
    return paint(_report(scan, max(60, style.width), style), colour=style.colour)


def _report(scan: Scan, width: int, style: Style) -> Iterator[Line]:
    verbose, summary = style.verbose, summarise(scan)
    is_small = len(scan.accounts) <= TABLE_LIMIT
    yield from verdict_lines(scan, summary, width)
    yield from _head(scan, width)
    yield from posture_lines(scan, width)
    yield from _table(scan.accounts, width) if is_small else ()
    yield from violations(scan, width, verbose)
    yield from _general(scan, width)
    yield from waived(scan.accounts, width, verbose)
    yield from unknowns(scan.accounts, width, verbose)
    yield from _drift(scan, width)
    yield from waiver_list(scan.waivers, width, whole=style.audit_waivers)
    yield from _overrides(scan, width)
    if verbose:
        yield from () if is_small else _table(scan.accounts, width)
        yield from _every_verdict(scan.accounts, width)
    yield from foot(scan, summary, width)


def _head(scan: Scan, width: int) -> Iterator[Line]:
    policies = ", ".join(policy.name for policy in scan.policies) or "none"
    yield from scan_head(scan, width)
    yield from labelled("policies", policies, width, indent=0)


def _table(accounts: Sequence[AccountResult], width: int) -> Iterator[Line]:
    if not accounts:
        return
    yield line()
    yield from table(accounts, width)
    if any(count_not_verifiable(account) for account in accounts):
        legend = f"{NOT_VERIFIABLE[2:]}: not verifiable, since the exchange never discloses it"
        yield from paragraph(legend, width, tone=Tone.QUIET)


def _drift(scan: Scan, width: int) -> Iterator[Line]:
    if scan.drift is not None:
        found = [one for one in scan.as_findings() if one.is_found]
        yield from drift_lines(scan.drift, found, width)


def _overrides(scan: Scan, width: int) -> Iterator[Line]:
    overrides = scan.overrides
    if overrides:
        yield from title("Policy overrides")
    for override in overrides:
        yield from paragraph(override.clause, width, indent=2)
        yield from labelled("by", f"{override.policy} ({place(override.location)})", width)
        yield from labelled("because", override.because, width)


def _general(scan: Scan, width: int) -> Iterator[Line]:
    rules = {rule.id: rule for rule in scan.rules}
    if scan.general or scan.warnings:
        yield from title("About this scan")
    for verdict in scan.general:
        yield from marked(verdict, width)
        yield from labelled("expected", verdict.expected, width)
        yield from labelled("seen", verdict.seen, width)
        yield from labelled(
            "policy", f"{verdict.policy} ({place(verdict.location)})".strip(), width
        )
        yield from labelled("why", rules[verdict.rule].why, width)
        yield from labelled("needed", verdict.needed, width)
    for warning in scan.warnings:
        yield from labelled("warning", warning, width, indent=2)


def _every_verdict(accounts: Iterable[AccountResult], width: int) -> Iterator[Line]:
    yield from title("Every verdict")
    for account in accounts:
        yield from account_head(account, width, Tone.TITLE)
        for verdict in account.verdicts:
            yield from marked(verdict, width)
            yield from labelled("expected", verdict.expected, width)
            yield from labelled("seen", verdict.seen or str(verdict.reason or ""), width)
