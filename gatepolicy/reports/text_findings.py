"""The findings of a text report: what fails, what was expected, why it matters, how to fix it.

Why and fix are told once for each rule and exchange.
"""

from collections.abc import Iterable, Iterator, Sequence

from gatepolicy.model.rules import RuleInfo
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.reports.text_layout import Line, Span, Tone, labelled
from gatepolicy.reports.text_parts import account_head, control, of, place, title
from gatepolicy.reports.text_table import MARK


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
    heading = "Waived: still failing, accepted for a time"
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
