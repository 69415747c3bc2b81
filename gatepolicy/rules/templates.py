"""From the template of a rule to a condition about one item and one value. Pure."""

from datetime import timedelta
from typing import assert_never

from gatepolicy.rules.conditions import AllOf, AnyOf, Argument, Condition, Test

_WHOLE_VALUE = "{value}"


def fill_condition(template: Condition, item: str, value: Argument) -> Condition:
    """Put an item and a value in the place of a template's placeholders.

    Args:
        template: A condition whose texts may hold ``{item}``, and whose arguments may be
            ``{value}``.
        item: A capability or a word; empty when the clause makes one question.
        value: What the policy says, already typed.
    """
    match template:
        case Test(fact, predicate, argument):
            return Test(
                fact.replace("{item}", item),
                predicate,
                value if argument == _WHOLE_VALUE else argument,
            )
        case AllOf(parts):
            return AllOf(tuple(fill_condition(part, item, value) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(fill_condition(part, item, value) for part in parts))
        case _:
            assert_never(template)


def fill_text(template: str, what: str, value: Argument) -> str:
    """Put plain words in the place of a text's placeholders."""
    return template.replace("{what}", what).replace(_WHOLE_VALUE, in_words(value))


def in_words(value: Argument) -> str:
    """An argument as a reader expects it: ``90 days``, ``203.0.113.0/28, 198.51.100.7/32``."""
    match value:
        case timedelta():
            return duration_in_words(value)
        case tuple():
            return ", ".join(str(part) for part in value)
        case _:
            return str(value)


def duration_in_words(duration: timedelta) -> str:
    """Whole days, or whole hours where a duration is no whole number of days."""
    hours = duration // timedelta(hours=1)
    count, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
