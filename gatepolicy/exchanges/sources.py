"""Places in answers: one fact from all that disclose it, and the row of a list that is the own key.

Where several places disclose a fact, they must agree. Pure.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.answers import ABSENT, Absent, join, resolve, same
from gatepolicy.exchanges.exchange import Documented, FactSource, OwnKey, When
from gatepolicy.exchanges.readers import READERS, Wrong, apparent, hurts, proof
from gatepolicy.model.facts import Access, Fact, Grade, Provenance, Reason, Unknown


@dataclass(frozen=True, slots=True)
class Row:
    """The part of an answer that is about the calling key."""

    value: JSONValue
    """What stands there."""
    pointer: str
    """JSON Pointer to it within the answer."""


@dataclass(frozen=True, slots=True)
class NoRow:
    """The answer does not tell which part of it is about the calling key."""

    detail: str
    """One line for people; quotes no key."""


@dataclass(frozen=True, slots=True)
class Granted:
    """Every word that is granted, or of which the answer does not tell whether it is."""

    words: Mapping[str, Access]
    """Word, as the catalog writes it where it knows it, to how far it reaches. A known word that
    is not here is not granted."""
    pointers: Mapping[str, str]
    """Word to its JSON Pointer within the answer."""
    pointer: str
    """JSON Pointer to the whole list."""
    left_out: frozenset[str] = frozenset()
    """Known words that the answer does not name, as it may: they are not granted, and nothing
    tells about what they would allow."""
    apparent: frozenset[str] = frozenset()
    """Words that are plainly granted, in a form that no document describes."""
    unread: str = ""
    """Why the list as a whole proves nothing, though it plainly shows some words; empty where it
    proves that what is not here is not granted."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """The list is not of the documented shape: it proves nothing, neither way."""

    detail: str
    """One line for people."""


_DIGITS = re.compile(r"[0-9]{1,20}")


def _is_whole_number(value: JSONValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_digits(value: JSONValue) -> bool:
    return isinstance(value, str) and _DIGITS.fullmatch(value) is not None


def _is_narrow_network(value: JSONValue) -> bool:
    return READERS["comma_addresses_bind"].read(value) is True


FORMS: Mapping[str, Callable[[JSONValue], bool]] = {
    "whole_number": _is_whole_number,
    "digits": _is_digits,
    "narrow_network": _is_narrow_network,
}
"""Name in the catalog to a form of values: a whole number from 0, a text of digits, addresses that
somebody can have alone."""


class Applicability(Enum):
    """Whether a place counts."""

    APPLIES = "applies"
    SKIPPED = "skipped"
    """It is documented to say nothing now."""


@dataclass(frozen=True, slots=True)
class Undocumented:
    """A condition holds an undocumented value."""

    pointer: str
    """JSON Pointer to it, as in the condition."""
    detail: str
    """One line for people; quotes no value."""


Found: TypeAlias = Applicability | Undocumented


def applicability(conditions: Sequence[When], row: Row) -> Found:
    """Whether a place counts; an undocumented value outweighs whatever the other conditions say.

    Args:
        conditions: All of them.
        row: The part of the answer that is about the key.
    """
    found = [_of_one(condition, row) for condition in conditions]
    undocumented = (one for one in found if isinstance(one, Undocumented))
    skipped = Applicability.SKIPPED in found
    return next(undocumented, Applicability.SKIPPED if skipped else Applicability.APPLIES)


def _of_one(condition: When, row: Row) -> Found:
    value = resolve(row.value, condition.pointer)
    if names(condition.applies_if, value):
        return Applicability.APPLIES
    if names(condition.skipped_if, value) or (value is ABSENT and condition.skipped_if_absent):
        return Applicability.SKIPPED
    pointer = row.pointer + condition.pointer
    why = "is missing from the answer" if value is ABSENT else "has an undocumented value"
    return Undocumented(condition.pointer, f"{pointer} {why}")


def names(documented: Documented, value: JSONValue | Absent) -> bool:
    """Whether a value is among the documented ones."""
    if value is ABSENT:
        return False
    of_form = FORMS[documented.form](value) if documented.form else False
    return of_form or any(same(value, one) for one in documented.values)


Rows: TypeAlias = "Mapping[str, Row | Unknown]"
"""Id of a call to the part of its answer that is about the calling key, or why there is none."""

_CONTRADICTION = Unknown(
    Reason.UNEXPECTED_ANSWER, "two fields of the answers contradict each other"
)


def from_sources(
    sources: Sequence[FactSource], rows: Rows, others: Sequence[Fact | Unknown]
) -> Fact | Unknown | None:
    """The fact, or why it is unknown; ``None`` when no place says anything about it.

    Args:
        sources: The places.
        rows: The answers.
        others: What words of permissions and refusals say about the same fact.
    """
    found: list[Fact | Unknown] = [*others]
    for source in sources:
        one = _read(source, rows)
        if one is not None:
            found.append(one)
    name = sources[0].fact if sources else ""
    return agreed(name, found)


def agreed(name: str, found: Sequence[Fact | Unknown]) -> Fact | Unknown | None:
    """One from several: facts must agree, and one unreadable answer spoils the others.

    An answer that never came spoils nothing: another call may disclose the same. What could fail a
    rule is still said, as apparent.
    """
    facts = [one for one in found if isinstance(one, Fact)]
    unknowns = [one for one in found if isinstance(one, Unknown)]
    unreadable = [one for one in unknowns if one.reason is Reason.UNEXPECTED_ANSWER]
    if any(fact.value != facts[0].value for fact in facts):
        return _CONTRADICTION
    if facts and unreadable:
        return _in_doubt(name, facts[0], unreadable[0])
    # What one place only shows, the others prove no better.
    apparents = [fact for fact in facts if fact.provenance.grade is Grade.APPARENT]
    best: list[Fact | Unknown] = [*apparents, *facts, *unreadable, *unknowns]
    return next(iter(best), None)


def _in_doubt(name: str, fact: Fact, unreadable: Unknown) -> Fact | Unknown:
    """What one place says while another one is unreadable: it fails rules, and passes none."""
    if not hurts(name, fact.value):
        return unreadable
    place = fact.provenance
    return Fact(fact.value, proof(place.call, place.pointer, unreadable.detail))


def _read(source: FactSource, rows: Rows) -> Fact | Unknown | None:
    """What one place says; ``None`` when it does not count."""
    row = rows[source.call]
    if isinstance(row, Unknown):
        return row
    counts = applicability(source.when, row)
    if isinstance(counts, Undocumented):
        return _beside_undocumented(source, row, counts)
    return None if counts is Applicability.SKIPPED else _of_value(source, row)


def _beside_undocumented(source: FactSource, row: Row, found: Undocumented) -> Fact | Unknown:
    """What a place plainly shows, though nobody can tell whether it counts."""
    own = found.pointer == source.pointer
    pointer = row.pointer + source.pointer
    shown = apparent(source, resolve(row.value, source.pointer), pointer) if own else None
    return shown or Unknown(Reason.UNEXPECTED_ANSWER, found.detail)


def _of_value(source: FactSource, row: Row) -> Fact | Unknown | None:
    value, pointer = _either(source, row)
    if isinstance(value, Unknown):
        return value
    if value is ABSENT and source.missing is not None:
        return Fact(source.missing, Provenance(Grade.OBSERVED, source.call, row.pointer))
    if value is ABSENT:
        missing = Unknown(Reason.UNEXPECTED_ANSWER, f"{pointer} is missing from the answer")
        return None if source.optional else missing
    for meaning in source.meanings:
        if same(value, meaning.equals):
            seen = Provenance(Grade.OBSERVED, source.call, pointer)
            return Fact(meaning.means, proof(source.call, pointer) if meaning.apparent else seen)
    read = READERS[source.reader].read(value)
    if isinstance(read, Wrong):
        unread = Unknown(read.reason, f"{pointer}: {read.detail}")
        return apparent(source, value, pointer) or unread
    return Fact(read, Provenance(Grade.OBSERVED, source.call, pointer))


def _either(source: FactSource, row: Row) -> tuple[JSONValue | Absent | Unknown, str]:
    """The value in whichever spelling the answer has it, and where; both must say the same."""
    usual = resolve(row.value, source.pointer)
    other = resolve(row.value, source.other_pointer) if source.other_pointer else ABSENT
    if usual is ABSENT and other is not ABSENT:
        return other, row.pointer + source.other_pointer
    differ = usual is not ABSENT and other is not ABSENT and not same(usual, other)
    return _CONTRADICTION if differ else usual, row.pointer + source.pointer


FEWEST_SHOWN = 6
"""Fewer visible characters of a masked key could be those of another key."""


def own_row(answer: JSONValue, own: OwnKey | None, api_key: str | None) -> Row | NoRow:
    """Find the row of the calling key: exactly one, or none.

    Args:
        answer: A whole answer.
        own: How to find the row; ``None`` when the whole answer is about the calling key.
        api_key: The calling key.
    """
    if own is None:
        return Row(answer, "")
    rows = rows_of(answer, own.rows)
    if isinstance(rows, NoRow):
        return rows
    if own.key:
        rows = [row for row in rows if api_key and _is_own(row, own, api_key)]
    if len(rows) != 1:
        return NoRow(f"{len(rows) or 'no'} rows of the answer are about this key, not exactly one")
    return rows[0]


def rows_of(answer: JSONValue, pointer: str) -> list[Row] | NoRow:
    """The rows of a list; one object in place of the list is a list of one.

    Args:
        answer: A whole answer.
        pointer: To the list; ``*`` in it stands for every entry of a list on the way, such as every
            pocket with its keys.
    """
    outer, star, inner = pointer.partition("/*")
    if star:
        return _nested(answer, outer, inner)
    found = resolve(answer, pointer)
    match found:
        case dict():
            return [Row(found, pointer)]
        case list():
            return [Row(row, pointer + join(index)) for index, row in enumerate(found)]
        case _:
            return NoRow("the answer has no list of keys")


def _nested(answer: JSONValue, outer: str, inner: str) -> list[Row] | NoRow:
    entries = rows_of(answer, outer)
    if isinstance(entries, NoRow):
        return entries
    rows: list[Row] = []
    for entry in entries:
        found = rows_of(entry.value, inner)
        if isinstance(found, NoRow):
            return found
        rows += [Row(row.value, entry.pointer + row.pointer) for row in found]
    return rows


def shown_key(row: Row, own: OwnKey) -> str | None:
    """The key as a row shows it, whole or masked; ``None`` when it shows none."""
    shown = resolve(row.value, own.key)
    return shown if shown is not ABSENT and isinstance(shown, str) and shown else None


def _is_own(row: Row, own: OwnKey, api_key: str) -> bool:
    places = (own.key, own.other_key) if own.other_key else (own.key,)
    shown = [resolve(row.value, place) for place in places]
    named = [one for one in shown if one is not ABSENT and one is not None and one != ""]
    if not named:
        return own.optional
    return all(isinstance(one, str) and _fits(one, own, api_key) for one in named)


def _fits(shown: str, own: OwnKey, api_key: str) -> bool:
    shown, api_key = shown.removeprefix(own.prefix), api_key.removeprefix(own.prefix)
    if own.ignore_case:
        return same_key(shown.lower(), api_key.lower(), own.mask)
    return same_key(shown, api_key, own.mask)


def same_key(shown: str, known: str, mask: str) -> bool:
    """Whether what is shown of a key fits a key.

    Args:
        shown: Whole, or with the mask in place of the characters that are hidden.
        known: The whole key.
        mask: The character that hides; empty when keys are shown whole.
    """
    if not mask or mask not in shown:
        return shown == known
    head, _, rest = shown.partition(mask)
    tail = rest.lstrip(mask)
    return (
        mask not in tail
        and len(head) + len(tail) >= FEWEST_SHOWN
        and len(known) > len(head) + len(tail)
        and known.startswith(head)
        and known.endswith(tail)
    )
