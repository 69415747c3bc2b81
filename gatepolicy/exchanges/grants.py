"""Which permission words an answer grants, in each of the shapes that exchanges use. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, assert_never

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.answers import ABSENT, Absent, join, resolve, same
from gatepolicy.exchanges.exchange import Level, Permissions, PermissionShape, Word
from gatepolicy.exchanges.readers import alike, proof, says_yes, shown_words
from gatepolicy.exchanges.sources import Granted, Malformed, Row
from gatepolicy.model.facts import (
    Access,
    Capability,
    Fact,
    Grade,
    Grant,
    Provenance,
    Reason,
    Unknown,
    could_not_be_read,
)

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
        capability.fact: _is_granted(capability, known, permissions, granted)
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
    "an unlisted permission may be granted: another field says so",
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


def _is_granted(
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
                f"the answer does not show clearly whether {word.word} is granted",
            )
        if access is not Access.READ_ONLY and capability in word.unclear:
            return Unknown(Reason.NOT_DISCLOSED, word.note)
    return None


def _untold(capability: Capability, permissions: Permissions, granted: Granted) -> Unknown | None:
    """Why nobody can tell, where the answer may be without the word that would."""
    for name in sorted(granted.left_out):
        word = permissions.words[name]
        if capability in word.grants | word.unclear:
            return Unknown(Reason.NOT_DISCLOSED, f"the answer has no {name}, which is optional")
    return None


def _inferred(permissions: Permissions, granted: Granted) -> Provenance:
    """Of what is absent from the list, though no document promises that it would stand there."""
    return Provenance(
        Grade.INFERRED, permissions.call, granted.pointer, permissions.inferred_reference
    )


_FLAG_NAME = re.compile(
    r"^(is|can|may|has|enable|permit|allow)|(abled|allowed|permitted)$|withdraw", re.I
)

_TRUE_AND_FALSE = (Level(equals=True, means=Access.GRANTED), Level(equals=False, means=None))

_WORDS_ONLY = (PermissionShape.COMMA_LIST, PermissionShape.WORD_LIST, PermissionShape.FLAGS)
"""Shapes in which a word alone tells how far it reaches."""


class _Entry(NamedTuple):
    """A word of a list."""

    word: str
    access: Access
    """How far it reaches."""
    place: str
    """JSON Pointer within the list."""
    apparent: bool = False
    """Whether it is granted in a form that no document describes."""


class _Refused(Exception):  # noqa: N818 - carries a finding out of nested reading
    pass


def granted(permissions: Permissions, row: Row) -> Granted | Malformed:
    """Read the list of permissions.

    Args:
        permissions: Where it stands, and in which shape.
        row: The part of the answer that is about the calling key.
    """
    unread = ""
    try:
        entries = list(_entries(permissions, row))
    except _Refused as refused:
        entries, unread = list(_plainly_shown(permissions, row)), str(refused)
        if not entries:
            return Malformed(unread)
    none = not entries and permissions.may_be_none
    if not none and not any(_is_listed(permissions, entry) for entry in entries):
        # The call itself needs a permission: an answer without any contradicts itself.
        unread = unread or "an empty list of permissions"
        if not any(entry.apparent for entry in entries):
            return Malformed(unread)
    return _granted(permissions, row, entries, unread)


def _granted(permissions: Permissions, row: Row, entries: Sequence[_Entry], unread: str) -> Granted:
    pointer = row.pointer + permissions.pointer
    words: dict[str, Access] = {}
    for entry in entries:
        same_as_before = words.get(entry.word, entry.access) is entry.access
        words[entry.word] = entry.access if same_as_before else Access.UNKNOWN
    return Granted(
        words=words,
        pointers={entry.word: pointer + entry.place for entry in entries},
        pointer=pointer,
        left_out=_left_out(permissions, resolve(row.value, permissions.pointer)),
        apparent=frozenset(entry.word for entry in entries if entry.apparent),
        unread=unread,
    )


def _plainly_shown(permissions: Permissions, row: Row) -> Iterator[_Entry]:
    """Known words in a list of another shape than the documents describe."""
    seen: set[str] = set()
    for text, place in _shown(permissions, resolve(row.value, permissions.pointer)):
        word = _known(permissions, text)
        if word in permissions.words and word not in seen:
            seen.add(word)
            entry = _of_list(permissions, word, _mark_of_all(permissions, row), place)
            if entry.access in (Access.GRANTED, Access.READ_WRITE):
                yield entry._replace(apparent=True)


def _shown(permissions: Permissions, found: JSONValue | Absent) -> Iterator[tuple[str, str]]:
    """Every text that could be a word, with its place; within groups, of any shape of a group."""
    if permissions.shape in _WORDS_ONLY:
        yield from shown_words(found)
    elif permissions.shape is PermissionShape.GROUPS and isinstance(found, dict):
        for group, names in found.items():
            for name, place in shown_words(names):
                yield f"{group}.{name}", join(group) + place


def _is_listed(permissions: Permissions, entry: _Entry) -> bool:
    """Whether a word is granted, be it that the documents do not tell how far words reach here."""
    reach_untold = bool(permissions.read_only_pointer) and not permissions.read_only_marks
    granted_here = entry.access is not Access.UNKNOWN and not entry.apparent
    return granted_here or (reach_untold and entry.place != "")


def _entries(permissions: Permissions, row: Row) -> Iterator[_Entry]:
    found = resolve(row.value, permissions.pointer)
    match permissions.shape:
        case PermissionShape.NAMED_GRANTS:
            return _of_named_grants(permissions, found)
        case PermissionShape.FLAGS:
            return _of_flags(permissions, found)
        case PermissionShape.GROUPS:
            return _of_groups(permissions, found, _mark_of_all(permissions, row))
        case PermissionShape.COMMA_LIST:
            return _of_comma_list(permissions, found)
        case PermissionShape.WORD_LIST:
            return _of_word_list(permissions, found, _mark_of_all(permissions, row))
        case PermissionShape.READ_WRITE_ROWS:
            return _of_rows(permissions, found)
        case _:
            assert_never(permissions.shape)


def _of_named_grants(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if not isinstance(found, list):
        raise _Refused("permissions are not a list")
    for index, entry in enumerate(found):
        name = resolve(entry, permissions.name_pointer)
        if not isinstance(name, str) or not name:
            raise _Refused("a permission without a name")
        mark = resolve(entry, permissions.read_only_pointer)
        yield _entry(permissions, name, None if mark is ABSENT else mark, join(index))


def _of_flags(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if not isinstance(found, dict):
        raise _Refused("permissions are not an object")
    left_out = _left_out(permissions, found)
    for word in permissions.words:
        value = found.get(word, ABSENT)
        access = _level(permissions, value)
        if access is Access.UNKNOWN and _plainly_granted(permissions, value):
            yield _Entry(word, Access.GRANTED, join(word), apparent=True)
        elif access is not None and word not in left_out:
            yield _Entry(word, access, join(word))
    for field, value in found.items():
        mapped = field in permissions.words or field in permissions.other_fields
        if not mapped and _may_be_granted(permissions, field, value):
            yield _Entry(field, Access.GRANTED, join(field))


def _plainly_granted(permissions: Permissions, value: JSONValue | Absent) -> bool:
    """Whether a flag says yes in another form than the documents describe."""
    if not permissions.levels:
        return says_yes(value)
    said = {level.means for level in permissions.levels if alike(value, level.equals)}
    return says_yes(value) and not said & {None, Access.READ_ONLY}


def _left_out(permissions: Permissions, found: object) -> frozenset[str]:
    """Optional words that an answer does not name."""
    if permissions.shape is not PermissionShape.FLAGS or not isinstance(found, dict):
        return frozenset()
    optional = {name for name, word in permissions.words.items() if word.optional}
    return frozenset(optional - found.keys())


def _level(permissions: Permissions, value: JSONValue | Absent) -> Access | None:
    """How far a flag's word reaches; ``None`` when it is not granted."""
    for level in permissions.levels or _TRUE_AND_FALSE:
        if same(value, level.equals):
            return level.means
    return Access.UNKNOWN


def _may_be_granted(permissions: Permissions, field: str, value: JSONValue) -> bool:
    """Whether a field that nobody mapped can be a permission: it says yes, or is named like one.

    Among levels of access every field is one, and only a level can say no.
    """
    if permissions.levels:
        return _level(permissions, value) is not None
    if value is False:
        return False
    return says_yes(value) or _FLAG_NAME.search(field) is not None


def _of_groups(permissions: Permissions, found: object, mark: JSONValue) -> Iterator[_Entry]:
    if not isinstance(found, dict):
        raise _Refused("permissions are not an object")
    for word in permissions.words:
        if word.partition(".")[0] not in found:
            yield _Entry(word, Access.UNKNOWN, "")
    for group, names in found.items():
        if not isinstance(names, list):
            raise _Refused("a group that is not a list")
        for index, name in enumerate(names):
            if not isinstance(name, str) or not name:
                raise _Refused("a permission without a name")
            yield _entry(permissions, f"{group}.{name}", mark, join(group, index))


def _mark_of_all(permissions: Permissions, row: Row) -> JSONValue:
    mark = resolve(row.value, permissions.read_only_pointer)
    return None if mark is ABSENT else mark


def _of_list(permissions: Permissions, name: str, mark: JSONValue, place: str) -> _Entry:
    """A word of a list; most lists have no mark of the whole key that says how far it reaches."""
    word = _known(permissions, name)
    if not permissions.read_only_pointer:
        return _Entry(word, Access.GRANTED, place)
    known = permissions.words.get(word)
    if known is not None and known.despite_read_only:
        return _Entry(word, Access.READ_WRITE, place)
    return _entry(permissions, name, mark, place)


def _of_comma_list(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if permissions.or_list and isinstance(found, list):
        yield from _of_word_list(permissions, found, None)
        return
    if not isinstance(found, str):
        raise _Refused("permissions are not a string")
    separator = permissions.separator
    names = [name.strip() for name in found.removesuffix(separator).split(separator)]
    if not all(names):
        raise _Refused("a string with an empty permission")
    for name in names:
        yield _Entry(_known(permissions, name), Access.GRANTED, "")


def _of_word_list(permissions: Permissions, found: object, mark: JSONValue) -> Iterator[_Entry]:
    if not isinstance(found, list):
        raise _Refused("permissions are not a list")
    for index, entry in enumerate(found):
        if not isinstance(entry, str | int) or isinstance(entry, bool) or entry == "":
            raise _Refused("a permission that is neither a string nor an integer")
        yield _of_list(permissions, str(entry), mark, join(index))
        yield from _by_title(permissions, str(entry), mark, join(index))


def _by_title(permissions: Permissions, name: str, mark: JSONValue, place: str) -> Iterator[_Entry]:
    """The word whose title stands in its place, such as ``Withdraw`` for a documented number."""
    if _known(permissions, name) in permissions.words:
        return
    for word, meaning in permissions.words.items():
        if meaning.title.casefold() == name.casefold():
            entry = _of_list(permissions, word, mark, place)
            if entry.access in (Access.GRANTED, Access.READ_WRITE):
                yield entry._replace(apparent=True)


def _of_rows(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if not isinstance(found, list):
        raise _Refused("permissions are not a list")
    named: set[str] = set()
    for index, entry in enumerate(found):
        name = resolve(entry, permissions.name_pointer)
        if not isinstance(name, str) or not name:
            raise _Refused("a permission without a name")
        named.add(_known(permissions, name))
        write = resolve(entry, permissions.write_pointer)
        access = _access_of_row(resolve(entry, permissions.read_pointer), write)
        if access is Access.UNKNOWN and says_yes(write):
            yield _Entry(_known(permissions, name), Access.READ_WRITE, join(index), apparent=True)
        elif access is not None:
            yield _Entry(_known(permissions, name), access, join(index))
    if not permissions.complete:
        for word in permissions.words.keys() - named:
            yield _Entry(word, Access.UNKNOWN, "")


def _access_of_row(read: object, write: object) -> Access | None:
    """How far a row reaches; ``None`` when it grants nothing."""
    match _mark(read), _mark(write):
        case _, True:
            return Access.READ_WRITE
        case True, False:
            return Access.READ_ONLY
        case False, False:
            return None
        case _:
            return Access.UNKNOWN


def _mark(found: object) -> bool | None:
    """True or 1, false or 0; ``None`` for anything else."""
    return bool(found) if isinstance(found, bool | int) and found in (0, 1) else None


def _entry(permissions: Permissions, name: str, mark: JSONValue, place: str) -> _Entry:
    """A word with a read-only mark; one that reads as the mark for writing shows that it writes."""
    word, access = _known(permissions, name), _access(permissions, mark)
    writes = [marked.equals for marked in permissions.read_only_marks if marked.means is False]
    if access is Access.UNKNOWN and any(alike(mark, documented) for documented in writes):
        return _Entry(word, Access.READ_WRITE, place, apparent=True)
    return _Entry(word, access, place)


def _access(permissions: Permissions, mark: JSONValue) -> Access:
    for meaning in permissions.read_only_marks:
        if same(mark, meaning.equals):
            return Access.READ_ONLY if meaning.means is True else Access.READ_WRITE
    return Access.UNKNOWN


def _known(permissions: Permissions, name: str) -> str:
    """The catalog's spelling of a word; an unknown word stays as it is."""
    if name in permissions.words or not permissions.ignore_case:
        return name
    folded = name.casefold()
    return next((word for word in permissions.words if word.casefold() == folded), name)
