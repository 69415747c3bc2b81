"""Verdicts: what a policy says about one account, with the proof."""

from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.model.location import Location
from gatepolicy.model.reasons import Reason
from gatepolicy.model.severity import Severity
from gatepolicy.model.waivers import WaiverTerms


class Outcome(StrEnum):
    """The answer to one question of a policy."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    """Still failing underneath, accepted for a time by a named person."""
    NOT_APPLICABLE = "not_applicable"


class OnUnknown(StrEnum):
    """What an unknown means for the exit code; the verdict stays unknown in every report."""

    BLOCK = "block"
    """Counts as a violation."""
    INCOMPLETE = "incomplete"
    """Makes the scan incomplete."""
    WARN = "warn"
    """Is only shown."""


@dataclass(frozen=True, slots=True)
class Waived:
    """That somebody accepts a finding for a time."""

    underneath: Outcome
    """What the verdict would be: fail or unknown."""
    terms: WaiverTerms
    """Who, why, until when."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question of one policy about one subject."""

    rule: str
    """Stable id of the rule, such as ``GP001``."""
    name: str
    """Stable name of the rule; says the bad thing, such as ``withdrawal-enabled``."""
    outcome: Outcome
    """The answer."""
    severity: Severity
    """How bad a fail is."""
    subject: str
    """What within the account, such as a capability or a permission word; may be empty."""
    expected: str
    """What the policy asks for, in words."""
    seen: str
    """What is the case, in words; empty when unknown."""
    reason: Reason | None
    """Why it is unknown; ``None`` for every other outcome."""
    needed: str
    """What would be needed to know; empty when known."""
    on_unknown: OnUnknown
    """What an unknown means for the exit code."""
    policy: str
    """Name of the policy that asks."""
    location: Location
    """The line of the policy that asks."""
    waived: Waived | None = None
    """By whom and how; only of a waived one."""

    @property
    def violates(self) -> bool:
        """Whether this counts as a violation: a fail, or an unknown that the policy blocks on."""
        return self.outcome is Outcome.FAIL or (
            self.outcome is Outcome.UNKNOWN and self.on_unknown is OnUnknown.BLOCK
        )

    @property
    def incomplete(self) -> bool:
        """Whether this is an unknown that the policy does not merely warn about."""
        return self.outcome is Outcome.UNKNOWN and self.on_unknown is not OnUnknown.WARN
