"""From lists of permissions to capabilities: closed lists, flags, groups, and what nobody knows."""

import json
from typing import Any

import pytest

from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import Access, Capability, Facts, Grade, Grant, Reason

KEY = "c5dcfbf1f3a7not0a0real0key"


def facts_of(exchange: str, *bodies: Any) -> Facts:
    loaded = load_exchange(exchange)
    answers = {
        call.id: Answer(200, json.dumps(body).encode())
        for call, body in zip(loaded.calls, bodies, strict=True)
    }
    return normalise(loaded, answers, KEY)


def gate(perms: Any) -> Facts:
    row = {"key": "c5dcfbf1f3a7*****", "perms": perms, "ip_whitelist": ["203.0.113.5"]}
    return facts_of("gate", [row], {"ip_whitelist": ["203.0.113.5"]})


def binance(**flags: Any) -> Facts:
    whole = dict.fromkeys(load_exchange("binance").permissions.words, False)
    return facts_of("binance", {**whole, "enableReading": True, **flags})


def bybit(read_only: Any, **groups: Any) -> Facts:
    words = load_exchange("bybit").permissions.words
    whole: dict[str, Any] = {word.partition(".")[0]: [] for word in words}
    result = {"apiKey": KEY, "readOnly": read_only, "permissions": {**whole, **groups}}
    return facts_of("bybit", {"retCode": 0, "result": result})


def okx(perm: Any) -> Facts:
    return facts_of("okx", {"code": "0", "data": [{"perm": perm}]})


def value(facts: Facts, capability: Capability) -> object:
    known = facts.known.get(capability.fact)
    return None if known is None else known.value


READ, WITHDRAW, SPOT, FUTURES, TRANSFER = (
    Capability.READ,
    Capability.WITHDRAW,
    Capability.TRADE_SPOT,
    Capability.TRADE_FUTURES,
    Capability.TRANSFER,
)


def test_a_closed_list_denies_what_it_does_not_hold() -> None:
    facts = okx("read_only")
    assert value(facts, READ) is True
    assert all(value(facts, c) is False for c in Capability if c is not READ)


def test_words_are_split_and_never_searched_in() -> None:
    facts = facts_of(
        "kucoin",
        {"code": "200000", "data": {"apiKey": KEY, "permission": "General, InnerTransfer"}},
    )
    assert value(facts, WITHDRAW) is False
    assert value(facts, TRANSFER) is True


@pytest.mark.parametrize("word", ["withdraw", "Withdrawal", "WITHDRAWALS"])
def test_gates_word_for_withdrawals_in_any_spelling(word: str) -> None:
    facts = gate([{"name": "account", "read_only": True}, {"name": word, "read_only": False}])
    assert value(facts, WITHDRAW) is True
    assert facts.known["permission.withdraw"].provenance.pointer == "/0/perms/1"
    assert facts.known["permissions.unrecognised"].value == ()


def test_gates_absence_of_withdrawals_is_only_inferred() -> None:
    facts = gate([{"name": "account", "read_only": True}])
    proof = facts.known["permission.withdraw"].provenance
    assert value(facts, WITHDRAW) is False
    assert proof.grade is Grade.INFERRED
    assert "not its name in that list" in proof.reference
    assert facts.known["permission.trade.futures"].provenance.grade is Grade.OBSERVED


def test_read_only_words_allow_reading_only() -> None:
    facts = gate([{"name": "account", "read_only": True}, {"name": "futures", "read_only": True}])
    assert value(facts, READ) is True
    assert value(facts, FUTURES) is False


@pytest.mark.parametrize("mark", [None, "true", 0, 1, "missing"])
def test_a_read_only_mark_of_another_type_leaves_the_word_unknown(mark: Any) -> None:
    entry = {"name": "futures", "read_only": mark}
    if mark == "missing":
        del entry["read_only"]
    facts = gate([{"name": "account", "read_only": True}, entry])
    assert value(facts, FUTURES) is None
    assert facts.unknown["permission.trade.futures"].reason is Reason.UNEXPECTED_ANSWER
    assert Grant("futures", Access.UNKNOWN) in facts.known["permissions.native"].value  # type: ignore[operator]
    assert value(facts, SPOT) is False


def test_the_same_word_twice_with_two_accesses_is_unknown() -> None:
    facts = gate([{"name": "spot", "read_only": True}, {"name": "spot", "read_only": False}])
    assert value(facts, SPOT) is None


@pytest.mark.parametrize(
    "perms",
    [
        None,
        {},
        "account",
        [],
        ["account"],
        [{}],
        [{"name": ""}],
        [{"name": None, "read_only": False}],
        [{"name": "account", "read_only": True}, None],
        [{"name": "account"}],
    ],
    ids=repr,
)
def test_a_list_of_another_shape_proves_nothing(perms: Any) -> None:
    facts = gate(perms)
    assert not any(name.startswith("permission") for name in facts.known)
    assert facts.unknown["permission.withdraw"].reason is Reason.UNEXPECTED_ANSWER
    assert facts.known["ip.restricted"].value is True


@pytest.mark.parametrize("perm", [None, "", ",", "reading,,trading", " ", 5, ["reading"]])
def test_a_text_of_another_shape_proves_nothing(perm: Any) -> None:
    assert value(okx(perm), WITHDRAW) is None
    assert "permissions.native" not in okx(perm).known


def test_a_trailing_comma_is_no_permission() -> None:
    assert value(okx("read_only,"), WITHDRAW) is False


def test_one_unrecognised_word_could_mean_anything() -> None:
    facts = okx("read_only,quantum")
    assert value(facts, READ) is True
    assert facts.known["permissions.unrecognised"].value == ("quantum",)
    assert all(value(facts, c) is None for c in Capability if c is not READ)
    assert facts.unknown["permission.withdraw"].reason is Reason.UNEXPECTED_ANSWER


def test_words_in_another_case_are_unrecognised_where_the_spelling_is_documented() -> None:
    assert okx("read_only,Withdraw").known["permissions.unrecognised"].value == ("Withdraw",)


def test_a_word_that_is_unclear_leaves_its_capability_unknown() -> None:
    facts = okx("read_only,trade")
    assert value(facts, Capability.EARN) is None
    assert facts.unknown["permission.earn"].reason is Reason.NOT_DISCLOSED
    assert value(facts, WITHDRAW) is False


def test_a_word_that_is_unclear_says_nothing_when_another_grants_it() -> None:
    facts = bybit(0, Spot=["SpotTrade"], Options=["OptionsTrade"], ContractTrade=["Order"])
    assert value(facts, FUTURES) is True


@pytest.mark.parametrize("flag", [None, 0, "false", "", "perhaps", [], {}])
def test_a_flag_of_another_type_is_unknown(flag: Any) -> None:
    facts = binance(enableWithdrawals=flag)
    assert value(facts, WITHDRAW) is None
    assert value(facts, SPOT) is False


def test_a_missing_flag_is_unknown() -> None:
    words = dict.fromkeys(load_exchange("binance").permissions.words, False)
    del words["enableWithdrawals"]
    facts = facts_of("binance", {**words, "enableReading": True})
    assert value(facts, WITHDRAW) is None
    # What can be withdrawn reaches other users of Binance, too.
    assert value(facts, TRANSFER) is None
    assert value(facts, SPOT) is False


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("enableTeleport", True),
        ("enableTeleport", 1),
        ("canX", None),
        ("newThing", True),
        ("newThing", 1),
        ("withdrawals", "true"),
        ("withdrawals", "Yes"),
        ("newThing", "1"),
        ("newThing", "ENABLED"),
        ("newThing", "FULL_ACCESS"),
        ("newThing", "read-write"),
        ("withdrawals", "some"),
        ("cryptoWithdraw", 2),
    ],
)
def test_a_flag_that_nobody_mapped_is_unrecognised(field: str, flag: Any) -> None:
    facts = binance(**{field: flag})
    assert facts.known["permissions.unrecognised"].value == (field,)
    assert value(facts, WITHDRAW) is None
    assert value(facts, READ) is True


@pytest.mark.parametrize(
    ("field", "other"),
    [("enableTeleport", False), ("canWithdraw", False), ("newNumber", 5), ("note", "x")],
)
def test_other_fields_are_no_permissions(field: str, other: Any) -> None:
    facts = binance(**{field: other})
    assert facts.known["permissions.unrecognised"].value == ()
    assert value(facts, WITHDRAW) is False


def test_flags_that_are_no_object_prove_nothing() -> None:
    assert not facts_of("binance", []).known
    assert not facts_of("binance", {}).known


def test_a_key_without_any_permission_contradicts_its_own_answer() -> None:
    facts = binance(enableReading=False)
    assert value(facts, WITHDRAW) is None
    assert value(bybit(0), WITHDRAW) is None


def test_one_mark_makes_all_groups_read_only() -> None:
    facts = bybit(1, Wallet=["Withdraw", "AccountTransfer"], Spot=["SpotTrade"])
    assert value(facts, READ) is True
    assert all(value(facts, c) is False for c in Capability if c is not READ)
    assert value(bybit(0, Wallet=["Withdraw"]), WITHDRAW) is True


@pytest.mark.parametrize("mark", [None, True, False, "1", 2])
def test_a_mark_of_another_type_leaves_all_groups_unknown(mark: Any) -> None:
    facts = bybit(mark, Wallet=["Withdraw"], Spot=["SpotTrade"])
    assert value(facts, WITHDRAW) is None
    assert value(facts, SPOT) is None


def test_a_missing_group_is_no_proof() -> None:
    words = load_exchange("bybit").permissions.words
    groups: dict[str, list[str]] = {
        word.partition(".")[0]: [] for word in words if not word.startswith("Wallet")
    }
    result = {"apiKey": KEY, "readOnly": 0, "permissions": {**groups, "Spot": ["SpotTrade"]}}
    facts = facts_of("bybit", {"retCode": 0, "result": result})
    assert value(facts, WITHDRAW) is None
    assert value(facts, FUTURES) is False
    assert value(facts, SPOT) is True


def test_a_new_group_is_unrecognised_once_it_holds_something() -> None:
    assert value(bybit(0, Spot=["SpotTrade"], Moon=[]), WITHDRAW) is False
    facts = bybit(0, Spot=["SpotTrade"], Moon=["Landing"])
    assert facts.known["permissions.unrecognised"].value == ("Moon.Landing",)
    assert value(facts, WITHDRAW) is None


def test_a_word_in_place_of_its_group_is_shown_and_proves_nothing() -> None:
    facts = bybit(0, Spot=["SpotTrade"], Wallet="Withdraw")
    shown = facts.known[WITHDRAW.fact]
    assert (shown.value, shown.provenance.grade) == (True, Grade.APPARENT)


@pytest.mark.parametrize("group", [None, "Deposit", {}, [1], [""], [["Withdraw"]]])
def test_a_group_of_another_shape_proves_nothing(group: Any) -> None:
    assert value(bybit(0, Spot=["SpotTrade"], Wallet=group), WITHDRAW) is None


def test_groups_that_are_no_object_prove_nothing() -> None:
    result = {"apiKey": KEY, "readOnly": 0, "permissions": []}
    assert value(facts_of("bybit", {"retCode": 0, "result": result}), WITHDRAW) is None
