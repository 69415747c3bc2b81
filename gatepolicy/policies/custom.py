"""Rules that a policy brings itself. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatepolicy.errors import Problem
from gatepolicy.model.location import Location
from gatepolicy.rules.expressions import Expression
from gatepolicy.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class CustomRule:
    """One rule of a policy."""

    rule: Rule
    """Its id and texts."""
    expression: Expression
    """The good state."""
    location: Location
    """Where its condition stands."""


def with_custom(rules: Mapping[str, Rule], custom: Iterable[CustomRule]) -> dict[str, Rule]:
    """Rules by id, with those of policies behind them."""
    return {**rules, **{one.rule.info.id: one.rule for one in custom}}


def merged_custom(
    own: Sequence[CustomRule], inherited: Iterable[CustomRule]
) -> tuple[CustomRule, ...]:
    """Own rules, and each inherited one once."""
    return tuple({one.rule.info.id: one for one in (*inherited, *own)}.values())


def redefined_rules(
    own: Sequence[CustomRule], inherited: Iterable[CustomRule], rules: Mapping[str, Rule]
) -> Iterator[Problem]:
    """Ids and names that another rule has already."""
    taken = {text: "gatepolicy" for r in rules.values() for text in (r.info.id, r.info.name)}
    for one in inherited:
        taken |= dict.fromkeys((one.rule.info.id, one.rule.info.name), str(one.location))
    for one in own:
        info = one.rule.info
        for text in (info.id, info.name):
            if text in taken:
                what = f"{text} is taken by {taken[text]}"
                yield Problem(one.location, "rules", what, "choose another one")
            taken[text] = str(one.location)
