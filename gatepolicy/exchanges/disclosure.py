"""What an exchange discloses about a key, fact by fact. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import FACTS


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


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One fact on one exchange."""

    how: Discloses
    """How far."""
    where: str
    """The calls and places, the document, or what to do instead."""


_OWN = "computed from the key itself, when GATEPOLICY_FINGERPRINT_KEY is set"


def disclosure(exchange: Exchange) -> Mapping[str, Disclosure]:
    """Every fact, in the order of the vocabulary."""
    return {name: _of_fact(exchange, name) for name in FACTS}


def _of_fact(exchange: Exchange, name: str) -> Disclosure:
    if name == "key.fingerprint":
        return Disclosure(Discloses.OBSERVED, _OWN)
    if name in exchange.structural:
        return Disclosure(Discloses.STRUCTURAL, exchange.structural[name].provenance.reference)
    if name in exchange.not_disclosed:
        return Disclosure(Discloses.NOT_DISCLOSED, exchange.not_disclosed[name].detail)
    if name not in exchange.facts:
        return _of_permission(exchange, name)
    places = [f"{source.call} {source.pointer}" for source in exchange.facts[name]]
    return Disclosure(Discloses.OBSERVED, ", ".join(dict.fromkeys(places)))


def _of_permission(exchange: Exchange, name: str) -> Disclosure:
    permissions = exchange.permissions
    place = f"{permissions.call} {permissions.pointer}".rstrip()
    if any(capability.fact == name for capability in permissions.inferred_absence):
        return Disclosure(Discloses.INFERRED, f"{place}; {permissions.inferred_reference}")
    return Disclosure(Discloses.OBSERVED, place)
