"""A policy as its file says it: typed clauses, each with its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatepolicy.model.capabilities import Capability
from gatepolicy.model.facts import Grade, Grant
from gatepolicy.model.location import Location
from gatepolicy.model.scan import Override, PolicySource
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.model.waivers import NO_LIMITS, WaiverLimits
from gatepolicy.policies.custom import CustomRule
from gatepolicy.rules.conditions import Argument

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
class Meaning:
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
    on_unknown: Mapping[str, Meaning]
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
