"""Rules, severities, verdicts and waivers, as reports tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Reason


class Severity(StrEnum):
    """From worst to least."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical, growing as it gets less bad."""
        return list(Severity).index(self)

    def at_least(self, threshold: "Severity") -> bool:
        """Whether this is as bad as the threshold, or worse."""
        return self.rank <= threshold.rank


class PostureLine(StrEnum):
    """A line of a posture: what a reviewer asks first about a fleet of keys."""

    FUNDS = "funds"
    """Whether funds can leave."""
    ADDRESSES = "addresses"
    """Whether keys are has an IP allowlist."""
    PERMISSIONS = "permissions"
    """Whether keys have only what is allowed, and all they need."""
    HYGIENE = "hygiene"
    """Age, expiry, use, name and number of keys."""
    DECLARED = "declared"
    """Whether the inventory lists the keys, and a policy covers them."""
    ATTESTED = "attested"
    """Whether people confirm what no API tells."""
    OWN_RULES = "own_rules"
    """What policies ask by rules of their own."""


OF_A_POLICY = "custom"
"""The first tag of a rule that a policy brings; what follows are the controls that it names."""


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What reports say about a rule."""

    id: str
    """Stable id."""
    name: str
    """Stable name."""
    title: str
    """The bad thing as a short sentence."""
    severity: Severity
    """By default; a policy may override it."""
    why: str
    """Why it matters."""
    fix: Mapping[str, str]
    """Exchange id to the fix there; ``default`` for all others."""
    references: Sequence[str]
    """Addresses to read on."""
    tags: Sequence[str]
    """Short words for consumers to group by."""
    facts: Sequence[str] = ()
    """What it asks about; ``{item}`` stands for what within the account a verdict is about."""
    posture: PostureLine | None = None
    """Where it counts in a posture; ``None`` for rules about the scan itself."""

    @property
    def named_controls(self) -> Sequence[str]:
        """Controls of frameworks that a policy's own rule names; what is shipped names none."""
        return self.tags[1:] if self.tags[:1] == (OF_A_POLICY,) else ()

    def fix_for(self, exchange: str) -> str:
        """The fix on one exchange."""
        return self.fix.get(exchange) or self.fix["default"]


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
    """Fails the scan as a violation does."""
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
    """What the policy requires, in words."""
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
    is_verifiable: bool = True
    """Whether any answer of the exchange could ever have decided it; as its catalog entry says."""

    @property
    def not_verifiable(self) -> bool:
        """Whether it is unknown because the exchange never discloses it, and not because of what
        this account's answers left open. For the exit code it is an unknown like any other.
        """
        return self.outcome is Outcome.UNKNOWN and not self.is_verifiable

    @property
    def is_violation(self) -> bool:
        """Whether it is proved that the rule is broken."""
        return self.outcome is Outcome.FAIL

    @property
    def is_blocking_unknown(self) -> bool:
        """Whether it is unknown, and the policy lets that fail the scan."""
        return self.outcome is Outcome.UNKNOWN and self.on_unknown is OnUnknown.BLOCK

    @property
    def blocks(self) -> bool:
        """Whether it fails the scan: a violation, or a blocking unknown."""
        return self.is_violation or self.is_blocking_unknown

    @property
    def incomplete(self) -> bool:
        """Whether this is an unknown that the policy does not merely warn about."""
        return self.outcome is Outcome.UNKNOWN and self.on_unknown is not OnUnknown.WARN
