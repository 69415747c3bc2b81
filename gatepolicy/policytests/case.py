"""A test of policies, as its file says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Facts
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.policies.policy import Policy


@dataclass(frozen=True, slots=True)
class Expectation:
    """A finding that a case expects."""

    rule: str
    """Stable name."""
    outcome: Outcome
    """Fail or unknown."""
    subject: str
    """What within the account; empty takes any."""
    reason: str
    """Why it is unknown; empty takes any."""
    location: Location
    """Where it stands."""

    def meets(self, verdict: Verdict) -> bool:
        """Whether a verdict is what is expected."""
        return (
            verdict.name == self.rule
            and verdict.outcome is self.outcome
            and self.subject in ("", verdict.subject)
            and self.reason in ("", verdict.reason or "")
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One key, and what policies are to find about it."""

    name: str
    """Unique within its file."""
    subject: Subject
    """The account; its location is that of the case."""
    facts: Facts
    """What is known about the key."""
    expected: Sequence[Expectation]
    """Every finding; all else is to pass."""


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One file of tests."""

    file: str
    """As it was named or found."""
    policies: Sequence[Policy]
    """Those under test."""
    now: datetime
    """Ages and expiries are counted from here. UTC."""
    cases: Sequence[Case]
    """In the order of the file; at least one."""
