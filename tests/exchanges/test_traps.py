"""Traps in what exchanges answer: each test fails for whoever falls into one.

A trap is something in an answer (or in its documents) that misleads a careful reader into a wrong
fact. Most tests here prove that they would notice: they also read the same answer by a catalog in
which the trap was fallen into, and find that the facts are not the right ones then.

What documented cases (``documented/``) or other tests hold already is not repeated here:

| trap | held by |
|---|---|
| Gate: one label for two causes, an address and a permission | gate_error_ip_2 |
| the same | gate_error_permission_1 |
| Gate: two answers that disagree | gate_two_answers_disagree |
| Gate: states 2 and 3 swapped between keys of accounts and of sub-accounts | test_normalise |
| the same | here for lists |
| Gate: masked keys, an object in place of the list, too few characters | test_rows |
| Gate: the word for withdrawals is documented nowhere | test_permissions |
| Binance: -2015 for key, address and permission | binance_error_key_ip_perm_1 |
| Binance, LBank, Coinbase: a missing flag | test_permissions |
| the same | lbank_documented_example |
| the same | coinbase_missing_flag |
| Bybit: lists stay filled when the key is read-only | test_permissions |
| Bybit: filler date 1970 | test_normalise |
| OKX: words in any order, substrings | okx_documented_example, test_permissions |
| KuCoin: masked addresses | kucoin_documented_example |
| KuCoin: Transfer within InnerTransfer | test_permissions |
| Bitget: older words; the registration of the account | bitget_documented_example |
| MEXC: a comma at the end; an answer about another key | mexc_withdraw_and_bound, mexc_other_key |
| BingX: a number that no document names | bingx_unknown_number |
| BingX, Kraken, Kraken Futures: an answer about another key | bingx_other_key, kraken_other_key |
| the same | kraken_snake_case_other_key, krakenfutures_other_key |
| HTX: failures with status 200; words that share a code | htx_error_sub_user_1, htx_error_ip_1 |
| Kraken: names in snake case | kraken_snake_case |
| Deribit: a challenge as success | deribit_challenge |
| Deribit: other rows | deribit_other_row |
| Deribit: custody | deribit_bound_custody |
| Bitfinex: an array of an error with status 200 | bitfinex_error_key_2 |
| Bitfinex: a missing row | bitfinex_missing_row |
| bitFlyer: two ways to send funds | bitflyer_trade_and_send |
| Gemini: no role at all | gemini_no_role |
| HashKey, Toobit: kinds of accounts that say nothing | hashkey_documented_example |
| the same | toobit_documented_example |
| BloFin: 0 is read and write | blofin_documented_read_write |
| XT: one key twice; LEVER_LOAN holds the separator | xt_documented_twice, xt_bound_all_scopes |
| Bitvavo: 307 alone proves a binding | bitvavo_error_ip_1 |
| Upbit: a plain key; expire_at and expired_at | upbit_plain_key, upbit_documented_example |
| WOO X: no field means no binding | woo_unbound_read_only |
| WOO X: unmapped failures with status 200 | woo_error_unmapped_1 |
| WhiteBIT: texts and numbers for one type | tests/collect/test_listing |
| Delta: errors as texts and as objects | delta_error_key_1, delta_error_permission_1 |
| Kraken Futures: an empty object of permissions | krakenfutures_documented_example |
| Indodax: only the very words prove | indodax_near_words, indodax_other_words |
| Zaif: a missing right; a new one | zaif_missing_right, zaif_new_right |
| Kraken Futures: a new permission | krakenfutures_new_permission |
| Hyperliquid: an unlisted agent | hyperliquid_unlisted_agent |
| Hyperliquid: a role that says nothing | hyperliquid_missing |
| BitTrade: failures of the second version of HTX | bittrade_as_htx, and here |
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer, resolve
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import (
    Exchange,
    FactSource,
    Level,
    Meaning,
    PermissionShape,
    Success,
)
from gatepolicy.exchanges.normalise import facts_of_row, normalise
from gatepolicy.exchanges.readers import EVERYWHERE
from gatepolicy.exchanges.sources import Row, own_row
from gatepolicy.model.facts import (
    OF_THE_SCAN,
    Capability,
    Fact,
    Facts,
    FactValue,
    Grade,
    Provenance,
    Reason,
)
from tests.whole_catalog import CATALOG

DOCUMENTED = Path(__file__).with_name("documented")
UNKNOWN = "unknown"
Changes: TypeAlias = Mapping[str, Any]
"""JSON Pointer into an answer to what stands there instead; ``...`` takes it away."""
Fallen: TypeAlias = Callable[[Exchange], Exchange]
"""The catalog of somebody who fell into the trap."""


@cache
def _case(name: str) -> Any:
    return yaml.safe_load((DOCUMENTED / f"{name}.yaml").read_text(encoding="utf-8"))


def put(body: Any, pointer: str, value: Any) -> Any:
    """A body with something else at one place."""
    if not pointer:
        return value
    whole = copy.deepcopy(body)
    *steps, last = pointer.split("/")[1:]
    place = whole
    for step in steps:
        if isinstance(place, dict):
            place = place.setdefault(step, [] if last == "0" else {})
        else:
            place = place[int(step)]
    if isinstance(place, list):
        place[int(last) : int(last) + 1] = [] if value is ... else [value]
    elif value is ...:
        place.pop(last, None)
    else:
        place[last] = value
    return whole


def answered(case: str, changes: Mapping[str, Changes]) -> dict[str, RawAnswer]:
    """The documented answers, changed call by call."""
    answers: dict[str, RawAnswer] = {}
    for call, answer in _case(case)["answers"].items():
        body = answer["body"]
        for pointer, value in changes.get(call, {}).items():
            body = json.dumps(put(json.loads(body), pointer, value))
        answers[call] = Answer(answer["status"], body.encode())
    return answers


def observed(facts: Facts) -> dict[str, FactValue]:
    """What answers prove, and not rules; what they only show proves nothing."""
    unproved = (Grade.STRUCTURAL, Grade.APPARENT)
    return {
        name: fact.value
        for name, fact in facts.known.items()
        if fact.provenance.grade not in unproved and name not in OF_THE_SCAN
    }


def test_what_is_held_elsewhere_is_there() -> None:
    """The table above names documented cases and test modules that exist."""
    rows = [line.split("|")[2] for line in (__doc__ or "").splitlines() if line.startswith("| ")]
    names = {name.strip() for row in rows[1:] for name in row.split(",")} - {"here for lists"}
    tests = Path(__file__).parent
    there = {path.stem for path in [*DOCUMENTED.glob("*.yaml"), *tests.glob("test_*.py")]}
    there |= {"tests/collect/test_listing", "and here"}
    assert names <= there


# --- one trap at a time ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Trap:
    """One trap, and the facts of whoever walks around it."""

    name: str
    """What misleads."""
    case: str
    """The documented answers that it is in."""
    right: Mapping[str, Any]
    """Fact to its value, or ``UNKNOWN``."""
    changes: Mapping[str, Changes] = field(default_factory=dict)
    """What is put into the documented answers."""
    fallen: Fallen | None = None
    """The catalog of somebody who fell into it; ``None`` where a catalog cannot say it."""
    key: str = ""
    """The calling key, where it is not that of the case."""


def told_by(name: str, **changes: Any) -> Fallen:
    """A catalog whose places of one fact are others."""
    return lambda exchange: replace(
        exchange,
        facts={
            **exchange.facts,
            name: tuple(replace(source, **changes) for source in exchange.facts[name]),
        },
    )


def says(name: str, call: str, pointer: str, *meanings: tuple[Any, FactValue]) -> Fallen:
    """A catalog that reads one fact from another place."""
    source = FactSource(call, pointer, "nothing", tuple(Meaning(*one) for one in meanings))

    def fallen(exchange: Exchange) -> Exchange:
        silent = {n: why for n, why in exchange.not_disclosed.items() if n != name}
        facts = {**exchange.facts, name: (source,)}
        return replace(exchange, facts=facts, not_disclosed=silent)

    return fallen


def permissions(**changes: Any) -> Fallen:
    """A catalog that reads the list of permissions otherwise."""
    return lambda exchange: replace(exchange, permissions=replace(exchange.permissions, **changes))


def word(name: str, **changes: Any) -> Fallen:
    """A catalog with another meaning of one word."""

    def fallen(exchange: Exchange) -> Exchange:
        words = dict(exchange.permissions.words)
        words[name] = replace(words[name], **changes)
        return permissions(words=words)(exchange)

    return fallen


def nowhere(name: str) -> Fallen:
    """A catalog that does not look for the own row in one answer."""
    return lambda exchange: replace(
        exchange, own_keys={call: own for call, own in exchange.own_keys.items() if call != name}
    )


NONE: frozenset[Any] = frozenset()
AS_OF_LONDON = Fact(
    datetime(2023, 2, 17, 5, 41, 43, tzinfo=UTC), Provenance(Grade.OBSERVED, "api_key", "")
)
"""The time of XT's example as if it told a zone."""
WITHDRAW, BOUND, LIST = "permission.withdraw", "ip.restricted", "ip.allowlist"
TRAPS = [
    Trap(
        "an unbound key of BingX has one empty address",
        "bingx_documented_example",
        {BOUND: False, LIST: EVERYWHERE},
        {"permissions": {"/ipAddresses": [""]}, "restrictions": {"/ipRestrict": False}},
        told_by(BOUND, meanings=(Meaning([""], means=True), Meaning(False, means=True))),
    ),
    Trap(
        "BingX contradicts itself about a binding",
        "bingx_documented_example",
        {BOUND: UNKNOWN},
        {"permissions": {"/ipAddresses": [""]}, "restrictions": {"/ipRestrict": True}},
        told_by(BOUND, call="restrictions", pointer="/ipRestrict", reader="flag"),
    ),
    Trap(
        "BingX' flags name no withdrawals, and one library documents other flags",
        "bingx_documented_example",
        {WITHDRAW: UNKNOWN, "permission.trade.spot": UNKNOWN},
        {"permissions": {"": {"enableReading": True, "enableSpotAndMarginTrading": False}}},
        # No catalog can say it: a place beside words never denies one.
    ),
    Trap(
        "MEXC's right to read withdrawals is none to withdraw",
        "mexc_documented_example",
        {WITHDRAW: False, "permission.read": True},
        {"key_info": {"/permissions": "SPOT_ACCOUNT_READ,SPOT_WITHDRAW_READ"}},
        word("SPOT_WITHDRAW_READ", grants=frozenset({Capability.WITHDRAW})),
    ),
    Trap(
        "MEXC once writes its word for withdrawals short",
        "mexc_documented_example",
        {WITHDRAW: True},
        {"key_info": {"/permissions": "SPOT_ACCOUNT_READ,SPOT_WITHDRAW_W"}},
        word("SPOT_WITHDRAW_W", grants=NONE),
    ),
    Trap(
        "a key of MEXC with SPOT_ACCOUNT_WRITE edits its own list of addresses",
        "mexc_documented_example",
        {"permission.manage": True},
        {"key_info": {"/permissions": "SPOT_ACCOUNT_READ,SPOT_ACCOUNT_WRITE"}},
        word("SPOT_ACCOUNT_WRITE", grants=NONE),
    ),
    Trap(
        "MEXC's flags of the account say nothing about the key",
        "mexc_documented_example",
        {WITHDRAW: UNKNOWN},
        {"key_info": {"/permissions": ..., "/canWithdraw": False, "/canTrade": False}},
        # No catalog can say it: a place beside words never denies one.
    ),
    Trap(
        "Bitget's right to move funds is none to withdraw",
        "bitget_documented_example",
        {WITHDRAW: False, "permission.transfer": True},
        {"info": {"/data/authorities": ["stor", "wtow"]}},
        word("wtow", grants=frozenset({Capability.WITHDRAW, Capability.TRANSFER})),
    ),
    Trap(
        "Bitget's regisTime is the birth of the account",
        "bitget_documented_example",
        {"key.created_at": UNKNOWN},
        {},
        lambda exchange: replace(
            exchange,
            facts={
                **exchange.facts,
                "key.created_at": (FactSource("info", "/data/regisTime", "unix_milliseconds"),),
            },
            not_disclosed={
                n: why for n, why in exchange.not_disclosed.items() if n != "key.created_at"
            },
        ),
    ),
    Trap(
        "OKX' opAuth says whether the account trades options, not the key",
        "okx_documented_example",
        {"permission.trade.options": True},
        {"config": {"/data/0/opAuth": "0"}},
        says("permission.trade.options", "config", "/opAuth", ("0", False)),
    ),
    Trap(
        "Bybit's 1 is read-only, and 0 is not",
        "bybit_documented_example",
        {WITHDRAW: True},
        {
            "query_api": {
                "/result/readOnly": 0,
                "/result/permissions/Wallet": ["Withdraw"],
            }
        },
        permissions(read_only_marks=(Meaning(0, means=True), Meaning(1, means=False))),
    ),
    Trap(
        "a key of Kraken that is bound to nothing has one empty address",
        "kraken_snake_case",
        {BOUND: False, LIST: EVERYWHERE},
        {"key_info": {"/result/ip_allowlist": [""]}},
        told_by(BOUND, meanings=(Meaning([""], means=True),)),
    ),
    Trap(
        "Kraken writes in two spellings, of which both must agree",
        "kraken_snake_case",
        {BOUND: UNKNOWN},
        {"key_info": {"/result/ipAllowlist": []}},
        told_by(BOUND, pointer="/result/ip_allowlist"),
    ),
    Trap(
        "in neither of Kraken's spellings, nothing is told",
        "kraken_snake_case",
        {BOUND: UNKNOWN, "key.expires_at": UNKNOWN},
        {"key_info": {"/result/ip_allowlist": ..., "/result/valid_until": ...}},
        told_by(BOUND, missing=True),
    ),
    Trap(
        "whoever adds an address at Kraken decides where withdrawals go",
        "kraken_snake_case",
        {WITHDRAW: UNKNOWN, "permission.manage": True},
        {"key_info": {"/result/permissions": ["query-ledger", "add-withdraw-address"]}},
        word("add-withdraw-address", unclear=NONE),
    ),
    Trap(
        "Kraken's last use is this scan itself",
        "kraken_documented_example",
        {"key.last_used_at": UNKNOWN},
    ),
    Trap(
        "Coinbase has no can_withdraw, whatever its library's tests say",
        "coinbase_documented_example",
        {WITHDRAW: UNKNOWN},
        {"key_permissions": {"/can_transfer": ..., "/can_withdraw": False}},
        # No catalog can say it: a place beside words never denies one.
    ),
    Trap(
        "a list of errors that is empty is no success of Coinbase",
        "coinbase_documented_example",
        {WITHDRAW: UNKNOWN, "permission.read": UNKNOWN},
        {"key_permissions": {"": {"errors": []}}},
    ),
    Trap(
        "a key of Deribit that edits its account makes keys",
        "deribit_documented_example",
        {"permission.manage": True, WITHDRAW: False},
        {"list_api_keys": {"/result/1/max_scope": "account:read_write wallet:none"}},
        word("account:read_write", grants=frozenset({Capability.READ})),
    ),
    Trap(
        "Deribit's schema has an array where its examples have a text",
        "deribit_documented_example",
        {WITHDRAW: True, "permission.custody": False},
        {"list_api_keys": {"/result/1/max_scope": ["account:read", "wallet:read_write"]}},
        permissions(or_list=""),
    ),
    Trap(
        "Deribit shows no list of addresses of some keys",
        "deribit_documented_example",
        {BOUND: UNKNOWN, LIST: UNKNOWN},
        {"list_api_keys": {"/result/1/ip_whitelist": ...}},
        told_by(BOUND, missing=True),
    ),
    Trap(
        "Deribit's time is that of the last change",
        "deribit_documented_example",
        {"key.created_at": UNKNOWN},
    ),
    Trap(
        "on Deribit, the first row is another key",
        "deribit_documented_example",
        {WITHDRAW: True},
        {},
        lambda exchange: permissions(pointer="/result/0/max_scope")(
            nowhere("list_api_keys")(exchange)
        ),
    ),
    Trap(
        "a key of Bitfinex withdraws by the web page's scope too",
        "bitfinex_missing_row",
        {WITHDRAW: True},
        {"key_permissions": {"/7": ["ui_withdraw", 0, 1], "/9": ["withdraw", 0, 0]}},
        word("ui_withdraw", grants=NONE),
    ),
    Trap(
        "a row of Bitfinex that is missing is not off",
        "bitfinex_missing_row",
        {WITHDRAW: UNKNOWN},
        {},
        permissions(complete=True),
    ),
    Trap(
        "null in a row of Bitfinex is no zero",
        "bitfinex_missing_row",
        {WITHDRAW: UNKNOWN},
        {"key_permissions": {"/9": ["withdraw", None, None]}},
    ),
    Trap(
        "a path of bitFlyer that nobody knows may send",
        "bitflyer_documented_example",
        {WITHDRAW: UNKNOWN, "permissions.unrecognised": ("/v1/me/sendall",)},
        {"getpermissions": {"": ["/v1/me/getbalance", "/v1/me/sendall"]}},
    ),
    Trap(
        "LBank writes its success as a text or a boolean, and never as a number",
        "lbank_documented_example",
        {WITHDRAW: UNKNOWN},
        {"restrictions": {"/result": 1}},
        lambda exchange: replace(exchange, success=Success("/result", 1)),
    ),
    Trap(
        "Toobit's library reads an array that is of sub-accounts",
        "toobit_documented_example",
        {"key.exists": UNKNOWN},
        {"check_api_key": {"": [{"accountId": "1", "accountType": "master"}]}},
        told_by("key.exists", pointer="/0/accountType"),
    ),
    Trap(
        "a master of HashKey is no key with all rights, and none without any",
        "hashkey_documented_example",
        {WITHDRAW: UNKNOWN, "permission.trade.spot": UNKNOWN, BOUND: UNKNOWN},
        {},
        says(WITHDRAW, "check_api_key", "/accountType", ("master", True)),
    ),
    Trap(
        "BloFin's unbound keys hold one empty address or null",
        "blofin_documented_read_only",
        {BOUND: False},
        {"query_apikey": {"/data/ips": [""]}},
        told_by(BOUND, meanings=(Meaning([""], means=True),)),
    ),
    Trap(
        "BloFin's null of addresses is documented nowhere",
        "blofin_documented_read_only",
        {BOUND: UNKNOWN},
        {"query_apikey": {"/data/ips": None}},
        told_by(BOUND, meanings=(Meaning(None, means=True),)),
    ),
    Trap(
        "BloFin's 0 is read and write",
        "blofin_documented_read_write",
        {WITHDRAW: UNKNOWN, "permission.trade.spot": UNKNOWN},
        {},
        told_by(WITHDRAW, when=(), meanings=(Meaning(0, means=False), Meaning(1, means=True))),
    ),
    Trap(
        "XT's null of addresses is a key that is bound to none",
        "xt_documented_example",
        {BOUND: False, LIST: EVERYWHERE},
        {"api_key": {"/result/0/bindIps": None}},
        told_by(BOUND, meanings=(Meaning(None, means=True),)),
    ),
    Trap(
        "XT's times are of no zone",
        "xt_bound_all_scopes",
        {"key.created_at": UNKNOWN},
        {},
        lambda exchange: replace(exchange, structural={"key.created_at": AS_OF_LONDON}),
    ),
    Trap(
        "XT's lock is 1 when it is locked, and its level 2 is a sub-account",
        "xt_bound_all_scopes",
        {"key.active": False, "key.subaccount": True},
        {},
        told_by("key.active", meanings=(Meaning(1, means=True), Meaning(0, means=False))),
    ),
    Trap(
        "XT's second separator makes one word of several",
        "xt_bound_all_scopes",
        {WITHDRAW: UNKNOWN},
        {"api_key": {"/result/0/roleScopes": "QUERY,WITHDRAW"}},
    ),
    Trap(
        "Bitvavo's capabilities are of the account",
        "bitvavo_documented_example",
        {WITHDRAW: UNKNOWN, "permission.trade.spot": UNKNOWN},
        {"account": {"/capabilities": ["depositCrypto"]}},
        says(WITHDRAW, "account", "/capabilities", (["depositCrypto"], False)),
    ),
    Trap(
        "paying out money by Coins.ph's fiat words is withdrawing, too",
        "coinsph_documented_example",
        {WITHDRAW: UNKNOWN},
        {"api_keys": {"/0/apiType": ["Read only", "Enable Fiat"]}},
        word("Enable Fiat", unclear=NONE),
    ),
    Trap(
        "Coins.ph's milliseconds are a text",
        "coinsph_documented_example",
        {"key.created_at": datetime(2024, 3, 27, 6, 29, 56, 538000, UTC)},
        {},
        told_by("key.created_at", reader="unix_seconds"),
    ),
    Trap(
        "Upbit's midnight is Korean",
        "upbit_documented_example",
        {"key.created_at": datetime(2025, 12, 31, 15, 30, tzinfo=UTC)},
        {"pockets": {"/0/keys/0/created_at": "2026-01-01T00:30:00+09:00"}},
    ),
    Trap(
        "the own key of WOO X may stand on another page",
        "woo_unbound_read_only",
        {WITHDRAW: UNKNOWN, BOUND: UNKNOWN},
        {"credentials": {"/data/rows/1": ...}},
        lambda exchange: permissions(pointer="/data/rows/0/permissions")(
            nowhere("credentials")(exchange)
        ),
    ),
    Trap(
        "a key of WOO X without a list is not bound",
        "woo_unbound_read_only",
        {BOUND: False, LIST: EVERYWHERE},
        {},
        told_by(BOUND, missing=True),
    ),
    Trap(
        "a permission that WOO X does not document is no reading",
        "woo_unbound_read_only",
        {WITHDRAW: UNKNOWN, "permission.read": True},
        {"credentials": {"/data/rows/1/permissions": ["READ", "CUSTODY"]}},
    ),
    Trap(
        "Orderly's DISALLOW_ALL_IPS is no list of addresses",
        "woofipro_bound",
        {BOUND: UNKNOWN, LIST: UNKNOWN},
        {"key_info": {"/data/rows/1/ip_restriction_status": "DISALLOW_ALL_IPS"}},
        told_by(BOUND, when=(), pointer="/ip_restriction_list", reader="addresses_bind"),
    ),
    Trap(
        "Orderly's list of addresses counts only when it is turned on",
        "woofipro_bound",
        {BOUND: False, LIST: EVERYWHERE},
        {"key_info": {"/data/rows/1/ip_restriction_status": "ALLOW_ALL_IPS"}},
        told_by(BOUND, when=(), pointer="/ip_restriction_list", reader="addresses_bind"),
    ),
    Trap(
        "one mirrored page shows permissions of Hyperliquid's agents",
        "hyperliquid_agent",
        {WITHDRAW: False, "permission.transfer": UNKNOWN},
        {"agents": {"/0/permissions": ["withdraw"]}},
    ),
    Trap(
        "an address that says it is no agent withdraws",
        "hyperliquid_own_wallet",
        {WITHDRAW: True},
        {},
        told_by(WITHDRAW, meanings=(Meaning("user", means=False),)),
    ),
    Trap(
        "Lighter's time of a transaction is no last use, and all keys withdraw",
        "lighter_documented_example",
        {"key.last_used_at": UNKNOWN, WITHDRAW: True, BOUND: False},
    ),
    Trap(
        "KuCoin leaves the list of addresses out of some answers",
        "kucoin_documented_example",
        {BOUND: UNKNOWN, LIST: UNKNOWN},
        {"api_key": {"/data/ipWhitelist": ...}},
        told_by(BOUND, missing=True),
    ),
    Trap(
        "KuCoin's masked addresses are bound, and nobody can compare them",
        "kucoin_documented_example",
        {BOUND: True, LIST: UNKNOWN},
        {},
        told_by(BOUND, reader="comma_addresses_bind"),
    ),
    Trap(
        "Kraken Futures' missing level is no NO_ACCESS",
        "krakenfutures_read_only",
        {WITHDRAW: UNKNOWN},
        {"check": {"/permissions/transfer": ...}},
    ),
]


def read(trap: Trap, exchange: Exchange) -> dict[str, Any]:
    """What somebody with this catalog makes of the answers."""
    answers = answered(trap.case, trap.changes)
    facts = normalise(exchange, answers, trap.key or _case(trap.case)["api_key"])
    proved = {n: f for n, f in facts.known.items() if f.provenance.grade is not Grade.APPARENT}
    return {name: proved[name].value if name in proved else UNKNOWN for name in trap.right}


def of(trap: Trap) -> Exchange:
    return load_exchange(_case(trap.case)["exchange"])


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_nobody_falls_into_it(trap: Trap) -> None:
    assert read(trap, of(trap)) == dict(trap.right)


@pytest.mark.parametrize(
    "trap", [trap for trap in TRAPS if trap.fallen is not None], ids=lambda trap: trap.name
)
def test_whoever_fell_into_it_is_noticed(trap: Trap) -> None:
    assert trap.fallen is not None
    fallen, right = trap.fallen(of(trap)), dict(trap.right)
    if "ip.restricted" in right:
        # An allowlist that admits strangers would save whoever fell into it.
        right.pop("ip.allowlist", None)
        assert by_itself(trap, of(trap)) == right
        assert read(trap, fallen) != dict(trap.right) or by_itself(trap, fallen) != right
    else:
        assert read(trap, fallen) != right


def by_itself(trap: Trap, exchange: Exchange) -> dict[str, Any]:
    """What is read without an allowlist, but for the allowlist."""
    facts = {name: sources for name, sources in exchange.facts.items() if name != "ip.allowlist"}
    found = read(trap, replace(exchange, facts=facts))
    return {name: value for name, value in found.items() if name != "ip.allowlist"}


# --- the same trap on every exchange --------------------------------------------------------------


def cases_of(exchange: Exchange) -> Iterator[str]:
    """Documented successes of an exchange, or of one that answers in the same way."""
    same = {
        other.id
        for other in CATALOG.values()
        if (other.calls, other.permissions) == (exchange.calls, exchange.permissions)
    }
    by_name = sorted(
        DOCUMENTED.glob("*.yaml"), key=lambda path: ("_documented" not in path.stem, path)
    )
    for path in by_name:
        if "_error_" not in path.stem and _case(path.stem)["exchange"] in same:
            yield path.stem


@dataclass(frozen=True)
class Place:
    """A place in a documented success that tells a fact."""

    exchange: Exchange
    case: str
    fact: str
    source: FactSource
    row: str
    """Pointer to the own row."""

    def read(self, value: Any) -> FactValue | str:
        """The fact that this proves when it stands there; ``UNKNOWN`` when it proves none."""
        changes = {self.row + self.source.pointer: value}
        for condition in self.source.when:
            # A whole number, where a form and no value is named.
            meets = next(iter(condition.applies_if.values), 7)
            if condition.pointer != self.source.pointer:
                changes[self.row + condition.pointer] = meets
        answers = answered(self.case, {self.source.call: changes})
        facts = normalise(alone(self), answers, _case(self.case)["api_key"])
        return observed(facts).get(self.fact, UNKNOWN)

    @property
    def name(self) -> str:
        return f"{self.exchange.id} {self.fact} {self.source.pointer}"


def alone(place: Place) -> Exchange:
    """The exchange as if no other place told the fact, which could contradict."""
    facts = {**place.exchange.facts, place.fact: (place.source,)}
    if place.fact == "ip.restricted":
        # It has places of its own, which may be several.
        facts.pop("ip.allowlist", None)
    return replace(place.exchange, facts=facts)


def places() -> Iterator[Place]:
    for exchange in CATALOG.values():
        for fact, sources in exchange.facts.items():
            for source in sources:
                if not contradicts(source):
                    yield from first_place(exchange, fact, source)


def contradicts(source: FactSource) -> bool:
    """Whether a place counts for one value of its own only, to contradict another place."""
    own = [when for when in source.when if when.pointer == source.pointer]
    return any(len(when.applies_if.values) == 1 for when in own)


def first_place(exchange: Exchange, fact: str, source: FactSource) -> Iterator[Place]:
    for case in cases_of(exchange):
        told = _case(case)["answers"][source.call]
        if told["status"] != 200:
            continue
        own = exchange.own_keys.get(source.call)
        row = own_row(json.loads(told["body"]), own, _case(case)["api_key"])
        if isinstance(row, Row):
            yield Place(exchange, case, fact, source, row.pointer)
            return


PLACES = list(places())


def with_reader(*names: str) -> list[Place]:
    return [place for place in PLACES if place.source.reader in names]


def test_hardly_any_place_is_left_out() -> None:
    every = (s for e in CATALOG.values() for sources in e.facts.values() for s in sources)
    all_of = [source for source in every if not contradicts(source)]
    assert len(PLACES) >= len(all_of) - 4


def place_name(place: Place) -> str:
    return place.name


LISTS = with_reader("addresses_bind")
TEXTS = with_reader("comma_addresses_bind", "masked_comma_addresses_bind")


@pytest.mark.parametrize("place", [*LISTS, *TEXTS], ids=place_name)
@pytest.mark.parametrize(
    "marks",
    [
        ["*"],
        [""],
        ["0.0.0.0/0"],
        ["::/0"],
        ["203.0.113.5", "*"],
        ["", "203.0.113.5"],
        ["203.0.113.5", "0.0.0.0/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        ["0.0.0.0/1"],
        ["2000::/3"],
    ],
    ids=repr,
)
def test_a_list_that_is_open_to_everywhere_binds_nothing(place: Place, marks: list[str]) -> None:
    told = marks if place in LISTS else ",".join(marks)
    assert place.read(["203.0.113.5"] if place in LISTS else "203.0.113.5") is True
    assert place.read(told) is False


@pytest.mark.parametrize("place", LISTS, ids=place_name)
def test_an_empty_entry_at_the_end_of_a_list_opens_it(place: Place) -> None:
    assert place.read(["203.0.113.5", ""]) is False


@pytest.mark.parametrize("place", TEXTS, ids=place_name)
def test_a_comma_at_the_end_proves_nothing(place: Place) -> None:
    """It may be an empty entry, which opens the key, or the way in which entries are written."""
    assert place.read("203.0.113.5,") == UNKNOWN
    assert place.read("203.0.113.5,198.51.100.1,") == UNKNOWN


@pytest.mark.parametrize("place", [*LISTS, *TEXTS], ids=place_name)
@pytest.mark.parametrize("none", [[], "", None, {}, False, 0], ids=repr)
def test_no_list_is_never_a_binding(place: Place, none: Any) -> None:
    assert place.read(none) in (False, UNKNOWN)


SECONDS, MILLISECONDS = "unix_seconds", "unix_milliseconds"
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
UNIX = int(MOMENT.timestamp())


@pytest.mark.parametrize("place", with_reader(SECONDS, MILLISECONDS), ids=place_name)
@pytest.mark.parametrize("as_text", [False, True])
def test_seconds_are_not_taken_for_milliseconds(place: Place, as_text: bool) -> None:
    right = UNIX if place.source.reader == SECONDS else UNIX * 1000
    wrong = UNIX * 1000 if place.source.reader == SECONDS else UNIX
    write = str if as_text else int
    assert place.read(write(right)) == MOMENT
    assert place.read(write(wrong)) == UNKNOWN
    # Whoever gives the catalog the wrong unit reads no time from the right value either.
    other = MILLISECONDS if place.source.reader == SECONDS else SECONDS
    fallen = replace(place, source=replace(place.source, reader=other))
    assert fallen.read(write(right)) == UNKNOWN


@pytest.mark.parametrize("place", with_reader("iso_time"), ids=place_name)
def test_a_time_is_of_the_zone_that_it_tells(place: Place) -> None:
    assert place.read("2026-01-01T12:00:00Z") == MOMENT
    assert place.read("2026-01-01T21:00:00+09:00") == MOMENT
    assert place.read("2026-01-01T20:00:00+08:00") == MOMENT
    assert place.read("2026-01-01T12:00:00") == UNKNOWN
    assert place.read("2026-01-01 12:00:00") == UNKNOWN
    assert place.read("2026-01-01") == UNKNOWN


def confused(value: Any) -> list[Any]:
    """The same value in other types."""
    match value:
        case bool():
            return [str(value).lower(), str(value), int(value), str(int(value))]
        case int():
            return [str(value), float(value), *([bool(value)] if value in (0, 1) else [])]
        case str() if value.lstrip("-").isdigit():
            return [int(value), float(value)]
        case _:
            return []


@pytest.mark.parametrize("place", [p for p in PLACES if p.source.meanings], ids=place_name)
def test_a_value_of_another_type_means_nothing(place: Place) -> None:
    meant = [meaning.equals for meaning in place.source.meanings]
    for value in meant:
        others = [one for one in confused(value) if not is_one_of(one, meant)]
        for other in others:
            assert place.read(other) == UNKNOWN, (value, other)


def is_one_of(value: Any, values: list[Any]) -> bool:
    return any(type(one) is type(value) and one == value for one in values)


@pytest.mark.parametrize("place", with_reader("flag"), ids=place_name)
@pytest.mark.parametrize("text", ["true", "false", "True", "", 1, 0, None], ids=repr)
def test_a_text_is_no_flag(place: Place, text: Any) -> None:
    assert place.read(text) == UNKNOWN


FLAGS = [e for e in CATALOG.values() if e.permissions.shape is PermissionShape.FLAGS]


def levels_of(exchange: Exchange) -> list[Level]:
    return [level for level in exchange.permissions.levels if level.means is None]


def is_level(exchange: Exchange, value: Any) -> bool:
    """Whether the documents say that this value means off."""
    return any(type(value) is type(o.equals) and value == o.equals for o in levels_of(exchange))


NO_FLAGS: list[Any] = ["false", "False", "", 0, "0", 0.0, None, "no_access", "NONE"]
UNDOCUMENTED = [(e, value) for e in FLAGS for value in NO_FLAGS if not is_level(e, value)]


@pytest.mark.parametrize(
    ("exchange", "text"), UNDOCUMENTED, ids=[f"{e.id}-{value!r}" for e, value in UNDOCUMENTED]
)
def test_a_text_does_not_switch_withdrawals_off(exchange: Exchange, text: Any) -> None:
    case = next(cases_of(exchange))
    call, pointer = exchange.permissions.call, exchange.permissions.pointer
    switches = [n for n, w in exchange.permissions.words.items() if Capability.WITHDRAW in w.grants]
    key = _case(case)["api_key"]
    body = json.loads(_case(case)["answers"][call]["body"])
    row = own_row(body, exchange.own_keys.get(call), key)
    assert isinstance(row, Row)
    changes = dict.fromkeys([f"{row.pointer}{pointer}/{name}" for name in switches], text)
    facts = normalise(exchange, answered(case, {call: changes}), key)
    assert "permission.withdraw" not in facts.known


LEVELS = [e for e in FLAGS if e.permissions.levels]


@pytest.mark.parametrize("exchange", LEVELS, ids=lambda exchange: exchange.id)
@pytest.mark.parametrize("value", ["MASTER", "yes", 1, 2, "", None, True, [], {}], ids=repr)
def test_among_levels_a_new_field_could_mean_anything(exchange: Exchange, value: Any) -> None:
    """Zaif's rights and the two permissions of Kraken Futures: a third one is no other field."""
    case = next(cases_of(exchange))
    call, pointer = exchange.permissions.call, exchange.permissions.pointer
    on = next(level.equals for level in exchange.permissions.levels if level.means is not None)
    off = levels_of(exchange)[0].equals
    first, *others = exchange.permissions.words
    fields = {first: on, **dict.fromkeys(others, off)}

    def told(**more: Any) -> Facts:
        body = {call: {pointer: {**fields, **more}}}
        return normalise(exchange, answered(case, body), _case(case)["api_key"])

    safe, changed = told(new=off), told(new=value)
    assert safe.known["permission.withdraw"].value is False
    assert changed.unknown["permission.withdraw"].reason is Reason.UNEXPECTED_ANSWER
    assert changed.known["permissions.unrecognised"].value == ("new",)
    assert changed.known["permission.read"].value is True


MARKED = [e for e in CATALOG.values() if e.success.pointer]
UNMARKED = [e for e in CATALOG.values() if not e.success.pointer]


def success_of(exchange: Exchange) -> tuple[str, str]:
    """A documented success of which something is proved, and its key."""
    for case in cases_of(exchange):
        key = _case(case)["api_key"]
        if observed(normalise(exchange, answered(case, {}), key)):
            return case, key
    case = next(cases_of(exchange))
    return case, _case(case)["api_key"]


@pytest.mark.parametrize("exchange", MARKED, ids=lambda exchange: exchange.id)
def test_a_failure_with_status_200_is_none_of_a_success(exchange: Exchange) -> None:
    """HTX' second version, WOO X, BitTrade and others: no exception, and the row stands there."""
    case, key = success_of(exchange)
    fallen = replace(exchange, success=Success("", None), error_code="/no/such/place")
    for mark in ["failure", None, -9999, *confused(exchange.success.equals), False]:
        changes = {call: {exchange.success.pointer: mark} for call in _case(case)["answers"]}
        assert not observed(normalise(exchange, answered(case, changes), key)), mark
        if mark == "failure" and exchange.success.pointer not in pointers(exchange):
            # Whoever does not look at the mark believes the same answer.
            assert observed(normalise(fallen, answered(case, changes), key))


def pointers(exchange: Exchange) -> set[str]:
    return {source.pointer for sources in exchange.facts.values() for source in sources}


@pytest.mark.parametrize("exchange", UNMARKED, ids=lambda exchange: exchange.id)
def test_an_error_beside_a_success_makes_it_a_failure(exchange: Exchange) -> None:
    case, key = success_of(exchange)
    objects = {
        call: {exchange.error_code: "-9999"}
        for call, told in _case(case)["answers"].items()
        if told["body"].strip().startswith("{")
    }
    facts = normalise(exchange, answered(case, objects), key)
    sources = {facts.known[name].provenance.call for name in observed(facts)}
    assert not sources & objects.keys()


NO_ANSWERS = ["", "null", "[]", "{}", "<html>blocked</html>", '{"errors":[]}', '"x"', "0", "true"]


@pytest.mark.parametrize("exchange", CATALOG.values(), ids=CATALOG.keys())
def test_a_body_that_says_nothing_proves_nothing(exchange: Exchange) -> None:
    """With status 200, ccxt would return every one of them without an exception."""
    for body in NO_ANSWERS:
        answers = {call.id: Answer(200, body.encode()) for call in exchange.calls}
        assert not observed(normalise(exchange, answers, "an-invented-key")), body


@pytest.mark.parametrize("exchange", CATALOG.values(), ids=CATALOG.keys())
@pytest.mark.parametrize("status", [403, 404, 502, 503])
def test_a_page_of_a_firewall_is_no_bad_key(exchange: Exchange, status: int) -> None:
    page = Answer(status, b"<html>blocked</html>")
    facts = normalise(exchange, {call.id: page for call in exchange.calls}, "an-invented-key")
    assert not observed(facts)
    reason = facts.unknown["key.exists"].reason
    assert reason not in {Reason.BAD_KEY, Reason.BAD_SIGNATURE, Reason.IP_REFUSED}


ACCOUNT_FLAGS = {
    "canTrade": False,
    "canWithdraw": False,
    "canDeposit": False,
    "withdrawEnabled": False,
    "transfers_blocked": True,
    "can_withdraw": False,
    "otpauth": True,
    "two_fa_enabled": True,
    "tradable": False,
    "kycLevel": "1",
}


@pytest.mark.parametrize("exchange", CATALOG.values(), ids=CATALOG.keys())
def test_flags_of_an_account_prove_nothing_of_a_key(exchange: Exchange) -> None:
    case, key = success_of(exchange)
    before = observed(normalise(exchange, answered(case, {}), key))
    changes: dict[str, Changes] = {}
    for call, told in _case(case)["answers"].items():
        body = json.loads(told["body"])
        row = own_row(body, exchange.own_keys.get(call), key)
        roots = {"", row.pointer} if isinstance(row, Row) else {""}
        changes[call] = {
            f"{root}/{name}": flag
            for root in roots
            if isinstance(resolve(body, root), dict)
            for name, flag in ACCOUNT_FLAGS.items()
        }
    after = observed(normalise(exchange, answered(case, changes), key))
    # An unknown flag may put things in doubt; it may never add a proof or turn one.
    assert all(after[name] == before[name] for name in after if name in before and not listed(name))
    assert not set(after) - set(before)


def listed(name: str) -> bool:
    return name in ("permissions.native", "permissions.unrecognised")


COMBINED = [
    ("binance", 400, "-2015", "Invalid API-key, IP, or permissions for action."),
    ("toobit", 400, "-2015", "Invalid API-key, IP, or permissions for action."),
    ("coinsph", 400, "-2015", "Invalid API-key, IP, or permissions for action."),
    ("woo", 401, "-1002", "an invented message"),
    ("woofipro", 401, "-1002", "an invented message"),
    ("lbank", 200, "10022", "API Key permission denied, Invalid IP or permissions"),
    ("lbank", 200, "10067", "Invalid IP or permissions"),
    ("whitebit", 403, "0", "This action is unauthorized. Enable your key in API settings"),
    ("htx", 200, "api-signature-not-valid", "Signature not valid: Incorrect IP address"),
    ("kraken", 200, "EAPI:Invalid key", ""),
    ("deribit", 400, "13009", "unauthorized"),
    ("bybit", 200, "10009", "IP has been banned"),
    ("gate", 403, "FORBIDDEN", "Request API key does not have account permission"),
]


@pytest.mark.parametrize(("exchange", "status", "code", "text"), COMBINED, ids=repr)
def test_a_refusal_of_several_causes_proves_none(
    exchange: str, status: int, code: str, text: str
) -> None:
    loaded = load_exchange(exchange)
    body = put({}, loaded.error_code, code)
    if loaded.error_text != loaded.error_code:
        body = put(body, loaded.error_text, text)
    refusal = Answer(status, json.dumps(body).encode())
    facts = normalise(loaded, {call.id: refusal for call in loaded.calls}, "an-invented-key")
    assert not observed(facts)
    # A whole refusal, and no unreadable answer: the words were understood.
    patterns = tuple(
        replace(pattern, proves={**pattern.proves, "ip.restricted": True})
        for pattern in loaded.errors
    )
    fallen = replace(loaded, errors=patterns)
    facts = normalise(fallen, {call.id: refusal for call in loaded.calls}, "an-invented-key")
    assert observed(facts) == {"ip.restricted": True}


SECRETS = ("secret", "token", "pass")


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    match value:
        case dict():
            for inner_name, inner in value.items():
                yield from secrets_in(inner, str(inner_name))
        case list():
            for inner in value:
                yield from secrets_in(inner, name)
        case str() if len(value) > 6 and any(word in name.lower() for word in SECRETS):
            yield value


TELLING_SECRETS = ["deribit_documented_example", "deribit_other_row", "xt_documented_example"]


@pytest.mark.parametrize("case", TELLING_SECRETS)
def test_a_secret_in_an_answer_is_in_no_fact(case: str) -> None:
    exchange, told = load_exchange(_case(case)["exchange"]), _case(case)["answers"]
    secrets = {one for answer in told.values() for one in secrets_in(json.loads(answer["body"]))}
    assert secrets
    facts = normalise(exchange, answered(case, {}), _case(case)["api_key"])
    assert observed(facts)
    assert not [secret for secret in secrets if secret in repr(facts)]
    # Whoever took the wrong field for the name would be noticed.
    for pointer in ("/client_secret", "/secretKey"):
        fallen = told_by("key.name", pointer=pointer)(exchange)
        told_secret = repr(normalise(fallen, answered(case, {}), _case(case)["api_key"]))
        if any(secret in told_secret for secret in secrets):
            return
    raise AssertionError("no secret stands in the own row")


@pytest.mark.parametrize(("state", "active"), [(1, True), (2, False), (3, False), (0, UNKNOWN)])
def test_gates_states_mean_the_same_for_keys_of_sub_accounts(state: int, active: Any) -> None:
    """2 and 3 are swapped between the two documents: neither is named, both are not active."""
    [listing] = [one for one in load_exchange("gate").listings if one.id == "sub_account_keys"]
    facts = facts_of_row(listing.view, Row({"key": "52fd0035f665*****", "state": state}, "/0"))
    known = facts.known.get("key.active")
    assert (UNKNOWN if known is None else known.value) == active


def test_bingx_flags_alone_do_not_tell_withdrawals() -> None:
    exchange, case = load_exchange("bingx"), "bingx_documented_example"
    answers = {**answered(case, {}), "permissions": NoAnswer(Reason.TIMEOUT)}
    facts = normalise(exchange, answers, _case(case)["api_key"])
    assert facts.unknown["permission.withdraw"].reason is Reason.TIMEOUT
    assert "key.created_at" in facts.known


def test_orderlys_key_without_its_beginning_is_the_same_key() -> None:
    """ccxt signs with both, and adds the beginning where it is missing."""
    exchange, case = load_exchange("woofipro"), "woofipro_bound"
    key = _case(case)["api_key"]
    whole = observed(normalise(exchange, answered(case, {}), key))
    assert whole["ip.restricted"] is True
    assert observed(normalise(exchange, answered(case, {}), key.removeprefix("ed25519:"))) == whole
    assert not observed(normalise(exchange, answered(case, {}), "ed25519:" + key))
    assert not observed(normalise(exchange, answered(case, {}), key.removeprefix("ed")))
