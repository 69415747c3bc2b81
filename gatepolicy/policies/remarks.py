"""What a policy may say, and hardly anybody means. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatepolicy.model.evidence import Location
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.policies.policy import Policy
from gatepolicy.policies.unknowns import asks, unknown_effect
from gatepolicy.rules.rule import Rule

_GUARDING_FUNDS = frozenset({"withdraw", "ip_binding"})
"""Groups of the rules that decide whether a leaked key costs the funds."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One line about a policy that is valid all the same."""

    location: Location
    """The line that it is about."""
    text: str
    """For people."""


def softened_guards(policies: Iterable[Policy], rules: Mapping[str, Rule]) -> Iterator[Remark]:
    """Policies by which an unknown withdrawal permission or IP binding is a warning.

    Args:
        policies: With all that they inherit.
        rules: By id.
    """
    guarding = [rule for rule in rules.values() if _GUARDING_FUNDS.intersection(rule.groups)]
    reported: set[tuple[Location, str]] = set()
    for policy in policies:
        for section in (policy.general, *policy.exchanges.values()):
            for rule in guarding:
                effect = unknown_effect(section, rule)
                if effect.value is not OnUnknown.WARN or not asks(section, rule):
                    continue
                said = f"on_unknown.{effect.said_as}"
                place = section.places.get(said, section.location)
                if (place, rule.info.name) not in reported:
                    reported.add((place, rule.info.name))
                    yield Remark(place, _text(said, rule))


def _text(said: str, rule: Rule) -> str:
    group = next(name for name in rule.groups if name in _GUARDING_FUNDS)
    return (
        f"{said}: an unknown {rule.info.name} is only a warning, and the exit code can be 0;"
        f" add on_unknown.{group}: incomplete, or block"
    )
