"""From granted words to capabilities, soundly. Pure.

* A word that is not granted in a closed list allows nothing.
* One granted word that nobody mapped could mean anything: whatever is not itself granted is
  unknown then.
* A word of which the answer does not tell whether it is granted leaves all that it allows unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gatepolicy.exchanges.apparent import proof
from gatepolicy.exchanges.exchange import Permissions, Word
from gatepolicy.exchanges.reading import Granted
from gatepolicy.model.capabilities import Capability
from gatepolicy.model.facts import Access, Fact, Grade, Grant, Provenance, Unknown
from gatepolicy.model.reasons import Reason, could_not_be_read

Resolved = Mapping[str, Fact | Unknown]
"""Fact to its value, or why there is none."""


def permission_facts(permissions: Permissions, granted: Granted) -> Resolved:
    """All facts about permissions that a well-formed list proves."""
    whole = Provenance(Grade.OBSERVED, permissions.call, granted.pointer)
    native = tuple(sorted(Grant(word, access) for word, access in granted.words.items()))
    unrecognised = tuple(grant.word for grant in native if grant.word not in permissions.words)
    known = [permissions.words[name] for name in granted.words if name in permissions.words]
    doubt = _unread(granted) or (UNRECOGNISED if unrecognised else None)
    denied = Fact(value=False, provenance=whole)
    sign = Fact(value=False, provenance=_inferred(permissions, granted))
    facts: dict[str, Fact | Unknown] = {
        capability.fact: _granted(capability, known, permissions, granted)
        or doubt
        or _doubt(capability, known, granted)
        or _untold(capability, permissions, granted)
        or (sign if capability in permissions.inferred_absence else denied)
        for capability in Capability
    }
    shown = proof(permissions.call, granted.pointer) if granted.apparent else whole
    facts["permissions.native"] = Fact(native, shown)
    facts["permissions.unrecognised"] = _unread(granted) or Fact(unrecognised, whole)
    return facts


def _unread(granted: Granted) -> Unknown | None:
    """Why the list does not prove that anything is not granted."""
    if not granted.unread:
        return None
    return Unknown(Reason.UNEXPECTED_ANSWER, f"permissions: {granted.unread}")


def with_doubts(permissions: Permissions, by_words: Resolved, disclosed: Resolved) -> Resolved:
    """What words say, where other places of the answers say that the key can do more.

    Then each word that would allow it and is not listed may be granted all the same: whether it is
    becomes unknown, and so does what else it may allow.

    Args:
        permissions: The words.
        by_words: What the list of words says.
        disclosed: What other places say, or why they leave it unknown.
    """
    native = by_words.get("permissions.native")
    if not isinstance(native, Fact) or not isinstance(native.value, tuple):
        return by_words
    more = {c for c in Capability if _says_more(by_words.get(c.fact), disclosed.get(c.fact))}
    denied = {c for c in Capability if _is(by_words.get(c.fact), value=False)}
    listed = {grant.word for grant in native.value if isinstance(grant, Grant)}
    doubted = [
        word
        for word in permissions.words.values()
        if word.word not in listed and word.grants & more and not word.grants & (denied - more)
    ]
    grants = (grant for grant in native.value if isinstance(grant, Grant))
    unsure = (Grant(word.word, Access.UNKNOWN) for word in doubted)
    may_allow = {c for word in doubted for c in word.grants | word.unclear}
    return {
        **by_words,
        **{capability.fact: _MAY_BE_GRANTED for capability in may_allow & denied},
        "permissions.native": replace(native, value=tuple(sorted((*grants, *unsure)))),
    }


_MAY_BE_GRANTED = Unknown(
    Reason.UNEXPECTED_ANSWER,
    "a word that is not listed may be granted: another place of the answers says more",
)


def _says_more(by_words: Fact | Unknown | None, disclosed: Fact | Unknown | None) -> bool:
    """Whether another place says that the key can do what no word is known to allow."""
    if _is(by_words, value=True):
        return False
    if isinstance(disclosed, Fact):
        return disclosed.value is True
    if not isinstance(disclosed, Unknown) or by_words is None:
        return False
    # The words alone said no, or did not say, and now it is worse: the other place said yes, or
    # cannot be read.
    was_read = isinstance(by_words, Fact) or not could_not_be_read(by_words.reason)
    return was_read and (isinstance(by_words, Fact) or could_not_be_read(disclosed.reason))


def _is(found: Fact | Unknown | None, *, value: bool) -> bool:
    return isinstance(found, Fact) and found.value is value


UNRECOGNISED = Unknown(
    Reason.UNEXPECTED_ANSWER,
    "the key has a permission that the catalog does not know; it could mean anything",
)


def _granted(
    capability: Capability, known: Sequence[Word], permissions: Permissions, granted: Granted
) -> Fact | None:
    """That the key can do it, with the word that says so: rather one in a documented form."""
    names = [
        word.word
        for word in known
        if capability in word.grants and _reaches(granted.words[word.word], capability)
    ]
    for name in sorted(names, key=lambda name: name in granted.apparent):
        place = granted.pointers[name]
        if name in granted.apparent:
            return Fact(value=True, provenance=proof(permissions.call, place))
        return Fact(value=True, provenance=Provenance(Grade.OBSERVED, permissions.call, place))
    return None


def _reaches(access: Access, capability: Capability) -> bool:
    if access is Access.READ_ONLY:
        return capability is Capability.READ
    return access is not Access.UNKNOWN


def _doubt(capability: Capability, known: Sequence[Word], granted: Granted) -> Unknown | None:
    """Why nobody can tell whether the key can do it."""
    for word in known:
        access = granted.words[word.word]
        if access is Access.UNKNOWN and capability in word.grants | word.unclear:
            return Unknown(
                Reason.UNEXPECTED_ANSWER,
                f"the answer does not tell clearly whether {word.word} is granted",
            )
        if access is not Access.READ_ONLY and capability in word.unclear:
            return Unknown(Reason.NOT_DISCLOSED, word.note)
    return None


def _untold(capability: Capability, permissions: Permissions, granted: Granted) -> Unknown | None:
    """Why nobody can tell, where the answer may be without the word that would."""
    for name in sorted(granted.left_out):
        word = permissions.words[name]
        if capability in word.grants | word.unclear:
            return Unknown(Reason.NOT_DISCLOSED, f"the answer has no {name}, and need not have it")
    return None


def _inferred(permissions: Permissions, granted: Granted) -> Provenance:
    """Of what is absent from the list, though no document promises that it would stand there."""
    return Provenance(
        Grade.INFERRED, permissions.call, granted.pointer, permissions.inferred_reference
    )
