"""A condition names every documented value: any other one drops no place."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Documented, Exchange, FactSource, When
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.exchanges.sources import (
    FORMS,
    Applicability,
    Row,
    Undocumented,
    applicability,
    names,
)
from gatepolicy.model.facts import Access, Fact, Facts, Grade, Grant, Reason, Unknown
from tests.whole_catalog import CATALOG

if TYPE_CHECKING:
    from gatepolicy.documents.document import JSONValue

ONE = When("/a", Documented((1,)), Documented((0,)))
OTHER = When("/b", Documented((True,)), Documented((), "digits"), skipped_if_absent=True)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"a": 1, "b": True}, Applicability.APPLIES),
        ({"a": 0, "b": True}, Applicability.SKIPPED),
        ({"a": 1, "b": "17"}, Applicability.SKIPPED),
        ({"a": 1}, Applicability.SKIPPED),
        ({"b": True}, "/data/a is missing from the answer"),
        ({"a": 2, "b": True}, "/data/a has an undocumented value"),
        ({"a": True, "b": True}, "/data/a has an undocumented value"),
        ({"a": 1.0, "b": True}, "/data/a has an undocumented value"),
        ({"a": None, "b": True}, "/data/a has an undocumented value"),
        # Nobody knows what the other one would be about.
        ({"a": 0, "b": "yes"}, "/data/b has an undocumented value"),
        ([], "/data/a is missing from the answer"),
    ],
)
def test_a_place_counts_is_skipped_or_is_in_doubt(answer: Any, found: Applicability | str) -> None:
    told = applicability([ONE, OTHER], Row(answer, "/data"))
    assert (told.detail if isinstance(told, Undocumented) else told) == found


def test_without_conditions_a_place_counts() -> None:
    assert applicability([], Row(None, "")) is Applicability.APPLIES


@pytest.mark.parametrize(
    ("form", "of_it", "not_of_it"),
    [
        ("whole_number", [0, 21], [-1, True, False, "21", 1.0, None, []]),
        ("digits", ["0", "4175966"], ["", "-1", "٣", "1 ", 7, None, "1" * 21, "a", ["1"]]),
        (
            "narrow_network",
            ["192.168.0.0/16", "203.0.113.5", "2001:db8::/32"],
            ["", "0.0.0.0/0", "::/0", "0.0.0.0/1", "*", "x", None, [], {}, ["203.0.113.5"]],
        ),
    ],
)
def test_forms(form: str, of_it: list[Any], not_of_it: list[Any]) -> None:
    assert [value for value in of_it if not names(Documented((), form), value)] == []
    assert [value for value in not_of_it if names(Documented((), form), value)] == []
    assert form in FORMS


# --- the two entries that attacks.md names ------------------------------------------------------


def bingx(**flags: Any) -> Facts:
    restrictions = {
        "ipRestrict": True,
        "createTime": 1671262117327,
        "permitsUniversalTransfer": False,
        "enableReading": True,
        "enableFutures": False,
        "enableSpotAndMarginTrading": False,
        **flags,
    }
    shown = {name: value for name, value in restrictions.items() if value is not ...}
    permissions = {"apiKey": "", "permissions": [2], "ipAddresses": ["203.0.113.5"], "note": "a"}
    answers = {
        "permissions": Answer(200, json.dumps(permissions).encode()),
        "restrictions": Answer(200, json.dumps(shown).encode()),
    }
    return normalise(load_exchange("bingx"), answers, "an-invented-key")


NOT_A_FLAG = ["true", "false", 1, 0, None, "", [], {}, [True], ...]


@pytest.mark.parametrize("value", NOT_A_FLAG)
@pytest.mark.parametrize(
    ("flag", "fact"),
    [
        ("permitsUniversalTransfer", "permission.transfer"),
        ("enableSpotAndMarginTrading", "permission.trade.spot"),
        ("enableFutures", "permission.trade.futures"),
    ],
)
def test_a_flag_of_bingx_that_is_none_drops_no_place(flag: str, fact: str, value: Any) -> None:
    found = bingx(**{flag: value})
    denied = found.known.get(fact)
    assert denied is None or denied.value is True
    documented = bingx(**{flag: False})
    assert fact not in documented.known or documented.known[fact].value is False


def test_bingx_denies_transfers_where_both_places_are_as_documented() -> None:
    assert bingx().known["permission.transfer"].value is False
    assert bingx().known["permission.withdraw"].value is False


@pytest.mark.parametrize("value", [one for one in NOT_A_FLAG if one is not ...])
def test_a_withdrawal_flag_of_bingx_may_be_absent_and_nothing_else(value: Any) -> None:
    denied = bingx(enableWithdrawals=value).known.get("permission.withdraw")
    assert denied is None or denied.value is True


HOLDS_NOTHING: tuple[Any, ...] = (
    None, {}, [], True, 7, "", "text", [{}], {"data": {"enableWithdrawals": True}},
    {"restrictions": {"ipRestrict": True, "enableReading": True}}, {"enablewithdrawals": True},
)  # fmt: skip


@pytest.mark.parametrize("answer", HOLDS_NOTHING)
def test_an_answer_that_holds_nothing_documented_leaves_nothing_out(answer: Any) -> None:
    permissions = {"apiKey": "", "permissions": [2], "ipAddresses": ["203.0.113.5"], "note": "a"}
    answers = {
        "permissions": Answer(200, json.dumps(permissions).encode()),
        "restrictions": Answer(200, json.dumps(answer).encode()),
    }
    facts = normalise(load_exchange("bingx"), answers, "an-invented-key")
    why = facts.unknown["permission.withdraw"]
    assert why.reason is Reason.UNEXPECTED_ANSWER
    assert why.detail == "the answer has nothing that the documents describe"
    assert Grant("5", Access.UNKNOWN) in as_tuple(facts.known["permissions.native"])


def kraken_futures(**fields: Any) -> Facts:
    shown = {
        "apiKey": "an-invented-key",
        "createdAt": "2019-08-24T14:15:22Z",
        "permissions": {"general": "READ_ONLY", "transfer": "NO_ACCESS"},
        "allowedCidrBlock": "203.0.113.0/24",
        "allowedCidrBlocks": ["203.0.113.0/24"],
        **fields,
    }
    body = {name: value for name, value in shown.items() if value is not ...}
    answers = {"check": Answer(200, json.dumps(body).encode())}
    return normalise(load_exchange("krakenfutures"), answers, "an-invented-key")


@pytest.mark.parametrize("block", ["203.0.113.0/24", "203.0.113.5", None])
def test_a_documented_block_of_kraken_futures_leaves_the_list_alone(block: Any) -> None:
    facts = kraken_futures(allowedCidrBlock=block)
    assert facts.known["ip.restricted"].value is True
    assert [str(one) for one in as_tuple(facts.known["ip.allowlist"])] == ["203.0.113.0/24"]


def as_tuple(fact: Fact) -> tuple[Any, ...]:
    assert isinstance(fact.value, tuple)
    return fact.value


@pytest.mark.parametrize("block", ["", [], {}, 0, False, "all", ["203.0.113.0/24"], ...])
def test_an_undocumented_block_of_kraken_futures_proves_no_binding(block: Any) -> None:
    facts = kraken_futures(allowedCidrBlock=block)
    for name in ("ip.restricted", "ip.allowlist"):
        fact = facts.known.get(name)
        assert fact is None or fact.provenance.grade is Grade.APPARENT


@pytest.mark.parametrize("block", ["0.0.0.0/0", "::/0", "0.0.0.0/1"])
def test_an_open_block_of_kraken_futures_binds_nothing(block: str) -> None:
    restricted = kraken_futures(allowedCidrBlock=block).known.get("ip.restricted")
    assert restricted is None or restricted.value is False


# --- every condition of the catalog -------------------------------------------------------------


def conditional() -> Iterator[tuple[str, FactSource]]:
    for exchange in CATALOG.values():
        views = [exchange, *(other.view for other in exchange.alternatives)]
        for view in [*views, *(listing.view for listing in exchange.listings)]:
            for name, sources in view.facts.items():
                for source in sources:
                    if source.when:
                        yield f"{exchange.id} {name} {source.pointer}", source


CONDITIONAL = list(conditional())
UNDOCUMENTED: tuple[Any, ...] = (
    "", "undocumented", [], {}, -99, 0.5, ["x"], {"x": True}, "TRUE", "ſ", ...,
)  # fmt: skip


def test_the_catalog_has_conditions() -> None:
    assert len(CONDITIONAL) >= 35


@pytest.mark.parametrize("name_and_source", CONDITIONAL, ids=lambda one: str(one[0]))
def test_no_undocumented_value_drops_a_place(name_and_source: tuple[str, FactSource]) -> None:
    _, source = name_and_source
    for condition in source.when:
        for value in UNDOCUMENTED:
            if value is ... and condition.skipped_if_absent:
                continue
            answer: dict[str, JSONValue] = {} if value is ... else {condition.pointer[1:]: value}
            assert isinstance(applicability([condition], Row(answer, "")), Undocumented)


# --- two spellings of one place -------------------------------------------------------------------


def spelt_in_two_ways(answer: Mapping[str, Any]) -> Fact | Unknown:
    source = FactSource("config", "/newName", "text", other_pointer="/new_name", fact="key.name")
    exchange: Exchange = replace(load_exchange("okx"), facts={"key.name": (source,)})
    exchange = replace(exchange, own_keys={}, not_disclosed={})
    body = json.dumps({"code": "0", "data": [], **answer}).encode()
    facts = normalise(exchange, {call.id: Answer(200, body) for call in exchange.calls}, None)
    return facts.known.get("key.name") or facts.unknown["key.name"]


def test_a_place_may_be_spelt_in_two_ways() -> None:
    usual, other = spelt_in_two_ways({"newName": "bot"}), spelt_in_two_ways({"new_name": "bot"})
    assert isinstance(usual, Fact)
    assert isinstance(other, Fact)
    assert (usual.value, usual.provenance.pointer) == ("bot", "/newName")
    assert (other.value, other.provenance.pointer) == ("bot", "/new_name")
    assert spelt_in_two_ways({"newName": "bot", "new_name": "bot"}) == usual


@pytest.mark.parametrize("answer", [{}, {"newName": "bot", "new_name": "other"}])
def test_a_place_that_is_in_neither_spelling_or_in_both_is_unexpected(
    answer: Mapping[str, Any],
) -> None:
    found = spelt_in_two_ways(answer)
    assert isinstance(found, Unknown)
    assert found.reason is Reason.UNEXPECTED_ANSWER
