"""Every documented answer, by the real client: signed, sent, guarded, read and understood.

The simulator says what the documents quote; the facts were written by hand from the documents.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.catalog import known_exchanges, load_exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import OF_THE_SCAN, Grade
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.keys import WALLET, SimulatedKey
from gatepolicy.simulator.synthetic import simulated_exchanges, synthetic_key
from tests.exchanges.test_documented_answers import CASES, expected_value

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)
OF_ANOTHER_OWNER = {"hyperliquid"}
"""The second call is about the owner that the first answer names, whom the simulator must know."""

MASKED = {"modetrade_documented_example", "woofipro_documented_example"}
"""The documents' key was masked, and is none with which a request could be signed."""


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


QUOTED = [
    path
    for path in CASES
    # A patch is a change by hand of what the documents quote.
    if "patch" not in read(path)
    and read(path)["exchange"] not in OF_ANOTHER_OWNER
    and path.stem not in MASKED
]


def test_every_exchange_of_the_catalog_is_simulated() -> None:
    assert set(simulated_exchanges()) == set(known_exchanges())


def body_for(key: SimulatedKey, case: Any, answer: Any) -> str:
    """A documented body, about a wallet of which the simulator has the private key."""
    if key.named_by != WALLET:
        return str(answer["body"])
    return re.sub(re.escape(case["api_key"]), key.api_key, answer["body"], flags=re.IGNORECASE)


@pytest.mark.parametrize("path", QUOTED, ids=lambda path: path.stem)
def test_a_documented_answer_is_understood(ask: Ask, path: Path) -> None:
    case = read(path)
    # Calls of alternatives are sent only where the case has their answers.
    sent = (call.id for call in load_exchange(case["exchange"]).sendable)
    said = [case["answers"][call] for call in sent if call in case["answers"]]
    made = synthetic_key(case["exchange"], 7, NOW)
    faults = tuple(
        Fault(
            kind=FaultKind.SCRIPTED,
            times=1,
            status=answer["status"],
            body=body_for(made, case, answer),
        )
        for answer in said
    )
    api_key = made.api_key if made.named_by == WALLET else case["api_key"]
    key = replace(made, faults=faults, api_key=api_key)
    [evidence] = ask([key], attempts=1)
    refused = "all_else_unknown" in case
    proved = {
        name: fact.value
        for name, fact in evidence.facts.known.items()
        if name not in OF_THE_SCAN and not (refused and fact.provenance.grade is Grade.STRUCTURAL)
    }
    of_answers = {name: value for name, value in case["known"].items() if name not in OF_THE_SCAN}
    expected = {name: expected_value(name, value) for name, value in of_answers.items()}
    expires = expected.get("key.expires_at")
    if isinstance(expires, datetime) and expires <= NOW and "key.active" in expected:
        # The example is old: today the key has expired, whatever its flag says.
        expected["key.active"] = False
    assert proved == expected
    unknown = {
        name: why.reason.value
        for name, why in evidence.facts.unknown.items()
        if name not in OF_THE_SCAN
    }
    if refused:
        assert set(unknown.values()) == {case["all_else_unknown"]}
    else:
        assert unknown == case["unknown"]
