"""Which accounts work from the same addresses, label by label. Pure.

Two desks that share an address cannot be told apart by it, and an intruder on that machine has the
keys of both within reach.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from gatepolicy.model.facts import Facts, Network, Unknown
from gatepolicy.model.reasons import Reason

APART = "="
"""Between a label and its value, in an entry about an account that shares an address."""
MAYBE = "?"
"""The same, where that account's addresses are not known."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """An account with the addresses that it works from."""

    id: str
    """Its id."""
    labels: Mapping[str, str]
    """Its labels."""
    addresses: tuple[Network, ...] | Unknown
    """What is known of them; empty for a key that works from everywhere."""


def addresses_of(facts: Facts, declared: tuple[Network, ...]) -> tuple[Network, ...] | Unknown:
    """The addresses that a key works from.

    What the exchange tells comes before what the inventory declares. A key that is bound to none
    has none of its own: that is a finding by itself, and no reason to find all others.

    Args:
        facts: What is known about the key.
        declared: The egress that the inventory names; may be empty.
    """
    listed = facts.known.get("ip.allowlist")
    if listed is not None and isinstance(listed.value, tuple):
        networks = tuple(n for n in listed.value if isinstance(n, IPv4Network | IPv6Network))
        return () if any(network.prefixlen == 0 for network in networks) else networks
    if declared:
        return declared
    why = facts.unknown.get("ip.allowlist", Unknown(Reason.NOT_DISCLOSED))
    return Unknown(why.reason, f"{why.detail}; the inventory names no egress".lstrip("; "))


def shared_across(accounts: Sequence[Addressed]) -> Iterator[tuple[str, ...] | Unknown]:
    """For each account, the labels of accounts that differ from its own and share an address.

    Entries such as ``desk=otc (okx-otc)``; with ``?`` in place of ``=`` where the other account's
    addresses are not known. An account without a label stands in no group of that label.
    """
    index = _Index.of(accounts)
    untold = _by_label([one for one in accounts if isinstance(one.addresses, Unknown)])
    for account in accounts:
        if isinstance(account.addresses, Unknown):
            yield account.addresses
        else:
            shared = {*index.neighbours(account), *_others(account, untold, MAYBE)}
            yield tuple(sorted(shared)) if account.addresses else ()


_Labelled = Mapping[str, Mapping[str, str]]
"""Label to its values, each with the first account that has it."""


def _by_label(accounts: Sequence[Addressed]) -> _Labelled:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for account in accounts:
        for label, value in account.labels.items():
            found[label].setdefault(value, account.id)
    return found


def _others(account: Addressed, labelled: _Labelled, mark: str) -> Iterator[str]:
    for label, own in account.labels.items():
        for value, other in labelled.get(label, {}).items():
            if value != own:
                yield f"{label}{mark}{value} ({other})"


@dataclass(frozen=True, slots=True)
class _Index:
    """Networks that overlap, and who works from them: found without comparing every pair."""

    labelled: Mapping[Network, _Labelled]
    overlapping: Mapping[Network, Sequence[Network]]

    @classmethod
    def of(cls, accounts: Sequence[Addressed]) -> "_Index":
        working: dict[Network, list[Addressed]] = defaultdict(list)
        for account in accounts:
            if not isinstance(account.addresses, Unknown):
                for network in account.addresses:
                    working[network].append(account)
        labelled = {network: _by_label(here) for network, here in working.items()}
        return cls(labelled, _overlaps(working))

    def neighbours(self, account: Addressed) -> Iterator[str]:
        assert not isinstance(account.addresses, Unknown)
        for network in account.addresses:
            for other in self.overlapping[network]:
                yield from _others(account, self.labelled[other], APART)


def _overlaps(networks: Mapping[Network, object]) -> Mapping[Network, Sequence[Network]]:
    """Each network with those that it overlaps, itself among them."""
    # Networks either lie within each other or are apart: the outer ones stand on a stack.
    found: dict[Network, list[Network]] = {network: [network] for network in networks}
    outer: list[Network] = []
    for network in sorted(networks, key=_place):
        while outer and not _holds(outer[-1], network):
            outer.pop()
        for around in outer:
            found[around].append(network)
            found[network].append(around)
        outer.append(network)
    return found


def _place(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


def _holds(outer: Network, inner: Network) -> bool:
    first, last = int(outer.network_address), int(outer.broadcast_address)
    return outer.version == inner.version and first <= int(inner.network_address) <= last
