"""Facts as people write them in files."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from gatepolicy.model.encoding import decode_value
from gatepolicy.model.facts import ATTESTED_FACTS, FACTS, FactKind, FactValue

EVERY_FACT = {**FACTS, **ATTESTED_FACTS}
"""By name."""

HOW_TO_WRITE: Mapping[FactKind, str] = {
    FactKind.BOOL: "write true or false",
    FactKind.TEXT: "write a text",
    FactKind.TIME: "write a time such as 2026-11-01T00:00:00Z, or never",
    FactKind.TEXTS: "write a list of texts",
    FactKind.NETWORKS: "write a list of networks such as 203.0.113.0/28",
    FactKind.GRANTS: "write words with their access, such as {spot: read-only}",
}
"""What to tell somebody who wrote something else."""


def written_value(kind: FactKind, value: Any) -> FactValue:
    """The value of a fact.

    Raises:
        ValueError: It is not of this kind.
        TypeError: It is not of this kind.
    """
    if kind is FactKind.NETWORKS:
        if not isinstance(value, list):
            raise TypeError("not a list")
        return tuple(ip_network(item) for item in value)
    if kind is FactKind.GRANTS:
        words = dict(value)
        value = [{"word": word, "access": access} for word, access in words.items()]
    return decode_value(kind, value)
