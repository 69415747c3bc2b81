"""Calls for keys of another kind are asked after a refusal, and prove no more than others."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.catalog import load_exchange, with_alternatives
from gatepolicy.exchanges.exchange import Exchange, OwnKey
from gatepolicy.exchanges.interpret import interpret
from gatepolicy.exchanges.normalise import described_by, normalise
from gatepolicy.model.facts import Facts, Grade, Reason, Unknown

BITGET = load_exchange("bitget")
UNIFIED = Answer(400, b'{"code": "40085", "msg": "You are in Unified Account mode"}')
DATA = {
    "ips": "203.0.113.1",
    "permType": "read-and-write",
    "permissions": ["uta_trade"],
    "parentId": "",
}


def success(**changes: object) -> Answer:
    data = {name: value for name, value in {**DATA, **changes}.items() if value is not ...}
    return Answer(200, json.dumps({"code": "00000", "data": data}).encode())


def facts(info: RawAnswer, unified: RawAnswer | None, exchange: Exchange = BITGET) -> Facts:
    answers = {"info": info} | ({} if unified is None else {"unified_info": unified})
    return normalise(exchange, answers, "an-invented-key")


def test_a_refusal_that_names_an_alternative_is_answered_by_it() -> None:
    told = facts(UNIFIED, success())
    assert told.known["permission.withdraw"].value is False
    assert told.known["permission.withdraw"].provenance.call == "unified_info"


@pytest.mark.parametrize(
    "info",
    [
        Answer(400, b'{"code": "40006", "msg": "Invalid ACCESS_KEY"}'),
        Answer(400, b'{"code": 4008, "msg": "You are in Unified Account mode"}'),
        Answer(200, b"<html>"),
        NoAnswer(Reason.TIMEOUT),
    ],
)
def test_no_other_failure_is_answered_by_it(info: RawAnswer) -> None:
    told = facts(info, success())
    assert not told.known


@pytest.mark.parametrize("unified", [None, NoAnswer(Reason.TIMEOUT), Answer(200, b"{}"), UNIFIED])
def test_without_its_answer_nothing_is_proved(unified: RawAnswer | None) -> None:
    told = facts(UNIFIED, unified)
    assert not told.known
    expected = {
        None: Reason.PERMISSION_DENIED,
        NoAnswer(Reason.TIMEOUT): Reason.TIMEOUT,
        Answer(200, b"{}"): Reason.UNEXPECTED_ANSWER,
        UNIFIED: Reason.PERMISSION_DENIED,
    }
    assert {why.reason for why in told.unknown.values()} == {expected[unified]}


def test_an_answer_of_the_exchange_itself_is_never_left_out() -> None:
    """One call says that the key is of another kind, another call describes it: both cannot be."""
    [info] = BITGET.calls
    two = replace(BITGET, calls=[info, replace(info, id="second")])
    words = {"ips": "", "authorities": ["stow", "wwow"]}
    classic = Answer(200, json.dumps({"code": "00000", "data": words}).encode())
    outcomes = {
        "info": interpret(two, classic, "info"),
        "second": interpret(two, UNIFIED, "second"),
    }
    assert described_by(two, outcomes) is two
    outcomes["info"] = interpret(two, UNIFIED, "info")
    assert described_by(two, outcomes) is BITGET.alternatives[0].view


def test_an_alternative_has_none_itself() -> None:
    view = BITGET.alternatives[0].view
    outcomes = {"unified_info": interpret(view, UNIFIED, "unified_info")}
    assert described_by(view, outcomes) is view


def test_an_alternative_that_nobody_knows_changes_nothing() -> None:
    outcomes = {"info": interpret(BITGET, UNIFIED, "info")}
    without = replace(BITGET, alternatives=())
    assert described_by(without, outcomes) is without


@pytest.mark.parametrize("mark", [..., None, True, 1, "", "full", "READ-ONLY", ["read-only"]])
def test_a_mark_that_is_not_documented_proves_no_reading_only(mark: object) -> None:
    told = facts(UNIFIED, success(permType=mark))
    for name in ("permission.trade.spot", "permission.withdraw"):
        assert name not in told.known


@pytest.mark.parametrize("mark", [..., None, "read-only", "readonly", "full", "read-and-write"])
def test_a_listed_withdrawal_is_found_under_any_mark(mark: object) -> None:
    told = facts(UNIFIED, success(permType=mark, permissions=["uta_trade", "withdraw"]))
    assert told.known["permission.withdraw"].value is True


@pytest.mark.parametrize("words", [..., None, [], "uta_trade", {"uta_trade": True}, [None], [""]])
def test_a_list_of_another_shape_proves_nothing(words: object) -> None:
    told = facts(UNIFIED, success(permissions=words))
    proved = {n for n, f in told.known.items() if f.provenance.grade is not Grade.APPARENT}
    assert not [name for name in proved if name.startswith("permission")]


@pytest.mark.parametrize("mark", ["read-only", None, "full"])
def test_a_list_of_another_shape_shows_only_what_the_mark_lets_write(mark: object) -> None:
    told = facts(UNIFIED, success(permType=mark, permissions="uta_trade,withdraw"))
    assert "permission.trade.spot" not in told.known
    # Documented: withdrawing does not depend on the mark.
    shown = told.known["permission.withdraw"]
    assert (shown.value, shown.provenance.grade) == (True, Grade.APPARENT)


def test_words_of_the_other_kind_are_unrecognised() -> None:
    told = facts(UNIFIED, success(permissions=["uta_trade", "stow"]))
    assert told.known["permissions.unrecognised"].value == ("stow",)
    assert "permission.withdraw" not in told.known


OTHER_CALL = {"id": "unified", "http_method": "GET", "path": "/unified", "reference": "the page"}
SHORTEST: dict[str, Any] = {
    "id": "other",
    "title": "other keys",
    "calls": [OTHER_CALL],
    "facts": {},
}
GATE = replace(
    load_exchange("gate"),
    not_disclosed={
        name: Unknown(Reason.NOT_DISCLOSED, f"nothing tells {name}")
        for name in (
            "key.name",
            "key.active",
            "key.subaccount",
            "permission.read",
            "permission.convert",
            "permission.p2p",
            "permissions.native",
            "permissions.unrecognised",
        )
    },
)


def alternative(**said: Any) -> Exchange:
    [found] = with_alternatives(GATE, {"alternatives": [{**SHORTEST, **said}]}).alternatives
    assert (found.id, found.title) == ("other", "other keys")
    return found.view


def test_an_alternative_that_says_as_little_as_possible() -> None:
    view = alternative()
    assert [call.path for call in view.calls] == ["/unified"]
    assert (view.own_keys, view.facts, view.structural, view.listings) == ({}, {}, {}, ())
    assert view.permissions.words == {}
    assert view.not_disclosed == GATE.not_disclosed
    assert (view.id, view.errors, view.success) == (GATE.id, GATE.errors, GATE.success)
    assert with_alternatives(GATE, {}).alternatives == ()


def test_what_an_alternative_tells_is_no_longer_undisclosed() -> None:
    words = {"see": {"title": "See", "grants": ["read"], "unclear": ["convert"]}}
    view = alternative(
        own_keys={"unified": {"rows": "/list", "key": "/key"}},
        permissions={
            "call": "unified",
            "pointer": "/perms",
            "shape": "word_list",
            "words": words,
            "wordless": {"p2p": "no box for it"},
        },
        facts={"key.name": [{"call": "unified", "pointer": "/name", "reader": "text"}]},
        structural={"key.subaccount": {"value": False, "reference": "the manual"}},
        not_disclosed={"key.active": "the other call does not tell", "key.expires_at": "nor this"},
    )
    assert view.own_keys == {"unified": OwnKey("/list", "/key", "")}
    assert view.permissions.words.keys() == {"see"}
    assert [source.pointer for source in view.facts["key.name"]] == ["/name"]
    assert view.structural["key.subaccount"].provenance.reference == "the manual"
    assert {name: why.detail for name, why in view.not_disclosed.items()} == {
        "key.active": "the other call does not tell",
        "key.expires_at": "nor this",
    }


def test_structural_facts_are_not_taken_over() -> None:
    assert not BITGET.alternatives[0].view.structural
    assert "key.subaccount" not in BITGET.alternatives[0].view.not_disclosed
    assert "key.subaccount" in BITGET.not_disclosed


def test_policies_know_the_words_of_every_kind_of_key() -> None:
    assert {"stow", "wwow", "uta_trade", "withdraw"} <= BITGET.words.keys()
    assert BITGET.splits
    assert not BITGET.permissions.splits
    assert load_exchange("gate").inferred_absence
    assert [call.id for call in BITGET.sendable] == ["info", "unified_info"]
