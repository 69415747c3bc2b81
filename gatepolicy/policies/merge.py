"""One policy upon others: the strictest of all holds, and what would loosen is a problem. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from gatepolicy.documents.document import collapsed
from gatepolicy.errors import Problem
from gatepolicy.exchanges.catalog import known_exchanges
from gatepolicy.exchanges.exchange import Exchange, Word
from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Access, Capability, Grade, Grant, Network
from gatepolicy.model.scan import Override
from gatepolicy.model.verdicts import Severity
from gatepolicy.policies.custom import CustomRule, merged_custom, redefined_rules
from gatepolicy.policies.policy import (
    DEFAULT_ACCEPTED,
    AllowedWords,
    Clause,
    Policy,
    Section,
    loosened_limits,
    merged_limits,
    property_of,
)
from gatepolicy.policies.unknowns import asks, looser_effects, merged_effects
from gatepolicy.rules.rule import Argument, Rule

Stricter = Callable[[Argument, Argument], Argument | None]


def _both(one: Argument, other: Argument) -> Argument | None:
    """Texts that stand in both lists, in the order of the first."""
    listed = _texts(other)
    return tuple(item for item in _texts(one) if item in listed)


def _either(one: Argument, other: Argument) -> Argument | None:
    """Texts that stand in one of the lists."""
    return tuple(dict.fromkeys((*_texts(one), *_texts(other))))


def _texts(value: Argument) -> tuple[str, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if isinstance(item, str))


def _common(one: Argument, other: Argument) -> Argument | None:
    """The addresses that two lists of networks have in common, as few networks as possible."""
    found: set[Network] = set()
    for a in _networks(one):
        for b in _networks(other):
            found.update(_smaller(a, b))
    return collapsed(found)


def _networks(value: Argument) -> tuple[Network, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if isinstance(item, IPv4Network | IPv6Network))


def _smaller(one: Network, other: Network) -> tuple[Network, ...]:
    # Networks either lie within each other or have nothing in common.
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return _nested(one, other, inside=one.subnet_of(other), outside=other.subnet_of(one))
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return _nested(one, other, inside=one.subnet_of(other), outside=other.subnet_of(one))
    return ()


def _nested(one: Network, other: Network, *, inside: bool, outside: bool) -> tuple[Network, ...]:
    if inside:
        return (one,)
    return (other,) if outside else ()


def _true(one: Argument, other: Argument) -> Argument | None:
    """A flag that asks, where one of the two does."""
    return one is True or other is True


def _least(one: Argument, other: Argument) -> Argument | None:
    """The smaller number, or the shorter time."""
    if isinstance(one, timedelta) and isinstance(other, timedelta):
        return min(one, other)
    return min(one, other) if isinstance(one, int) and isinstance(other, int) else None


def _most(one: Argument, other: Argument) -> Argument | None:
    """The greater number."""
    return max(one, other) if isinstance(one, int) and isinstance(other, int) else None


def _same(one: Argument, other: Argument) -> Argument | None:
    """Only what is said alike can be compared: patterns may describe anything."""
    return one if one == other else None


STRICTER: Mapping[str, Stricter] = {
    "permissions.allow": _both,
    "permissions.forbid": _either,
    "permissions.require": _either,
    "permissions.separate_duties": _true,
    "ip_binding.required": _true,
    "ip_binding.within": _common,
    "ip_binding.widest": _most,
    "ip_binding.at_most": _least,
    "ip_binding.separate_by": _either,
    "key.max_age": _least,
    "key.max_idle": _least,
    "key.min_days_to_expiry": _most,
    "key.must_expire": _true,
    "key.name": _same,
    "key.trading_pairs": _same,
    "key.trading_pairs.within": _both,
    "key.active": _true,
    "key.exists": _true,
    "key.declared": _true,
    "key.unique": _true,
    "account.production": _true,
    "account.max_keys": _least,
    "account.two_factor.attested_within": _least,
    "account.secret_storage.attested_within": _least,
    "account.settings.attested_within": _least,
    "account.review.attested_within": _least,
}
"""Every place of a policy, with how two values become one that meets both."""

GATHERS = frozenset({"permissions.forbid", "permissions.require", "ip_binding.separate_by"})
"""Lists that grow from policy to policy: leaving an entry out loosens nothing."""


def stricter_words(one: Mapping[str, Grant], other: Mapping[str, Grant]) -> dict[str, Grant]:
    """Words that both allow, each as far as both do."""
    return {
        word: Grant(word, Access.READ_ONLY)
        if Access.READ_ONLY in (grant.access, other[word].access)
        else grant
        for word, grant in one.items()
        if word in other
    }


ALLOW = "permissions.allow"
WITHIN = "ip_binding.within"
ACCEPT = "evidence.accept"
Catalog = Callable[[str], Exchange]


@dataclass(frozen=True, slots=True)
class Merged:
    """A policy upon those that it extends."""

    policy: Policy
    """With everything that it inherits."""
    problems: Sequence[Problem]
    """Where it would loosen something without saying so."""


def merge(
    own: Policy, parents: Sequence[Policy], catalog: Catalog, rules: Mapping[str, Rule]
) -> Merged:
    """What holds when a policy is laid upon others.

    Args:
        own: As its file says it; its ``overrides`` name what is not inherited.
        parents: Those that it extends, complete.
        catalog: Gives the entry of an exchange of which a policy has words.
        rules: By id; what a policy leaves unsaid about severities and unknowns, they say.
    """
    named = dict.fromkeys(
        (*(name for policy in (own, *parents) for name in policy.exchanges), *_overridden_on(own))
    )
    layers = {name: _Layers.of(own, parents, name) for name in ("", *named)}
    problems = [
        problem
        for name, layer in layers.items()
        for problem in (*_loosening(layer, catalog, rules), *_contradictions(layer, rules))
    ]
    problems += loosened_limits(own, parents)
    problems += redefined_rules(own.custom, _custom_of(parents), rules)
    problems += _overrides_of_nothing(own, parents, named, rules)
    merged = {name: _section(layer, rules) for name, layer in layers.items()}
    policy = replace(
        own,
        general=merged.pop(""),
        exchanges=merged,
        overrides=(*own.overrides, *_inherited_overrides(parents)),
        waivers=merged_limits(own, parents),
        custom=merged_custom(own.custom, _custom_of(parents)),
    )
    return Merged(policy, _once_each(problems))


def _overridden_on(own: Policy) -> Iterator[str]:
    """Exchanges on which a policy overrides something, though it says nothing else about them."""
    known = known_exchanges()
    for override in own.overrides:
        head, _, rest = override.clause.partition(".")
        exchange = rest.partition(".")[0]
        if head == "exchanges" and exchange in known:
            yield exchange


def _custom_of(parents: Sequence[Policy]) -> Sequence[CustomRule]:
    return merged_custom((), [one for parent in parents for one in parent.custom])


def _once_each(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """What is wrong in general is wrong on every exchange: it is reported once."""
    first: dict[tuple[Location, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.location, problem.what), problem)
    return tuple(first.values())


@dataclass(frozen=True, slots=True)
class _Layers:
    """What is laid upon each other on one exchange."""

    exchange: str
    """Its id; empty for what holds elsewhere."""
    own: Section
    """What the policy itself says there."""
    inherited: Sequence[Section]
    """What its parents say there, without what the policy overrides."""
    lifted: frozenset[str]
    """Places that the policy overrides."""

    @classmethod
    def of(cls, own: Policy, parents: Sequence[Policy], exchange: str) -> "_Layers":
        scope = f"exchanges.{exchange}." if exchange else ""
        lifted = frozenset(override.clause.removeprefix(scope) for override in own.overrides)
        inherited = [_without(parent.at(exchange), lifted) for parent in parents]
        return cls(exchange, own.at(exchange), inherited, lifted)


def _without(section: Section, lifted: frozenset[str]) -> Section:
    def kept(table: str, name: str) -> bool:
        return f"{table}.{name}" not in lifted

    return replace(
        section,
        clauses={
            place: clause
            for place, clause in section.clauses.items()
            if property_of(place) not in lifted
        },
        words=None if ALLOW in lifted else section.words,
        severity={n: v for n, v in section.severity.items() if kept("severity", n)},
        on_unknown={n: v for n, v in section.on_unknown.items() if kept("on_unknown", n)},
        accepted=None if ACCEPT in lifted else section.accepted,
    )


# What holds


def _section(layers: _Layers, rules: Mapping[str, Rule]) -> Section:
    clauses, words = dict(layers.own.clauses), layers.own.words
    severity, places = dict(layers.own.severity), dict(layers.own.places)
    for parent in layers.inherited:
        for place, clause in parent.clauses.items():
            clauses[place] = (
                _stricter(place, clauses[place], clause) if place in clauses else clause
            )
        words = _stricter_words(words, parent.words)
        for name, level in _severities(parent, layers.lifted, rules).items():
            if name not in severity or level.rank < severity[name].rank:
                severity[name] = level
                _copy_place(f"severity.{name}", parent, places)
        for place in parent.places:
            if place not in places:
                _copy_place(place, parent, places)
    return replace(
        layers.own,
        clauses=_without_replaced_allow(layers, clauses),
        words=words,
        severity=severity,
        on_unknown=merged_effects(layers.own, layers.inherited, layers.lifted, rules),
        accepted=_accepted(layers),
        places=places,
    )


def _severities(
    section: Section, lifted: frozenset[str], rules: Mapping[str, Rule]
) -> dict[str, Severity]:
    """What a section says, and what the rules say where it asks without saying."""
    unsaid = {
        rule.info.name: rule.info.severity
        for rule in rules.values()
        if asks(section, rule) and f"severity.{rule.info.name}" not in lifted
    }
    return {**unsaid, **section.severity}


def _copy_place(place: str, section: Section, places: dict[str, Location]) -> None:
    if place in section.places:
        places[place] = section.places[place]


def _stricter(place: str, one: Clause, other: Clause) -> Clause:
    value = STRICTER[place](one.value, other.value)
    if value is None or value == one.value:
        return one
    if value == other.value:
        return replace(other, items={**other.items, **one.items})
    return replace(
        one,
        value=value,
        items={**other.items, **one.items},
        through={**other.through, **one.through},
    )


def _stricter_words(one: AllowedWords | None, other: AllowedWords | None) -> AllowedWords | None:
    if one is None or other is None:
        return one or other
    return replace(one, words=stricter_words(one.words, other.words))


def _without_replaced_allow(layers: _Layers, clauses: dict[str, Clause]) -> dict[str, Clause]:
    """Own words that were found to grant no more than an inherited ``allow`` replace it."""
    if layers.own.words is None:
        return clauses
    return {place: clause for place, clause in clauses.items() if place != ALLOW}


def _accepted(layers: _Layers) -> frozenset[Grade] | None:
    if layers.own.accepted is not None:
        return layers.own.accepted
    said = [parent.accepted for parent in layers.inherited]
    if all(accepted is None for accepted in said):
        return None
    return frozenset(Grade).intersection(
        *(DEFAULT_ACCEPTED if accepted is None else accepted for accepted in said)
    )


# What would loosen


def _loosening(layers: _Layers, catalog: Catalog, rules: Mapping[str, Rule]) -> Iterator[Problem]:
    for parent in layers.inherited:
        yield from _loosened_clauses(layers, parent)
        yield from _loosened_words(layers, parent, catalog)
        yield from _loosened_severity(layers, parent, rules)
        yield from _loosened_effects(layers, parent, rules)
        yield from _loosened_grades(layers, parent)


def _loosened_clauses(layers: _Layers, parent: Section) -> Iterator[Problem]:
    for place, clause in layers.own.clauses.items():
        inherited = parent.clauses.get(place)
        if inherited is None or place in GATHERS:
            continue
        stricter = STRICTER[place](clause.value, inherited.value)
        if stricter is None:
            what = f"cannot be compared with what is inherited from {inherited.location}"
            yield _loosens(layers, place, clause.location, what)
        elif stricter != clause.value:
            what = f"loosens what is inherited from {inherited.location}"
            yield _loosens(layers, place, clause.location, what)


def _loosened_words(layers: _Layers, parent: Section, catalog: Catalog) -> Iterator[Problem]:
    own = layers.own.words
    if own is None:
        return
    if parent.words is not None:
        stricter = stricter_words(own.words, parent.words.words)
        for word, grant in own.words.items():
            if stricter.get(word) != grant:
                what = f"{word} goes beyond what is inherited from {parent.words.location}"
                yield _loosens(layers, ALLOW, own.items[word], what)
    elif (allow := parent.clauses.get(ALLOW)) is not None:
        words = catalog(layers.exchange).words
        for word, grant in own.words.items():
            beyond = _may_grant(words[word], grant) - _capabilities(allow)
            if beyond:
                listed = ", ".join(sorted(beyond))
                what = f"{word} may mean {listed}, which {allow.location} does not allow"
                yield _loosens(layers, ALLOW, own.items[word], what)


def _capabilities(allow: Clause) -> frozenset[Capability]:
    items = allow.value if isinstance(allow.value, tuple) else ()
    return frozenset(Capability(item) for item in items if isinstance(item, str))


def _may_grant(word: Word, grant: Grant) -> frozenset[Capability]:
    granted = word.grants | word.unclear
    return granted & {Capability.READ} if grant.access is Access.READ_ONLY else granted


def _loosened_severity(
    layers: _Layers, parent: Section, rules: Mapping[str, Rule]
) -> Iterator[Problem]:
    severities = _severities(parent, layers.lifted, rules)
    for name, level in layers.own.severity.items():
        inherited = severities.get(name)
        if inherited is not None and level.rank > inherited.rank:
            place = f"severity.{name}"
            what = f"{level} is less than the inherited {inherited}"
            yield _loosens(layers, place, layers.own.places[place], what)


def _loosened_effects(
    layers: _Layers, parent: Section, rules: Mapping[str, Rule]
) -> Iterator[Problem]:
    for looser in looser_effects(layers.own, parent, rules):
        place = f"on_unknown.{looser.said_as}"
        if place not in layers.lifted:
            what = f"{looser.own} is looser than the inherited {looser.inherited}"
            yield _loosens(layers, place, layers.own.places[place], f"{what} of {looser.rule}")


def _loosened_grades(layers: _Layers, parent: Section) -> Iterator[Problem]:
    own = layers.own.accepted
    if own is None or ACCEPT in layers.lifted:
        return
    inherited = DEFAULT_ACCEPTED if parent.accepted is None else parent.accepted
    beyond = sorted(own - inherited)
    if beyond:
        what = f"{', '.join(beyond)} is not accepted as proof by the parent policy"
        yield _loosens(layers, ACCEPT, layers.own.places[ACCEPT], what)


def _loosens(layers: _Layers, place: str, location: Location, what: str) -> Problem:
    scope = f"exchanges.{layers.exchange}." if layers.exchange else ""
    clause = f"{scope}{property_of(place)}"
    return Problem(location, clause, what, f"make it stricter, or override {clause} with a reason")


# What makes no sense


def _contradictions(layers: _Layers, rules: Mapping[str, Rule]) -> Iterator[Problem]:
    """What no key can meet."""
    merged = _section(layers, rules)
    within = merged.clauses.get(WITHIN)
    said = [section.clauses.get(WITHIN) for section in (layers.own, *layers.inherited)]
    empty = any(clause is not None and not clause.value for clause in said)
    if within is not None and not within.value and not empty:
        what = "the inherited networks have no address in common"
        yield Problem(within.location, WITHIN, what, "override it with a reason")
    yield from _incomparable(layers)
    if {"key.trading_pairs", "key.trading_pairs.within"} <= set(merged.clauses):
        clause = merged.clauses["key.trading_pairs"]
        what = "both a list of pairs and no list are required"
        yield Problem(clause.location, "key.trading_pairs", what, "override it with a reason")


def _incomparable(layers: _Layers) -> Iterator[Problem]:
    """What two parents say of one place, where nobody can tell which is stricter."""
    first: dict[str, Clause] = {}
    for parent in layers.inherited:
        for place, clause in parent.clauses.items():
            other = first.setdefault(place, clause)
            if other is not clause and STRICTER[place](other.value, clause.value) is None:
                what = f"cannot be compared with what is inherited from {other.location}"
                yield _loosens(layers, place, clause.location, what)


def _overrides_of_nothing(
    own: Policy,
    parents: Sequence[Policy],
    exchanges: Mapping[str, None],
    rules: Mapping[str, Rule],
) -> Iterator[Problem]:
    inherited = {
        place
        for exchange in ("", *exchanges)
        for place in (ACCEPT, f"exchanges.{exchange}.{ACCEPT}")
    } | {
        clause
        for parent in parents
        for exchange in ("", *exchanges)
        for place in _places(parent.at(exchange), rules)
        for clause in (place, f"exchanges.{exchange}.{place}")
    }
    inherited |= {place for parent in parents for place in parent.waivers.places}
    for override in own.overrides:
        if override.clause not in inherited:
            what = f"nothing of {override.clause} is inherited"
            yield Problem(override.location, "override", what, "remove it, or use another clause")


def _places(section: Section, rules: Mapping[str, Rule]) -> Iterator[str]:
    yield from (property_of(place) for place in section.clauses)
    for rule in rules.values():
        if asks(section, rule):
            # Inherited even where no parent states them: a rule has a severity of its own, and a
            # effect of its unknowns.
            yield from (f"{table}.{rule.info.name}" for table in ("severity", "on_unknown"))
    if section.words is not None:
        yield ALLOW
    yield from section.places
    if section.accepted is not None:
        yield ACCEPT


def _inherited_overrides(parents: Sequence[Policy]) -> Iterator[Override]:
    yield from dict.fromkeys(override for parent in parents for override in parent.overrides)
