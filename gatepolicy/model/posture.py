"""The posture of a finished scan: how many accounts stand how in what a reviewer asks first. Pure.

Nothing here decides anything: the exit code and every verdict are the scan's own. An account stands
in each line as its worst verdict there, so that none counts as good of which anything is open.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome, PostureLine, RuleInfo, Verdict


class AccountState(StrEnum):
    """How an account stands in one line of the posture; the worst first."""

    BAD = "bad"
    """A violation is proved."""
    UNKNOWN = "unknown"
    """Something is neither proved nor disproved."""
    WAIVED = "waived"
    """A violation, or an unknown, that a named person accepts for a time."""
    NOT_VERIFIABLE = "not_verifiable"
    """Everything is proved but what the exchange never discloses."""
    GOOD = "good"
    """Everything that policies ask is proved."""
    NOT_CHECKED = "not_checked"
    """No policy asks anything here that applies to the account."""


LINE_TITLE: Mapping[PostureLine, str] = {
    PostureLine.FUNDS: "funds can leave",
    PostureLine.ADDRESSES: "has an IP allowlist",
    PostureLine.PERMISSIONS: "only allowed permissions",
    PostureLine.HYGIENE: "key hygiene",
    PostureLine.DECLARED: "declared",
    PostureLine.ATTESTED: "attested",
    PostureLine.OWN_RULES: "custom rules",
}
"""Each line in words, in the order in which reports list them."""

PROVES: Mapping[PostureLine, frozenset[str]] = {
    PostureLine.FUNDS: frozenset({"GP001"}),
    PostureLine.ADDRESSES: frozenset({"GP010", "GP011", "GP012"}),
}
"""Lines that are good only where one of these rules passes: that a key cannot transfer does not
prove that it cannot withdraw, nor do separate egress addresses prove an allowlist."""

NAMES_THE_BAD = frozenset({PostureLine.FUNDS})
"""Lines whose title says the bad thing: the first number beside it is that of bad accounts."""


@dataclass(frozen=True, slots=True)
class PostureCount:
    """How many accounts stand how in one line. Every selected account counts exactly once."""

    line: PostureLine
    """Which one."""
    good: int
    """Proved good."""
    bad: int
    """Proved bad."""
    waived: int
    """Accepted for a time."""
    unknown: int
    """Left open by what was answered, or not answered."""
    not_verifiable: int
    """Proved but for what the exchange never discloses."""
    not_checked: int
    """Not asked about."""

    @property
    def title(self) -> str:
        """The line in words."""
        return LINE_TITLE[self.line]

    @property
    def asked(self) -> int:
        """How many accounts were asked about."""
        return self.good + self.bad + self.waived + self.unknown + self.not_verifiable

    def of(self, state: AccountState) -> int:
        """How many accounts stand so."""
        return {
            AccountState.GOOD: self.good,
            AccountState.BAD: self.bad,
            AccountState.WAIVED: self.waived,
            AccountState.UNKNOWN: self.unknown,
            AccountState.NOT_VERIFIABLE: self.not_verifiable,
            AccountState.NOT_CHECKED: self.not_checked,
        }[state]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of how many accounts anything is known."""

    inventory: int
    """Accounts of the inventory, as far as the scan knows it."""
    selected: int
    """Accounts of this scan, those included that another account's list shows."""
    found: int
    """How many of the selected ones the inventory does not list."""
    answered: int
    """How many of the selected ones the exchange answered about; a refusal is no answer."""
    could_not_be_read: int
    """How many of the selected ones were asked about, and not answered."""


@dataclass(frozen=True, slots=True)
class Posture:
    """What a reviewer asks first."""

    lines: Sequence[PostureCount]
    """All of ``PostureLine``, in their order; ``OWN_RULES`` only where a policy has such rules."""
    coverage: Coverage
    """Of how many accounts anything is known."""


def posture(scan: Scan) -> Posture:
    """Count the accounts of a scan, once."""
    by_rule = lines_of(scan.rules)
    states = [account_states(account, by_rule) for account in scan.accounts]
    own = PostureLine.OWN_RULES
    shown = [line for line in PostureLine if line is not own or own in by_rule.values()]
    return Posture(
        lines=tuple(_count(line, [state[line] for state in states]) for line in shown),
        coverage=_coverage(scan),
    )


def lines_of(rules: Iterable[RuleInfo]) -> Mapping[str, PostureLine]:
    """Id of each rule to the line in which it counts; rules about the scan itself are left out."""
    return {rule.id: rule.posture for rule in rules if rule.posture is not None}


def account_states(
    account: AccountResult, by_rule: Mapping[str, PostureLine]
) -> Mapping[PostureLine, AccountState]:
    """How one account stands in every line.

    Args:
        account: The account with its verdicts.
        by_rule: Id of each rule to its line (``lines_of``).
    """
    found: dict[PostureLine, set[AccountState]] = {line: set() for line in PostureLine}
    passed: set[str] = set()
    for verdict in account.verdicts:
        line = by_rule.get(verdict.rule)
        if line is not None:
            found[line].add(state_of(verdict))
        if verdict.outcome is Outcome.PASS:
            passed.add(verdict.rule)
    worst = {line: _worst(states) for line, states in found.items()}
    unproved = {
        line: AccountState.NOT_CHECKED
        for line, proofs in PROVES.items()
        if worst[line] is AccountState.GOOD and proofs.isdisjoint(passed)
    }
    return {**worst, **unproved}


def state_of(verdict: Verdict) -> AccountState:
    """How an account stands by one verdict alone."""
    if verdict.not_verifiable:
        return AccountState.NOT_VERIFIABLE
    return _STATES[verdict.outcome]


_STATES = {
    Outcome.PASS: AccountState.GOOD,
    Outcome.FAIL: AccountState.BAD,
    Outcome.UNKNOWN: AccountState.UNKNOWN,
    Outcome.WAIVED: AccountState.WAIVED,
    Outcome.NOT_APPLICABLE: AccountState.NOT_CHECKED,
}


def _worst(states: set[AccountState]) -> AccountState:
    return next((state for state in AccountState if state in states), AccountState.NOT_CHECKED)


def _count(line: PostureLine, states: Sequence[AccountState]) -> PostureCount:
    return PostureCount(line, **{state.value: states.count(state) for state in AccountState})


def _coverage(scan: Scan) -> Coverage:
    evidence = [account.evidence for account in scan.accounts]
    found = sum(bool(one.subject.found_by) for one in evidence)
    return Coverage(
        inventory=len(evidence) - found + scan.narrowing.accounts,
        selected=len(evidence),
        found=found,
        answered=sum(one.was_read for one in evidence),
        could_not_be_read=sum(one.why_not_read is not None for one in evidence),
    )
