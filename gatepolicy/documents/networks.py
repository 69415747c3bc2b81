"""Networks as people write them. Pure."""

from collections.abc import Iterable
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_interface,
    ip_network,
)

from gatepolicy.model.facts import Network


def network_of(text: str) -> Network | tuple[str, str]:
    """A network in CIDR notation, or a single address; else what is wrong, and what to do."""
    if "%" in text:
        return "a zone (%) means something on one machine only", "remove it"
    try:
        return ip_network(text)
    except ValueError:
        return _what_is_wrong(text)


def _what_is_wrong(text: str) -> tuple[str, str]:
    try:
        meant = ip_interface(text)
    except ValueError:
        return "no network in CIDR notation", "write it like 203.0.113.0/28"
    alone = f"{meant.ip}/{meant.max_prefixlen}"
    return "an address within a network, not the network", f"write {meant.network} or {alone}"


def collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    """The same addresses in as few networks as possible: neighbours and parts become one."""
    listed = list(networks)
    four = collapse_addresses(n for n in listed if isinstance(n, IPv4Network))
    six = collapse_addresses(n for n in listed if isinstance(n, IPv6Network))
    return (*four, *six)


EVERYWHERE = (
    "this allows every address there is, and so limits nothing",
    "name the networks that you use, such as 203.0.113.0/28",
)
"""What is wrong with networks that hold every address, and what to do."""


def hold_everything(networks: Iterable[Network]) -> bool:
    """Whether networks hold every address there is, of IPv4 or of IPv6; in halves, too."""
    return any(network.prefixlen == 0 for network in collapsed(networks))
