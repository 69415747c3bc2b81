"""One fact from all places that disclose it; where several do, they must agree. Pure."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.apparent import apparent, hurts, proof
from gatepolicy.exchanges.conditions import Standing, Undocumented, standing
from gatepolicy.exchanges.exchange import FactSource
from gatepolicy.exchanges.pointer import ABSENT, Absent, resolve, same
from gatepolicy.exchanges.readers import READERS, Wrong
from gatepolicy.exchanges.reading import Row
from gatepolicy.model.facts import Fact, Grade, Provenance, Unknown
from gatepolicy.model.reasons import Reason

Rows: TypeAlias = "Mapping[str, Row | Unknown]"
"""Id of a call to the part of its answer that is about the calling key, or why there is none."""

_CONTRADICTION = Unknown(
    Reason.UNEXPECTED_ANSWER, "two places of the answers contradict each other"
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
    return found[0] if len(found) == 1 else agreed(name, found)


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
    counts = standing(source.when, row)
    if isinstance(counts, Undocumented):
        return _beside_undocumented(source, row, counts)
    return None if counts is Standing.SKIPPED else _of_value(source, row)


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
        hidden = read.reason is Reason.NOT_DISCLOSED
        return unread if hidden else apparent(source, value, pointer) or unread
    return Fact(read, Provenance(Grade.OBSERVED, source.call, pointer))


def _either(source: FactSource, row: Row) -> tuple[JSONValue | Absent | Unknown, str]:
    """The value in whichever spelling the answer has it, and where; both must say the same."""
    usual = resolve(row.value, source.pointer)
    other = resolve(row.value, source.other_pointer) if source.other_pointer else ABSENT
    if usual is ABSENT and other is not ABSENT:
        return other, row.pointer + source.other_pointer
    differ = usual is not ABSENT and other is not ABSENT and not same(usual, other)
    return _CONTRADICTION if differ else usual, row.pointer + source.pointer
