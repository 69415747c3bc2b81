"""What an unknown means for each rule, and whose word counts. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatepolicy.errors import Problem
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.policies.policy import (
    AllowedWords,
    Clause,
    Policy,
    Section,
    UnknownEffect,
    capabilities,
)
from gatepolicy.rules.rule import Ask, Each, Rule

_STRICT = (OnUnknown.BLOCK, OnUnknown.INCOMPLETE, OnUnknown.WARN)
_ALLOW = "permissions.allow"


def unknown_effect(section: Section, rule: Rule) -> UnknownEffect:
    """What an unknown of one rule means in a section; the rule's own effect where it says none."""
    return own_effect(section, rule) or UnknownEffect(rule.on_unknown, "")


def own_effect(section: Section, rule: Rule) -> UnknownEffect | None:
    """What a section itself says about the unknowns of one rule."""
    named = (section.on_unknown.get(name) for name in _names(rule))
    return next((effect for effect in named if effect is not None), None)


def asks(section: Section, rule: Rule) -> bool:
    """Whether a section asks the questions of a rule."""
    return any(_is_asked(section, ask) for ask in rule.asks)


def _is_asked(section: Section, ask: Ask) -> bool:
    if section.words is not None and _ALLOW in ask.clauses:
        return True
    found = (section.clauses.get(place) for place in ask.clauses)
    return any(clause is not None and _asks(clause, ask) for clause in found)


def _asks(clause: Clause, ask: Ask) -> bool:
    """Whether a clause makes a question: one that lists items does so for those alone."""
    listed = clause.items if ask.each is Each.ITEM else ()
    return clause.asks and (not listed or any(ask.takes(item) for item in listed))


def stricter_effect(effects: Iterable[UnknownEffect]) -> UnknownEffect:
    """The strictest of one or more."""
    return min(effects, key=lambda effect: _STRICT.index(effect.value))


@dataclass(frozen=True, slots=True)
class Looser:
    """An effect that would loosen an inherited one."""

    said_as: str
    """The entry of the policy itself."""
    rule: str
    """Name of a rule of which it is looser."""
    own: OnUnknown
    """What the policy says."""
    inherited: OnUnknown
    """What holds without it."""


def looser_effects(own: Section, inherited: Section, rules: Mapping[str, Rule]) -> Iterator[Looser]:
    """Entries that say less than the policy below, and say it no more generally.

    ``default: incomplete`` is no attempt upon an inherited ``withdraw: block``; the strictest
    holds. It is one upon an inherited ``default: block``, or upon what the rules say by themselves.
    """
    for rule in rules.values():
        mine = own_effect(own, rule)
        if mine is None or not asks(inherited, rule):
            continue
        theirs = unknown_effect(inherited, rule)
        order = (*_names(rule), "")
        is_looser = _STRICT.index(mine.value) > _STRICT.index(theirs.value)
        if is_looser and order.index(mine.said_as) <= order.index(theirs.said_as):
            yield Looser(mine.said_as, rule.info.name, mine.value, theirs.value)


def merged_effects(
    own: Section, inherited: Iterable[Section], lifted: frozenset[str], rules: Mapping[str, Rule]
) -> dict[str, UnknownEffect]:
    """For each rule the strictest effect, unless the policy overrides what is inherited.

    What a policy says of a question that its parents do not ask counts before what they say of
    questions in general.
    """
    merged = dict(own.on_unknown)
    parents = list(inherited)
    for rule in rules.values():
        mine = own_effect(own, rule)
        if mine is not None and f"on_unknown.{mine.said_as}" in lifted:
            continue
        theirs = [
            effect
            for parent in parents
            for effect in _counting(parent, rule, mine)
            if f"on_unknown.{effect.said_as}" not in lifted
        ]
        if theirs:
            merged[rule.info.name] = stricter_effect(
                [*theirs, mine] if mine is not None else theirs
            )
    return merged


def _counting(parent: Section, rule: Rule, mine: UnknownEffect | None) -> Iterator[UnknownEffect]:
    said = own_effect(parent, rule)
    if asks(parent, rule):
        yield said or UnknownEffect(rule.on_unknown, "")
    elif said is not None and not (mine is not None and _is_closer(mine, said, rule)):
        yield said


def _is_closer(one: UnknownEffect, other: UnknownEffect, rule: Rule) -> bool:
    """Whether one effect names a rule more exactly than another."""
    order = (*_names(rule), "")
    return order.index(one.said_as) < order.index(other.said_as)


def _names(rule: Rule) -> tuple[str, ...]:
    return (rule.info.name, *rule.groups, "default")


ALLOW, FORBID, REQUIRE = (f"permissions.{name}" for name in ("allow", "forbid", "require"))


def nonsense(policy: Policy, exchange: Callable[[str], Exchange]) -> Iterator[Problem]:
    """What makes no sense within one file, though its shape is right.

    Args:
        policy: As its file says it.
        exchange: The catalog's entry of an exchange that the policy has words of.
    """
    clauses = policy.general.clauses
    yield from _in_both(FORBID, clauses.get(FORBID), clauses.get(ALLOW), "allowed as well")
    for name, section in policy.exchanges.items():
        if section.words is not None:
            yield from _forbidden_words(policy, name, exchange(name), section.words)


def unmeetable(policy: Policy, exchange: Callable[[str], Exchange]) -> Iterator[Problem]:
    """What no key can meet.

    Args:
        policy: With all that it inherits.
        exchange: The catalog's entry of an exchange that the policy has words of.
    """
    clauses = policy.general.clauses
    allow, forbid, require = (clauses.get(place) for place in (ALLOW, FORBID, REQUIRE))
    yield from _in_both(REQUIRE, require, forbid, "forbidden as well")
    if allow is not None:
        yield from _not_in(REQUIRE, require, allow)
    for name, section in policy.exchanges.items():
        if section.words is not None:
            yield from _words_missing(policy, name, exchange(name), section.words)


def asks_nothing(policy: Policy) -> Iterator[Problem]:
    """A policy that would be asked in vain. One that others extend may well ask nothing itself."""
    asks = policy.general.asks or any(s.asks for s in policy.exchanges.values())
    if not asks and not policy.custom:
        fix = "add permissions, ip_binding or key"
        yield Problem(policy.location, "", "the policy requires nothing", fix)


def _in_both(
    place: str, clause: Clause | None, other: Clause | None, what: str
) -> Iterator[Problem]:
    others = capabilities(other)
    for index, item in enumerate(capabilities(clause)):
        if item in others:
            yield _about_item(place, clause, index, f"{item} is {what}", "remove one of the two")


def _not_in(place: str, clause: Clause | None, allow: Clause) -> Iterator[Problem]:
    allowed = capabilities(allow)
    for index, item in enumerate(capabilities(clause)):
        if item not in allowed:
            yield _about_item(
                place, clause, index, f"{item} is required, but not allowed", f"add it to {ALLOW}"
            )


def _about_item(place: str, clause: Clause | None, index: int, what: str, fix: str) -> Problem:
    assert clause is not None
    location = clause.items[capabilities(clause)[index]]
    return Problem(location, f"{place}[{index}]", what, fix)


def left_out(policy: Policy) -> Iterator[Problem]:
    """Exchanges about which a policy itself says something, but not to any account.

    Args:
        policy: As its file says it: what it inherits may well be about more exchanges.
    """
    chosen = policy.applies_to.exchanges
    for exchange, section in policy.exchanges.items():
        if chosen and exchange not in chosen:
            what = "applies_to.exchanges does not include this exchange"
            fix = "add it there, or remove this"
            yield Problem(section.location, f"exchanges.{exchange}", what, fix)


def _forbidden_words(
    policy: Policy, name: str, exchange: Exchange, allowed: AllowedWords
) -> Iterator[Problem]:
    path = f"exchanges.{name}.{ALLOW}"
    known = exchange.words
    forbidden = set(capabilities(policy.general.clauses.get(FORBID)))
    for word, grant in allowed.words.items():
        for capability in sorted(known[word].surely_grants(grant.access) & forbidden):
            what = f"{word} means {capability} too, which {FORBID} forbids"
            yield Problem(allowed.items[word], path, what, "remove one of the two")


def _words_missing(
    policy: Policy, name: str, exchange: Exchange, allowed: AllowedWords
) -> Iterator[Problem]:
    path = f"exchanges.{name}.{ALLOW}"
    known = exchange.words
    for capability in capabilities(policy.general.clauses.get(REQUIRE)):
        granting = [word.word for word in known.values() if capability in word.may_grant()]
        grants = (known[word].may_grant(grant.access) for word, grant in allowed.words.items())
        if granting and not any(capability in granted for granted in grants):
            what = f"{REQUIRE} asks for {capability}, which no allowed word grants"
            fix = f"allow {' or '.join(granting)}"
            yield Problem(allowed.location, path, what, fix)
