"""From verdicts and waivers to verdicts some of which are waived. Pure.

A waiver changes the verdicts that it takes, and no other. What it waives stays in every report.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from gatepolicy.model.evidence import Evidence
from gatepolicy.model.scan import AccountResult
from gatepolicy.model.verdicts import Outcome, Verdict, Waived
from gatepolicy.model.waivers import WaiverInfo, WaiverLimits, WaiverState
from gatepolicy.waivers.limits import broken_limit
from gatepolicy.waivers.naming import naming_waivers
from gatepolicy.waivers.waiver import Waiver


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides whether a waiver holds, besides the waiver itself."""

    today: date
    """UTC."""
    notice_days: int
    """So many days before its end a waiver counts as expiring."""
    limits: Mapping[str, WaiverLimits]
    """Name of a policy, to what may be waived of its findings."""
    is_whole: bool
    """Whether nothing was left out of the scan: otherwise no waiver counts as unused."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of accounts and waivers."""

    accounts: Sequence[AccountResult]
    """With waived verdicts in the place of those that waivers took."""
    waivers: Sequence[WaiverInfo]
    """Every waiver with its state, in the order of the files."""
    refusals: Mapping[str, str]
    """Id of a waiver that is not allowed, to the name of the policy that does not allow it."""


@dataclass(slots=True)
class _Tally:
    """What a waiver met so far."""

    named: int = 0
    findings: int = 0
    accounts: set[str] = field(default_factory=set)
    refused_by: str = ""


def apply_waivers(
    accounts: Sequence[AccountResult], waivers: Sequence[Waiver], circumstances: Circumstances
) -> Applied:
    """Waive what the waivers of the day waive.

    Args:
        accounts: As they were judged.
        waivers: All of them; of several that hold, the one that holds for longest is told.
        circumstances: The day, and what policies allow.
    """
    tallies = {waiver.terms.id: _Tally() for waiver in waivers}
    naming = naming_waivers([account.evidence.subject for account in accounts], waivers)
    results = [
        _waive(account, named, circumstances, tallies)
        for account, named in zip(accounts, naming, strict=True)
    ]
    infos = [_info(waiver, tallies[waiver.terms.id], circumstances) for waiver in waivers]
    refusals = {id_: tally.refused_by for id_, tally in tallies.items() if tally.refused_by}
    return Applied(results, infos, refusals)


def _waive(
    account: AccountResult,
    naming: Sequence[Waiver],
    circumstances: Circumstances,
    tallies: Mapping[str, _Tally],
) -> AccountResult:
    by_rule: dict[str, list[Waiver]] = {}
    days = _days(circumstances.today, account.evidence)
    for waiver in naming:
        tallies[waiver.terms.id].named += 1
        if all(_holds_on(waiver, day) for day in days):
            by_rule.setdefault(waiver.terms.rule, []).append(waiver)
    if not naming:
        return account
    verdicts = tuple(
        _waived(verdict, account, by_rule.get(verdict.name, ()), circumstances, tallies)
        for verdict in account.verdicts
    )
    return replace(account, verdicts=verdicts)


def _waived(
    verdict: Verdict,
    account: AccountResult,
    naming: Sequence[Waiver],
    circumstances: Circumstances,
    tallies: Mapping[str, _Tally],
) -> Verdict:
    holding: list[Waiver] = []
    for waiver in naming:
        if not waiver.takes(verdict):
            continue
        tally = tallies[waiver.terms.id]
        if broken_limit(waiver.terms, circumstances.limits.get(verdict.policy)) is not None:
            tally.refused_by = max(tally.refused_by, verdict.policy)
            continue
        tally.findings += 1
        tally.accounts.add(account.evidence.subject.id)
        holding.append(waiver)
    if not holding:
        return verdict
    # Whatever the order of the files, the same one is told: the one that holds for longest.
    terms = max((waiver.terms for waiver in holding), key=lambda one: (one.expires, one.id))
    return replace(verdict, outcome=Outcome.WAIVED, waived=Waived(verdict.outcome, terms))


def _days(today: date, evidence: Evidence) -> set[date]:
    """The days that it may be: of this machine and, where they do not agree, of the exchange."""
    skew = evidence.clock_skew
    return {today} if skew is None else {today, today + skew}


def _holds_on(waiver: Waiver, today: date) -> bool:
    """Its last day counts to its end, in UTC."""
    return waiver.terms.created <= today <= waiver.terms.expires


def _info(waiver: Waiver, tally: _Tally, circumstances: Circumstances) -> WaiverInfo:
    state = next(_states(waiver, tally, circumstances))
    return WaiverInfo(waiver.terms, state, tally.findings, len(tally.accounts))


def _states(waiver: Waiver, tally: _Tally, circumstances: Circumstances) -> Iterator[WaiverState]:
    """All that are true of it, the most urgent first."""
    today, terms = circumstances.today, waiver.terms
    if terms.created > today:
        yield WaiverState.INVALID
    if terms.expires < today:
        yield WaiverState.EXPIRED
    if tally.refused_by:
        yield WaiverState.NOT_ALLOWED
    if circumstances.is_whole and not tally.findings:
        yield WaiverState.UNUSED
    if circumstances.is_whole and len(tally.accounts) < tally.named:
        yield WaiverState.OVER_BROAD
    if (terms.expires - today).days <= circumstances.notice_days:
        yield WaiverState.EXPIRING
    yield WaiverState.ACTIVE
