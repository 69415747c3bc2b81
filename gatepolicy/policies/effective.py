"""What a policy asks on one exchange, value by value, and who says so. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatepolicy.model.evidence import Location
from gatepolicy.policies.policy import Clause, Section
from gatepolicy.policies.unknowns import asks, unknown_effect
from gatepolicy.rules.rule import Argument, Rule, in_words


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """One value that holds."""

    place: str
    """Of the clause, such as ``key.max_age`` or ``on_unknown.ip-unbound``."""
    text: str
    """The value, as a reader expects it."""
    location: Location | None
    """The line that says so; ``None`` where the rule itself does."""
    through: str = ""
    """The name that it was said with, such as ``networks.egress``; mostly empty."""


def effective_values(section: Section, rules: Mapping[str, Rule]) -> Iterator[EffectiveValue]:
    """Everything that holds on one exchange, with its origin.

    Args:
        section: The policy there, with all that it inherits.
        rules: By id; they say what no policy does.
    """
    for place, clause in section.clauses.items():
        if clause.asks:
            yield from _of_clause(place, clause)
    if section.words is not None:
        for word, grant in section.words.words.items():
            location = section.words.items.get(word, section.words.location)
            yield EffectiveValue("permissions.allow", f"{word}: {grant.access}", location)
    if section.accepted is not None:
        grades = ", ".join(sorted(section.accepted))
        yield EffectiveValue("evidence.accept", grades, section.places.get("evidence.accept"))
    asked = [rule for rule in rules.values() if asks(section, rule)]
    yield from _severities(section, asked)
    yield from _unknown_effects(section, asked)


def _of_clause(place: str, clause: Clause) -> Iterator[EffectiveValue]:
    texts = [str(v) for v in clause.value] if isinstance(clause.value, tuple) else []
    if texts and clause.items.keys() >= set(texts):
        for text in texts:
            yield EffectiveValue(place, text, clause.items[text])
        return
    yield EffectiveValue(place, _text(clause.value), clause.location)
    for name, location in clause.through.items():
        yield EffectiveValue(place, "", location, name)


def _text(value: Argument) -> str:
    return "true" if value is True else in_words(value) or "nothing"


def _severities(section: Section, asked: Iterable[Rule]) -> Iterator[EffectiveValue]:
    for rule in asked:
        place = f"severity.{rule.info.name}"
        level = section.severity.get(rule.info.name, rule.info.severity)
        yield EffectiveValue(place, level.value, section.places.get(place))


def _unknown_effects(section: Section, asked: Iterable[Rule]) -> Iterator[EffectiveValue]:
    for rule in asked:
        effect = unknown_effect(section, rule)
        location = section.places.get(f"on_unknown.{effect.said_as}")
        yield EffectiveValue(f"on_unknown.{rule.info.name}", effect.value.value, location)
