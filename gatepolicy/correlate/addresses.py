"""Which accounts work from the same addresses, label by label. Pure.

Two desks that share an address cannot be distinguished by it, and an intruder on that machine has
the keys of both within reach.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from gatepolicy.model.facts import Facts, Network, Reason, Unknown
from gatepolicy.rules.expressions import LEFT_OUT, MAYBE

APART = "="
"""Between a label and its value, in an entry about an account that shares an address."""
OWN = ":"
"""Between a label of the account itself and its value."""
NONE = "none"
"""Stands for the value of a label that an account does not have."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """An account with the addresses that it works from."""

    id: str
    """Its id."""
    labels: Mapping[str, str]
    """Its labels."""
    addresses: tuple[Network, ...] | Unknown
    """What is known of them; empty for a key that works from everywhere."""
    is_left_out: bool = False
    """Whether its exchange was not asked: it may work from other addresses as well."""


def addresses_of(facts: Facts, declared: tuple[Network, ...]) -> tuple[Network, ...] | Unknown:
    """The addresses that a key works from.

    What the exchange tells comes before what the inventory declares. A key that is bound to none
    works from those that the inventory declares, as far as anybody knows; that it works from all
    others, too, is a finding by itself, and no reason to find all other accounts.

    Args:
        facts: What is known about the key.
        declared: The egress that the inventory names; may be empty.
    """
    listed = facts.known.get("ip.allowlist")
    if listed is not None and isinstance(listed.value, tuple):
        networks = tuple(n for n in listed.value if isinstance(n, IPv4Network | IPv6Network))
        return declared if any(network.prefixlen == 0 for network in networks) else networks
    if declared:
        return declared
    why = facts.unknown.get("ip.allowlist", Unknown(Reason.NOT_DISCLOSED))
    return Unknown(why.reason, f"{why.detail}; the inventory has no egress".removeprefix("; "))


def shared_across(accounts: Sequence[Addressed]) -> Iterator[tuple[str, ...] | Unknown]:
    """For each account, its own labels, and those of others that share an address and differ.

    Entries such as ``desk:mm`` for its own; ``desk=otc (okx-otc)`` for an account of another desk
    that works from a common address; and ``desk?otc (okx-otc)`` for one of which nobody knows the
    addresses, or ``desk?none (okx-otc)`` the desk. Of an account that was left out of the scan,
    ``desk~otc (okx-otc)``.
    """
    index = _Index.of(accounts)
    left_out = _by_label([one for one in accounts if one.is_left_out])
    untold = _by_label(
        [a for a in accounts if isinstance(a.addresses, Unknown) and not a.is_left_out]
    )
    for account in accounts:
        if isinstance(account.addresses, Unknown):
            yield account.addresses
        else:
            own = {f"{label}{OWN}{value}" for label, value in account.labels.items()}
            shared = {*index.neighbours(account), *untold.beside(account, MAYBE)}
            yield tuple(sorted(own | shared | {*left_out.beside(account, LEFT_OUT)}))


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Some accounts by their labels."""

    values: Mapping[str, Mapping[str, str]]
    """Label to its values, each with the first account that has it."""
    without: Mapping[frozenset[str], Sequence[str]]
    """Sets of labels, each to the first two accounts that have these labels and no others."""

    def beside(self, account: Addressed, mark: str) -> Iterator[str]:
        """What differs from the labels of an account."""
        for label, own in account.labels.items():
            for value, other in self.values.get(label, {}).items():
                if value != own:
                    yield f"{label}{mark}{value} ({other})"
            for labels, names in self.without.items():
                lacking = [name for name in names if name != account.id]
                if label not in labels and lacking:
                    yield f"{label}{MAYBE if mark == APART else mark}{NONE} ({lacking[0]})"


def _by_label(accounts: Sequence[Addressed]) -> _Labelled:
    values: dict[str, dict[str, str]] = defaultdict(dict)
    without: dict[frozenset[str], list[str]] = defaultdict(list)
    for account in accounts:
        for label, value in account.labels.items():
            values[label].setdefault(value, account.id)
        names = without[frozenset(account.labels)]
        if len(names) < 2:
            names.append(account.id)
    return _Labelled(values, without)


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
                yield from self.labelled[other].beside(account, APART)


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
