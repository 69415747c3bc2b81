"""Lists of keys are read to their end, or told to be incomplete."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gatepolicy.collect.listing import MOST_PAGES, list_keys
from gatepolicy.collect.target import Listed
from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Call, Exchange
from gatepolicy.exchanges.interpret import Failure, Parsed
from gatepolicy.model.reasons import Reason

Answer = Callable[[str, Mapping[str, str]], JSONValue | Failure]


def read(exchange: Exchange, answer: Answer) -> tuple[Listed, list[tuple[str, dict[str, str]]]]:
    sent: list[tuple[str, dict[str, str]]] = []

    async def ask(call: Call, params: Mapping[str, str]) -> Parsed | Failure:
        sent.append((call.id, dict(params)))
        found = answer(call.id, params)
        return found if isinstance(found, Failure) else Parsed(found)

    return asyncio.run(list_keys(exchange, {"apiKey": "k"}, {}, ask)), sent


# The documented examples of the four exchanges, with keys in place of what they hide.
OKX_ROWS: list[JSONValue] = [
    {
        "label": "v5",
        "apiKey": "okx-key-1",
        "perm": "read_only,trade",
        "ip": "203.0.113.242,203.0.113.31",
        "ts": "1597026383085",
    },
    {"label": "v5.1", "apiKey": "okx-key-2", "perm": "read_only", "ip": ""},
]
BYBIT_ROW: JSONValue = {
    "ips": ["*"],
    "apiKey": "bybit-key-1",
    "note": "UTA",
    "createdAt": "2023-08-25T06:42:39Z",
    "permissions": {"Spot": ["SpotTrade"], "Wallet": ["AdcBabecaEacdaaabEbab"], "Exchange": []},
    "readOnly": False,
}
KUCOIN_ROW: JSONValue = {
    "subName": "apiSdkTest",
    "remark": "sdk_test_integration",
    "apiKey": "511bae5b507cda015397e0b7",
    "permission": "General",
    "ipWhitelist": "10.**.1",
    "createdAt": 1732160298000,
}
GATE_ROW: JSONValue = {
    "state": 1,
    "name": "spot",
    "user_id": 3508504,
    "perms": [{"name": "wallet", "read_only": False}, {"name": "spot", "read_only": False}],
    "ip_whitelist": ["127.0.0.1", "127.0.0.2"],
    "key": "44b3731090b57586b3aa3b1f5d5d5412",
    "created_at": 1663642892,
    "last_access": 1663642892,
}


def test_okx_keys_of_each_sub_account() -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue:
        if call == "sub_accounts":
            return {"code": "0", "data": [{"subAcct": "desk1"}, {"subAcct": "desk2"}]}
        return {"code": "0", "data": OKX_ROWS if params["subAcct"] == "desk1" else []}

    listed, sent = read(load_exchange("okx"), answer)
    assert [params.get("subAcct") for _, params in sent] == [None, "desk1", "desk2"]
    assert listed.missing is None
    first, second = listed.keys
    assert (first.shown, second.shown) == ("okx-key-1", "okx-key-2")
    known = {name: fact.value for name, fact in first.facts.known.items()}
    assert known["permission.withdraw"] is False
    assert known["permission.trade.spot"] is True
    assert known["key.subaccount"] is True
    assert known["ip.restricted"] is True
    assert known["key.name"] == "v5"
    assert second.facts.known["ip.restricted"].value is False
    assert second.facts.unknown["key.created_at"].reason is Reason.NOT_DISCLOSED


def test_bybit_contradictory_marks_prove_no_reach() -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue:
        del params
        if call == "sub_accounts":
            return {"retCode": 0, "result": {"subMembers": [{"uid": "1"}], "nextCursor": "0"}}
        return {"retCode": 0, "result": {"result": [BYBIT_ROW], "nextPageCursor": ""}}

    listed, _ = read(load_exchange("bybit"), answer)
    [key] = listed.keys
    assert "permission.trade.spot" not in key.facts.known
    # A word that nobody knows is granted, or not: withdrawing may be it.
    assert "permission.withdraw" not in key.facts.known
    assert key.facts.known["ip.restricted"].value is False
    assert key.facts.known["key.name"].value == "UTA"


def test_kucoin_pages_are_read_until_one_is_not_full() -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue:
        if call == "sub_accounts":
            full = params["currentPage"] == "1"
            items: list[JSONValue] = [{"subName": f"s{n}"} for n in range(100 if full else 3)]
            return {"code": "200000", "data": {"items": items}}
        return {"code": "200000", "data": [KUCOIN_ROW] if params["subName"] == "s1" else []}

    listed, sent = read(load_exchange("kucoin"), answer)
    pages = [params["currentPage"] for call, params in sent if call == "sub_accounts"]
    assert pages == ["1", "2"]
    assert listed.missing is None
    [first, again] = listed.keys
    assert first == again
    assert first.facts.known["permission.withdraw"].value is False
    assert first.facts.known["ip.restricted"].value is True
    assert "ip.allowlist" in first.facts.unknown


def test_gate_lists_its_own_keys_and_those_of_sub_accounts() -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue:
        match call:
            case "main_keys":
                return [{"key": "c5dcfbf1f3a7*****", "perms": [], "ip_whitelist": []}]
            case "sub_accounts":
                return [{"user_id": 3508504, "state": 1}]
        return [GATE_ROW] if params == {"user_id": "3508504"} else []

    listed, _ = read(load_exchange("gate"), answer)
    own, sub = listed.keys
    assert (own.shown, own.mask) == ("c5dcfbf1f3a7*****", "*")
    assert sub.facts.known["permission.transfer"].value is True
    assert sub.facts.known["permission.withdraw"].provenance.grade.value == "inferred"
    # No word that is documented stands for it, so that no list of words denies it.
    assert "permission.p2p" in sub.facts.unknown
    assert sub.facts.known["key.active"].value is True


def test_a_refused_page_is_missing_and_keeps_what_was_read() -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue | Failure:
        if call == "sub_accounts":
            return {"code": "0", "data": [{"subAcct": "a"}, {"subAcct": "b"}]}
        if params["subAcct"] == "a":
            return {"code": "0", "data": OKX_ROWS}
        return Failure(Reason.PERMISSION_DENIED, "no")

    listed, _ = read(load_exchange("okx"), answer)
    assert len(listed.keys) == 2
    assert listed.missing is not None
    assert listed.missing.reason is Reason.PERMISSION_DENIED
    assert listed.missing.detail == "keys of sub-accounts could not all be listed: no"


SHAPELESS: list[JSONValue] = [
    {"code": "0"},
    {"code": "0", "data": "none"},
    {"code": "0", "data": [{"name": "no subAcct"}]},
]


@pytest.mark.parametrize("shape", SHAPELESS)
def test_unexpected_shapes_are_missing(shape: JSONValue) -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue:
        del call, params
        return shape

    listed, _ = read(load_exchange("okx"), answer)
    assert listed.keys == ()
    assert listed.missing is not None
    assert listed.missing.reason is Reason.UNEXPECTED_ANSWER


def test_a_row_without_a_key_is_missing() -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue:
        del params
        if call == "sub_accounts":
            return {"code": "0", "data": [{"subAcct": "a"}]}
        return {"code": "0", "data": [{"label": "nameless"}]}

    listed, _ = read(load_exchange("okx"), answer)
    assert listed.keys == ()
    assert listed.missing is not None


def test_an_endless_list_ends() -> None:
    def answer(call: str, params: Mapping[str, str]) -> JSONValue:
        if call == "sub_accounts":
            later = str(int(params.get("nextCursor", "0")) + 1)
            return {"retCode": 0, "result": {"subMembers": [], "nextCursor": later}}
        raise AssertionError

    listed, sent = read(load_exchange("bybit"), answer)
    assert len(sent) == MOST_PAGES
    assert listed.missing is not None
    assert "more than" in listed.missing.detail


def never(call: str, params: Mapping[str, str]) -> JSONValue:
    raise AssertionError((call, params))


def test_without_a_list_nothing_is_complete() -> None:
    exchange = replace(load_exchange("okx"), listings=())
    listed, sent = read(exchange, never)
    assert sent == []
    assert listed.missing is not None
    assert listed.missing.reason is Reason.NOT_DISCLOSED
