"""Text for people: a table, then what to do, then what the exit code means.

Every mark has a word beside it, so that nothing depends on colour. What would repeat is told
once: what was not proved once for all accounts of an exchange with the same gap; the reason and the
fix of a finding once for each rule and exchange.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatepolicy.model.evidence import Subject
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    RuleInfo,
    Severity,
    Verdict,
    WaiverInfo,
    WaiverState,
)
from gatepolicy.reports.summary import (
    Summary,
    exit_sentence,
    interruption,
    is_incomplete,
    is_unchecked,
    left_out,
    passes,
    summarise,
)
from gatepolicy.reports.text_drift import drift_lines
from gatepolicy.reports.text_layout import (
    MARK,
    Line,
    Span,
    Tone,
    account_head,
    control,
    labelled,
    line,
    marked,
    of,
    paint,
    paragraph,
    place,
    scan_head,
    table,
    title,
)


def findings(scan: Scan, width: int, verbose: int) -> Iterator[Line]:
    """Every fail, account by account, the worst of each first."""
    rules = {rule.id: rule for rule in scan.rules}
    told: dict[tuple[str, str], str] = {}
    heading = "Findings"
    for account in scan.accounts:
        fails = of(account, Outcome.FAIL)
        if fails:
            yield from title(heading) if heading else ()
            heading = ""
            yield from account_head(account, width, Tone.BAD)
        for verdicts in _by_rule(fails):
            yield from _finding(verdicts, width)
            yield from _remedy(rules[verdicts[0].rule], account, told, width, verbose)


def _by_rule(verdicts: Iterable[Verdict]) -> Iterable[list[Verdict]]:
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: verdict.severity.rank):
        groups.setdefault((verdict.rule, verdict.severity), []).append(verdict)
    return groups.values()


def _finding(verdicts: Sequence[Verdict], width: int) -> Iterator[Line]:
    first = verdicts[0]
    yield (
        Span(f"  {MARK[Outcome.FAIL]} {first.severity:<9} ", Tone.BAD),
        Span(f"{first.rule} {first.name}"),
    )
    asking: dict[tuple[str, str, str], list[str]] = {}
    for verdict in verdicts:
        key = (verdict.subject, verdict.expected, verdict.seen)
        asking.setdefault(key, []).append(f"{verdict.policy} ({place(verdict.location)})")
    for (subject, expected, seen), policies in asking.items():
        yield from labelled("what", subject, width)
        yield from labelled("expected", expected, width)
        yield from labelled("seen", seen, width)
        yield from labelled("policy", ", ".join(policies), width)


def _remedy(
    rule: RuleInfo,
    account: AccountResult,
    told: dict[tuple[str, str], str],
    width: int,
    verbose: int,
) -> Iterator[Line]:
    subject = account.evidence.subject
    before = told.setdefault((rule.id, subject.exchange), subject.id)
    if before != subject.id and not verbose:
        yield from labelled("why, fix", f"as for {before} above", width)
        return
    yield from labelled("why", rule.why, width)
    yield from labelled("fix", rule.fix_for(subject.exchange), width)


def waived(accounts: Iterable[AccountResult], width: int) -> Iterator[Line]:
    """Every finding that somebody accepted: it is still there."""
    heading = "Waived: still failing, accepted until a date"
    for account in accounts:
        for verdict in of(account, Outcome.WAIVED):
            yield from title(heading) if heading else ()
            heading = ""
            text = f"{account.evidence.subject.id}: {control(verdict)}; {verdict.seen}"
            yield from labelled(MARK[Outcome.WAIVED], text, width, indent=2)
            if verdict.waived is not None:
                terms = verdict.waived.terms
                by = f"{terms.owner} until {terms.expires} ({terms.id}): {terms.justification}"
                yield from labelled("", by, width, indent=2)


NAMES_LIMIT = 12
"""So many accounts with the same gap are named."""
SUBJECTS_LIMIT = 4
"""So many capabilities or words that one rule leaves open are named; the JSON report has all."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """What was not proved for one reason: the same for many accounts, told once."""

    reason: str
    exchange: str
    controls: tuple[tuple[str, str], ...]
    """What an unknown does, and the controls of which it does so; the worst first."""
    needed: tuple[str, ...]


def unknowns(accounts: Iterable[AccountResult], width: int, verbose: int) -> Iterator[Line]:
    """Every gap; those that block first."""
    gaps: dict[_Gap, list[Subject]] = {}
    for account in accounts:
        subject = account.evidence.subject
        for verdicts in _by_reason(of(account, Outcome.UNKNOWN)):
            gaps.setdefault(_gap(subject.exchange, verdicts), []).append(subject)
    if gaps:
        yield from title("Not proved")
    effects = list(_EFFECT.values())
    for gap in sorted(gaps, key=lambda gap: effects.index(gap.controls[0][0])):
        yield line()
        what = f"{MARK[Outcome.UNKNOWN]} {gap.reason} on {gap.exchange}"
        yield from paragraph(what, width, tone=Tone.UNSURE)
        yield from labelled("accounts", _who(gaps[gap], verbose), width, indent=2)
        for effect, controls in gap.controls:
            yield from labelled(effect, controls, width, indent=2)
        for needed in gap.needed:
            yield from labelled("needed", needed, width, indent=2)


def _gap(exchange: str, verdicts: Sequence[Verdict]) -> _Gap:
    told = (
        (label, ", ".join(_controls(v for v in verdicts if v.on_unknown is on_unknown)))
        for on_unknown, label in _EFFECT.items()
    )
    return _Gap(
        reason=str(verdicts[0].reason),
        exchange=exchange,
        controls=tuple((label, controls) for label, controls in told if controls),
        needed=tuple(dict.fromkeys(verdict.needed for verdict in verdicts)),
    )


def _who(subjects: Sequence[Subject], verbose: int) -> str:
    if len(subjects) == 1:
        return f"{subjects[0].id} ({place(subjects[0].location)})"
    shown = subjects if verbose else subjects[:NAMES_LIMIT]
    names = ", ".join(subject.id for subject in shown)
    hidden = len(subjects) - len(shown)
    return f"{names} and {hidden:,} more" if hidden else names


def _by_reason(verdicts: Iterable[Verdict]) -> Iterable[list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(str(verdict.reason), []).append(verdict)
    return groups.values()


def _controls(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Each rule once, with what within the account it asks about."""
    subjects: dict[str, dict[str, None]] = {}
    for verdict in verdicts:
        subjects.setdefault(f"{verdict.rule} {verdict.name}", {})[verdict.subject] = None
    for rule, asked in subjects.items():
        items = [item for item in asked if item]
        hidden = len(items) - SUBJECTS_LIMIT
        more = f" and {hidden} more" if hidden > 0 else ""
        yield f"{rule} ({', '.join(items[:SUBJECTS_LIMIT])}{more})" if items else rule


_EFFECT = {
    OnUnknown.BLOCK: "blocking",
    OnUnknown.INCOMPLETE: "required",
    OnUnknown.WARN: "warning",
}
"""What an unknown does, as a label before the controls of which it does so."""


def waiver_list(waivers: Sequence[WaiverInfo], width: int, *, whole: bool) -> Iterator[Line]:
    """A heading and some lines for each waiver.

    What is wrong with a waiver is a finding, and told as such; here is what is about to end.

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
        count = f"{waiver.findings:,} finding{'s' * (waiver.findings != 1)}"
        accounts = f"{waiver.accounts:,} account{'s' * (waiver.accounts != 1)}"
        yield from labelled("waives", f"{terms.rule}: {count} on {accounts}", width)
        yield from labelled("because", terms.justification, width)
        yield from labelled("owner", terms.owner, width)
        yield from labelled("approved", terms.approved_by, width)
        yield from labelled("ticket", terms.ticket, width)
        yield from labelled("days", f"{terms.created} to {terms.expires}", width)
        yield from labelled("file", place(terms.location), width)


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
        return "No account was scanned."
    states = Counter(_state(account) for account in accounts)
    told = ", ".join(f"{states[state]:,} {state}" for state in _STATES if states[state])
    return f"{_count(len(accounts), 'account')}: {told}."


_STATES = (
    "pass",
    "with violations",
    "with blocking unknowns",
    "incomplete",
    "with warnings or waivers only",
    "not checked",
)
"""What an account comes to, in the order in which the summary lists them."""


def _state(account: AccountResult) -> str:
    passing, violating, blocked, incomplete, minor, unchecked = _STATES
    if passes(account):
        return passing
    if is_unchecked(account):
        return unchecked
    if any(verdict.is_violation for verdict in account.verdicts):
        return violating
    if any(verdict.is_blocking_unknown for verdict in account.verdicts):
        return blocked
    return incomplete if is_incomplete(account) else minor


def _verdicts_sentence(summary: Summary) -> str:
    violations = _by_severity(summary.violations, "violation")
    blocking = _by_severity(summary.blocking_unknowns, "blocking unknown")
    unknown = summary.outcomes[Outcome.UNKNOWN] - sum(summary.blocking_unknowns.values())
    shown = [violations]
    if any(summary.blocking_unknowns.values()):
        shown.append(blocking)
    if unknown:
        shown.append(f"{unknown:,} {'other ' if len(shown) > 1 else ''}unknown")
    others = [
        f"{summary.outcomes[outcome]:,} {word}"
        for outcome, word in (
            (Outcome.WAIVED, "waived"),
            (Outcome.PASS, "passed"),
            (Outcome.NOT_APPLICABLE, "not applicable"),
        )
        if summary.outcomes[outcome]
    ]
    return f"{', '.join([*shown, *others])}."


def _by_severity(counts: Mapping[Severity, int], noun: str) -> str:
    worst = ", ".join(f"{n:,} {severity}" for severity, n in counts.items() if n)
    return f"{_count(sum(counts.values()), noun)}{f' ({worst})' if worst else ''}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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


TABLE_LIMIT = 50
"""With more accounts than this, the table leaves out those that pass."""


def render_text(scan: Scan, *, style: Style) -> Iterator[str]:
    """The whole scan, line by line, calm and at most as wide as asked."""
    return paint(_report(scan, max(60, style.width), style), colour=style.colour)


def _report(scan: Scan, width: int, style: Style) -> Iterator[Line]:
    verbose = style.verbose
    yield from _head(scan, width)
    yield from _table(scan.accounts, width, verbose)
    yield from findings(scan, width, verbose)
    yield from waived(scan.accounts, width)
    yield from waiver_list(scan.waivers, width, whole=style.audit_waivers)
    yield from unknowns(scan.accounts, width, verbose)
    yield from _drift(scan, width)
    yield from _overrides(scan, width)
    yield from _general(scan, width)
    if verbose:
        yield from _every_verdict(scan.accounts, width)
    yield from foot(scan, width)


def _head(scan: Scan, width: int) -> Iterator[Line]:
    policies = ", ".join(policy.name for policy in scan.policies) or "none"
    yield from scan_head(scan, width)
    yield from labelled("policies", policies, width, indent=0)


def _table(accounts: Sequence[AccountResult], width: int, verbose: int) -> Iterator[Line]:
    shown = accounts
    if len(accounts) > TABLE_LIMIT and not verbose:
        shown = [account for account in accounts if not passes(account)]
    if shown:
        yield line()
        yield from table(shown, width)
    hidden = len(accounts) - len(shown)
    if hidden:
        yield line()
        verb = "account passes and is" if hidden == 1 else "accounts pass and are"
        yield from paragraph(f"{hidden:,} {verb} not shown (-v shows all).", width)


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
