"""What an answer plainly shows in a form that no document describes.

It may fail a rule (``tests/evaluate``), so it is told, with a grade of its own. It proves nothing,
and nothing follows from it: neither that the rest of a list is not granted, nor that another place
is right.
"""

import json
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import FactSource, Meaning
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.exchanges.readers import EVERYWHERE, alike, hurts, says_yes, shown_words
from gatepolicy.exchanges.sources import Row, from_sources
from gatepolicy.model.facts import (
    Access,
    Fact,
    Facts,
    FactValue,
    Grade,
    Grant,
    Never,
    Provenance,
    Reason,
    Unknown,
)
from tests.exchanges.test_traps import DOCUMENTED, put


def read(case: str, changes: dict[str, dict[str, Any]]) -> Facts:
    """A documented answer, with other values at some places."""
    told = yaml.safe_load((DOCUMENTED / f"{case}.yaml").read_text(encoding="utf-8"))
    answers = {}
    for call, answer in told["answers"].items():
        body = json.loads(answer["body"])
        for pointer, value in changes.get(call, {}).items():
            body = put(body, pointer, value)
        answers[call] = Answer(answer["status"], json.dumps(body).encode())
    return normalise(load_exchange(told["exchange"]), answers, told["api_key"])


def graded(facts: Facts, name: str) -> tuple[FactValue, Grade] | None:
    fact = facts.known.get(name)
    return None if fact is None else (fact.value, fact.provenance.grade)


def apparent(value: FactValue) -> tuple[FactValue, Grade]:
    return value, Grade.APPARENT


WITHDRAW = "permission.withdraw"

DANGERS: list[tuple[str, str, dict[str, Any], str, FactValue | None]] = [
    # A flag as text or number.
    ("binance_futures_only", "restrictions", {"/enableWithdrawals": "true"}, WITHDRAW, True),
    ("binance_futures_only", "restrictions", {"/enableWithdrawals": "TRUE"}, WITHDRAW, True),
    ("binance_futures_only", "restrictions", {"/enableWithdrawals": 1}, WITHDRAW, True),
    ("lbank_documented_safe", "restrictions", {"/data/enableWithdrawals": "1"}, WITHDRAW, True),
    ("coinbase_view_only", "key_permissions", {"/can_transfer": "true"}, WITHDRAW, True),
    ("gemini_auditor", "roles", {"/isFundManager": "true"}, WITHDRAW, True),
    ("zaif_documented_example", "info", {"/return/rights/withdraw": "1"}, WITHDRAW, True),
    ("zaif_documented_example", "info", {"/return/rights/withdraw": True}, WITHDRAW, True),
    (
        "krakenfutures_trade_only",
        "check",
        {"/permissions/transfer": "full access"},
        WITHDRAW,
        True,
    ),
    # A mark for writing as text.
    ("bitfinex_read_only", "key_permissions", {"/7": ["withdraw", 0, "1"]}, WITHDRAW, True),
    (
        "gate_documented_example",
        "main_keys",
        {"/0/perms": [{"name": "withdraw", "read_only": "false"}]},
        WITHDRAW,
        True,
    ),
    (
        "bybit_withdraws",
        "query_api",
        {"/result/readOnly": "0"},
        WITHDRAW,
        True,
    ),
    # A list in the place of a text, and a text in the place of a list.
    (
        "okx_documented_example",
        "config",
        {"/data/0/perm": ["read_only", "withdraw"]},
        WITHDRAW,
        True,
    ),
    ("okx_documented_example", "config", {"/data/0/perm": "read_only,,withdraw"}, WITHDRAW, True),
    (
        "kraken_documented_example",
        "key_info",
        {"/result/permissions": "withdraw-funds"},
        WITHDRAW,
        True,
    ),
    ("bingx_own_key", "permissions", {"/permissions": "2,5"}, WITHDRAW, True),
    ("bingx_own_key", "permissions", {"/permissions": [2, 5, None]}, WITHDRAW, True),
    (
        "woo_documented_example",
        "credentials",
        {"/data/rows/0/permissions": "READ WITHDRAWAL"},
        WITHDRAW,
        True,
    ),
    (
        "coinsph_documented_example",
        "api_keys",
        {"/0/apiType": "Read only, Enable Crypto Wallet"},
        WITHDRAW,
        True,
    ),
    (
        "upbit_documented_example",
        "pockets",
        {"/0/keys/0/permissions": {"withdraw": True}},
        WITHDRAW,
        True,
    ),
    # Addresses in another form.
    (
        "gate_documented_example",
        "main_keys",
        {"/0/ip_whitelist": "0.0.0.0/0"},
        "ip.restricted",
        None,
    ),
    ("okx_documented_example", "config", {"/data/0/ip": ["0.0.0.0/0"]}, "ip.restricted", False),
    ("okx_documented_example", "config", {"/data/0/ip": ["0.0.0.0/0"]}, "ip.allowlist", EVERYWHERE),
    ("bybit_documented_example", "query_api", {"/result/ips": "*"}, "ip.restricted", False),
    ("bybit_documented_example", "query_api", {"/result/ips": "*"}, "ip.allowlist", EVERYWHERE),
    (
        "bybit_documented_example",
        "query_api",
        {"/result/ips": [["::/0"], 7]},
        "ip.restricted",
        False,
    ),
    ("blofin_documented_read_only", "query_apikey", {"/data/ips": []}, "ip.restricted", False),
    (
        "deribit_documented_example",
        "list_api_keys",
        {"/result/1/ip_whitelist": []},
        "ip.restricted",
        False,
    ),
    # A group as text, and the title of a word in its place.
    ("bybit_sub_account", "query_api", {"/result/permissions/Wallet": "Withdraw"}, WITHDRAW, True),
    ("bybit_sub_account", "query_api", {"/result/permissions/Wallet": "Nothing"}, WITHDRAW, None),
    ("bingx_documented_example", "permissions", {"/permissions": [1, "withdraw"]}, WITHDRAW, True),
    ("bingx_documented_example", "permissions", {"/permissions": [1, "Other"]}, WITHDRAW, None),
    (
        "bitget_unified_reads",
        "unified_info",
        {"/data/permissions": ["uta_mgt", "Unified account trading"]},
        "permission.trade.spot",
        None,
    ),
    # A flag of the binding.
    ("binance_futures_only", "restrictions", {"/ipRestrict": "false"}, "ip.restricted", False),
    ("lbank_documented_safe", "restrictions", {"/data/ipRestrict": 0}, "ip.restricted", False),
    # Numbers as texts and the other way round.
    ("xt_documented_example", "api_key", {"/result/0/isLock": "1"}, "key.active", False),
    ("gate_documented_example", "main_keys", {"/0/state": "2"}, "key.active", False),
    (
        "kraken_documented_example",
        "key_info",
        {"/result/validUntil": 0},
        "key.expires_at",
        Never.NEVER,
    ),
]


@pytest.mark.parametrize(("case", "call", "changes", "fact", "shown"), DANGERS, ids=str)
def test_a_danger_in_another_form_is_told_as_apparent(
    case: str, call: str, changes: dict[str, Any], fact: str, shown: FactValue | None
) -> None:
    found = graded(read(case, {call: changes}), fact)
    # Where the other answer says that the key is bound, the two contradict each other.
    assert found == (None if shown is None else apparent(shown))


GOOD_IN_ANOTHER_FORM: list[tuple[str, str, dict[str, Any], str]] = [
    ("binance_withdraws", "restrictions", {"/enableWithdrawals": "false"}, WITHDRAW),
    ("binance_withdraws", "restrictions", {"/enableWithdrawals": 0}, WITHDRAW),
    ("binance_withdraws", "restrictions", {"/ipRestrict": "true"}, "ip.restricted"),
    ("zaif_documented_example", "info", {"/return/rights/withdraw": "0"}, WITHDRAW),
    ("krakenfutures_withdraws", "check", {"/permissions/transfer": "no access"}, WITHDRAW),
    ("bitfinex_read_only", "key_permissions", {"/7": ["withdraw", 0, "0"]}, WITHDRAW),
    ("okx_documented_example", "config", {"/data/0/perm": ["read_only"]}, WITHDRAW),
    ("bingx_own_key", "permissions", {"/permissions": "2"}, WITHDRAW),
    ("okx_documented_example", "config", {"/data/0/ip": ["203.0.113.7"]}, "ip.restricted"),
    ("bybit_documented_example", "query_api", {"/result/ips": "203.0.113.7"}, "ip.restricted"),
    ("bybit_documented_example", "query_api", {"/result/ips": None}, "ip.restricted"),
    ("bybit_documented_example", "query_api", {"/result/ips": ["somewhere"]}, "ip.allowlist"),
    ("bybit_documented_example", "query_api", {"/result/ips": [7]}, "ip.allowlist"),
    ("xt_documented_example", "api_key", {"/result/0/isLock": "0"}, "key.active"),
    ("deribit_documented_example", "list_api_keys", {"/result/1/enabled": "true"}, "key.active"),
    ("okx_documented_example", "config", {"/data/0/type": 0}, "key.subaccount"),
]


@pytest.mark.parametrize(("case", "call", "changes", "fact"), GOOD_IN_ANOTHER_FORM, ids=str)
def test_the_good_state_in_another_form_stays_unknown(
    case: str, call: str, changes: dict[str, Any], fact: str
) -> None:
    facts = read(case, {call: changes})
    assert graded(facts, fact) is None
    assert facts.unknown[fact].reason is Reason.UNEXPECTED_ANSWER


def test_what_a_list_in_another_form_does_not_hold_is_not_proved_off() -> None:
    facts = read("okx_documented_example", {"config": {"/data/0/perm": ["read_only"]}})
    assert graded(facts, "permission.read") == apparent(value=True)
    assert facts.unknown[WITHDRAW].reason is Reason.UNEXPECTED_ANSWER
    assert facts.unknown[WITHDRAW].detail == "permissions: permissions are not a string"
    assert "permissions.unrecognised" in facts.unknown
    assert graded(facts, "permissions.native") == apparent((Grant("read_only", Access.GRANTED),))


def test_flags_of_which_only_undocumented_ones_say_yes_prove_nothing_off() -> None:
    words = load_exchange("binance").permissions.words
    flags = {**dict.fromkeys(words, False), "enableReading": "true"}
    facts = normalise(
        load_exchange("binance"), {"restrictions": Answer(200, json.dumps(flags).encode())}, None
    )
    assert graded(facts, "permission.read") == apparent(value=True)
    assert facts.unknown[WITHDRAW].detail == "permissions: an empty list of permissions"


def test_a_documented_word_proves_what_an_undocumented_one_only_shows() -> None:
    changes = {"/enableInternalTransfer": "true", "/permitsUniversalTransfer": True}
    facts = read("binance_futures_only", {"restrictions": changes})
    assert graded(facts, "permission.transfer") == (True, Grade.OBSERVED)
    # The list as a whole is not what the documents describe.
    assert facts.known["permissions.native"].provenance.grade is Grade.APPARENT
    only = read("binance_futures_only", {"restrictions": {"/enableInternalTransfer": "true"}})
    assert graded(only, "permission.transfer") == apparent(value=True)
    assert graded(only, WITHDRAW) == (False, Grade.OBSERVED)


def test_words_without_a_mark_do_not_show_that_they_write() -> None:
    for perms in (["withdraw"], [{"name": "withdraw"}], "withdraw", {"withdraw": True}):
        facts = read("gate_documented_example", {"main_keys": {"/0/perms": perms}})
        assert graded(facts, WITHDRAW) is None


@pytest.mark.parametrize("mark", ["1", "true", None, False, "", "no"], ids=repr)
def test_a_mark_that_does_not_plainly_write_grants_nothing(mark: Any) -> None:
    facts = read("bybit_withdraws", {"query_api": {"/result/readOnly": mark}})
    assert graded(facts, WITHDRAW) is None


UNIX = 1767268800  # 2026-01-01T12:00:00Z


def test_a_time_in_another_unit_is_told_as_apparent() -> None:
    for value in (UNIX, str(UNIX), "2026-01-01T12:00:00Z"):
        facts = read("binance_futures_only", {"restrictions": {"/createTime": value}})
        fact = facts.known["key.created_at"]
        assert (fact.value.isoformat(), fact.provenance.grade) == (  # type: ignore[union-attr]
            "2026-01-01T12:00:00+00:00",
            Grade.APPARENT,
        )
    for wrong in ("2026-01-01T12:00:00", "2026-01-01", 12, True, None, 1.5):
        facts = read("binance_futures_only", {"restrictions": {"/createTime": wrong}})
        assert facts.unknown["key.created_at"].reason is Reason.UNEXPECTED_ANSWER


OBSERVED = Provenance(Grade.OBSERVED, "a", "/x")
UNREAD = Unknown(Reason.UNEXPECTED_ANSWER, "/y: no list")


def agreed(name: str, *others: Fact | Unknown) -> Fact | Unknown | None:
    source = FactSource("a", "/flag", "flag", optional=True, fact=name)
    return from_sources((source,), {"a": Row({}, "")}, others)


def test_a_danger_beside_an_unreadable_place_is_apparent() -> None:
    said = agreed("permission.transfer", Fact(value=True, provenance=OBSERVED), UNREAD)
    assert said == Fact(value=True, provenance=Provenance(Grade.APPARENT, "a", "/x", "/y: no list"))
    assert agreed("permission.transfer", Fact(value=False, provenance=OBSERVED), UNREAD) == UNREAD
    assert agreed("ip.restricted", Fact(value=True, provenance=OBSERVED), UNREAD) == UNREAD
    assert agreed("key.name", Fact("bot", OBSERVED), UNREAD) == UNREAD


def test_a_proof_and_what_is_only_shown_are_together_no_proof() -> None:
    shown = Fact(value=True, provenance=Provenance(Grade.APPARENT, "b", "/z", "shown"))
    for found in (
        [Fact(value=True, provenance=OBSERVED), shown],
        [shown, Fact(value=True, provenance=OBSERVED)],
    ):
        assert agreed("permission.read", *found) == shown
    against = agreed("permission.read", Fact(value=False, provenance=OBSERVED), shown)
    assert isinstance(against, Unknown)


def test_places_without_the_name_of_their_fact_read_documented_forms_only() -> None:
    source = FactSource("a", "/flag", "flag")
    read = from_sources((source,), {"a": Row({"flag": "false"}, "")}, ())
    assert isinstance(read, Unknown)
    assert from_sources((), {}, ()) is None


def test_meanings_that_read_alike_and_differ_show_nothing() -> None:
    meanings = (Meaning("1", means=True), Meaning(1, means=False))
    source = FactSource("a", "/flag", "nothing", meanings, fact="ip.restricted")
    rows = {"a": Row({"flag": " 1"}, "")}
    assert isinstance(from_sources((source,), rows, ()), Unknown)


@pytest.mark.parametrize("value", [True, 1, "1", "true", " Yes ", "FULL-ACCESS", "read write"])
def test_yes(value: Any) -> None:
    assert says_yes(value)


@pytest.mark.parametrize("value", [False, 0, 2, "", "no", "maybe", None, 1.0, [], [True], {}])
def test_not_yes(value: Any) -> None:
    assert not says_yes(value)


def test_alike() -> None:
    assert alike("1", 1)
    assert alike(1, "1")
    assert alike("TRUE", documented=True)
    assert not alike("", "")
    assert not alike(None, None)
    assert not alike(1, documented=True)
    assert not alike(1.0, 1)


def test_what_can_fail_a_rule() -> None:
    assert hurts("ip.restricted", value=False)
    assert not hurts("ip.restricted", value=True)
    assert hurts("permission.earn", value=True)
    assert not hurts("permission.earn", value=False)
    assert not hurts("key.subaccount", value=True)
    assert not hurts("key.subaccount", value=False)
    assert hurts("ip.allowlist", EVERYWHERE)
    assert hurts("key.expires_at", Never.NEVER)
    assert not hurts("key.name", "bot")
    assert not hurts("", EVERYWHERE)


def test_texts_that_could_be_words() -> None:
    words = {"a, b c", "a", "b c", "a,", "b", "c"}
    assert set(shown_words("a, b c")) == {(word, "") for word in words}
    assert set(shown_words(["a", 5, True, None, ["b"]])) == {("a", "/0"), ("5", "/1")}
    assert list(shown_words({"a/b~c": "yes", "d": False})) == [("a/b~c", "/a~1b~0c")]
    assert list(shown_words(7)) == []
