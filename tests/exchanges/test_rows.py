"""The own row: exactly one, or none."""

import pytest

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.exchange import OwnKey
from gatepolicy.exchanges.sources import NoRow, Row, own_row, rows_of, same_key, shown_key

MASKED = OwnKey(rows="", key="/key", mask="*")
WHOLE = OwnKey(rows="/data", key="/apiKey", mask="")
ONLY = OwnKey(rows="/data", key="", mask="")
KEY = "c5dcfbf1f3a7not0a0real0key"


def test_the_whole_answer_is_about_the_key_where_no_row_is_named() -> None:
    assert own_row({"a": 1}, None, None) == Row({"a": 1}, "")


def test_the_row_whose_masked_key_begins_the_own_one() -> None:
    other: JSONValue = {"key": "52fd0035f665*****"}
    own: JSONValue = {"key": "c5dcfbf1f3a7*****"}
    assert own_row([other, own], MASKED, KEY) == Row(own, "/1")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"key": "52fd0035f665*****"}],
        [{"key": "c5dcfbf1f3a7*****"}, {"key": "c5dcfbf1f3a7*****"}],
        [{"key": "c5dcf*****"}],
        [{"key": "*****"}],
        [{"key": ""}],
        [{"key": None}],
        [{"key": ["c5dcfbf1f3a7*****"]}],
        [{}],
        [None],
        ["c5dcfbf1f3a7*****"],
        {"key": {"mode": 1}},
        {},
        "c5dcfbf1f3a7*****",
        None,
    ],
    ids=repr,
)
def test_no_row_or_several_are_none(rows: JSONValue) -> None:
    assert isinstance(own_row(rows, MASKED, KEY), NoRow)


def test_one_object_is_a_list_of_one() -> None:
    own: JSONValue = {"key": "c5dcfbf1f3a7*****"}
    assert own_row(own, MASKED, KEY) == Row(own, "")


def test_a_whole_key_must_be_equal() -> None:
    own: JSONValue = {"apiKey": KEY}
    assert own_row({"data": own}, WHOLE, KEY) == Row(own, "/data")
    assert isinstance(own_row({"data": {"apiKey": KEY[:-1]}}, WHOLE, KEY), NoRow)
    assert isinstance(own_row({"data": own}, WHOLE, None), NoRow)


def test_addresses_of_wallets_are_compared_in_any_case() -> None:
    address = "0x00000000000000000000000000000000000000Ab"
    own: JSONValue = {"address": address.lower()}
    any_case = OwnKey(rows="", key="/address", mask="", ignore_case=True)
    assert own_row([{"address": "0x1"}, own], any_case, address) == Row(own, "/1")
    assert isinstance(own_row([own, {"address": address}], any_case, address), NoRow)
    assert isinstance(own_row([own], OwnKey("", "/address", ""), address), NoRow)


def test_the_only_row() -> None:
    assert own_row({"data": [{"a": 1}]}, ONLY, KEY) == Row({"a": 1}, "/data/0")
    assert isinstance(own_row({"data": [{"a": 1}, {"a": 2}]}, ONLY, KEY), NoRow)
    assert isinstance(own_row({"data": []}, ONLY, KEY), NoRow)


def test_nothing_of_a_key_is_quoted() -> None:
    none = own_row([{"key": "52fd0035f665*****"}], MASKED, KEY)
    assert isinstance(none, NoRow)
    assert KEY[:6] not in none.detail
    assert "52fd" not in none.detail


POCKETS: JSONValue = [
    {"uuid": "1", "keys": [{"key": "first-pocket-key"}]},
    {"uuid": "2", "keys": [{"key": "second-pocket-key-1"}, {"key": "second-pocket-key-2"}]},
]


def test_rows_within_rows() -> None:
    own = OwnKey("/*/keys", "/key", "")
    found = own_row(POCKETS, own, "second-pocket-key-2")
    assert found == Row({"key": "second-pocket-key-2"}, "/1/keys/1")


def test_a_pocket_without_keys_spoils_them_all() -> None:
    """A pocket of another shape may be the one with the key in it, a second time."""
    pockets: JSONValue = [{"keys": [{"key": "an-invented-key"}]}, {"uuid": "2"}]
    found = own_row(pockets, OwnKey("/*/keys", "/key", ""), "an-invented-key")
    assert isinstance(found, NoRow)


def test_one_key_in_two_pockets_is_nobodys() -> None:
    pockets: JSONValue = [{"keys": [{"key": "same"}]}, {"keys": [{"key": "same"}]}]
    assert isinstance(own_row(pockets, OwnKey("/*/keys", "/key", ""), "same"), NoRow)


EITHER = OwnKey(rows="", key="/apiKey", mask="", other_key="/api_key")
OPTIONAL = OwnKey(rows="", key="/apiKey", mask="*", optional=True)


@pytest.mark.parametrize(
    "row", [{"apiKey": KEY}, {"api_key": KEY}, {"apiKey": KEY, "api_key": KEY}]
)
def test_a_key_in_either_spelling(row: dict[str, JSONValue]) -> None:
    assert own_row({**row}, EITHER, KEY) == Row(row, "")


@pytest.mark.parametrize(
    "row",
    [{}, {"apiKey": "another"}, {"api_key": "another"}, {"apiKey": KEY, "api_key": "another"}],
)
def test_both_spellings_must_name_the_key(row: dict[str, JSONValue]) -> None:
    assert isinstance(own_row({**row}, EITHER, KEY), NoRow)


@pytest.mark.parametrize("shown", [{}, {"apiKey": ""}, {"apiKey": None}, {"apiKey": KEY}], ids=str)
def test_a_row_may_name_no_key_where_it_is_optional(shown: dict[str, JSONValue]) -> None:
    assert own_row({**shown}, OPTIONAL, KEY) == Row(shown, "")
    masked: JSONValue = {"apiKey": KEY[:8] + "****"}
    assert own_row(masked, OPTIONAL, KEY) == Row(masked, "")


@pytest.mark.parametrize(
    "shown", ["another", KEY[:-1], "****", 0, False, [], {"key": KEY}], ids=repr
)
def test_but_no_other_key(shown: JSONValue) -> None:
    assert isinstance(own_row({"apiKey": shown}, OPTIONAL, KEY), NoRow)


@pytest.mark.parametrize(
    ("shown", "known", "mask", "same"),
    [
        ("abcdefgh", "abcdefgh", "", True),
        ("abcdefgh", "abcdefgh", "*", True),
        ("abcdefg", "abcdefgh", "*", False),
        ("abcdef*", "abcdef", "", False),
        # Six characters are enough, at either end or at both.
        ("abcdef***", "abcdefgh", "*", True),
        ("abcde***", "abcdefgh", "*", False),
        ("***cdefgh", "abcdefgh", "*", True),
        ("***defgh", "abcdefgh", "*", False),
        ("abc***fgh", "abcdefgh", "*", True),
        ("ab***fgh", "abcdefgh", "*", False),
        ("abc***fgx", "abcdefgh", "*", False),
        ("abx***fgh", "abcdefgh", "*", False),
        # However many characters are hidden, it is one at least, and none is shown twice.
        ("abcde*fgh", "abcdefgh", "*", False),
        ("abcdef*defgh", "abcdefgh", "*", False),
        ("abcd*fgh", "abcdefgh", "*", True),
        # Nobody knows what two masks hide.
        ("abc*de*fgh", "abcdefgh", "*", False),
        ("abc*d*", "abcdefgh", "*", False),
        ("***abcdef*", "abcdefgh", "*", False),
        ("abcxxxfgh", "abcdefgh", "x", True),
        ("abcxxxfgh", "abcdefgh", "*", False),
    ],
)
def test_a_masked_key_fits_by_both_ends(shown: str, known: str, mask: str, *, same: bool) -> None:
    assert same_key(shown, known, mask) is same


def test_wallets_and_masked_keys_in_any_case() -> None:
    own = OwnKey(rows="", key="/key", mask="*", ignore_case=True)
    row: JSONValue = {"key": "C5DCFBF1F3A7*****"}
    assert own_row([row], own, KEY) == Row(row, "/0")


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"key": "c5dc*"}, "c5dc*"),
        ({"key": ""}, None),
        ({"key": None}, None),
        ({"key": 7}, None),
        ({"key": ["c5dc*"]}, None),
        ({"other": "c5dc*"}, None),
        ("c5dc*", None),
    ],
    ids=repr,
)
def test_what_a_row_shows_of_its_key(row: JSONValue, shown: str | None) -> None:
    assert shown_key(Row(row, "/0"), MASKED) == shown


def test_lists_within_lists_within_lists() -> None:
    answer: JSONValue = {"a": [{"b": [{"c": [1, 2]}, {"c": [3]}]}, {"b": []}]}
    assert rows_of(answer, "/a/*/b/*/c") == [
        Row(1, "/a/0/b/0/c/0"),
        Row(2, "/a/0/b/0/c/1"),
        Row(3, "/a/0/b/1/c/0"),
    ]


def test_why_there_is_no_row() -> None:
    assert own_row("x", MASKED, KEY) == NoRow("the answer has no list of keys")
    several = "rows of the answer are about this key, not exactly one"
    assert own_row([], MASKED, KEY) == NoRow(f"no {several}")
    twice: JSONValue = [{"key": KEY}, {"key": KEY}]
    assert own_row(twice, MASKED, KEY) == NoRow(f"2 {several}")
