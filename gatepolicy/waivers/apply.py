"""From verdicts and waivers to verdicts some of which are waived. Pure.

A waiver changes the verdicts that it takes, and no other. What it waives stays in every report.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from itertools import takewhile

from gatepolicy.accounts.account import Selector
from gatepolicy.model.evidence import Evidence, Subject
from gatepolicy.model.scan import AccountResult
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    RuleInfo,
    Verdict,
    Waived,
    WaiverInfo,
    WaiverLimits,
    WaiverState,
)
from gatepolicy.waivers.waiver import Waiver, broken_limit

_MAGIC = "*?["


def naming_waivers(
    subjects: Sequence[Subject], waivers: Sequence[Waiver]
) -> Sequence[Sequence[Waiver]]:
    """For each account, the waivers that name it: those whose ``names`` says so.

    Args:
        subjects: Accounts, and keys that a scan found beside them.
        waivers: All of them.
    """
    naming: list[list[Waiver]] = [[] for _ in subjects]
    index = _Index(subjects)
    for waiver in waivers:
        for place in index.named_by(waiver.selector):
            naming[place].append(waiver)
    return naming


class _Index:
    """Accounts by id."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self._subjects = subjects
        self._declared: dict[str, list[int]] = {}
        self._found: dict[str, list[int]] = {}
        for place, subject in enumerate(subjects):
            ids = self._found if subject.found_by else self._declared
            ids.setdefault(subject.id, []).append(place)
        self._sorted = sorted(self._declared)

    def named_by(self, selector: Selector) -> Iterator[int]:
        """Places of the accounts that a selector names, each once."""
        # Exchanges and labels decide about the accounts that are named by their ids.
        rest = replace(selector, accounts=())
        ids = dict.fromkeys(self._by_id(selector.accounts) if selector.accounts else self._all())
        for place in ids:
            # A found key is named by its own id only; what it shares with its account decides then.
            if rest.names(self._subjects[place]):
                yield place

    def _all(self) -> Iterator[int]:
        for places in self._declared.values():
            yield from places

    def _by_id(self, names: Sequence[str]) -> Iterator[int]:
        for name in names:
            yield from self._found.get(name, ())
            if any(char in name for char in _MAGIC):
                for id_ in self._matching(name):
                    yield from self._declared[id_]
            else:
                yield from self._declared.get(name, ())

    def _matching(self, glob: str) -> Iterator[str]:
        start = "".join(takewhile(lambda char: char not in _MAGIC, glob))
        for position in range(bisect_left(self._sorted, start), len(self._sorted)):
            id_ = self._sorted[position]
            if not id_.startswith(start):
                return
            if fnmatchcase(id_, glob):
                yield id_


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
        waivers: All of them; of several that hold, the one that holds for longest is reported.
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
    # Whatever the order of the files, the same one is reported: the one that holds for longest.
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


_RULE: Mapping[WaiverState, tuple[str, str]] = {
    WaiverState.EXPIRED: ("waiver-expired", "no waiver is past its last day"),
    WaiverState.UNUSED: ("waiver-unused", "every waiver waives a finding"),
    WaiverState.OVER_BROAD: ("waiver-over-broad", "every account that it covers has the finding"),
    WaiverState.INVALID: ("waiver-invalid", "a waiver starts on the day it is created"),
    WaiverState.NOT_ALLOWED: ("waiver-not-allowed", "the policy allows every waiver"),
}
"""State to the rule that it breaks, and what is expected."""


def waiver_findings(
    waivers: Sequence[WaiverInfo], refusals: Mapping[str, str], rules: Sequence[RuleInfo]
) -> Iterator[Verdict]:
    """A fail for every waiver that is in a state in which none should be.

    Args:
        waivers: What became of them.
        refusals: Id of a waiver that is not allowed, to the policy that does not allow it.
        rules: All rules.
    """
    by_name = {rule.name: rule for rule in rules}
    for info in waivers:
        if info.state in _RULE:
            name, expected = _RULE[info.state]
            policy = refusals.get(info.terms.id, "")
            yield _finding(by_name[name], info, expected, policy)


def _finding(rule: RuleInfo, info: WaiverInfo, expected: str, policy: str) -> Verdict:
    terms = info.terms
    return Verdict(
        rule=rule.id,
        name=rule.name,
        outcome=Outcome.FAIL,
        severity=rule.severity,
        subject=terms.id,
        expected=expected,
        seen=f"{terms.rule}, {terms.owner}, {terms.created} to {terms.expires}: {info.state}",
        reason=None,
        needed="",
        on_unknown=OnUnknown.INCOMPLETE,
        policy=policy,
        location=terms.location,
    )
