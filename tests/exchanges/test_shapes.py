"""Further shapes of lists of permissions, and exchanges that list none."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.exchanges.answers import Answer, NoAnswer
from gatepolicy.exchanges.build import build
from gatepolicy.exchanges.catalog import Discloses, disclosure, load_exchange
from gatepolicy.exchanges.exchange import Exchange, FactSource, Meaning, PermissionShape
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import FACTS, Access, Facts, Grant, Reason, Unknown

OKX = load_exchange("okx")


def shaped(shape: PermissionShape, **changes: Any) -> Exchange:
    permissions = replace(OKX.permissions, shape=shape, **changes)
    return replace(OKX, permissions=permissions)


def facts_of(exchange: Exchange, perm: Any) -> Facts:
    body = json.dumps({"code": "0", "data": [{"perm": perm}]}).encode()
    return normalise(exchange, {"config": Answer(200, body)}, None)


def native(facts: Facts) -> object:
    known = facts.known.get("permissions.native")
    return None if known is None else known.value


WORDS = shaped(PermissionShape.WORD_LIST)


def test_a_list_of_words() -> None:
    facts = facts_of(WORDS, ["read_only", "withdraw"])
    assert native(facts) == (
        Grant("read_only", Access.GRANTED),
        Grant("withdraw", Access.GRANTED),
    )
    assert facts.known["permission.withdraw"].provenance.pointer == "/data/0/perm/1"
    assert facts_of(WORDS, ["read_only"]).known["permission.withdraw"].value is False


def test_numbers_are_words_too() -> None:
    numbered = replace(WORDS.permissions.words["withdraw"], word="5")
    words = {"2": replace(WORDS.permissions.words["read_only"], word="2"), "5": numbered}
    exchange = shaped(PermissionShape.WORD_LIST, words=words)
    assert facts_of(exchange, [2, 5]).known["permission.withdraw"].value is True
    facts = facts_of(exchange, [2, 7])
    assert facts.known["permissions.unrecognised"].value == ("7",)
    assert "permission.withdraw" not in facts.known


@pytest.mark.parametrize(
    "perm", [None, "reading", {}, [], [None], [True], [1.5], [""], [["read_only"]]], ids=repr
)
def test_other_lists_prove_nothing(perm: Any) -> None:
    assert native(facts_of(WORDS, perm)) is None


def test_another_separator() -> None:
    spaced = shaped(PermissionShape.COMMA_LIST, separator=" ")
    assert facts_of(spaced, "read_only withdraw").known["permission.withdraw"].value is True
    assert facts_of(spaced, "read_only,withdraw").known["permissions.unrecognised"].value == (
        "read_only,withdraw",
    )


def rows(*, complete: bool = True) -> Exchange:
    return shaped(
        PermissionShape.READ_WRITE_ROWS,
        name_pointer="/0",
        read_pointer="/1",
        write_pointer="/2",
        complete=complete,
    )


@pytest.mark.parametrize(
    ("row", "access"),
    [
        (["withdraw", 1, 1], Access.READ_WRITE),
        (["withdraw", 0, 1], Access.READ_WRITE),
        (["withdraw", True, True], Access.READ_WRITE),
        (["withdraw", 1, 0], Access.READ_ONLY),
        (["withdraw", True, False], Access.READ_ONLY),
        (["withdraw", 0, 0], None),
        (["withdraw", 1, 2], Access.UNKNOWN),
        (["withdraw", 1, "0"], Access.UNKNOWN),
        (["withdraw", 1], Access.UNKNOWN),
        (["withdraw", None, 0], Access.UNKNOWN),
    ],
)
def test_rows_with_two_marks(row: list[Any], access: Access | None) -> None:
    granted = native(facts_of(rows(), [["read_only", 1, 1], row]))
    assert isinstance(granted, tuple)
    told = [g.access for g in granted if isinstance(g, Grant) and g.word == "withdraw"]
    assert told == ([] if access is None else [access])


def test_a_word_without_a_row_is_off_only_where_the_list_is_complete() -> None:
    told = [["read_only", 1, 1], ["trade", 0, 0]]
    assert facts_of(rows(), told).known["permission.withdraw"].value is False
    facts = facts_of(rows(complete=False), told)
    assert facts.unknown["permission.withdraw"].reason is Reason.UNEXPECTED_ANSWER


@pytest.mark.parametrize("perm", [None, {}, [], [[]], [["", 1, 1]], [[1, 1, 1]], ["read_only"]])
def test_other_rows_prove_nothing(perm: Any) -> None:
    assert native(facts_of(rows(), perm)) is None


def without_words() -> Exchange:
    source = FactSource("config", "/readOnly", "nothing", (Meaning(1, means=False),))
    data = {
        "id": "x",
        "title": "X",
        "ccxt_id": "okx",
        "reference": "https://x.example",
        "credentials": ["apiKey"],
        "hosts": ["x.example"],
        "rate_limit": {"calls": 1, "seconds": 1},
        "calls": [],
        "errors": {"code": "/code", "text": "/msg", "patterns": []},
        "facts": {},
        "menu": "",
        "fixes": {},
    }
    silent = {name: Unknown(Reason.NOT_DISCLOSED, "nothing tells") for name in FACTS}
    del silent["permission.withdraw"]
    return replace(
        build(data),
        calls=OKX.calls,
        success=OKX.success,
        facts={"permission.withdraw": (source,)},
        not_disclosed=silent,
    )


def test_an_exchange_that_lists_no_words() -> None:
    exchange = without_words()

    def asked(body: Any) -> Facts:
        answer = Answer(200, json.dumps({"code": "0", **body}).encode())
        return normalise(exchange, {"config": answer}, None)

    assert asked({"readOnly": 1}).known["permission.withdraw"].value is False
    assert asked({"readOnly": 0}).unknown["permission.withdraw"].reason is (
        Reason.UNEXPECTED_ANSWER
    )
    assert asked({}).unknown["permissions.native"].reason is Reason.NOT_DISCLOSED
    refused = normalise(exchange, {"config": NoAnswer(Reason.TIMEOUT)}, None)
    assert refused.unknown["permissions.native"].reason is Reason.TIMEOUT
    told = disclosure(exchange)
    assert told["permission.withdraw"].where == "config /readOnly"
    assert told["permissions.native"].how is Discloses.NOT_DISCLOSED
