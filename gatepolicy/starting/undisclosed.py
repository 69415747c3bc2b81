"""Rules of a policy that no key can pass, since its exchange does not disclose enough. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.catalog import Discloses, disclosure
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import FACTS, Fact, Facts, Grade, Provenance, Reason
from gatepolicy.model.verdicts import OnUnknown, Outcome
from gatepolicy.policies.policy import Control
from gatepolicy.starting.synthetic import meeting

_GRADES = {
    Discloses.OBSERVED: Grade.OBSERVED,
    Discloses.BY_SCAN: Grade.OBSERVED,
    Discloses.STRUCTURAL: Grade.STRUCTURAL,
    Discloses.INFERRED: Grade.INFERRED,
}


def never_proved(
    controls: Sequence[Control], exchange: Exchange | None, now: datetime
) -> Sequence[str]:
    """Names of the rules that stay unknown for every key, and are more than a warning.

    Args:
        controls: What the policy asks.
        exchange: The catalog's entry; ``None`` where gatepolicy cannot ask.
        now: Any moment. UTC.
    """
    verdicts = evaluate(controls, best_facts(controls, exchange, now), now)
    names = (
        verdict.name
        for verdict in verdicts
        if verdict.outcome is Outcome.UNKNOWN
        and verdict.on_unknown is not OnUnknown.WARN
        and verdict.reason is Reason.NOT_DISCLOSED
    )
    return list(dict.fromkeys(names))


def best_facts(controls: Sequence[Control], exchange: Exchange | None, now: datetime) -> Facts:
    """All that an exchange discloses about a key that meets a policy.

    Args:
        controls: What the policy asks.
        exchange: The catalog's entry; ``None`` where gatepolicy cannot ask.
        now: Ages and expiries are counted from here. UTC.
    """
    grades = dict(_disclosed(exchange))
    good = meeting(controls, now)
    return Facts.nothing(Reason.NOT_DISCLOSED).learn_all(
        {
            name: Fact(value, Provenance(grades.get(name, Grade.ATTESTED), "", "", "synthetic"))
            for name, value in good.items()
            if name in grades or name not in FACTS
        }
    )


def _disclosed(exchange: Exchange | None) -> Iterator[tuple[str, Grade]]:
    if exchange is None:
        # The inventory says both.
        yield from (("account.sandbox", Grade.STRUCTURAL), ("key.declared", Grade.STRUCTURAL))
        return
    for name, disclosed in disclosure(exchange).items():
        if disclosed.how in _GRADES:
            yield name, _GRADES[disclosed.how]
