"""Readers take what is documented, and nothing else."""

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import FactSource, Meaning
from gatepolicy.exchanges.readers import EVERYWHERE, READERS, Wrong, apparent
from gatepolicy.model.facts import Fact, FactValue, Grade, Provenance, Reason


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


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.5 198.51.100.0/24",
        "203.0.113.5,198.51.100.0/24",
        " 203.0.113.5 ,  198.51.100.0/24 ",
    ],
)
def test_addresses_with_spaces_or_commas_between(text: str) -> None:
    networks = (ip_network("198.51.100.0/24"), ip_network("203.0.113.5"))
    assert read("spaced_addresses", text) == networks
    assert read("spaced_addresses_bind", text) is True


@pytest.mark.parametrize(
    "text", ["", "0.0.0.0", "203.0.113.5 0.0.0.0/0", "203.0.113.5,,198.51.100.1"]
)
def test_one_mark_among_addresses_with_spaces_opens_the_key(text: str) -> None:
    assert read("spaced_addresses", text) == EVERYWHERE
    assert read("spaced_addresses_bind", text) is False


ALL: list[JSONValue] = [None, True, False, 0, 1, -1, 1.5, "", "x", [], [1], [None], {}, {"a": 1}]
FITS: dict[str, list[JSONValue]] = {
    "text": ["", "x"],
    "flag": [True, False],
    "texts": [[]],
    "comma_addresses": [""],
    "comma_addresses_bind": [""],
    "spaced_addresses": [""],
    "spaced_addresses_bind": [""],
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


NO_TIME, OUT_OF_RANGE = "not a valid timestamp", "a timestamp out of range"
NO_ADDRESSES = "a list with something other than addresses"


@pytest.mark.parametrize(
    ("reader", "value", "detail"),
    [
        ("given_rows", [7], "no list of objects"),
        ("nothing", "x", "an undocumented value"),
        ("text", 1, "no text"),
        ("flag", "true", "not a boolean"),
        ("texts", "A", "no list"),
        ("texts", ["A", 1], "a list with something other than strings"),
        ("unix_seconds", "soon", NO_TIME),
        ("unix_seconds", 0, NO_TIME),
        ("unix_seconds", 10**16, NO_TIME),
        ("unix_seconds", 10**15, OUT_OF_RANGE),
        ("unix_seconds", 1, OUT_OF_RANGE),
        ("iso_time", 1753030929, NO_TIME),
        ("iso_time", "soon", NO_TIME),
        ("iso_time", "2025-07-20T17:02:09", "a timestamp without a time zone"),
        ("iso_time", "0001-01-01T00:00:00+14:00", OUT_OF_RANGE),
        ("iso_time", "1970-01-01T00:00:00Z", OUT_OF_RANGE),
        ("addresses", "203.0.113.5", "no list"),
        ("addresses", [1], NO_ADDRESSES),
        ("addresses", ["somewhere"], NO_ADDRESSES),
        ("addresses", ["203.0.113.5", "2*3.1.1"], NO_ADDRESSES),
        ("addresses", [], "an empty list, whose meaning is undocumented"),
        ("comma_addresses", ["203.0.113.5"], "no text"),
        ("comma_addresses", "203.0.113.5,", "a trailing comma in a list of addresses"),
        ("masked_comma_addresses_bind", ["203.0.113.5"], "no text"),
        ("given_text", " ", "missing or empty"),
    ],
)
def test_what_is_wrong_is_told(reader: str, value: JSONValue, detail: str) -> None:
    assert read(reader, value) == Wrong(detail)


def test_hidden_parts_are_told_as_what_they_are() -> None:
    assert read("comma_addresses", "203.**.154,103.**.34") == HIDDEN


HIDDEN = Wrong("the exchange hides parts of the addresses", Reason.NOT_DISCLOSED)


@pytest.mark.parametrize(
    ("others", "allowlist", "bound", "masked"),
    [
        (["198.51.100.1"], HIDDEN, HIDDEN, True),
        # What is hidden does not excuse what stands open beside it.
        (["0.0.0.0/0"], EVERYWHERE, False, False),
        (["0.0.0.0"], EVERYWHERE, False, False),
        (["0.0.0.0/1", "128.0.0.0/1"], EVERYWHERE, False, False),
        # Not all addresses, and yet more than anybody has alone.
        (["16.0.0.0/4"], HIDDEN, False, False),
        (["198.51.100.1", "2000::/12"], HIDDEN, False, False),
        (["somewhere"], Wrong(NO_ADDRESSES), Wrong(NO_ADDRESSES), Wrong(NO_ADDRESSES)),
    ],
)
def test_hidden_parts_beside_what_is_shown(
    others: list[JSONValue],
    allowlist: FactValue | Wrong,
    bound: bool | Wrong,
    masked: bool | Wrong,
) -> None:
    for entries in (["203.**.154", *others], [*others, "203.**.154"]):
        text = ",".join(map(str, entries))
        assert read("addresses", [*entries]) == allowlist
        assert read("comma_addresses", text) == allowlist
        assert read("addresses_bind", [*entries]) == bound
        assert read("comma_addresses_bind", text) == bound
        assert read("masked_comma_addresses_bind", text) == masked


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2009-01-03T00:00:00Z", True),
        ("2009-01-02T23:59:59Z", False),
        ("2099-12-31T23:59:59Z", True),
        ("2100-01-01T00:00:00Z", False),
    ],
)
def test_times_of_the_age_of_these_exchanges(text: str, known: bool) -> None:
    moment = datetime.fromisoformat(text)
    expected = moment if known else Wrong(OUT_OF_RANGE)
    assert read("iso_time", text) == expected
    assert read("unix_seconds", int(moment.timestamp())) == expected
    assert read("unix_milliseconds", int(moment.timestamp()) * 1000) == expected


def test_times_are_told_in_utc() -> None:
    read_time = read("iso_time", "2025-07-20T19:02:09+02:00")
    assert isinstance(read_time, datetime)
    assert read_time.tzinfo is UTC


@pytest.mark.parametrize(
    ("entries", "networks"),
    [
        (["::ffff:203.0.113.5"], ("203.0.113.5",)),
        (["::ffff:203.0.113.0/120"], ("203.0.113.0/24",)),
        (["2001:db8::/32"], ("2001:db8::/32",)),
        # Half of all addresses of a family is not all of them; both halves are.
        (["128.0.0.0/1"], ("128.0.0.0/1",)),
        (["0.0.0.0/1", "128.0.0.0/1"], None),
        (["1.0.0.0/8", "128.0.0.0/1"], ("1.0.0.0/8", "128.0.0.0/1")),
        (["2000::/4"], ("2000::/4",)),
        (["2000::/4", "3000::/4"], None),
        (["2000::/3"], None),
        (["::ffff:0:0/96"], None),
        (["::ffff:0:0/97", "::ffff:128.0.0.0/97"], None),
        (["203.0.113.5", "::/127"], None),
        (["203.0.113.5", "0.0.0.0/31"], None),
        (["8000::/1"], ("8000::/1",)),
    ],
)
def test_which_networks_are_all_networks(
    entries: list[JSONValue], networks: tuple[str, ...] | None
) -> None:
    expected = EVERYWHERE if networks is None else tuple(map(ip_network, networks))
    assert read("addresses", entries) == expected


def shown(fact: str, reader: str, value: JSONValue) -> Fact | None:
    source = FactSource("key", "/x", reader, (Meaning("never", False),), fact=fact)
    return apparent(source, value, "/data/x")


@pytest.mark.parametrize(
    ("fact", "reader", "value", "expected"),
    [
        ("permission.withdraw", "flag", "yes", True),
        ("permission.withdraw", "flag", 1, True),
        ("permission.withdraw", "flag", "no", None),
        ("permission.withdraw", "flag", "perhaps", None),
        ("permission.withdraw", "text", "yes", None),
        ("ip.restricted", "flag", "no", False),
        ("ip.restricted", "flag", "perhaps", None),
        ("ip.restricted", "flag", "yes", None),
        ("ip.restricted", "flag", "NEVER", False),
        ("ip.restricted", "addresses_bind", "0.0.0.0", False),
        ("ip.restricted", "addresses_bind", "203.0.113.5", None),
        ("ip.restricted", "addresses_bind", 7, None),
        ("ip.allowlist", "addresses", "203.0.113.5;203.0.113.6", ("203.0.113.5", "203.0.113.6")),
        ("ip.allowlist", "addresses", [["203.0.113.5"]], ("203.0.113.5",)),
        ("ip.allowlist", "addresses", ["203.0.113.5", 7], None),
        ("ip.allowlist", "addresses", ["*", 7], ("0.0.0.0/0", "::/0")),
        ("ip.allowlist", "addresses", "", None),
        ("ip.allowlist", "addresses", [], None),
        ("ip.allowlist", "addresses", None, None),
        ("ip.allowlist", "addresses", {"a": "203.0.113.5"}, None),
        ("ip.allowlist", "nothing", "203.0.113.5", None),
        ("key.name", "text", 7, None),
    ],
)
def test_what_a_place_shows_in_another_form(
    fact: str, reader: str, value: JSONValue, expected: object
) -> None:
    found = shown(fact, reader, value)
    if isinstance(expected, tuple):
        expected = tuple(map(ip_network, expected))
    if expected is None:
        assert found is None
    else:
        why = "the answer shows it in an undocumented form"
        assert found is not None
        assert found.value == expected
        assert found.provenance == Provenance(Grade.APPARENT, "key", "/data/x", why)
