"""From texts to typed values."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.documents.document import JSONValue
from gatepolicy.policies.parents import (
    Wrong,
    read_duration,
    read_networks,
    read_pattern,
    read_plain,
    read_texts,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("1h", timedelta(hours=1)),
        ("90d", timedelta(days=90)),
        ("090d", timedelta(days=90)),
        ("2w", timedelta(days=14)),
        ("99999w", timedelta(weeks=99999)),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    assert read_duration(text) == (duration, ())


def test_no_time_at_all() -> None:
    assert read_duration("0w") == (
        timedelta(0),
        [Wrong((), "a zero duration", "write at least 1h")],
    )


@pytest.mark.parametrize("value", [True, False, 14, "none"])
def test_plain_values_stay(value: JSONValue) -> None:
    assert read_plain(value) == (value, ())


def test_texts() -> None:
    assert read_texts(["b", "a"]) == (("b", "a"), ())


@pytest.mark.parametrize("pattern", ["^(ICG-|MM )", r"\S", "(?i)desk"])
def test_patterns(pattern: str) -> None:
    assert read_pattern(pattern) == (pattern, ())


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a{1001}", "invalid repetition size: {1001}"),
        ("a" * 2_000, "it is too large"),
        ("a" * 100_000, "pattern too large - compile failed"),
        ("(.{0,300}){3}", "it is too large"),
        ("(" * 20_000 + ")" * 20_000, "it is too large"),
    ],
    ids=["repeated", "long", "longer", "product", "nested"],
)
def test_patterns_that_are_too_large(pattern: str, why: str) -> None:
    _, wrongs = read_pattern(pattern)
    assert wrongs == [Wrong((), f"not a valid regular expression: {why}", "write a shorter one")]


@pytest.mark.parametrize("pattern", ["^(?!test)", "(?<=ICG)-MM", r"(a)\1", "(?>a)b", "(", "[z-a]"])
def test_patterns_that_need_backtracking_and_broken_ones(pattern: str) -> None:
    _, (wrong,) = read_pattern(pattern)
    assert wrong.what.startswith("not a valid regular expression: ")
    assert wrong.fix.startswith("use the syntax of RE2")


def test_networks_are_collapsed() -> None:
    texts: JSONValue = ["203.0.113.0/29", "203.0.113.8/29", "203.0.113.5", "2001:db8::/64"]
    assert read_networks(texts) == ((ip_network("203.0.113.0/28"), ip_network("2001:db8::/64")), [])


def test_wrong_networks_are_named_and_left_out() -> None:
    networks, wrongs = read_networks(["203.0.113.0/28", "203.0.113.1/28", "all"])
    assert networks == (ip_network("203.0.113.0/28"),)
    assert [wrong.path for wrong in wrongs] == [(1,), (2,)]


@given(st.lists(st.ip_addresses().map(str) | st.text(), min_size=1))
def test_any_texts_are_networks_or_wrong(texts: list[str]) -> None:
    value: JSONValue = [*texts]
    networks, wrongs = read_networks(value)
    assert isinstance(networks, tuple)
    wrong = {wrong.path[0] for wrong in wrongs}
    for index, text in enumerate(texts):
        if index not in wrong:
            network = ip_network(text)
            assert any(lies_in(network, other) for other in networks)


def lies_in(network: IPv4Network | IPv6Network, other: object) -> bool:
    match network, other:
        case (IPv4Network(), IPv4Network()):
            return network.subnet_of(other)
        case (IPv6Network(), IPv6Network()):
            return network.subnet_of(other)
        case _:
            return False


def test_a_single_address_is_a_network() -> None:
    assert read_networks([str(ip_address("203.0.113.5"))]) == ((ip_network("203.0.113.5/32"),), [])
