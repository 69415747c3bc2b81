"""Text for people: a table, then what to do, then what the exit code means.

Every mark has a word beside it, so that nothing depends on colour. What would repeat is told
once: what was not proved once for all accounts of an exchange with the same gap; the reason and the
fix of a finding once for each rule and exchange.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatepolicy import __version__
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.facts import Fact
from gatepolicy.model.location import Location
from gatepolicy.model.scan import AccountResult, RuleInfo, Scan, Subject
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.reports.summary import Summary, exit_sentence, is_unchecked, summarise
from gatepolicy.reports.text_layout import Line, Span, Tone, labelled, line, paint, paragraph
from gatepolicy.reports.text_table import MARK, table


@dataclass(frozen=True, slots=True)
class Style:
    """How a text report looks."""

    width: int = 80
    """Columns; less than 60 is taken as 60."""
    colour: bool = False
    """Whether ANSI colours are written."""
    verbose: int = 0
    """From 1 on, accounts that pass and every verdict are shown, however many there are."""


TABLE_LIMIT = 50
"""With more accounts than this, the table leaves out those that pass."""
NAMES_LIMIT = 12
"""So many accounts with the same gap are named."""
SUBJECTS_LIMIT = 4
"""So many capabilities or words that one rule leaves open are named; the JSON report has all."""


def render_text(scan: Scan, *, style: Style) -> Iterator[str]:
    """The whole scan, line by line, calm and at most as wide as asked."""
    return paint(_report(scan, max(60, style.width), style.verbose), colour=style.colour)


def _report(scan: Scan, width: int, verbose: int) -> Iterator[Line]:
    yield from _head(scan, width)
    yield from _table(scan.accounts, width, verbose)
    yield from _findings(scan, width, verbose)
    yield from _waived(scan.accounts, width)
    yield from _unknowns(scan.accounts, width, verbose)
    yield from _general(scan, width)
    if verbose:
        yield from _every_verdict(scan.accounts, width)
    yield from _foot(scan, width)


def _head(scan: Scan, width: int) -> Iterator[Line]:
    policies = ", ".join(policy.name for policy in scan.policies) or "none"
    yield line(f"gatepolicy {__version__}, {encode_time(scan.finished_at)}", Tone.TITLE)
    yield from labelled("policies", policies, width, indent=0)


def _table(accounts: Sequence[AccountResult], width: int, verbose: int) -> Iterator[Line]:
    shown = accounts
    if len(accounts) > TABLE_LIMIT and not verbose:
        shown = [account for account in accounts if not _passes(account)]
    if shown:
        yield line()
        yield from table(shown, width)
    hidden = len(accounts) - len(shown)
    if hidden:
        yield line()
        verb = "account passes and is" if hidden == 1 else "accounts pass and are"
        yield from paragraph(f"{hidden:,} {verb} not shown (-v shows all).", width)


def _passes(account: AccountResult) -> bool:
    """Whether something was judged about an account, and there is nothing else to say."""
    fine = (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return not is_unchecked(account) and all(v.outcome in fine for v in account.verdicts)


def _of(account: AccountResult, outcome: Outcome) -> list[Verdict]:
    return [verdict for verdict in account.verdicts if verdict.outcome is outcome]


def _title(text: str) -> Iterator[Line]:
    yield line()
    yield line(text, Tone.TITLE)


def _account_head(account: AccountResult, width: int, tone: Tone) -> Iterator[Line]:
    evidence = account.evidence
    subject = evidence.subject
    name = evidence.facts.known.get("key.name")
    details = [
        _place(subject.location),
        *([f"owner {subject.owner}"] if subject.owner else []),
        *([f'key named "{name.value}"'] if isinstance(name, Fact) else []),
    ]
    yield line()
    yield from paragraph(f"{subject.id} on {subject.exchange}", width, tone=tone)
    yield from paragraph(", ".join(details), width, indent=2, tone=Tone.QUIET)


def _place(location: Location) -> str:
    return f"{location.file}:{location.line}"


def _findings(scan: Scan, width: int, verbose: int) -> Iterator[Line]:
    rules = {rule.id: rule for rule in scan.rules}
    told: dict[tuple[str, str], str] = {}
    title = "Findings"
    for account in scan.accounts:
        fails = _of(account, Outcome.FAIL)
        if fails:
            yield from _title(title) if title else ()
            title = ""
            yield from _account_head(account, width, Tone.BAD)
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
        asking.setdefault(key, []).append(f"{verdict.policy} ({_place(verdict.location)})")
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


def _waived(accounts: Iterable[AccountResult], width: int) -> Iterator[Line]:
    title = "Waived: still failing, accepted for a time"
    for account in accounts:
        for verdict in _of(account, Outcome.WAIVED):
            yield from _title(title) if title else ()
            title = ""
            text = f"{account.evidence.subject.id}: {_control(verdict)}; {verdict.seen}"
            yield from labelled(MARK[Outcome.WAIVED], text, width, indent=2)


def _control(verdict: Verdict) -> str:
    subject = f" ({verdict.subject})" if verdict.subject else ""
    return f"{verdict.rule} {verdict.name}{subject}"


@dataclass(frozen=True, slots=True)
class _Gap:
    """What was not proved for one reason: the same for many accounts, told once."""

    reason: str
    exchange: str
    controls: tuple[tuple[str, str], ...]
    """What an unknown does, and the controls of which it does so; the worst first."""
    needed: tuple[str, ...]


def _unknowns(accounts: Iterable[AccountResult], width: int, verbose: int) -> Iterator[Line]:
    gaps: dict[_Gap, list[Subject]] = {}
    for account in accounts:
        subject = account.evidence.subject
        for verdicts in _by_reason(_of(account, Outcome.UNKNOWN)):
            gaps.setdefault(_gap(subject.exchange, verdicts), []).append(subject)
    if gaps:
        yield from _title("Not proved")
    effects = list(_EFFECT.values())
    for gap in sorted(gaps, key=lambda gap: effects.index(gap.controls[0][0])):
        yield line()
        yield line(f"{MARK[Outcome.UNKNOWN]} {gap.reason} on {gap.exchange}", Tone.UNSURE)
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
        return f"{subjects[0].id} ({_place(subjects[0].location)})"
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
    OnUnknown.BLOCK: "violation",
    OnUnknown.INCOMPLETE: "open",
    OnUnknown.WARN: "warning",
}
"""What an unknown does, as a label before the controls of which it does so."""


def _general(scan: Scan, width: int) -> Iterator[Line]:
    rules = {rule.id: rule for rule in scan.rules}
    if scan.general or scan.warnings:
        yield from _title("About this scan")
    for verdict in scan.general:
        yield from _marked(verdict, width)
        yield from labelled("expected", verdict.expected, width)
        yield from labelled("seen", verdict.seen, width)
        yield from labelled("policy", f"{verdict.policy} ({_place(verdict.location)})", width)
        yield from labelled("why", rules[verdict.rule].why, width)
        yield from labelled("needed", verdict.needed, width)
    for warning in scan.warnings:
        yield from labelled("warning", warning, width, indent=2)


def _marked(verdict: Verdict, width: int) -> Iterator[Line]:
    tone = _tone(verdict)
    return labelled(MARK[verdict.outcome], _control(verdict), width, indent=2, tone=tone)


def _tone(verdict: Verdict) -> Tone:
    if verdict.violates:
        return Tone.BAD
    return Tone.UNSURE if verdict.outcome is Outcome.UNKNOWN else Tone.PLAIN


def _every_verdict(accounts: Iterable[AccountResult], width: int) -> Iterator[Line]:
    yield from _title("Every verdict")
    for account in accounts:
        yield from _account_head(account, width, Tone.TITLE)
        for verdict in account.verdicts:
            yield from _marked(verdict, width)
            yield from labelled("expected", verdict.expected, width)
            yield from labelled("seen", verdict.seen or str(verdict.reason or ""), width)


def _foot(scan: Scan, width: int) -> Iterator[Line]:
    summary = summarise(scan)
    yield from _title("Summary")
    yield from paragraph(_accounts_sentence(scan.accounts), width)
    yield from paragraph(_verdicts_sentence(summary), width)
    yield from paragraph(exit_sentence(scan), width)


def _accounts_sentence(accounts: Sequence[AccountResult]) -> str:
    if not accounts:
        return "No account was looked at."
    violating = sum(any(verdict.violates for verdict in a.verdicts) for a in accounts)
    passing = sum(_passes(account) for account in accounts)
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
