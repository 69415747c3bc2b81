"""Which permission words an answer grants, in each of the shapes that exchanges use. Pure."""

import re
from collections.abc import Iterator
from typing import TypeAlias, assert_never

from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.exchange import Level, Permissions, PermissionShape
from gatepolicy.exchanges.pointer import ABSENT, Absent, join, resolve, same
from gatepolicy.exchanges.reading import Granted, Malformed, Row
from gatepolicy.model.facts import Access

_FLAG_NAME = re.compile(
    r"^(is|can|may|has|enable|permit|allow)|(abled|allowed|permitted)$|withdraw", re.I
)

_TRUE_AND_FALSE = (Level(equals=True, means=Access.GRANTED), Level(equals=False, means=None))

_YES = frozenset({
    "true", "yes", "on", "1", "enabled", "allowed", "granted", "full", "full_access", "read_write",
})  # fmt: skip

_Entry: TypeAlias = "tuple[str, Access, str]"
"""Word, how far it reaches, JSON Pointer within the list."""


class _Refused(Exception):  # noqa: N818 - carries a finding out of nested reading
    pass


def granted(permissions: Permissions, row: Row) -> Granted | Malformed:
    """Read the list of permissions.

    Args:
        permissions: Where it stands, and in which shape.
        row: The part of the answer that is about the calling key.
    """
    try:
        entries = list(_entries(permissions, row))
    except _Refused as refused:
        return Malformed(str(refused))
    none = not entries and permissions.may_be_none
    if not none and not any(_is_listed(permissions, entry) for entry in entries):
        # The call itself needs a permission: an answer without any contradicts itself.
        return Malformed("a list without a single permission")
    pointer = row.pointer + permissions.pointer
    left_out = _left_out(permissions, resolve(row.value, permissions.pointer))
    words: dict[str, Access] = {}
    for word, access, _ in entries:
        words[word] = access if words.get(word, access) is access else Access.UNKNOWN
    places = {word: pointer + place for word, _, place in entries}
    return Granted(words, places, pointer, left_out)


def _is_listed(permissions: Permissions, entry: _Entry) -> bool:
    """Whether a word is granted, be it that the documents do not tell how far words reach here."""
    _, access, place = entry
    reach_untold = bool(permissions.read_only_pointer) and not permissions.read_only_marks
    return access is not Access.UNKNOWN or (reach_untold and place != "")


def _entries(permissions: Permissions, row: Row) -> Iterator[_Entry]:
    found = resolve(row.value, permissions.pointer)
    match permissions.shape:
        case PermissionShape.NAMED_GRANTS:
            return _of_named_grants(permissions, found)
        case PermissionShape.FLAGS:
            return _of_flags(permissions, found)
        case PermissionShape.GROUPS:
            return _of_groups(permissions, found, _access_of_all(permissions, row))
        case PermissionShape.COMMA_LIST:
            return _of_comma_list(permissions, found)
        case PermissionShape.WORD_LIST:
            return _of_word_list(permissions, found, _access_of_list(permissions, row))
        case PermissionShape.READ_WRITE_ROWS:
            return _of_rows(permissions, found)
        case _:
            assert_never(permissions.shape)


def _of_named_grants(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if not isinstance(found, list):
        raise _Refused("no list of permissions")
    for index, entry in enumerate(found):
        name = resolve(entry, permissions.name_pointer)
        if not isinstance(name, str) or not name:
            raise _Refused("a permission without a name")
        mark = resolve(entry, permissions.read_only_pointer)
        access = _access(permissions, None if mark is ABSENT else mark)
        yield _known(permissions, name), access, join(index)


def _of_flags(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if not isinstance(found, dict):
        raise _Refused("no object of permissions")
    left_out = _left_out(permissions, found)
    for word in permissions.words:
        access = _level(permissions, found.get(word, ABSENT))
        if access is not None and word not in left_out:
            yield word, access, join(word)
    for field, value in found.items():
        mapped = field in permissions.words or field in permissions.other_fields
        if not mapped and _may_be_granted(permissions, field, value):
            yield field, Access.GRANTED, join(field)


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
    if value is False:
        return False
    if permissions.levels:
        return _level(permissions, value) is not None
    return str(value).lower().replace("-", "_") in _YES or _FLAG_NAME.search(field) is not None


def _of_groups(permissions: Permissions, found: object, access: Access) -> Iterator[_Entry]:
    if not isinstance(found, dict):
        raise _Refused("no object of permissions")
    for word in permissions.words:
        if word.partition(".")[0] not in found:
            yield word, Access.UNKNOWN, ""
    for group, names in found.items():
        if not isinstance(names, list):
            raise _Refused("a group that is no list")
        for index, name in enumerate(names):
            if not isinstance(name, str) or not name:
                raise _Refused("a permission without a name")
            yield _known(permissions, f"{group}.{name}"), access, join(group, index)


def _access_of_all(permissions: Permissions, row: Row) -> Access:
    mark = resolve(row.value, permissions.read_only_pointer)
    return _access(permissions, None if mark is ABSENT else mark)


def _access_of_list(permissions: Permissions, row: Row) -> Access:
    """How far the words of a list reach; most lists have no mark that says so."""
    return _access_of_all(permissions, row) if permissions.read_only_pointer else Access.GRANTED


def _reaching(permissions: Permissions, word: str, access: Access) -> Access:
    """How far a word of a list reaches under the mark of the whole key."""
    known = permissions.words.get(word)
    return Access.READ_WRITE if known is not None and known.despite_read_only else access


def _of_comma_list(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if not isinstance(found, str):
        raise _Refused("no text of permissions")
    separator = permissions.separator
    names = [name.strip() for name in found.removesuffix(separator).split(separator)]
    if not all(names):
        raise _Refused("a text with an empty permission")
    for name in names:
        yield _known(permissions, name), Access.GRANTED, ""


def _of_word_list(permissions: Permissions, found: object, access: Access) -> Iterator[_Entry]:
    if not isinstance(found, list):
        raise _Refused("no list of permissions")
    for index, entry in enumerate(found):
        if not isinstance(entry, str | int) or isinstance(entry, bool) or entry == "":
            raise _Refused("a permission that is neither a text nor a whole number")
        word = _known(permissions, str(entry))
        yield word, _reaching(permissions, word, access), join(index)


def _of_rows(permissions: Permissions, found: object) -> Iterator[_Entry]:
    if not isinstance(found, list):
        raise _Refused("no list of permissions")
    told: set[str] = set()
    for index, entry in enumerate(found):
        name = resolve(entry, permissions.name_pointer)
        if not isinstance(name, str) or not name:
            raise _Refused("a permission without a name")
        told.add(_known(permissions, name))
        access = _access_of_row(
            resolve(entry, permissions.read_pointer), resolve(entry, permissions.write_pointer)
        )
        if access is not None:
            yield _known(permissions, name), access, join(index)
    if not permissions.complete:
        for word in permissions.words.keys() - told:
            yield word, Access.UNKNOWN, ""


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
