"""How long attestations count, as policies ask. Pure."""

from collections.abc import Mapping
from datetime import timedelta

from gatepolicy.model.facts import ATTESTED_FACTS
from gatepolicy.rules.rule import Test
from gatepolicy.scanning.plan import Plan


def attested_within(plan: Plan) -> Mapping[tuple[str, str], Mapping[str, timedelta]]:
    """Exchange and id of each account, to fact to the shortest time that a policy asks for."""
    found: dict[tuple[str, str], dict[str, timedelta]] = {}
    for planned in plan.accounts:
        ages = found.setdefault((planned.subject.exchange, planned.subject.id), {})
        for control in planned.controls:
            match control.condition:
                case Test(fact=fact, argument=timedelta() as age) if fact in ATTESTED_FACTS:
                    ages[fact] = min(age, ages.get(fact, age))
    return found
