"""Documented answers become the facts that a person read in the documents.

Each file under ``documented/`` holds answers as an exchange documents them (or as they were seen),
and every fact, written by hand from the documents.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.build import value_of
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import (
    FACTS,
    OF_THE_SCAN,
    Access,
    Fact,
    FactKind,
    Facts,
    FactValue,
    Grade,
    Grant,
)
from tests.whole_catalog import CATALOG

CASES = sorted(Path(__file__).with_name("documented").glob("*.yaml"))


def expected_value(name: str, written: Any) -> FactValue:
    match FACTS[name].kind:
        case FactKind.GRANTS:
            return tuple(sorted(Grant(word, Access(access)) for word, access in written.items()))
        case FactKind.TIME if written != "never":
            from datetime import datetime

            return datetime.fromisoformat(written)
        case _:
            return value_of(name, written)


def facts_of(case: dict[str, Any]) -> Facts:
    answers = {}
    for call, answer in case["answers"].items():
        changes = case.get("patch", {}).get(call)
        body = answer["body"]
        if changes:
            body = json.dumps({**json.loads(body), **changes})
        answers[call] = Answer(answer["status"], body.encode())
    return normalise(load_exchange(case["exchange"]), answers, case["api_key"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_documented_answer(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    facts = facts_of(case)
    inferred = case.get("inferred", [])
    refused = "all_else_unknown" in case
    proved = {
        name: fact.value
        for name, fact in facts.known.items()
        # What is so by rule is so for a refused key too; cases of refusals need not say it.
        if not (refused and fact.provenance.grade is Grade.STRUCTURAL)
    }
    assert proved == {
        name: expected_value(name, written) for name, written in case["known"].items()
    }
    unknown = {name: why.reason.value for name, why in facts.unknown.items()}
    for name in OF_THE_SCAN:
        unknown.pop(name, None)
    if refused:
        assert set(unknown.values()) == {case["all_else_unknown"]}
    else:
        assert unknown == case["unknown"]
    assert sorted(inferred) == sorted(
        name for name, fact in facts.known.items() if fact.provenance.grade is Grade.INFERRED
    )
    assert sorted(case.get("apparent", [])) == sorted(
        name for name, fact in facts.known.items() if fact.provenance.grade is Grade.APPARENT
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_pointer_leads_to_something_in_the_answer(path: Path) -> None:
    from gatepolicy.exchanges.answers import ABSENT, resolve

    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    for fact in facts_of(case).known.values():
        assert isinstance(fact, Fact)
        if fact.provenance.grade in (Grade.OBSERVED, Grade.INFERRED, Grade.APPARENT):
            body = json.loads(case["answers"][fact.provenance.call]["body"])
            assert resolve(body, fact.provenance.pointer) is not ABSENT


@pytest.mark.parametrize("exchange", known_exchanges())
def test_every_exchange_has_a_documented_success_and_a_refusal(exchange: str) -> None:
    """Its own, or those of an exchange that answers in the same way."""
    own = CATALOG[exchange]
    same = [
        other.id
        for other in CATALOG.values()
        if (other.calls, other.errors, other.permissions)
        == (own.calls, own.errors, own.permissions)
    ]
    names = [path.stem for path in CASES if path.stem.split("_")[0] in same]
    assert any("_error_" in name for name in names)
    assert any("_error_" not in name for name in names)
