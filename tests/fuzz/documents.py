"""Which values the documents name at a place of an answer: what a mutation may put there.

Read from the shipped catalog's data alone, and not by the code that turns answers into facts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from gatepolicy.exchanges.answers import ABSENT, Answer, resolve, same
from gatepolicy.exchanges.exchange import Exchange, FactSource, Permissions, PermissionShape, When
from gatepolicy.exchanges.interpret import Failure, interpret
from gatepolicy.exchanges.readers import READERS, Wrong
from gatepolicy.exchanges.sources import NoRow, Row, names, own_row
from gatepolicy.model.facts import Access, Capability, Grant, Reason
from tests.fuzz.demands import Demand

TRUE_AND_FALSE = (True, False)


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation of the answer of one call."""

    call: str
    """Whose answer."""
    pointer: str
    """JSON Pointer to what was changed."""
    row: str
    """JSON Pointer to the part that is about the key."""
    before: Any
    """The whole answer before."""
    after: Any
    """The whole answer after."""
    status: int = 200
    """Its HTTP status."""
    key: str = ""
    """The calling key; empty for rows of lists."""

    def at(self, pointer: str) -> Any:
        """What stands at a place of the row now; ``ABSENT`` for nothing."""
        return resolve(self.after, self.row + pointer)

    def changes(self, pointer: str) -> bool:
        """Whether a place of the row holds something else now."""
        before, after = resolve(self.before, self.row + pointer), self.at(pointer)
        return not same(before, after) or repr(before) != repr(after)

    def takes_away(self, pointer: str) -> bool:
        """Whether it is this one place of the row that is gone, and not the whole row."""
        return self.at(pointer) is ABSENT and self.pointer == self.row + pointer


def excuses(exchange: Exchange, change: Change, demand: Demand) -> bool:
    """Whether a change puts a documented value where the demand looks, and a good one.

    Args:
        exchange: As the documents describe it.
        change: What was changed.
        demand: What passes now.
    """
    if demand.fact in exchange.structural:
        # Whatever shows that the key exists is enough for a rule of the exchange.
        return any(
            _is_documented(s, change) for name in exchange.facts for s in exchange.facts[name]
        )
    by_words = demand.fact.startswith("permission")
    if by_words and _words_are_documented(exchange.permissions, change):
        return _words_are_good(exchange, change, demand)
    if by_words and _lacks_group(exchange, change, demand):
        return True
    if _is_other_outcome(exchange, change) or _shows_own_row(exchange, change):
        return True
    names_of_facts = [name for name in exchange.facts if _feeds(name, demand)]
    return any(
        _is_good(source, change, demand if name == demand.fact else None)
        for name in names_of_facts
        for source in exchange.facts[name]
    )


def _is_other_outcome(exchange: Exchange, change: Change) -> bool:
    """Whether the change makes the answer an error, or a success, that the documents name."""
    before, after = (
        interpret(exchange, Answer(change.status, json.dumps(one).encode()), change.call)
        for one in (change.before, change.after)
    )
    if isinstance(after, Failure):
        return after.reason is not Reason.UNEXPECTED_ANSWER
    marks = {exchange.success.pointer, exchange.error_code} - {""}
    return isinstance(before, Failure) and change.pointer in marks


def _shows_own_row(exchange: Exchange, change: Change) -> bool:
    """Whether no row was the own one before, and one is now."""
    own = exchange.own_keys.get(change.call)
    if own is None or not change.key:
        return False
    before, after = (own_row(one, own, change.key) for one in (change.before, change.after))
    return isinstance(before, NoRow) and isinstance(after, Row)


def _feeds(fact: str, demand: Demand) -> bool:
    """Whether a demand depends on a fact: addresses hold together, and so do permissions."""
    if demand.fact.startswith("ip."):
        return fact.startswith("ip.")
    if demand.fact.startswith("permission"):
        return fact.startswith("permission.")
    return fact == demand.fact


def _is_good(source: FactSource, change: Change, demand: Demand | None) -> bool:
    if source.call != change.call:
        return False
    conditions = [when for when in source.when if change.changes(when.pointer)]
    if conditions and all(_is_named(when, change) for when in conditions):
        own = any(when.pointer == source.pointer for when in conditions)
        applies = names(source.when[0].applies_if, change.at(source.when[0].pointer))
        return not (own and applies) or _reads_well(source, change, demand)
    return not conditions and _is_documented(source, change) and _reads_well(source, change, demand)


def _is_named(when: When, change: Change) -> bool:
    value = change.at(when.pointer)
    if value is ABSENT:
        return when.skipped_if_absent and change.takes_away(when.pointer)
    return names(when.applies_if, value) or names(when.skipped_if, value)


def _is_documented(source: FactSource, change: Change) -> bool:
    """Whether a place was changed, to something that the documents name."""
    pointers = [one for one in (source.pointer, source.other_pointer) if one or not source.pointer]
    changed = [one for one in pointers if source.call == change.call and change.changes(one)]
    other = [one for one in pointers if one not in changed and change.at(one) is not ABSENT]
    return any(
        (change.takes_away(pointer) and (bool(other) or _may_be_absent(source)))
        or _names(source, change.at(pointer))
        for pointer in changed
    )


def _may_be_absent(source: FactSource) -> bool:
    return source.optional or source.missing is not None


def _names(source: FactSource, value: Any) -> bool:
    if value is ABSENT:
        return False
    if any(same(value, meaning.equals) and not meaning.apparent for meaning in source.meanings):
        return True
    return not isinstance(READERS[source.reader].read(value), Wrong)


def _reads_well(source: FactSource, change: Change, demand: Demand | None) -> bool:
    """Whether what stands at a place now meets a demand, by itself."""
    if demand is None:
        return True
    value = change.at(source.pointer)
    if value is ABSENT:
        value = change.at(source.other_pointer) if source.other_pointer else value
    if value is ABSENT:
        return source.optional
    meant = [one.means for one in source.meanings if same(value, one.equals)]
    read = meant[0] if meant else READERS[source.reader].read(value)
    return not isinstance(read, Wrong) and (demand.word != "" or demand.meets(read))


# --- lists of permissions -----------------------------------------------------------------------


def _words_are_documented(permissions: Permissions, change: Change) -> bool:
    """Whether the list of permissions was changed, to one that the documents allow."""
    if not permissions.words or permissions.call != change.call:
        return False
    of_key = permissions.shape in (PermissionShape.GROUPS, PermissionShape.WORD_LIST)
    mark = permissions.read_only_pointer if of_key else ""
    if not change.changes(permissions.pointer) and not (mark and change.changes(mark)):
        return False
    if mark and change.changes(mark):
        return _is_mark(permissions, change.at(mark))
    value, only = _changed_entries(permissions, change)
    return _is_list(permissions, value, only)


def _words_are_good(exchange: Exchange, change: Change, demand: Demand) -> bool:
    """Whether a documented list meets a demand, or leaves it to places of its own."""
    permissions = exchange.permissions
    grants = tuple(_grants(permissions, change))
    if demand.fact == "permissions.native":
        return demand.meets(grants)
    if demand.fact == "permissions.unrecognised":
        return demand.meets(tuple(one.word for one in grants if one.word not in permissions.words))
    can = any(
        capability.fact == demand.fact
        and (one.access is not Access.READ_ONLY or capability is Capability.READ)
        for one in grants
        if one.word in permissions.words
        for capability in permissions.words[one.word].grants
    )
    return demand.meets(can) or (not can and demand.fact in exchange.facts)


def _grants(permissions: Permissions, change: Change) -> Iterator[Grant]:
    """What a list of permissions grants in a documented form; the rest of it is no matter here."""
    value = change.at(permissions.pointer)
    mark = change.at(permissions.read_only_pointer) if permissions.read_only_pointer else ABSENT
    match permissions.shape:
        case PermissionShape.FLAGS:
            yield from _of_flags(permissions, value)
        case PermissionShape.GROUPS:
            for group, listed in value.items():
                for name in listed if isinstance(listed, list) else ():
                    yield _marked(permissions, f"{group}.{name}", mark)
        case PermissionShape.COMMA_LIST if isinstance(value, str):
            for name in value.removesuffix(permissions.separator).split(permissions.separator):
                yield _marked(permissions, name.strip(), mark)
        case PermissionShape.COMMA_LIST | PermissionShape.WORD_LIST:
            for name in value:
                yield _marked(permissions, str(name), mark)
        case PermissionShape.NAMED_GRANTS:
            for row in value:
                name = str(resolve(row, permissions.name_pointer))
                own = resolve(row, permissions.read_only_pointer)
                yield _marked(permissions, name, own)
        case PermissionShape.READ_WRITE_ROWS:
            yield from _of_rows(permissions, value)
        case _:
            assert_never(permissions.shape)


def _marked(permissions: Permissions, name: str, mark: Any) -> Grant:
    folded = {one.casefold(): one for one in permissions.words} if permissions.ignore_case else {}
    word = folded.get(name.casefold(), name)
    meant = [one.means for one in permissions.read_only_marks if same(mark, one.equals)]
    known = permissions.words.get(word)
    reads = meant == [True] and not (known is not None and known.despite_read_only)
    return Grant(word, Access.READ_ONLY if reads else Access.READ_WRITE)


def _of_flags(permissions: Permissions, value: dict[str, Any]) -> Iterator[Grant]:
    levels = [(one.equals, one.means) for one in permissions.levels] or [(True, Access.GRANTED)]
    for word in permissions.words.keys() & value.keys():
        for equals, access in levels:
            if access is not None and same(value[word], equals):
                yield Grant(word, access)


def _of_rows(permissions: Permissions, value: list[Any]) -> Iterator[Grant]:
    for row in value:
        name = str(resolve(row, permissions.name_pointer))
        if resolve(row, permissions.write_pointer):
            yield Grant(name, Access.READ_WRITE)
        elif resolve(row, permissions.read_pointer):
            yield Grant(name, Access.READ_ONLY)


def _changed_entries(permissions: Permissions, change: Change) -> tuple[Any, frozenset[str] | None]:
    """The entries of the list that were changed, and their names where they have names.

    What was undocumented before, elsewhere in the list, is no matter of this change.
    """
    whole, place = change.at(permissions.pointer), change.row + permissions.pointer
    before = resolve(change.before, place)
    steps = change.pointer.removeprefix(place).split("/")[1:]
    if not steps or not change.pointer.startswith(place):
        return whole, None
    if isinstance(whole, dict) and isinstance(before, dict):
        name = steps[0].replace("~1", "/").replace("~0", "~")
        only = frozenset({name, *(whole.keys() - before.keys())})
        return {one: value for one, value in whole.items() if one in only}, only
    if isinstance(whole, list) and isinstance(before, list) and len(whole) == len(before):
        index = int(steps[0])
        return whole[index : index + 1], frozenset()
    return whole, None


def _lacks_group(exchange: Exchange, change: Change, demand: Demand) -> bool:
    """Whether a group is gone that has nothing to do with a demand: its own words stay unknown."""
    permissions = exchange.permissions
    if permissions.shape is not PermissionShape.GROUPS or permissions.call != change.call:
        return False
    whole = change.at(permissions.pointer)
    before = resolve(change.before, change.row + permissions.pointer)
    if not isinstance(whole, dict) or not isinstance(before, dict):
        return False
    gone = before.keys() - whole.keys()
    may_grant = {
        capability.fact
        for word in permissions.words.values()
        if word.word.partition(".")[0] in gone
        for capability in word.grants | word.unclear
    }
    is_other = demand.word.partition(".")[0] not in gone and demand.fact not in may_grant
    return bool(gone) and whole.keys() <= before.keys() and is_other


def _is_mark(permissions: Permissions, value: Any) -> bool:
    return any(same(value, mark.equals) for mark in permissions.read_only_marks)


def _is_list(permissions: Permissions, value: Any, only: frozenset[str] | None) -> bool:
    match permissions.shape:
        case PermissionShape.FLAGS:
            return isinstance(value, dict) and all(_flags(permissions, value, only))
        case PermissionShape.GROUPS:
            return isinstance(value, dict) and _are_groups(permissions, value, only)
        case PermissionShape.COMMA_LIST if isinstance(value, str):
            words = value.removesuffix(permissions.separator).split(permissions.separator)
            return all(_is_word(permissions, word.strip()) for word in words)
        case PermissionShape.COMMA_LIST:
            return bool(permissions.or_list) and _are_words(permissions, value)
        case PermissionShape.WORD_LIST:
            return _are_words(permissions, value)
        case PermissionShape.NAMED_GRANTS:
            return _are_rows(permissions, value) and all(
                _is_mark(permissions, resolve(row, permissions.read_only_pointer)) for row in value
            )
        case PermissionShape.READ_WRITE_ROWS:
            return _are_rows(permissions, value) and _are_marked_rows(permissions, value, only)
        case _:
            assert_never(permissions.shape)


def _flags(
    permissions: Permissions, value: dict[str, Any], only: frozenset[str] | None
) -> Iterator[bool]:
    named = [level.equals for level in permissions.levels] or TRUE_AND_FALSE
    off = [level.equals for level in permissions.levels if level.means is None] or (False,)
    for name, word in permissions.words.items():
        if only is not None and name not in only:
            continue
        yield any(same(value[name], one) for one in named) if name in value else word.optional
    for field in value.keys() - permissions.words.keys() - permissions.other_fields:
        harmless = not permissions.levels and not isinstance(value[field], bool)
        yield harmless or any(same(value[field], one) for one in off)


def _are_groups(
    permissions: Permissions, value: dict[str, Any], only: frozenset[str] | None
) -> bool:
    groups = {word.partition(".")[0] for word in permissions.words}
    groups = groups if only is None else groups & only
    return groups <= value.keys() and all(
        isinstance(listed, list) and all(f"{group}.{name}" in permissions.words for name in listed)
        for group, listed in value.items()
    )


def _are_words(permissions: Permissions, value: Any) -> bool:
    if not isinstance(value, list) or not (value or permissions.may_be_none):
        return False
    return all(
        isinstance(one, str | int) and not isinstance(one, bool) and _is_word(permissions, str(one))
        for one in value
    )


def _is_word(permissions: Permissions, word: str) -> bool:
    folded = {one.casefold() for one in permissions.words} if permissions.ignore_case else set()
    return word in permissions.words or word.casefold() in folded


def _are_rows(permissions: Permissions, value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(name := resolve(row, permissions.name_pointer), str)
        and _is_word(permissions, name)
        for row in value
    )


def _are_marked_rows(
    permissions: Permissions, value: list[Any], only: frozenset[str] | None
) -> bool:
    pointers = (permissions.read_pointer, permissions.write_pointer)
    marks = [resolve(row, pointer) for row in value for pointer in pointers]
    told = {resolve(row, permissions.name_pointer) for row in value}
    whole = only is not None or permissions.complete or permissions.words.keys() <= told
    return whole and all(isinstance(mark, int) and mark in (0, 1) for mark in marks)
