"""Facts that the inventory, or a list of keys, bears witness to. Pure."""

from dataclasses import replace

from gatepolicy.collect.target import ListedKey
from gatepolicy.model.facts import Fact, Facts, FactValue, Grade, Provenance

INVENTORY = Provenance(Grade.STRUCTURAL, "", "", "computed from what the inventory says")
"""Of what is known without asking anybody."""


def observed(call: str, *, value: FactValue) -> Fact:
    """A fact that an answer to a call as a whole proves."""
    return Fact(value, Provenance(Grade.OBSERVED, call, ""))


def told_by(found: ListedKey, auditor: str) -> Facts:
    """What a list tells, with the auditor as its witness."""
    known = {
        name: replace(fact, provenance=_witnessed(fact.provenance, auditor))
        for name, fact in found.facts.known.items()
    }
    return Facts(known, found.facts.unknown)


def _witnessed(provenance: Provenance, auditor: str) -> Provenance:
    if provenance.grade is Grade.STRUCTURAL:
        return provenance
    return replace(provenance, reference=f"listed by {auditor}")
