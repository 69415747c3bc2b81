"""Text for people: a table, then what to do, then what the exit code means.

Every mark has a word beside it, so that nothing depends on colour. What would repeat is told
once: what was not proved once for all accounts of an exchange with the same gap; the reason and the
fix of a finding once for each rule and exchange.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.reports.summary import passes
from gatepolicy.reports.text_drift import drift_lines
from gatepolicy.reports.text_findings import findings, waived
from gatepolicy.reports.text_layout import Line, Tone, labelled, line, paint, paragraph
from gatepolicy.reports.text_parts import account_head, marked, place, scan_head, title
from gatepolicy.reports.text_summary import foot
from gatepolicy.reports.text_table import table
from gatepolicy.reports.text_unknowns import unknowns
from gatepolicy.reports.text_waivers import waiver_list


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
        yield from title("Loosened on purpose")
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
