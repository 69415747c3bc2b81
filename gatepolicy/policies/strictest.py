"""The strictest of two values of one clause. Pure.

Each function takes what two policies say and returns a value that meets both; ``None`` where the
two cannot be compared.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from gatepolicy.documents.networks import collapsed
from gatepolicy.model.facts import Access, Grant, Network
from gatepolicy.rules.conditions import Argument

Strictest = Callable[[Argument, Argument], Argument | None]


def _both(one: Argument, other: Argument) -> Argument | None:
    """Texts that stand in both lists, in the order of the first."""
    listed = _texts(other)
    return tuple(item for item in _texts(one) if item in listed)


def _either(one: Argument, other: Argument) -> Argument | None:
    """Texts that stand in one of the lists."""
    return tuple(dict.fromkeys((*_texts(one), *_texts(other))))


def _texts(value: Argument) -> tuple[str, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if isinstance(item, str))


def _common(one: Argument, other: Argument) -> Argument | None:
    """The addresses that two lists of networks have in common, as few networks as possible."""
    found: set[Network] = set()
    for a in _networks(one):
        for b in _networks(other):
            found.update(_smaller(a, b))
    return collapsed(found)


def _networks(value: Argument) -> tuple[Network, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if isinstance(item, IPv4Network | IPv6Network))


def _smaller(one: Network, other: Network) -> tuple[Network, ...]:
    # Networks either lie within each other or have nothing in common.
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return _nested(one, other, inside=one.subnet_of(other), outside=other.subnet_of(one))
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return _nested(one, other, inside=one.subnet_of(other), outside=other.subnet_of(one))
    return ()


def _nested(one: Network, other: Network, *, inside: bool, outside: bool) -> tuple[Network, ...]:
    if inside:
        return (one,)
    return (other,) if outside else ()


def _true(one: Argument, other: Argument) -> Argument | None:
    """A flag that asks, where one of the two does."""
    return one is True or other is True


def _least(one: Argument, other: Argument) -> Argument | None:
    """The smaller number, or the shorter time."""
    if isinstance(one, timedelta) and isinstance(other, timedelta):
        return min(one, other)
    return min(one, other) if isinstance(one, int) and isinstance(other, int) else None


def _most(one: Argument, other: Argument) -> Argument | None:
    """The greater number."""
    return max(one, other) if isinstance(one, int) and isinstance(other, int) else None


def _same(one: Argument, other: Argument) -> Argument | None:
    """Only what is said alike can be compared: patterns may describe anything."""
    return one if one == other else None


STRICTEST: Mapping[str, Strictest] = {
    "permissions.allow": _both,
    "permissions.forbid": _either,
    "permissions.require": _either,
    "permissions.separate_duties": _true,
    "ip_binding.required": _true,
    "ip_binding.within": _common,
    "ip_binding.widest": _most,
    "ip_binding.at_most": _least,
    "ip_binding.separate_by": _either,
    "key.max_age": _least,
    "key.max_idle": _least,
    "key.min_days_to_expiry": _most,
    "key.must_expire": _true,
    "key.name": _same,
    "key.trading_pairs": _same,
    "key.trading_pairs.within": _both,
    "key.active": _true,
    "key.exists": _true,
    "key.declared": _true,
    "key.unique": _true,
    "account.production": _true,
    "account.max_keys": _least,
    "account.two_factor.attested_within": _least,
    "account.secret_storage.attested_within": _least,
    "account.settings.attested_within": _least,
    "account.review.attested_within": _least,
}
"""Every place of a policy, with how two values become one that meets both."""

GATHERS = frozenset({"permissions.forbid", "permissions.require", "ip_binding.separate_by"})
"""Lists that grow from policy to policy: leaving an entry out loosens nothing."""


def strictest_words(one: Mapping[str, Grant], other: Mapping[str, Grant]) -> dict[str, Grant]:
    """Words that both allow, each as far as both do."""
    return {
        word: Grant(word, Access.READ_ONLY)
        if Access.READ_ONLY in (grant.access, other[word].access)
        else grant
        for word, grant in one.items()
        if word in other
    }
