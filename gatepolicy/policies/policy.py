"""A policy: its clauses, its controls, and what may be waived of its findings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gatepolicy.errors import Problem
from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Capability, Grade, Grant
from gatepolicy.model.scan import Override, PolicySource
from gatepolicy.model.verdicts import NO_LIMITS, OnUnknown, Severity, WaiverLimits
from gatepolicy.policies.custom import CustomRule
from gatepolicy.rules.expressions import Expression
from gatepolicy.rules.rule import Argument, Condition


@dataclass(frozen=True, slots=True)
class Control:
    """A clause of a policy, compiled for one exchange."""

    rule: str
    """Stable id of the rule."""
    name: str
    """Stable name of the rule."""
    subject: str
    """What within the account: a capability, a permission word, or empty."""
    severity: Severity
    """After the policy's overrides."""
    condition: Condition
    """The good state."""
    expected: str
    """The good state in words."""
    on_unknown: OnUnknown
    """What an unknown means for the exit code."""
    accepted: frozenset[Grade]
    """Grades of proof that the policy accepts; facts of other grades count as unknown."""
    policy: str
    """Name of the policy."""
    location: Location
    """The line of the clause."""
    expression: Expression | None = None
    """The good state, for a rule of the policy itself; the condition is empty then."""
    is_verifiable: bool = True
    """Whether any answer of the exchange could decide it; so taken for every rule of a policy,
    which may ask for the time and for labels, too."""


ACCEPTABLE: tuple[Grade, ...] = tuple(grade for grade in Grade if grade is not Grade.APPARENT)
"""Grades of proof that a policy can accept; what is only apparent never proves."""

DEFAULT_ACCEPTED: frozenset[Grade] = frozenset(ACCEPTABLE) - {Grade.INFERRED}
"""Grades of proof that a policy accepts when it does not say."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that a policy asks for."""

    value: Argument
    """What it says, typed: a duration, networks, capabilities, …"""
    location: Location
    """Where its property stands."""
    items: Mapping[str, Location]
    """For a list of texts: where each entry stands."""
    through: Mapping[str, Location] = field(default_factory=dict)
    """Name of each network or variable that it uses, to where that is defined."""

    @property
    def asks(self) -> bool:
        """Whether it asks anything; ``required: false`` does not."""
        return self.value is not False


@dataclass(frozen=True, slots=True)
class AllowedWords:
    """The words of one exchange that a key may have there, and how far each may reach."""

    words: Mapping[str, Grant]
    """Word to the access that it may have at most."""
    location: Location
    """Where ``allow`` stands."""
    items: Mapping[str, Location]
    """Where each word stands."""


@dataclass(frozen=True, slots=True)
class UnknownEffect:
    """What an unknown means."""

    value: OnUnknown
    """For the exit code."""
    said_as: str
    """The entry that said so: a rule, a group or ``default``; empty where the rule itself does."""


@dataclass(frozen=True, slots=True)
class Section:
    """All that holds on every exchange, or on one."""

    location: Location
    """Where it begins."""
    clauses: Mapping[str, Clause]
    """Dotted place of the property, such as ``key.max_age``, to the clause."""
    words: AllowedWords | None
    """Allowed words; only for one exchange. With them, a ``permissions.allow`` among the clauses
    comes from another policy, and both hold."""
    severity: Mapping[str, Severity]
    """Rule name to severity."""
    on_unknown: Mapping[str, UnknownEffect]
    """Rule name, group or ``default``, to what an unknown means. The rule counts before its groups,
    and all before ``default``."""
    accepted: frozenset[Grade] | None
    """Grades of proof; ``None`` when it does not say."""
    places: Mapping[str, Location] = field(default_factory=dict)
    """Where the entries stand that are no clauses: ``severity.NAME``, ``on_unknown.NAME``,
    ``evidence.accept``."""

    @property
    def asks(self) -> bool:
        """Whether any of its clauses asks anything."""
        return self.words is not None or any(clause.asks for clause in self.clauses.values())


@dataclass(frozen=True, slots=True)
class AppliesTo:
    """Which accounts a policy is about. What is empty does not narrow it."""

    exchanges: frozenset[str]
    """Ids of exchanges."""
    accounts: tuple[str, ...]
    """Globs over account ids."""
    labels: Mapping[str, str]
    """Labels that an account must carry."""
    places: Mapping[str, Location] = field(default_factory=dict, repr=False, compare=False)
    """``accounts``, ``exchanges`` and ``labels``, to where they stand."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy file."""

    name: str
    """Unique among the policies of a scan."""
    title: str
    """One line for people."""
    description: str
    """What it is for; may be empty."""
    owner: str
    """Who answers for it; may be empty."""
    references: Sequence[str]
    """Addresses of the documents that it follows."""
    location: Location
    """Where its name stands."""
    digest: str
    """SHA-256 of the file, hexadecimal."""
    applies_to: AppliesTo
    """Which accounts it is about."""
    general: Section
    """What holds on every exchange of which nothing else is said."""
    exchanges: Mapping[str, Section]
    """All that holds on single exchanges."""
    extends: Sequence[PolicySource] = ()
    """Every policy that it is built upon, nearest first."""
    overrides: Sequence[Override] = ()
    """What was loosened on purpose, here or in a policy that it extends."""
    waivers: WaiverLimits = NO_LIMITS
    """What may be waived of its findings."""
    custom: Sequence[CustomRule] = ()
    """Rules of its own, and of the policies that it extends."""

    def at(self, exchange: str) -> Section:
        """All that holds on one exchange."""
        return self.exchanges.get(exchange, self.general)


def overlay(general: Section, special: Section) -> Section:
    """What a file says for one exchange, upon what it says for all.

    A property replaces the same property (``max_age`` there leaves ``max_idle`` alone), and so does
    an entry of ``severity`` or ``on_unknown``. Words replace the general ``allow``.
    """
    replaced = {property_of(place) for place in special.clauses}
    if special.words is not None:
        replaced.add(property_of("permissions.allow"))
    kept = {
        place: clause
        for place, clause in general.clauses.items()
        if property_of(place) not in replaced
    }
    return Section(
        location=special.location,
        clauses={**kept, **special.clauses},
        words=special.words,
        severity={**general.severity, **special.severity},
        on_unknown={**general.on_unknown, **special.on_unknown},
        accepted=general.accepted if special.accepted is None else special.accepted,
        places={**general.places, **special.places},
    )


def property_of(place: str) -> str:
    """The property that a place belongs to: both forms of ``key.trading_pairs`` are one."""
    return ".".join(place.split(".")[:2])


def capabilities(clause: Clause | None) -> tuple[Capability, ...]:
    """The capabilities that a clause lists; none without a clause."""
    listed = clause.value if clause is not None and isinstance(clause.value, tuple) else ()
    return tuple(Capability(item) for item in listed if isinstance(item, str))


MAX_DAYS, FORBID = "waivers.max_days", "waivers.forbid"


def merged_limits(own: Policy, parents: Sequence[Policy]) -> WaiverLimits:
    """The limits of a policy and of those that it extends, without what it overrides."""
    lifted = {override.clause for override in own.overrides}
    layers = [own.waivers, *(_without(parent.waivers, lifted) for parent in parents)]
    days = [layer.max_days for layer in layers if layer.max_days is not None]
    places = {place: at for layer in reversed(layers) for place, at in layer.places.items()}
    return WaiverLimits(
        max_days=min(days, default=None),
        forbid=frozenset().union(*(layer.forbid for layer in layers)),
        places=places,
    )


def loosened_limits(own: Policy, parents: Sequence[Policy]) -> Iterator[Problem]:
    """A longer time than what is inherited, without an override."""
    lifted = {override.clause for override in own.overrides}
    mine = own.waivers.max_days
    for parent in parents:
        theirs = _without(parent.waivers, lifted)
        if mine is not None and theirs.max_days is not None and mine > theirs.max_days:
            what = f"loosens what is inherited from {theirs.places[MAX_DAYS]}"
            fix = f"make it stricter, or override {MAX_DAYS} with a reason"
            yield Problem(own.waivers.places[MAX_DAYS], MAX_DAYS, what, fix)


def _without(limits: WaiverLimits, lifted: set[str]) -> WaiverLimits:
    return WaiverLimits(
        max_days=None if MAX_DAYS in lifted else limits.max_days,
        forbid=frozenset() if FORBID in lifted else limits.forbid,
        places={place: at for place, at in limits.places.items() if place not in lifted},
    )
