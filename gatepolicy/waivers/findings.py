"""Waivers that need somebody's attention, as verdicts about the scan itself. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from gatepolicy.model.rules import RuleInfo
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.model.waivers import WaiverInfo, WaiverState

_RULE: Mapping[WaiverState, tuple[str, str]] = {
    WaiverState.EXPIRED: ("waiver-expired", "no waiver outlives its last day"),
    WaiverState.UNUSED: ("waiver-unused", "every waiver waives a finding"),
    WaiverState.OVER_BROAD: ("waiver-over-broad", "every account that it names has the finding"),
    WaiverState.INVALID: ("waiver-invalid", "a waiver begins on the day on which it is made"),
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
