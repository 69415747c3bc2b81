"""Waivers that every scan would refuse, reported before one. Pure."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from gatepolicy.errors import Problem
from gatepolicy.model.verdicts import WaiverLimits, WaiverTerms
from gatepolicy.policies.policy import Control, Policy
from gatepolicy.scanning.plan import Plan
from gatepolicy.waivers.apply import naming_waivers
from gatepolicy.waivers.waiver import Limit, Waiver, broken_limit, days_of


def refused_waivers(
    waivers: Sequence[Waiver], policies: Sequence[Policy], plan: Plan, today: date
) -> Iterator[Problem]:
    """What policies do not allow, and what begins in the future.

    Args:
        waivers: All of them. What is over by now is reported by a scan.
        policies: All of them.
        plan: What they ask about the accounts of the inventory; about none, where there is none.
        today: UTC.
    """
    asked = _asked_by_waiver(waivers, plan)
    for waiver in waivers:
        terms = waiver.terms
        if terms.created > today:
            what = "it starts in the future and waives nothing until then"
            yield Problem(terms.location, terms.id, what, "start it on the day it is created")
        if terms.expires < today:
            continue
        refusing = next(_refusing(waiver, policies, asked.get(terms.id)), None)
        if refusing is not None:
            yield _problem(terms, *refusing, plan.limits)


def repeated_waivers(waivers: Sequence[Waiver]) -> Iterator[Problem]:
    """Waivers that waive what an earlier one waives on the same days: one of them was forgotten.

    Args:
        waivers: In the order of their files.
    """
    first: dict[object, list[Waiver]] = {}
    for waiver in waivers:
        alike = first.setdefault(_what_is_waived(waiver), [])
        other = next((one for one in alike if _overlap(one.terms, waiver.terms)), None)
        alike.append(waiver)
        if other is not None:
            what = f"{other.terms.id} ({other.terms.location}) waives the same"
            fix = "delete one, or start this one after the other expires"
            yield Problem(waiver.terms.location, waiver.terms.id, what, fix)


def _what_is_waived(waiver: Waiver) -> object:
    chosen = waiver.selector
    labels = frozenset(chosen.labels.items())
    accounts = (frozenset(chosen.accounts), chosen.exchanges, labels)
    return waiver.terms.rule, accounts, waiver.subject, waiver.only_unknown


def _overlap(one: WaiverTerms, other: WaiverTerms) -> bool:
    return one.created <= other.expires and other.created <= one.expires


def _refusing(
    waiver: Waiver, policies: Sequence[Policy], asked: set[str] | None
) -> Iterator[tuple[str, Limit]]:
    """The policies that refuse it, as a scan would find."""
    broken = {
        policy.name: broken_limit(waiver.terms, policy.waivers)
        for policy in policies
        if (_may_apply(policy, waiver) if asked is None else policy.name in asked)
    }
    # Nobody knows which policies decide about accounts that nobody knows: some may well allow it.
    if asked is None and None in broken.values():
        return
    for name, limit in broken.items():
        if limit is not None:
            yield name, limit


def _asked_by_waiver(waivers: Sequence[Waiver], plan: Plan) -> Mapping[str, set[str]]:
    """Id of a waiver, to the policies that ask what it waives of accounts that it names.

    A waiver that names no known account is not in it.
    """
    planned = {one.subject.id: one for one in plan.accounts}
    keys = list(dict.fromkeys(_keys(waivers, planned)))
    subjects = [
        *(one.subject for one in plan.accounts),
        *(replace(planned[of].subject, id=key, found_by=of) for key, of in keys),
    ]
    asking = [
        *(one.controls for one in plan.accounts),
        *(planned[of].controls for _, of in keys),
    ]
    asked: dict[str, set[str]] = {}
    by_rule = _PoliciesByRule()
    for naming, controls in zip(naming_waivers(subjects, waivers), asking, strict=True):
        policies = by_rule.of(controls)
        for waiver in naming:
            asks = policies.get((waiver.terms.rule, waiver.subject), set())
            asked.setdefault(waiver.terms.id, set()).update(asks)
    return asked


class _PoliciesByRule:
    """Which policies ask what; accounts with the same questions share one tuple of them."""

    def __init__(self) -> None:
        self._known: dict[int, Mapping[tuple[str, str], set[str]]] = {}

    def of(self, controls: tuple[Control, ...]) -> Mapping[tuple[str, str], set[str]]:
        """Rule and subject, which may be empty for any, to the policies that ask it."""
        if id(controls) not in self._known:
            found: dict[tuple[str, str], set[str]] = {}
            for control in controls:
                for subject in ("", control.subject):
                    found.setdefault((control.name, subject), set()).add(control.policy)
            self._known[id(controls)] = found
        return self._known[id(controls)]


def _keys(waivers: Sequence[Waiver], accounts: Container[str]) -> Iterator[tuple[str, str]]:
    """Keys beside accounts of which a waiver speaks, each with its account."""
    for waiver in waivers:
        for name in waiver.selector.accounts:
            for end, char in enumerate(name):
                if char == "/" and name[:end] in accounts:
                    yield name, name[:end]


def _may_apply(policy: Policy, waiver: Waiver) -> bool:
    chosen, meant = policy.applies_to.exchanges, waiver.selector.exchanges
    return not chosen or not meant or not chosen.isdisjoint(meant)


def _problem(
    terms: WaiverTerms, policy: str, limit: Limit, limits: Mapping[str, WaiverLimits]
) -> Problem:
    most, where = limits[policy].max_days, f" ({limits[policy].places[limit]})"
    refuses = f"policy {policy} does not allow waiving"
    if limit is Limit.MAX_DAYS and most is not None:
        what = f"{refuses} anything for {days_of(terms)} days, at most for {most}{where}"
        fix = f"let it expire on {terms.created + timedelta(days=most)} at the latest"
    else:
        what = f"{refuses} {terms.rule}{where}"
        fix = "fix the finding, or ask the owner of the policy"
    return Problem(terms.location, terms.id, what, fix)
