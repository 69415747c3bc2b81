"""From an exchange's answers to facts: the narrow waist. Pure, and sound for any bytes."""

from collections.abc import Iterator, Mapping

from gatepolicy.exchanges.answers import Answers
from gatepolicy.exchanges.capabilities import permission_facts
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.grants import Malformed, granted
from gatepolicy.exchanges.interpret import Failure, Parsed, interpret
from gatepolicy.exchanges.rows import NoRow, Row, own_row
from gatepolicy.exchanges.sources import Rows, agreed, from_sources
from gatepolicy.model.capabilities import Capability
from gatepolicy.model.facts import FACTS, Fact, Facts, Grade, Provenance, Unknown
from gatepolicy.model.reasons import Reason

_PERMISSION_FACTS = (
    *(capability.fact for capability in Capability),
    "permissions.native",
    "permissions.unrecognised",
)


def normalise(exchange: Exchange, answers: Answers, api_key: str | None) -> Facts:
    """Every fact that the answers prove, and a reason for every other.

    Args:
        exchange: Whose answers they are.
        answers: Id of each call to what came back; every call of the catalog has one.
        api_key: The calling key, to find its row in lists of keys.
    """
    outcomes = {call.id: interpret(exchange, answers[call.id]) for call in exchange.calls}
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, Failure)]
    if len(failures) == len(outcomes):
        return _all_refused(failures[0], outcomes)
    rows = _rows(exchange, outcomes, api_key)
    of_permissions = _of_permissions(exchange, rows)
    known: dict[str, Fact] = {}
    unknown: dict[str, Unknown] = {}
    for name in FACTS:
        resolved = _resolve(name, exchange, outcomes, rows, of_permissions)
        if isinstance(resolved, Fact):
            known[name] = resolved
        else:
            unknown[name] = resolved
    return Facts(known, unknown)


def _all_refused(first: Failure, outcomes: Mapping[str, Parsed | Failure]) -> Facts:
    """Nothing but what refusals prove; every other fact has the reason of the first call."""
    proved = {name: fact for name in FACTS for fact in _refusals(name, outcomes)}
    why = Unknown(first.reason, first.detail)
    return Facts(proved, {name: why for name in FACTS if name not in proved})


def _rows(
    exchange: Exchange, outcomes: Mapping[str, Parsed | Failure], api_key: str | None
) -> Rows:
    return {call: _row(outcome, exchange, call, api_key) for call, outcome in outcomes.items()}


def _row(
    outcome: Parsed | Failure, exchange: Exchange, call: str, api_key: str | None
) -> Row | Unknown:
    if isinstance(outcome, Failure):
        return Unknown(outcome.reason, outcome.detail)
    row = own_row(outcome.value, exchange.own_keys.get(call), api_key)
    return Unknown(Reason.UNEXPECTED_ANSWER, row.detail) if isinstance(row, NoRow) else row


def _of_permissions(exchange: Exchange, rows: Rows) -> Mapping[str, Fact | Unknown]:
    row = rows[exchange.permissions.call]
    if isinstance(row, Unknown):
        return dict.fromkeys(_PERMISSION_FACTS, row)
    words = granted(exchange.permissions, row)
    if isinstance(words, Malformed):
        why = Unknown(Reason.UNEXPECTED_ANSWER, f"permissions: {words.detail}")
        return dict.fromkeys(_PERMISSION_FACTS, why)
    return permission_facts(exchange.permissions, words)


def _resolve(
    name: str,
    exchange: Exchange,
    outcomes: Mapping[str, Parsed | Failure],
    rows: Rows,
    of_permissions: Mapping[str, Fact | Unknown],
) -> Fact | Unknown:
    if name in exchange.structural:
        structural = exchange.structural[name]
        provenance = Provenance(Grade.STRUCTURAL, "", "", structural.reference)
        return Fact(structural.value, provenance)
    if name in exchange.not_disclosed:
        return Unknown(Reason.NOT_DISCLOSED, exchange.not_disclosed[name])
    candidates: list[Fact | Unknown] = list(_refusals(name, outcomes))
    if name in of_permissions:
        candidates.append(of_permissions[name])
    disclosed = from_sources(exchange.facts.get(name, ()), rows)
    if disclosed is not None:
        candidates.append(disclosed)
    return agreed(candidates) or Unknown(Reason.NOT_DISCLOSED, "the answer does not tell")


def _refusals(name: str, outcomes: Mapping[str, Parsed | Failure]) -> Iterator[Fact]:
    for call, outcome in outcomes.items():
        if isinstance(outcome, Failure) and name in outcome.proves:
            yield Fact(outcome.proves[name], Provenance(Grade.REFUSAL, call, ""))
