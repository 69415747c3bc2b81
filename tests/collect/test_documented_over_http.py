"""Every documented answer, by the real client: signed, sent, guarded, read and understood.

The simulator says what the documents quote; the facts were written by hand from the documents.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import OF_THE_SCAN, Grade
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.made import made_key, played_exchanges
from tests.exchanges.test_documented_answers import CASES, expected_value

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


REFUSALS = [
    path
    for path in CASES
    if "_error_" in path.stem and read(path)["exchange"] in played_exchanges()
]


def test_hardly_any_exchange_is_left_out() -> None:
    told = {read(path)["exchange"] for path in REFUSALS}
    assert len(told) >= 15


@pytest.mark.parametrize("path", REFUSALS, ids=lambda path: path.stem)
def test_a_documented_refusal_gives_the_documented_reason(ask: Ask, path: Path) -> None:
    case = read(path)
    exchange = load_exchange(case["exchange"])
    said = [case["answers"][call.id] for call in exchange.calls]
    faults = tuple(
        Fault(kind=FaultKind.SCRIPTED, times=1, status=answer["status"], body=answer["body"])
        for answer in said
    )
    key = made_key(case["exchange"], 7, NOW)
    [evidence] = ask([replace(key, faults=faults)], attempts=1)
    proved = {
        name: fact.value
        for name, fact in evidence.facts.known.items()
        if name not in OF_THE_SCAN and fact.provenance.grade is not Grade.STRUCTURAL
    }
    assert proved == {name: expected_value(name, value) for name, value in case["known"].items()}
    unknown = {
        name: why.reason.value
        for name, why in evidence.facts.unknown.items()
        if name not in OF_THE_SCAN
    }
    if "all_else_unknown" in case:
        assert set(unknown.values()) == {case["all_else_unknown"]}
    else:
        assert unknown == case["unknown"]
