"""Lists of keys are read to their end, or told to be incomplete."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from gatepolicy.collect.listing import MOST_PAGES, list_keys
from gatepolicy.correlate.collected import Listed
from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Call, Exchange, Sent
from gatepolicy.exchanges.interpret import Failure, Parsed
from gatepolicy.exchanges.readers import EVERYWHERE
from gatepolicy.model.facts import Access, Facts, Grade, Grant, Reason, Unknown

Answer = Callable[[str, Mapping[str, Sent]], JSONValue | Failure]


def read(
    exchange: Exchange,
    answer: Answer,
    outcomes: Mapping[str, Parsed | Failure] | None = None,
    *,
    key: str | None = None,
) -> tuple[Listed, list[tuple[str, dict[str, Sent]]]]:
    sent: list[tuple[str, dict[str, Sent]]] = []

    async def ask(call: Call, params: Mapping[str, Sent]) -> Parsed | Failure:
        sent.append((call.id, dict(params)))
        found = answer(call.id, params)
        return found if isinstance(found, Failure) else Parsed(found)

    public = {} if key is None else {"apiKey": key}
    return asyncio.run(list_keys(exchange, public, outcomes or {}, ask)), sent


def read_to_its_end(listed: Listed) -> bool:
    """Whether nothing is missing but what no list of the exchange holds."""
    return listed.missing is None or "no other key of the account itself" in listed.missing.detail


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
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        if call == "sub_accounts":
            return {"code": "0", "data": [{"subAcct": "desk1"}, {"subAcct": "desk2"}]}
        return {"code": "0", "data": OKX_ROWS if params["subAcct"] == "desk1" else []}

    listed, sent = read(load_exchange("okx"), answer)
    assert [params.get("subAcct") for _, params in sent] == [None, "desk1", "desk2"]
    assert read_to_its_end(listed)
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
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
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


# The documented groups of the documented row, without the masked words of its example.
BYBIT_GROUPS: dict[str, JSONValue] = {
    "ContractTrade": ["Order", "Position"],
    "Spot": ["SpotTrade"],
    "Wallet": [],
    "Options": [],
    "Derivatives": ["DerivativesTrade"],
    "CopyTrading": [],
    "BlockTrade": [],
    "Exchange": ["ExchangeHistory"],
    "NFT": [],
    "Affiliate": [],
    "Earn": [],
}


def bybit_key(permissions: Mapping[str, JSONValue]) -> Facts:
    """Facts of one key of a sub-account with these permissions."""
    assert isinstance(BYBIT_ROW, dict)
    row: JSONValue = {**BYBIT_ROW, "permissions": dict(permissions)}

    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        del params
        if call == "sub_accounts":
            return {"retCode": 0, "result": {"subMembers": [{"uid": "1"}], "nextCursor": "0"}}
        return {"retCode": 0, "result": {"result": [row], "nextPageCursor": ""}}

    listed, _ = read(load_exchange("bybit"), answer)
    [key] = listed.keys
    return key.facts


def test_bybit_words_that_are_not_listed_are_not_granted() -> None:
    facts = bybit_key(BYBIT_GROUPS)
    assert facts.known["permission.withdraw"].value is False
    assert facts.known["permission.transfer"].value is False
    assert facts.known["permissions.unrecognised"].value == ()
    # Those that are listed may reach as far as reading only.
    for name in ("trade.spot", "trade.futures", "convert"):
        assert facts.unknown[f"permission.{name}"].reason is Reason.UNEXPECTED_ANSWER
    assert facts.known["permissions.native"].value == tuple(
        Grant(word, Access.UNKNOWN)
        for word in (
            "ContractTrade.Order",
            "ContractTrade.Position",
            "Derivatives.DerivativesTrade",
            "Exchange.ExchangeHistory",
            "Spot.SpotTrade",
        )
    )


@pytest.mark.parametrize(
    "wallet",
    [["Withdraw"], ["AccountTransfer", "Withdraw"], ["AdcBabecaEacdaaabEbab"], None],
    ids=repr,
)
def test_bybit_withdraw_is_unknown_where_it_may_be_granted(wallet: list[JSONValue] | None) -> None:
    groups = {**BYBIT_GROUPS, "Wallet": wallet}
    if wallet is None:
        del groups["Wallet"]
    assert "permission.withdraw" in bybit_key(groups).unknown


def test_bybit_a_group_that_the_list_does_not_know_could_mean_anything() -> None:
    facts = bybit_key({**BYBIT_GROUPS, "BitCard": ["BitCard"]})
    assert facts.known["permissions.unrecognised"].value == ("BitCard.BitCard",)
    assert "permission.withdraw" in facts.unknown
    assert "permission.p2p" in bybit_key(BYBIT_GROUPS).unknown


@pytest.mark.parametrize("groups", [{}, {name: [] for name in BYBIT_GROUPS}], ids=["none", "empty"])
def test_bybit_a_key_without_any_word_proves_nothing(groups: Mapping[str, JSONValue]) -> None:
    assert "permission.withdraw" in bybit_key(groups).unknown


def test_kucoin_pages_are_read_until_one_is_not_full() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        if call == "sub_accounts":
            full = params["currentPage"] == "1"
            items: list[JSONValue] = [{"subName": f"s{n}"} for n in range(100 if full else 3)]
            return {"code": "200000", "data": {"items": items}}
        return {"code": "200000", "data": [KUCOIN_ROW] if params["subName"] == "s1" else []}

    listed, sent = read(load_exchange("kucoin"), answer)
    pages = [params["currentPage"] for call, params in sent if call == "sub_accounts"]
    assert pages == ["1", "2"]
    assert read_to_its_end(listed)
    [first, again] = listed.keys
    assert first == again
    assert first.facts.known["permission.withdraw"].value is False
    assert first.facts.known["ip.restricted"].value is True
    assert "ip.allowlist" in first.facts.unknown


def test_gate_lists_its_own_keys_and_those_of_sub_accounts() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        match call:
            case "main_keys":
                return [{"key": "c5dcfbf1f3a7*****", "perms": [], "ip_whitelist": []}]
            case "sub_accounts":
                # Documented: only type 0 asks for sub-accounts of every kind.
                return [{"user_id": 3508504, "state": 1}] if params == {"type": "0"} else []
        return [GATE_ROW] if params == {"user_id": "3508504"} else []

    listed, _ = read(load_exchange("gate"), answer)
    own, sub = listed.keys
    assert (own.shown, own.mask) == ("c5dcfbf1f3a7*****", "*")
    assert sub.facts.known["permission.transfer"].value is True
    assert sub.facts.known["permission.withdraw"].provenance.grade.value == "inferred"
    # No word that is documented stands for it, so that no list of words denies it.
    assert "permission.p2p" in sub.facts.unknown
    assert sub.facts.known["key.active"].value is True


# binance-connector-python 7.2.0, clients/sub_account, of the two calls: their documented answers.
BINANCE_ROW: Mapping[str, JSONValue] = {
    "email": "bot@example.com",
    "apiName": "myKey",
    "apikey": "binance-key-1",
    "canTrade": True,
    "canMarginLoanRepay": False,
    "canFuturesTrade": False,
    "canUniversalTransfer": False,
    "canVanillaOptions": False,
    "timestamp": 1640000000000,
}
BINANCE_ADDRESSES: Mapping[str, JSONValue] = {
    "ipRestrict": "true",
    "ipList": ["203.0.113.196"],
    "updateTime": 1636371437000,
    "apiKey": "binance-key-1",
}
BINANCE_READER = {**BINANCE_ROW, "apikey": "binance-key-2", "canTrade": False}


def binance(rows: list[JSONValue], addresses: JSONValue | Failure) -> Answer:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue | Failure:
        match call:
            case "sub_accounts":
                return {"subAccounts": [{"email": "bot@example.com", "isFreeze": False}]}
            case "sub_account_keys":
                return {"total": len(rows), "rows": rows}
        assert params["email"] == "bot@example.com"
        return addresses

    return answer


def test_binance_asks_for_the_addresses_of_each_key() -> None:
    listed, sent = read(
        load_exchange("binance"), binance([dict(BINANCE_ROW)], dict(BINANCE_ADDRESSES))
    )
    assert sent == [
        ("sub_accounts", {"limit": "200", "page": "1"}),
        ("sub_account_keys", {"email": "bot@example.com", "size": "100", "page": "1"}),
        (
            "sub_account_key_addresses",
            {"email": "bot@example.com", "subAccountApiKey": "binance-key-1"},
        ),
    ]
    assert read_to_its_end(listed)
    [key] = listed.keys
    known = {name: fact.value for name, fact in key.facts.known.items()}
    assert (key.shown, key.mask) == ("binance-key-1", "")
    assert known["permission.trade.spot"] is True
    assert known["permission.trade.margin"] is True
    # Documented: a sub-account's transfer to its master asks for spot and margin trading.
    assert known["permission.transfer"] is True
    assert known["permission.trade.futures"] is False
    assert key.facts.known["permission.trade.futures"].provenance.grade is Grade.INFERRED
    assert known["permission.trade.options"] is False
    assert key.facts.known["permission.trade.options"].provenance.grade is Grade.OBSERVED
    assert known["ip.restricted"] is True
    assert known["ip.allowlist"] == (ip_network("203.0.113.196/32"),)
    assert known["key.name"] == "myKey"
    assert known["key.subaccount"] is True
    for name in ("permission.withdraw", "permission.read", "permission.manage", "key.created_at"):
        assert key.facts.unknown[name].reason is Reason.NOT_DISCLOSED


def test_binance_keys_may_have_no_flag_at_all() -> None:
    unbound = {**BINANCE_ADDRESSES, "apiKey": "binance-key-2", "ipRestrict": "false", "ipList": []}
    listed, _ = read(load_exchange("binance"), binance([BINANCE_READER], unbound))
    [key] = listed.keys
    assert key.facts.known["permission.trade.spot"].value is False
    assert key.facts.known["permission.trade.spot"].provenance.grade is Grade.INFERRED
    assert key.facts.known["permission.trade.options"].value is False
    assert key.facts.known["permissions.native"].value == ()
    assert "permission.withdraw" in key.facts.unknown
    assert key.facts.known["ip.restricted"].value is False
    assert key.facts.known["ip.allowlist"].value == EVERYWHERE


def test_flags_that_are_missing_deny_nothing() -> None:
    bare: dict[str, JSONValue] = {"email": "bot@example.com", "apikey": "binance-key-1"}
    listed, _ = read(load_exchange("binance"), binance([bare], dict(BINANCE_ADDRESSES)))
    [key] = listed.keys
    assert not [name for name in key.facts.known if name.startswith("permission")]


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        # About another key than the one that was asked for.
        ({**BINANCE_ADDRESSES, "apiKey": "another"}, Reason.UNEXPECTED_ANSWER),
        ({"ipRestrict": True}, Reason.UNEXPECTED_ANSWER),
        ([], Reason.UNEXPECTED_ANSWER),
        (Failure(Reason.RATE_LIMITED, "slowly"), Reason.RATE_LIMITED),
    ],
)
def test_a_detail_that_does_not_come_leaves_the_list_whole(
    addresses: JSONValue | Failure, reason: Reason
) -> None:
    listed, _ = read(load_exchange("binance"), binance([dict(BINANCE_ROW)], addresses))
    assert read_to_its_end(listed)
    [key] = listed.keys
    assert key.facts.known["permission.trade.spot"].value is True
    assert key.facts.unknown["ip.restricted"].reason is reason
    assert key.facts.unknown["ip.allowlist"].reason is reason


def test_a_detail_that_a_row_has_no_value_for_is_not_asked() -> None:
    row = {name: value for name, value in BINANCE_ROW.items() if name != "email"}
    listed, sent = read(load_exchange("binance"), binance([row], dict(BINANCE_ADDRESSES)))
    assert [call for call, _ in sent] == ["sub_accounts", "sub_account_keys"]
    assert listed.keys[0].facts.unknown["ip.restricted"].reason is Reason.UNEXPECTED_ANSWER


# https://www.bitget.com/api-doc/common/vsubaccount, the two lists; the second row has the words of
# their older version.
BITGET_ROWS: list[JSONValue] = [
    {
        "subAccountUid": "1",
        "label": "1682396356594",
        "subAccountApiKey": "bitget-key-1",
        "permList": ["spot_trade", "margin_trade", "contract_trade"],
        "ipList": ["127.0.0.1"],
    },
    {
        "subAccountUid": "1",
        "label": "old",
        "subAccountApiKey": "bitget-key-2",
        "permList": ["spot_trade", "contract_order", "contract_position"],
        "ipList": [],
    },
]


def test_bitget_virtual_sub_accounts_are_not_all() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        if call == "sub_accounts":
            first = "idLessThan" not in params
            rows: list[JSONValue] = [{"subAccountUid": "1", "status": "normal"}] if first else []
            return {"code": "00000", "data": {"endId": 51, "subAccountList": rows}}
        assert params == {"subAccountUid": "1"}
        return {"code": "00000", "data": BITGET_ROWS}

    listed, sent = read(load_exchange("bitget"), answer)
    pages = [params.get("idLessThan") for call, params in sent if call == "sub_accounts"]
    assert pages == [None, "51"]
    new, old = listed.keys
    known = {name: fact.value for name, fact in new.facts.known.items()}
    assert known["permission.trade.spot"] is True
    assert known["permission.trade.margin"] is True
    assert known["permission.trade.futures"] is True
    assert known["permission.read"] is True
    assert known["permission.withdraw"] is False
    assert new.facts.known["permission.withdraw"].provenance.grade is Grade.INFERRED
    assert known["ip.restricted"] is True
    assert known["key.name"] == "1682396356594"
    assert "permission.manage" in new.facts.unknown
    assert "permission.trade.futures" in old.facts.unknown
    assert old.facts.known["ip.restricted"].value is False
    # General sub-accounts have keys, too: that a key is not listed proves nothing.
    assert listed.missing is not None
    assert listed.missing.reason is Reason.NOT_DISCLOSED


# https://mexcdevelop.github.io/apidocs/spot_v3_en/, "Query the APIKey of a sub-account".
MEXC_ROWS: list[JSONValue] = [
    {
        "note": "v5",
        "apiKey": "mexc-key-1",
        "permissions": "SPOT_ACCOUNT_READ,SPOT_ACCOUNT_WRITE",
        "ip": "203.0.113.242,203.0.113.31",
        "creatTime": 1597026383085,
    },
    {"note": "v5.1", "apiKey": "mexc-key-2", "permissions": "SPOT_ACCOUNT_READ", "ip": ""},
]


def test_mexc_keys_of_each_sub_account() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        if call == "sub_accounts":
            return {"subAccounts": [{"subAccount": "mexc666", "isFreeze": False}]}
        assert params == {"subAccount": "mexc666"}
        return {"subAccount": MEXC_ROWS}

    listed, sent = read(load_exchange("mexc"), answer)
    assert sent[0] == ("sub_accounts", {"limit": "200", "page": "1"})
    assert read_to_its_end(listed)
    first, second = listed.keys
    known = {name: fact.value for name, fact in first.facts.known.items()}
    assert known["permission.read"] is True
    assert known["permission.manage"] is True
    assert known["permission.withdraw"] is False
    assert known["ip.restricted"] is True
    assert known["key.name"] == "v5"
    assert known["key.created_at"] == datetime(2020, 8, 10, 2, 26, 23, 85000, tzinfo=UTC)
    # Addresses are documented as optional when a key is made.
    assert second.facts.known["ip.restricted"].value is False
    assert "key.created_at" in second.facts.unknown


def test_htx_lists_the_keys_of_sub_users() -> None:
    # https://huobiapi.github.io/docs/spot/v1/en/, "Get Sub User's List" and "API key query".
    row: JSONValue = {
        "accessKey": "htx-key-1",
        "status": "normal",
        "note": "62924133",
        "permission": "readOnly,trade",
        "ipAddresses": "203.0.113.1,203.0.113.2",
        "validDays": -1,
        "createTime": 1591348751000,
        "updateTime": 1591348751000,
    }

    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        match call, params.get("fromId"):
            case "account_keys", _:
                return {"code": 200, "data": []}
            case "sub_users", None:
                users: list[JSONValue] = [{"uid": 63628520, "userState": "normal"}]
                return {"code": 200, "data": users, "nextId": 132208121}
            case "sub_users", "132208121":
                return {"code": 200, "data": [{"uid": 132208121, "userState": "lock"}]}
        return {"code": 200, "data": [row] if params == {"uid": "132208121"} else []}

    outcomes = {"uid": Parsed({"code": 200, "data": 1})}
    listed, sent = read(load_exchange("htx"), answer, outcomes)
    asked = [params["uid"] for call, params in sent if call == "sub_account_keys"]
    assert asked == ["63628520", "132208121"]
    assert read_to_its_end(listed)
    [key] = listed.keys
    known = {name: fact.value for name, fact in key.facts.known.items()}
    assert key.listing == "sub_account_keys"
    assert known["permission.trade.spot"] is True
    assert known["permission.transfer"] is True
    assert known["permission.withdraw"] is False
    assert known["ip.restricted"] is True
    assert known["key.subaccount"] is True
    assert known["key.active"] is True


def htx_pages(*later: Mapping[str, JSONValue]) -> Listed:
    """HTX's sub-users, page by page; the last page comes again and again."""
    pages = iter(later)
    page = dict(next(pages))

    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        nonlocal page
        if call != "sub_users":
            return {"code": 200, "data": []}
        page = dict(next(pages, page)) if params.get("fromId") else page
        return {"code": 200, "data": [{"uid": 1}], **page}

    listed, _ = read(load_exchange("htx"), answer, {"uid": Parsed({"code": 200, "data": 1})})
    return listed


def test_a_list_ends_where_the_documents_say_so() -> None:
    assert read_to_its_end(htx_pages({}))
    assert read_to_its_end(htx_pages({"nextId": 5}, {}))


@pytest.mark.parametrize("stuck", [5, "5"])
def test_a_page_that_names_itself_as_the_next_one_ends_no_list(stuck: JSONValue) -> None:
    missing = htx_pages({"nextId": stuck}).missing
    assert missing is not None
    assert missing.reason is Reason.UNEXPECTED_ANSWER
    assert missing.detail.endswith("a page refers to itself as the next one")


@pytest.mark.parametrize("name", [None, "", True, False, [], {}, [6], 0.5])
def test_an_undocumented_name_of_the_next_page_ends_no_list(name: JSONValue) -> None:
    missing = htx_pages({"nextId": name}).missing
    assert missing is not None
    assert missing.reason is Reason.UNEXPECTED_ANSWER
    assert missing.detail.endswith("the answer does not say where the next page is")


@pytest.mark.parametrize("cursor", [{}, {"nextCursor": False}, {"next_cursor": "0"}])
def test_a_last_page_that_is_documented_to_say_so_must_say_so(
    cursor: Mapping[str, JSONValue],
) -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        return {"retCode": 0, "result": {"subMembers": [], **cursor}}

    listed, _ = read(load_exchange("bybit"), answer)
    assert listed.missing is not None
    assert listed.missing.reason is Reason.UNEXPECTED_ANSWER


# https://github.com/whitebit-exchange/docs openapi/private/main_api_v4.yaml, SubAccountApiKeyList.
WHITEBIT_ROW: Mapping[str, JSONValue] = {
    "subAccountId": "8e667b4a-0b71-4988-8af5-9474dbfaeb51",
    "id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "title": "Trading Bot Key",
    "isEnabled": True,
    "apiKey": "whitebit-key-1",
    "apiSecret": "",
    "type": "1",
    "lastActivity": 1641081600,
    "restrictAccess": False,
    "accessEndpoints": [],
}


def whitebit(*rows: Mapping[str, JSONValue]) -> Listed:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        match call:
            case "sub_accounts":
                assert params == {"limit": 100, "offset": 0}
                return {"offset": 0, "limit": 100, "data": [{"id": "sub-1", "alias": "training"}]}
            case "sub_account_keys":
                assert params == {"subAccountId": "sub-1", "limit": 100, "offset": 0}
                return {"limit": 100, "offset": 0, "data": [dict(row) for row in rows]}
        assert params == {"apiKeyId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890"}
        return {"data": ["127.10.10.255", "192.168.1.1"]}

    listed, _ = read(load_exchange("whitebit"), answer)
    return listed


def test_whitebit_keys_of_each_sub_account_with_their_addresses() -> None:
    listed = whitebit(WHITEBIT_ROW)
    assert read_to_its_end(listed)
    [key] = listed.keys
    known = {name: fact.value for name, fact in key.facts.known.items()}
    assert known == {
        "permission.read": True,
        "permission.trade.spot": True,
        "permission.withdraw": False,
        "ip.restricted": True,
        "ip.allowlist": (ip_network("127.10.10.255/32"), ip_network("192.168.1.1/32")),
        "key.name": "Trading Bot Key",
        "key.active": True,
        "key.last_used_at": datetime(2022, 1, 2, tzinfo=UTC),
        "key.subaccount": True,
    }


@pytest.mark.parametrize(
    ("row", "read_", "withdraw"),
    [
        ({"type": 1}, True, False),
        ({"type": 2}, True, True),
        ({"type": "2"}, True, True),
        # Restricted to some endpoints: it may do less than its type says, never more.
        ({"type": "1", "restrictAccess": True}, None, False),
        ({"type": 2, "restrictAccess": True}, None, None),
        ({"type": "2", "restrictAccess": True}, None, None),
        # No document tells what this word of an older example stands for.
        ({"type": "trade"}, None, None),
        ({"type": "trade", "restrictAccess": True}, None, None),
        ({"type": 3}, None, None),
        ({"type": True}, None, None),
        ({"restrictAccess": None}, None, None),
    ],
)
def test_whitebit_types_of_keys(
    row: Mapping[str, JSONValue], read_: bool | None, withdraw: bool | None
) -> None:
    [key] = whitebit({**WHITEBIT_ROW, **row}).keys
    known = {name: fact.value for name, fact in key.facts.known.items()}
    assert known.get("permission.read") is read_
    assert known.get("permission.trade.spot") is read_
    assert known.get("permission.withdraw") is withdraw


def test_numbered_pages_go_on_from_row_to_row() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        if call == "sub_accounts":
            full = params["offset"] == 0
            return {"data": [{"id": f"sub-{n}"} for n in range(100 if full else 1)]}
        return {"data": []}

    _, sent = read(load_exchange("whitebit"), answer)
    assert [params["offset"] for call, params in sent if call == "sub_accounts"] == [0, 100]


def test_a_refused_page_is_missing_and_keeps_what_was_read() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue | Failure:
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
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        del call, params
        return shape

    listed, _ = read(load_exchange("okx"), answer)
    assert listed.keys == ()
    assert listed.missing is not None
    assert listed.missing.reason is Reason.UNEXPECTED_ANSWER


def test_a_row_without_a_key_is_missing() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        del params
        if call == "sub_accounts":
            return {"code": "0", "data": [{"subAcct": "a"}]}
        return {"code": "0", "data": [{"label": "nameless"}]}

    listed, _ = read(load_exchange("okx"), answer)
    assert listed.keys == ()
    assert listed.missing is not None


def test_an_endless_list_ends() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        if call == "sub_accounts":
            later = str(int(params.get("nextCursor", "0")) + 1)
            return {"retCode": 0, "result": {"subMembers": [], "nextCursor": later}}
        raise AssertionError

    listed, sent = read(load_exchange("bybit"), answer)
    assert len(sent) == MOST_PAGES
    assert listed.missing is not None
    assert "more than" in listed.missing.detail


def never(call: str, params: Mapping[str, Sent]) -> JSONValue:
    raise AssertionError((call, params))


def test_without_a_list_nothing_is_complete() -> None:
    exchange = replace(load_exchange("okx"), listings=())
    listed, sent = read(exchange, never)
    assert sent == []
    assert listed.missing is not None
    assert listed.missing.reason is Reason.NOT_DISCLOSED


def test_lists_of_sub_accounts_alone_never_prove_that_every_key_is_known() -> None:
    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        del call, params
        return {"code": "0", "data": []}

    listed, _ = read(load_exchange("okx"), answer)
    assert listed.missing is not None
    assert listed.missing.reason is Reason.NOT_DISCLOSED


def woo_row(key: str) -> JSONValue:
    return {"accountName": "Main", "userId": 1, "apiKey": key, "permissions": ["READ"]}


@pytest.mark.parametrize(
    ("keys", "total", "told"),
    [
        (["mine"], 1, None),
        (["mine", "other"], 2, None),
        # Documented: 1,000 rows on a page at most, and how many there are in all.
        (["mine"], 225, "1 of 225 were returned"),
        (["other"], 1, "the calling key is not among them"),
        ([], 0, "the calling key is not among them"),
        (["mine"], "1", "the answer does not say how many there are"),
        (["mine"], None, "the answer does not say how many there are"),
    ],
)
def test_a_list_that_does_not_hold_what_it_says_is_not_whole(
    keys: list[str], total: JSONValue, told: str | None
) -> None:
    rows: list[JSONValue] = [woo_row(key) for key in keys]

    def answer(call: str, params: Mapping[str, Sent]) -> JSONValue:
        del call, params
        return {"success": True, "data": {"rows": rows, "meta": {"total": total}}}

    listed, _ = read(load_exchange("woo"), answer, key="mine")
    if told is None:
        assert listed.missing is None
        assert not isinstance(listed.of_account, Unknown)
    else:
        assert listed.missing is not None
        assert told in listed.missing.detail
        assert isinstance(listed.of_account, Unknown)
