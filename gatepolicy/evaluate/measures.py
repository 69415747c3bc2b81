"""Ages and sizes of values. Pure."""

from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import assert_never

from gatepolicy.model.facts import FactValue, Network

IPV6_SURPLUS = 96
"""An IPv6 prefix this much longer holds as many addresses as the IPv4 one."""


def age_of(value: FactValue, now: datetime) -> timedelta | None:
    """How long ago a time was; ``None`` for what is no time with a zone."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        return None
    return now - value


def lies_within(network: Network, allowed: tuple[Network, ...]) -> bool:
    """Whether a network lies within one of the allowed ones (which must be collapsed)."""
    match network:
        case IPv4Network():
            return any(isinstance(a, IPv4Network) and network.subnet_of(a) for a in allowed)
        case IPv6Network():
            return any(isinstance(a, IPv6Network) and network.subnet_of(a) for a in allowed)
        case _:
            assert_never(network)


def wider(network: Network, widest: int) -> bool:
    """Whether a network holds more addresses than an IPv4 network of this prefix length."""
    return network.prefixlen < (widest if network.version == 4 else widest + IPV6_SURPLUS)
