"""Answers that users really got, from places outside of the exchanges' own documents.

Each file under ``seen/`` holds an answer that a public issue, test or log shows (keys, addresses
and names are invented), and what it decides, written by hand from its meaning before the catalog
was asked:

- ``known``: what the answer shows; it must be proved so.
- ``or_unknown``: what it suggests; proved so or unknown, never proved otherwise.
- ``unknown``: what it must not prove, with the reason.
- ``all_else_unknown``: of a refusal, the reasons that fit.

Everything that a case does not name must be unknown.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.model.facts import OF_THE_SCAN, Facts, Grade
from tests.exchanges.test_documented_answers import expected_value, facts_of

CASES = sorted(Path(__file__).with_name("seen").glob("*.yaml"))
WORDS = frozenset({"permissions.native", "permissions.unrecognised"})
"""The exchange's own words: what they mean is what a case says."""


def mistakes(case: dict[str, Any], facts: Facts) -> Iterator[str]:
    """What a case says otherwise than the facts do, one line each."""
    for name, written in case["known"].items():
        fact = facts.known.get(name)
        if fact is None:
            yield f"{name} should be {written}, is unknown: {facts.unknown[name]}"
        elif fact.value != expected_value(name, written):
            yield f"{name} should be {written}, is {fact}"
    for name, written in case.get("or_unknown", {}).items():
        fact = facts.known.get(name)
        if fact is not None and fact.value != expected_value(name, written):
            yield f"{name} is {fact}, not {written} or unknown"
    yield from claims_too_much(case, facts)
    yield from wrong_reasons(case, facts)


def claims_too_much(case: dict[str, Any], facts: Facts) -> Iterator[str]:
    """What is proved though the case does not say so."""
    said = {*case["known"], *case.get("or_unknown", {}), *WORDS}
    for name, fact in facts.known.items():
        if name not in said and fact.provenance.grade is not Grade.STRUCTURAL:
            yield f"{name} should be unknown, is {fact}"


def wrong_reasons(case: dict[str, Any], facts: Facts) -> Iterator[str]:
    """What is unknown for another reason than the case says."""
    fitting = case.get("all_else_unknown")
    for name, why in facts.unknown.items():
        if name in OF_THE_SCAN:
            continue
        reasons = [case["unknown"].get(name, why.reason)] if fitting is None else fitting
        if why.reason.value not in reasons:
            yield f"{name} should be unknown because of {reasons}, is {why}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_answer_that_a_user_got_is_right_or_unknown(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(mistakes(case, facts_of(case))) == []
