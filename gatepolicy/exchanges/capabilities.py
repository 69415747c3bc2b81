"""From granted words to capabilities, soundly. Pure.

* A word that is not granted in a closed list allows nothing.
* One granted word that nobody mapped could mean anything: whatever is not itself granted is
  unknown then.
* A word of which the answer does not tell whether it is granted leaves all that it allows unknown.
"""

from collections.abc import Iterator, Mapping

from gatepolicy.exchanges.exchange import Permissions, Word
from gatepolicy.exchanges.reading import Granted
from gatepolicy.model.capabilities import Capability
from gatepolicy.model.facts import Access, Fact, Grade, Grant, Provenance, Unknown
from gatepolicy.model.reasons import Reason

Resolved = Mapping[str, Fact | Unknown]
"""Fact to its value, or why there is none."""


def permission_facts(permissions: Permissions, granted: Granted) -> Resolved:
    """All facts about permissions that a well-formed list proves."""
    whole = Provenance(Grade.OBSERVED, permissions.call, granted.pointer)
    native = tuple(sorted(Grant(word, access) for word, access in granted.words.items()))
    facts: dict[str, Fact | Unknown] = {
        capability.fact: _capability(capability, permissions, granted) for capability in Capability
    }
    facts["permissions.native"] = Fact(native, whole)
    facts["permissions.unrecognised"] = Fact(_unrecognised(permissions, granted), whole)
    return facts


def _unrecognised(permissions: Permissions, granted: Granted) -> tuple[str, ...]:
    return tuple(sorted(word for word in granted.words if word not in permissions.words))


def _capability(
    capability: Capability, permissions: Permissions, granted: Granted
) -> Fact | Unknown:
    for word in _known_words(permissions, granted):
        if _allows(word, granted.words[word.word], capability):
            place = granted.pointers[word.word]
            return Fact(value=True, provenance=Provenance(Grade.OBSERVED, permissions.call, place))
    doubt = next(_doubts(capability, permissions, granted), None)
    if doubt is not None:
        return doubt
    inferred = capability in permissions.inferred_absence
    provenance = Provenance(
        Grade.INFERRED if inferred else Grade.OBSERVED,
        permissions.call,
        granted.pointer,
        permissions.inferred_reference if inferred else "",
    )
    return Fact(value=False, provenance=provenance)


def _known_words(permissions: Permissions, granted: Granted) -> Iterator[Word]:
    for name in granted.words:
        if name in permissions.words:
            yield permissions.words[name]


def _allows(word: Word, access: Access, capability: Capability) -> bool:
    writes = access in (Access.READ_WRITE, Access.GRANTED)
    reads = access is Access.READ_ONLY and capability is Capability.READ
    return capability in word.grants and (writes or reads)


def _doubts(
    capability: Capability, permissions: Permissions, granted: Granted
) -> Iterator[Unknown]:
    if _unrecognised(permissions, granted):
        yield Unknown(
            Reason.UNEXPECTED_ANSWER,
            "the key has a permission that the catalog does not know; it could mean anything",
        )
    for word in _known_words(permissions, granted):
        access = granted.words[word.word]
        if access is Access.UNKNOWN and capability in word.grants | word.unclear:
            yield Unknown(
                Reason.UNEXPECTED_ANSWER,
                f"the answer does not tell clearly whether {word.word} is granted",
            )
        if access is not Access.READ_ONLY and capability in word.unclear:
            yield Unknown(
                Reason.NOT_DISCLOSED,
                word.note or f"the documents do not tell whether {word.word} allows this",
            )
