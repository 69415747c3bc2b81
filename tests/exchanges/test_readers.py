"""Readers take what is documented, and nothing else."""

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.readers import EVERYWHERE, READERS, Wrong
from gatepolicy.model.facts import FactValue, Reason


def read(reader: str, value: JSONValue) -> FactValue | Wrong:
    return READERS[reader].read(value)


MOMENT = datetime(2025, 7, 20, 17, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reader", "value", "fact"),
    [
        ("text", "bot", "bot"),
        ("text", "", ""),
        ("flag", True, True),
        ("flag", False, False),
        ("texts", [], ()),
        ("texts", ["B", "A", "B"], ("A", "B")),
        ("unix_seconds", 1753030929, MOMENT),
        ("unix_seconds", "1753030929", MOMENT),
        ("unix_milliseconds", 1753030929000, MOMENT),
        ("iso_time", "2025-07-20T17:02:09Z", MOMENT),
        ("iso_time", "2025-07-20T19:02:09+02:00", MOMENT),
        ("addresses", ["203.0.113.5"], (ip_network("203.0.113.5"),)),
        (
            "addresses",
            [" 203.0.113.9/28 ", "2001:db8::1"],
            (ip_network("2001:db8::1"), ip_network("203.0.113.0/28")),
        ),
        ("comma_addresses", "203.0.113.5, 203.0.113.5", (ip_network("203.0.113.5"),)),
        # IPv4 as IPv6 writes it is the same address.
        ("addresses", ["::ffff:203.0.113.5"], (ip_network("203.0.113.5"),)),
        ("addresses", ["128.0.0.0/1"], (ip_network("128.0.0.0/1"),)),
        (
            "addresses",
            ["10.0.0.0/8", "2001::/16"],
            (ip_network("10.0.0.0/8"), ip_network("2001::/16")),
        ),
        ("addresses", ["::ffff:203.0.113.0/124"], (ip_network("203.0.113.0/28"),)),
        ("addresses_bind", ["203.0.113.5"], True),
        ("comma_addresses_bind", "203.0.113.5,198.51.100.1", True),
        ("masked_comma_addresses_bind", "203.**.154,103.**.34", True),
        ("masked_comma_addresses_bind", "203.0.113.5", True),
        ("masked_comma_addresses_bind", "203.**.154,198.51.100.1", True),
        ("given_text", "0.00250000", True),
        ("given_rows", [], True),
        ("given_rows", [{"symbol": "BTC/USD"}, {}], True),
    ],
)
def test_documented_values(reader: str, value: JSONValue, fact: FactValue) -> None:
    assert read(reader, value) == fact


UNBOUND: list[list[JSONValue]] = [
    ["*"],
    [""],
    [" "],
    ["0.0.0.0/0"],
    ["::/0"],
    ["0.0.0.0"],
    ["::"],
    ["203.0.113.5", "*"],
    ["", "203.0.113.5"],
    ["203.0.113.5", "", "203.0.113.6"],
    ["203.0.113.5", "", ""],
    ["0.0.0.0", ""],
    ["203.0.113.5", "203.0.113.6", "::/0"],
    ["0.0.0.0/1", "128.0.0.0/1"],
    ["::/1", "8000::/1"],
    # No address, in other spellings.
    ["0.0.0.0/32"],
    ["::0"],
    ["::/128"],
    ["0:0:0:0:0:0:0:0"],
    ["0.0.0.0/255.255.255.255"],
    # Networks that hold it: nobody comes from it, so that it is the mark of any address.
    ["0.0.0.0/1"],
    ["0.0.0.0/8"],
    ["0.0.0.0/31"],
    ["203.0.113.5", "0.0.0.0/2"],
    ["::/16"],
    ["::/127"],
    ["::0.0.0.0"],
    # All of IPv4, as IPv6 writes it.
    ["::ffff:0.0.0.0"],
    ["::ffff:0:0/96"],
    ["::ffff:0.0.0.0/97", "::ffff:128.0.0.0/97"],
    ["0.0.0.0/1", "::ffff:128.0.0.0/97"],
    ["::/64"],
    # All public addresses, without some of those that nobody can come from.
    ["2000::/3"],
    ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"],
]


@pytest.mark.parametrize("entries", UNBOUND, ids=str)
def test_marks_of_an_unbound_key(entries: list[JSONValue]) -> None:
    text = ",".join(str(entry) for entry in entries)
    assert read("addresses", entries) == EVERYWHERE
    assert read("addresses_bind", entries) is False
    assert read("comma_addresses", text) == EVERYWHERE
    assert read("comma_addresses_bind", text) is False
    assert read("masked_comma_addresses_bind", text) is False


@pytest.mark.parametrize(
    "entry", ["128.0.0.0/1", "64.0.0.0/2", "202.0.0.0/7", "8000::/1", "4000::/2", "2000::/12"]
)
def test_networks_that_are_no_ones_own_do_not_bind(entry: str) -> None:
    assert read("addresses", [entry]) == (ip_network(entry),)
    assert read("addresses_bind", ["203.0.113.5", entry]) is False
    assert read("comma_addresses_bind", entry) is False
    assert read("masked_comma_addresses_bind", f"203.**.154,{entry}") is False


@pytest.mark.parametrize("entry", ["203.0.0.0/8", "10.0.0.0/8", "2001::/16"])
def test_networks_that_somebody_may_have_bind(entry: str) -> None:
    assert read("addresses_bind", [entry]) is True


@pytest.mark.parametrize(
    "text", ["203.0.113.5,", "203.0.113.5, ", "203.0.113.5,198.51.100.1,", "203.0.113.0/24,"]
)
def test_a_comma_at_the_end_may_be_an_empty_entry_or_none(text: str) -> None:
    for reader in ("comma_addresses", "comma_addresses_bind", "masked_comma_addresses_bind"):
        assert isinstance(read(reader, text), Wrong)
    # A list has no such commas.
    assert read("addresses", [*text.split(",")]) == EVERYWHERE


@pytest.mark.parametrize("text", ["203.**.154,", "203.**.154,203.0.113.5,"])
def test_a_comma_at_the_end_of_masked_addresses(text: str) -> None:
    assert isinstance(read("masked_comma_addresses_bind", text), Wrong)


ALL: list[JSONValue] = [None, True, False, 0, 1, -1, 1.5, "", "x", [], [1], [None], {}, {"a": 1}]
FITS: dict[str, list[JSONValue]] = {
    "text": ["", "x"],
    "flag": [True, False],
    "texts": [[]],
    "comma_addresses": [""],
    "comma_addresses_bind": [""],
    "masked_comma_addresses_bind": [""],
    "given_text": ["x"],
    "given_rows": [[]],
    "unix_seconds": [],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("value", ALL, ids=repr)
def test_everything_else_is_wrong(reader: str, value: JSONValue) -> None:
    fits = any(type(fit) is type(value) and fit == value for fit in FITS.get(reader, []))
    assert isinstance(read(reader, value), Wrong) is not fits


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("texts", ["A", ""]),
        ("unix_seconds", 1753030929.0),
        ("unix_seconds", "1753030929.0"),
        ("unix_seconds", "٣"),
        ("unix_seconds", 1753030929000),
        ("unix_seconds", 10**30),
        ("unix_milliseconds", 1753030929),
        ("unix_milliseconds", True),
        ("iso_time", "2025-07-20T17:02:09"),
        ("iso_time", "2025-07-20"),
        ("iso_time", "1970-01-01T00:00:00Z"),
        ("iso_time", "0001-01-01T00:00:00+14:00"),
        ("iso_time", "9999-12-31T23:59:59-12:00"),
        ("iso_time", "yesterday"),
        ("addresses", ["203.0.113.256"]),
        ("addresses", ["203.0.113.5 203.0.113.6"]),
        ("addresses", ["example.com"]),
        ("addresses", [3405803781]),
        ("comma_addresses", ["203.0.113.5"]),
        ("comma_addresses_bind", ["203.0.113.5"]),
        ("masked_comma_addresses_bind", "**.**.**"),
        # It could be the mark for every address, masked.
        ("masked_comma_addresses_bind", "0.**.0"),
        ("masked_comma_addresses_bind", "*.*.*.0"),
        ("masked_comma_addresses_bind", "0.0.0.**"),
        ("masked_comma_addresses_bind", "203.**.154,0.0.**.0"),
        ("masked_comma_addresses_bind", "203.**.154,somewhere"),
        ("masked_comma_addresses_bind", "2*3.1.1"),
    ],
)
def test_wrong_values(reader: str, value: JSONValue) -> None:
    assert isinstance(read(reader, value), Wrong)


def test_masked_addresses_are_not_disclosed() -> None:
    wrong = read("comma_addresses", "203.**.154,103.**.34")
    assert isinstance(wrong, Wrong)
    assert wrong.reason is Reason.NOT_DISCLOSED


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0/32", "0:0:0:0:0:0:0:0", "::ffff:0:0/96", "::/128", "0.0.0.0/1", "2000::/3"],
)
@pytest.mark.parametrize("exchange", ["okx", "kucoin"])
def test_no_spelling_of_any_address_binds_a_key(exchange: str, text: str) -> None:
    [source, *_] = load_exchange(exchange).facts["ip.restricted"]
    assert read(source.reader, text) is False


@pytest.mark.parametrize("text", ["0.**.0", "*.*.*.0", "0.0.0.**", "0.0.0.0/255.255.255.255"])
def test_no_masked_spelling_of_any_address_binds_a_key_of_kucoin(text: str) -> None:
    [source, *_] = load_exchange("kucoin").facts["ip.restricted"]
    assert read(source.reader, text) is not True
