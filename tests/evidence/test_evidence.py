"""Evidence comes back as it was, and what was changed by hand is refused."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.errors import DocumentError
from gatepolicy.evidence import EvidenceFile, dump_evidence, load_evidence, parse_evidence
from gatepolicy.model.facts import FACTS
from tests.reports.example_scan import example_scan
from tests.reports.strategies import clean_texts, evidences, times

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)


def example() -> EvidenceFile:
    accounts = tuple(result.evidence for result in example_scan().accounts)
    return EvidenceFile(NOW, "accounts.yaml", accounts, ("a warning",))


def dumped(evidence: EvidenceFile) -> str:
    return "".join(dump_evidence(evidence))


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        parse_evidence(text, "evidence.json")
    return [str(problem) for problem in raised.value.problems]


def changed(change: Callable[[Any], None]) -> list[str]:
    data = json.loads(dumped(example()))
    change(data)
    return problems(json.dumps(data))


@settings(max_examples=60, deadline=None)
@given(
    times,
    clean_texts,
    st.lists(evidences(clean_texts), max_size=3, unique_by=lambda one: one.subject.id),
    st.lists(clean_texts, max_size=2).map(tuple),
)
def test_it_comes_back_as_it_was(
    collected_at: datetime, inventory: str, accounts: Any, warnings: tuple[str, ...]
) -> None:
    evidence = EvidenceFile(collected_at, inventory, tuple(accounts), warnings)
    assert parse_evidence(dumped(evidence), "evidence.json") == evidence


def test_it_is_read_from_a_file() -> None:
    data = dumped(example()).encode()
    assert load_evidence("evidence.json", read=lambda _: data) == example()


def drop(name: str) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        del data["accounts"][0]["facts"][name]

    return change


def put(path: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        *steps, last = path.split("/")
        for step in steps:
            data = data[int(step) if step.isdigit() else step]
        data[int(last) if last.isdigit() else last] = value

    return change


WITHDRAW = "accounts/0/facts/permission.withdraw"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop("permission.withdraw"), "the fact permission.withdraw is neither known nor unknown"),
        (
            put("accounts/0/unknown/permission.withdraw", "timeout"),
            "the fact permission.withdraw is both known and unknown",
        ),
        (put(f"{WITHDRAW}/value", "false"), "accounts[0].facts.permission.withdraw.value"),
        (put(f"{WITHDRAW}/value", 0), "accounts[0].facts.permission.withdraw.value"),
        (put("accounts/0/facts/key.name/value", True), "accounts[0].facts.key.name.value"),
        (put("accounts/0/facts/key.created_at/value", "soon"), "accounts[0].facts.key.created_at"),
        (
            put("accounts/0/facts/key.created_at/value", "2026-02-30T00:00:00Z"),
            "not a value of the kind time",
        ),
        (
            put("accounts/0/facts/key.created_at/value", "2026-02-03T00:00:00.000000Z"),
            "not a value of the kind time",
        ),
        (
            put("accounts/0/facts/ip.allowlist/value", ["203.0.113.5/24"]),
            "not a value of the kind networks",
        ),
        (put("accounts/0/facts/ip.allowlist/value", [""]), "accounts[0].facts.ip.allowlist"),
        (
            put("accounts/0/facts/permissions.native/value", ["spot"]),
            "accounts[0].facts.permissions.native.value[0]: expected a mapping",
        ),
        (put(f"{WITHDRAW}/grade", "certain"), "grade"),
        (put("accounts/0/unknown_details/key.name", "x"), "not an unknown fact"),
        (put("accounts/0/unknown/key.expires_at", "because"), "not one of the allowed values"),
        (put("accounts/1/id", "mm-gate"), "accounts[1].id: this id stands here a second time"),
        (put("collected_at", "2026-13-01T00:00:00Z"), "collected_at: there is no such time"),
        (put("accounts/0/collected_at", "2026-02-30T00:00:00Z"), "accounts[0].collected_at"),
        (put("schema_version", "2.0"), "schema_version"),
        (put("kind", "Report"), "kind"),
        (put("accounts/0/password", "x"), "accounts[0].password: unknown key"),
        (put("accounts/0/facts/permission.fly", {}), "permission.fly"),
        (put("accounts/0/location/line", 0), "accounts[0].location.line"),
    ],
)
def test_what_was_changed_by_hand_is_refused(change: Callable[[Any], None], told: str) -> None:
    assert told in "\n".join(changed(change))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", '{"a":1,"a":2}', '{"a":NaN}', "[" * 100_000, "9" * 5000],
    ids=range(9),
)
def test_what_is_no_evidence_is_refused(text: str) -> None:
    assert problems(text)[0].startswith("evidence.json:")


def test_a_number_that_is_whole_but_written_with_a_point_is_read_as_whole() -> None:
    data = json.loads(dumped(example()))
    data["accounts"][0]["location"]["line"] = 3.0
    read = parse_evidence(json.dumps(data), "evidence.json")
    assert repr(read.accounts[0].subject.location.line) == "3"


def test_a_half_character_in_a_name_is_refused() -> None:
    assert problems('{"kind":"\\ud800"}')[0].startswith("evidence.json:")


@settings(max_examples=200, deadline=None)
@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_file_holds_is_evidence_or_a_problem(text: str) -> None:
    assert problems(text)


def test_every_fact_of_the_vocabulary_is_in_the_schema() -> None:
    data = json.loads(dumped(example()))
    for account in data["accounts"]:
        assert account["facts"].keys() | account["unknown"].keys() == FACTS.keys()
