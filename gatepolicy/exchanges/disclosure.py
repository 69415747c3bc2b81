"""What an exchange discloses about a key, fact by fact. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import FACTS, OF_THE_SCAN


class Discloses(StrEnum):
    """How far an exchange discloses a fact."""

    OBSERVED = "observed"
    """An answer tells."""
    INFERRED = "inferred"
    """An answer tells one way; the other way is only inferred."""
    STRUCTURAL = "structural"
    """The exchange's own rules make it so."""
    NOT_DISCLOSED = "not disclosed"
    """Nothing tells."""
    BY_SCAN = "by the scan"
    """The scan itself learns it, whatever the exchange."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One fact on one exchange."""

    how: Discloses
    """How far."""
    where: str
    """The calls and places, the document, or what to do instead."""


_OF_THE_SCAN = {
    "key.fingerprint": "computed from the key itself",
    "key.exists": "any answer to the key proves it; an auditor's list proves that it is gone",
    "key.declared": "compared with the inventory; other keys are found with 'discover: true'",
    "key.shared_with": "compared with the other accounts of the inventory",
    "ip.shared_across": "compared with the addresses of the other accounts of the inventory",
    "account.sandbox": "declared in the inventory",
    "account.keys": "counted where a list holds the account's keys, with 'discover: true'",
}


def disclosure(exchange: Exchange) -> Mapping[str, Disclosure]:
    """Every fact, in the order of the vocabulary."""
    return {name: _of_fact(exchange, name) for name in FACTS}


def never_disclosed(exchange: Exchange) -> frozenset[str]:
    """Facts that no answer of an exchange can tell, about any kind of key, by any way to it.

    What its calls do not tell, a list of keys may, or the calls for other keys, or a refusal, or
    another fact from which it follows.
    """
    views = [exchange, *(other.view for other in exchange.alternatives)]
    views += [listing.view for listing in exchange.listings]
    hidden = frozenset.intersection(*(frozenset(view.not_disclosed) for view in views))
    hidden -= {name for view in views for error in view.errors for name in error.proves}
    # NOTE: an allowlist that admits strangers shows that nothing is restricted.
    return hidden if "ip.allowlist" in hidden else hidden - {"ip.restricted"}


def _of_fact(exchange: Exchange, name: str) -> Disclosure:
    if name in OF_THE_SCAN:
        return Disclosure(Discloses.BY_SCAN, _OF_THE_SCAN[name])
    if name in exchange.structural:
        return Disclosure(Discloses.STRUCTURAL, exchange.structural[name].provenance.reference)
    if name in exchange.not_disclosed:
        return Disclosure(Discloses.NOT_DISCLOSED, exchange.not_disclosed[name].detail)
    if name not in exchange.facts or _has_word(exchange, name):
        # Where a word and a place of its own tell the same, the place only confirms it.
        return _of_permission(exchange, name)
    places = [
        f"{source.call} {pointer}".rstrip()
        for source in exchange.facts[name]
        for pointer in (source.pointer, source.other_pointer)
        if pointer or pointer is source.pointer
    ]
    return Disclosure(Discloses.OBSERVED, ", ".join(dict.fromkeys(places)))


def _has_word(exchange: Exchange, name: str) -> bool:
    words = exchange.permissions.words.values()
    return any(c.fact == name for word in words for c in word.grants | word.unclear)


def _of_permission(exchange: Exchange, name: str) -> Disclosure:
    permissions = exchange.permissions
    place = f"{permissions.call} {permissions.pointer}".rstrip()
    if any(capability.fact == name for capability in permissions.inferred_absence):
        return Disclosure(Discloses.INFERRED, f"{place}; {permissions.inferred_reference}")
    return Disclosure(Discloses.OBSERVED, place)
