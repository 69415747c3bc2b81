"""What reports say about the difference to an earlier scan."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from gatepolicy.model.verdicts import OnUnknown, Outcome


def finding_identity(rule: str, exchange: str, account: str, subject: str) -> str:
    """What makes two findings the same one: nothing that changes without the thing changing.

    Args:
        rule: Stable id.
        exchange: Id of the exchange; empty for a finding about the scan itself.
        account: Id of the account; empty for a finding about the scan itself.
        subject: What within the account.
    """
    return _digest(rule, exchange, account, subject)


def question_identity(identity: str, policy: str, expected: str) -> str:
    """What makes two verdicts the answer to the same question: two policies may ask two.

    Args:
        identity: Of the finding.
        policy: Name of the policy that asks.
        expected: What it asks for, in words.
    """
    return _digest(identity, policy, expected)


def _digest(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()


class BaselineState(StrEnum):
    """How a finding stands to an earlier scan. In SARIF: §3.27.24."""

    NEW = "new"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    """It was there, and was something else: unknown, waived, milder, of another key or policy."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a verdict stands to an earlier scan, and why."""

    state: BaselineState
    """In one word."""
    is_worse: bool
    """Whether it is a finding that is new, or that got worse: no earlier scan accepts it."""
    why: Sequence[str] = ()
    """What is not as it was, one line each; empty when nothing is to be told."""


class Gone(StrEnum):
    """Why a finding of an earlier scan is there no more."""

    PASSES = "passes"
    ASKED_OTHERWISE = "asked otherwise"
    """It passes what the policy asks now, which is not what it asked then: that is no fix."""
    NOT_ASKED = "not asked"
    """No policy asks it any more: that is no fix."""
    NO_ACCOUNT = "no such account"
    """The account was not looked at: that is no fix."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict as it is compared. One that passes is kept too: it tells what was asked."""

    rule: str
    """Stable id."""
    name: str
    """Stable name."""
    exchange: str
    """Id of the exchange; empty for a finding about the scan itself."""
    account: str
    """Id of the account; empty for a finding about the scan itself."""
    subject: str
    """What within the account; may be empty."""
    outcome: Outcome
    """The answer; fail, unknown and waived are findings."""
    severity: str
    """How bad a fail is."""
    seen: str
    """What is the case, in words."""
    policy: str
    """Name of the policy that asks; may be empty."""
    expected: str
    """What it asks for, in words."""
    on_unknown: OnUnknown
    """What an unknown means for the exit code."""

    @property
    def is_found(self) -> bool:
        """Whether there is something to look at."""
        return self.outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED)

    @property
    def identity(self) -> str:
        """The same for the same finding of any scan."""
        return finding_identity(self.rule, self.exchange, self.account, self.subject)

    @property
    def question(self) -> str:
        """The same for the answers of any scan to the same question of the same policy."""
        return question_identity(self.identity, self.policy, self.expected)


@dataclass(frozen=True, slots=True)
class Absent:
    """A finding of an earlier scan that is there no more."""

    finding: Finding
    """As it was."""
    gone: Gone
    """Why it is not there."""
    expected: str = ""
    """What is asked now; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class FactChange:
    """Something about a key, or about its account, that is not what it was."""

    name: str
    """Stable name, such as ``permission-escalated``."""
    is_worse: bool
    """Whether the key can do more, from more places, for longer; or less is known."""
    exchange: str
    """Id of the exchange."""
    account: str
    """Id of the account."""
    what: str
    """The fact or label; may be empty."""
    before: str
    """In words; empty where there was nothing."""
    after: str
    """In words; empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that differs from an earlier scan."""

    baseline: str
    """The file of the earlier scan."""
    states: Mapping[str, Standing]
    """Each question, to how its verdict stands; empty where the earlier file holds none."""
    absent: Sequence[Absent]
    """Findings of the earlier scan that are there no more."""
    changes: Sequence[FactChange]
    """What changed about keys and accounts; empty where the earlier file tells no facts."""
