"""A document: plain data, and where every part of it stands."""

from dataclasses import dataclass
from typing import TypeAlias

from gatepolicy.documents.values import DataPath, JSONValue
from gatepolicy.model.location import Location

_COLUMN_BITS = 20
_LAST_COLUMN = (1 << _COLUMN_BITS) - 1


def pack(line: int, column: int) -> int:
    """A 0-based place as one number: a large file has a million places."""
    return line << _COLUMN_BITS | min(column, _LAST_COLUMN)


def unpack(place: int) -> tuple[int, int]:
    """The 0-based line and column of a packed place."""
    return place >> _COLUMN_BITS, place & _LAST_COLUMN


Child: TypeAlias = "MapMarks | ListMarks | None"
MapMarks: TypeAlias = "dict[str, tuple[int, int, Child]]"
"""Key to the places of key and value, and the marks within the value."""
ListMarks: TypeAlias = "list[tuple[int, Child]]"
"""Place of every item, and the marks within it."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file."""

    file: str
    """As the user named it."""
    data: JSONValue
    """Mappings, lists, texts, numbers, booleans and null."""
    start: int
    """Packed place of the whole."""
    marks: Child
    """Packed places of the parts."""

    def at(self, path: DataPath) -> Location:
        """Where a value stands; of what is not there, where its nearest ancestor stands."""
        place, marks = self.start, self.marks
        for step in path:
            found = _step(marks, step)
            if found is None:
                break
            _, place, marks = found
        return self._location(place)

    def key_at(self, path: DataPath) -> Location:
        """Where the key of a mapping's entry stands; otherwise as ``at``."""
        if path:
            found = _step(self._marks_of(path[:-1]), path[-1])
            if found is not None and found[0] is not None:
                return self._location(found[0])
        return self.at(path)

    def _marks_of(self, path: DataPath) -> Child:
        marks = self.marks
        for step in path:
            found = _step(marks, step)
            if found is None:
                return None
            marks = found[2]
        return marks

    def _location(self, place: int) -> Location:
        line, column = unpack(place)
        return Location(self.file, line + 1, column + 1)


def _step(marks: Child, step: str | int) -> tuple[int | None, int, Child] | None:
    match marks, step:
        case dict(), str():
            return marks.get(step)
        case list(), int() if 0 <= step < len(marks):
            place, child = marks[step]
            return None, place, child
        case _:
            return None
