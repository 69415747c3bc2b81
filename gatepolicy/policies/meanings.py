"""What an unknown means for each rule, and whose word counts. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.policies.policy import Clause, Meaning, Section
from gatepolicy.rules.rule import Ask, Each, Rule

_STRICT = (OnUnknown.BLOCK, OnUnknown.INCOMPLETE, OnUnknown.WARN)
_ALLOW = "permissions.allow"


def meaning_of(section: Section, rule: Rule) -> Meaning:
    """What an unknown of one rule means in a section; the rule's own meaning where it says none."""
    return said_meaning(section, rule) or Meaning(rule.on_unknown, "")


def said_meaning(section: Section, rule: Rule) -> Meaning | None:
    """What a section itself says about the unknowns of one rule."""
    named = (section.on_unknown.get(name) for name in _names(rule))
    return next((meaning for meaning in named if meaning is not None), None)


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


def strictest(meanings: Iterable[Meaning]) -> Meaning:
    """The strictest of one or more."""
    return min(meanings, key=lambda meaning: _STRICT.index(meaning.value))


@dataclass(frozen=True, slots=True)
class Looser:
    """A meaning that would loosen an inherited one."""

    said_as: str
    """The entry of the policy itself."""
    rule: str
    """Name of a rule of which it is looser."""
    own: OnUnknown
    """What the policy says."""
    inherited: OnUnknown
    """What holds without it."""


def looser_meanings(
    own: Section, inherited: Section, rules: Mapping[str, Rule]
) -> Iterator[Looser]:
    """Entries that say less than the policy below, and say it no more generally.

    ``default: incomplete`` is no attempt upon an inherited ``withdraw: block``; the strictest
    holds. It is one upon an inherited ``default: block``, or upon what the rules say by themselves.
    """
    for rule in rules.values():
        mine = said_meaning(own, rule)
        if mine is None or not asks(inherited, rule):
            continue
        theirs = meaning_of(inherited, rule)
        order = (*_names(rule), "")
        is_looser = _STRICT.index(mine.value) > _STRICT.index(theirs.value)
        if is_looser and order.index(mine.said_as) <= order.index(theirs.said_as):
            yield Looser(mine.said_as, rule.info.name, mine.value, theirs.value)


def merged_meanings(
    own: Section, inherited: Iterable[Section], lifted: frozenset[str], rules: Mapping[str, Rule]
) -> dict[str, Meaning]:
    """For each rule the strictest meaning, unless the policy overrides what is inherited.

    What a policy says of a question that its parents do not ask counts before what they say of
    questions in general.
    """
    merged = dict(own.on_unknown)
    parents = list(inherited)
    for rule in rules.values():
        mine = said_meaning(own, rule)
        if mine is not None and f"on_unknown.{mine.said_as}" in lifted:
            continue
        theirs = [
            meaning
            for parent in parents
            for meaning in _counting(parent, rule, mine)
            if f"on_unknown.{meaning.said_as}" not in lifted
        ]
        if theirs:
            merged[rule.info.name] = strictest([*theirs, mine] if mine is not None else theirs)
    return merged


def _counting(parent: Section, rule: Rule, mine: Meaning | None) -> Iterator[Meaning]:
    said = said_meaning(parent, rule)
    if asks(parent, rule):
        yield said or Meaning(rule.on_unknown, "")
    elif said is not None and not (mine is not None and _is_closer(mine, said, rule)):
        yield said


def _is_closer(one: Meaning, other: Meaning, rule: Rule) -> bool:
    """Whether one meaning names a rule more exactly than another."""
    order = (*_names(rule), "")
    return order.index(one.said_as) < order.index(other.said_as)


def _names(rule: Rule) -> tuple[str, ...]:
    return (rule.info.name, *rule.groups, "default")
