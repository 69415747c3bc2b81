"""What reports say about waivers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gatepolicy.model.location import Location


class WaiverState(StrEnum):
    """How a waiver stands on the day of a scan."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    """Active, and about to end."""
    EXPIRED = "expired"
    """Its last day is over: what it waived is a finding again, and so is the waiver."""
    UNUSED = "unused"
    """No account that it names has such a finding."""
    OVER_BROAD = "over-broad"
    """It names accounts that have no such finding: one day they may."""
    INVALID = "invalid"
    """It was made in the future."""
    NOT_ALLOWED = "not-allowed"
    """A policy forbids to waive this, or for so long."""


@dataclass(frozen=True, slots=True)
class WaiverTerms:
    """Everything that a waiver says about itself."""

    id: str
    """Unique among the waivers of a scan."""
    rule: str
    """Name of the rule whose findings it waives."""
    owner: str
    """Who answers for it."""
    justification: str
    """Why it is accepted."""
    ticket: str
    """Where it was discussed; may be empty."""
    approved_by: str
    """Who agreed; may be empty."""
    created: date
    """The day from which on it holds. UTC."""
    expires: date
    """The last day on which it holds. UTC."""
    location: Location
    """Where it stands."""


@dataclass(frozen=True, slots=True)
class WaiverInfo:
    """A waiver with what became of it in a scan."""

    terms: WaiverTerms
    """What it says."""
    state: WaiverState
    """How it stands."""
    findings: int
    """How many findings it waives."""
    accounts: int
    """How many accounts have these findings."""


@dataclass(frozen=True, slots=True)
class WaiverLimits:
    """What may be waived of a policy's findings."""

    max_days: int | None
    """For how many days at most; ``None`` does not limit it."""
    forbid: frozenset[str]
    """Names of rules whose findings nobody can waive."""
    places: Mapping[str, Location] = field(default_factory=dict)
    """Where ``waivers.max_days`` and ``waivers.forbid`` stand."""


NO_LIMITS = WaiverLimits(None, frozenset())
"""Everything may be waived, for any time."""
