"""From a policy and an exchange to controls: the questions that are asked of facts. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gatepolicy.exchanges.catalog import never_disclosed
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import DESCRIPTION, Access, Capability, Grant
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.policies.custom import CustomRule
from gatepolicy.policies.policy import (
    DEFAULT_ACCEPTED,
    Clause,
    Control,
    Policy,
    Section,
    capabilities,
)
from gatepolicy.policies.unknowns import unknown_effect
from gatepolicy.rules.rule import (
    AllOf,
    Argument,
    Ask,
    Each,
    Rule,
    fill_condition,
    fill_text,
    may_decide,
)

ALLOW = "permissions.allow"
FORBID = "permissions.forbid"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question that a clause makes."""

    item: str
    """A capability, a word, or empty."""
    what: str
    """The same in plain words."""
    value: Argument
    """What the policy says."""
    location: Location
    """The line that says so."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the questions of one policy on one exchange are made from."""

    section: Section
    """What the policy says there."""
    exchange: Exchange | None
    """The catalog's entry, where it has one."""
    hidden: frozenset[str]
    """Facts that it never discloses."""

    def clause(self, ask: Ask) -> Clause | None:
        """The first of an ask's clauses that is there and asks something."""
        found = (self.section.clauses.get(place) for place in ask.clauses)
        return next((clause for clause in found if clause is not None and clause.asks), None)


def compile_policy(
    policy: Policy, exchange_id: str, exchange: Exchange | None, rules: Mapping[str, Rule]
) -> tuple[Control, ...]:
    """Every question that a policy asks about a key on one exchange.

    Args:
        policy: The policy.
        exchange_id: Where the key is.
        exchange: The catalog's entry for it; ``None`` where the catalog has none. Nothing can be
            known about such a key, and the policy asks its questions nevertheless.
        rules: By id; controls come in their order.
    """
    hidden = frozenset[str]() if exchange is None else never_disclosed(exchange)
    scene = _Scene(policy.at(exchange_id), exchange, hidden)
    controls = (
        _control(policy, scene, rule, ask, asked)
        for rule in rules.values()
        for ask in rule.asks
        for asked in _EACH[ask.each](scene, ask)
        if ask.takes(asked.item)
    )
    return (*controls, *(_custom(policy, scene.section, one) for one in policy.custom))


def _custom(policy: Policy, section: Section, custom: CustomRule) -> Control:
    rule = custom.rule
    return Control(
        rule=rule.info.id,
        name=rule.info.name,
        subject="",
        severity=rule.info.severity,
        condition=AllOf(()),
        expected=custom.expression.text,
        on_unknown=rule.on_unknown,
        accepted=DEFAULT_ACCEPTED if section.accepted is None else section.accepted,
        policy=policy.name,
        location=custom.location,
        expression=custom.expression,
    )


def _control(policy: Policy, scene: _Scene, rule: Rule, ask: Ask, asked: _Asked) -> Control:
    section = scene.section
    condition = fill_condition(ask.condition, asked.item, asked.value)
    return Control(
        rule=rule.info.id,
        name=rule.info.name,
        subject=asked.item,
        severity=section.severity.get(rule.info.name, rule.info.severity),
        condition=condition,
        expected=fill_text(ask.expected, asked.what, asked.value),
        on_unknown=_on_unknown(section, rule),
        accepted=DEFAULT_ACCEPTED if section.accepted is None else section.accepted,
        policy=policy.name,
        location=asked.location,
        is_verifiable=may_decide(condition, scene.hidden),
    )


def _on_unknown(section: Section, rule: Rule) -> OnUnknown:
    return unknown_effect(section, rule).value


def _once(scene: _Scene, ask: Ask) -> Iterator[_Asked]:
    clause = scene.clause(ask)
    if clause is not None:
        yield _Asked("", "", clause.value, clause.location)
    elif ALLOW in ask.clauses and scene.section.words is not None:
        yield _Asked("", "", None, scene.section.words.location)


def _item(scene: _Scene, ask: Ask) -> Iterator[_Asked]:
    clause = scene.clause(ask)
    for capability in capabilities(clause):
        assert clause is not None
        yield _about(capability, clause.items[capability])


def _capability_beyond(scene: _Scene, ask: Ask) -> Iterator[_Asked]:
    del ask
    forbidden = capabilities(scene.section.clauses.get(FORBID))
    places = _beyond(scene)
    for capability in Capability:
        if capability in places and capability not in forbidden:
            yield _about(capability, places[capability])


def _beyond(scene: _Scene) -> Mapping[Capability, Location]:
    """Capabilities that are not allowed, whichever form the policy is written in."""
    allow, words = scene.section.clauses.get(ALLOW), scene.section.words
    places: dict[Capability, Location] = {}
    if words is not None:
        places |= dict.fromkeys(beyond_words(scene.exchange, words.words.values()), words.location)
    if allow is not None and allow.asks:
        beyond = frozenset(Capability).difference(capabilities(allow))
        places |= dict.fromkeys(beyond, allow.location)
    return places


def beyond_words(exchange: Exchange | None, words: Iterable[Grant]) -> frozenset[Capability]:
    """Capabilities to check beside the words that a policy allows: those that none may grant.

    Withdrawals are checked even where an allowed word may grant them, and no document says whether
    it does. Where the words alone tell about any other capability, the questions about single words
    ask the same, and it is not asked again; but for transfers, which have a rule of their own.

    Args:
        exchange: The catalog's entry; ``None`` where the catalog has none.
        words: The allowed words of that exchange, each with how far it may reach.
    """
    if exchange is None:
        return frozenset(Capability)
    allowed = [(exchange.words[grant.word], grant.access) for grant in words]
    surely = frozenset().union(*(word.surely_grants(access) for word, access in allowed))
    maybe = frozenset().union(*(word.may_grant(access) for word, access in allowed))
    views = (exchange, *(other.view for other in exchange.alternatives))
    told_elsewhere = {c for c in Capability if any(c.fact in view.facts for view in views)}
    optional = (word.may_grant() for word in exchange.words.values() if word.optional)
    beyond = {Capability.TRANSFER}.union(told_elsewhere, *optional) - maybe
    return exchange.inferred_absence | beyond | ({Capability.WITHDRAW} - surely)


def _word_beyond(scene: _Scene, ask: Ask) -> Iterator[_Asked]:
    del ask
    allowed = scene.section.words
    if allowed is None or scene.exchange is None:
        return
    for word in scene.exchange.words.values():
        grant = allowed.words.get(word.word)
        name = word.title if word.title == word.word else f"{word.title} ({word.word})"
        place = allowed.items.get(word.word, allowed.location)
        if grant is None:
            yield _Asked(word.word, f"{name} is off", (word.word, "none"), place)
        elif grant.access is Access.READ_ONLY:
            limit = (word.word, Access.READ_ONLY.value)
            yield _Asked(word.word, f"{name} is off or read-only", limit, place)


def _about(capability: Capability, location: Location) -> _Asked:
    return _Asked(capability.value, DESCRIPTION[capability], capability.value, location)


_EACH: Mapping[Each, Callable[[_Scene, Ask], Iterator[_Asked]]] = {
    Each.ONCE: _once,
    Each.ITEM: _item,
    Each.CAPABILITY_BEYOND: _capability_beyond,
    Each.WORD_BEYOND: _word_beyond,
}


def applies(policy: Policy, subject: Subject) -> bool:
    """Whether a policy is about an account, and asks anything on its exchange.

    A policy that asks nothing there does not cover the account: it must not look as if it did.
    """
    chosen = policy.applies_to
    return (
        (not chosen.exchanges or subject.exchange in chosen.exchanges)
        and (
            not chosen.accounts or any(fnmatchcase(subject.declared_id, g) for g in chosen.accounts)
        )
        and all(subject.labels.get(key) == value for key, value in chosen.labels.items())
        and (policy.at(subject.exchange).asks or bool(policy.custom))
    )
