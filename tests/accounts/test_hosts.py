"""Hosts are compared by what they are, however they are written."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.accounts.account import host_in, host_of, is_loopback


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("api.example.com", "api.example.com"),
        (" API.Example.COM ", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a_b.example", "a_b.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:DB8::0:1", "2001:db8::1"),
    ],
)
def test_a_host_in_small_letters(written: str, host: str) -> None:
    assert host_of(written) == host


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        "..",
        "a..b",
        "-a.example",
        "https://api.example.com",
        "api.example.com:443",
        "api.example.com/v5",
        "user@api.example.com",
        "api.example.com\\.example.org",
        "api.example.com%2eexample.org",
        "bücher.example",
        "api.\u212araken.example",  # its small letter is an ASCII k
        "api。example.com",
        "a b",
        "x" * 64,
        ".".join(["x" * 60] * 5),
    ],
)
def test_what_is_no_host(written: str) -> None:
    assert host_of(written) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://API.example.com.:8443", "api.example.com"),
        ("http://[::1]:8080", "::1"),
        ("https://user:word@api.example.com", "api.example.com"),
        ("https://bücher.example", ""),
        ("https://", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_in(url) == host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "0.0.0.0",
        "::",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "0177.0.0.1",
        "10.0.0.1",
    ],
)
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


@given(st.ip_addresses())
def test_an_address_is_the_same_host_in_all_its_spellings(
    address: IPv4Address | IPv6Address,
) -> None:
    assert host_of(address.exploded) == host_of(f"[{address}]") == host_of(str(address).upper())
    assert host_of(str(address)) == str(address)


@given(st.text(max_size=40))
def test_a_host_is_one_of_itself(text: str) -> None:
    host = host_of(text)
    assert host is None or host_of(host) == host
