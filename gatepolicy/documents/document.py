"""A parsed document: plain values, and where each of them was written."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_interface,
    ip_network,
)
from typing import TypeAlias

from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Network

JSONValue: TypeAlias = bool | int | float | str | list["JSONValue"] | dict[str, "JSONValue"] | None
DataPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of a document to a value."""


def show_path(path: DataPath) -> str:
    """A path as people write it, such as ``accounts[3].credentials.apiKey``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def network_of(text: str) -> Network | tuple[str, str]:
    """A network in CIDR notation, or a single address; else what is wrong, and what to do."""
    if "%" in text:
        return "a zone index (%) is not allowed", "remove it"
    try:
        return ip_network(text)
    except ValueError:
        return _what_is_wrong(text)


def _what_is_wrong(text: str) -> tuple[str, str]:
    try:
        meant = ip_interface(text)
    except ValueError:
        return "not a valid network in CIDR notation", "write it like 203.0.113.0/28"
    alone = f"{meant.ip}/{meant.max_prefixlen}"
    return "host bits are set", f"write {meant.network} or {alone}"


def collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    """The same addresses in as few networks as possible: neighbours and parts become one."""
    listed = list(networks)
    four = collapse_addresses(n for n in listed if isinstance(n, IPv4Network))
    six = collapse_addresses(n for n in listed if isinstance(n, IPv6Network))
    return (*four, *six)


EVERYWHERE = (
    "this network covers every address, so it restricts nothing",
    "list the networks that you use, such as 203.0.113.0/28",
)
"""What is wrong with networks that hold every address, and what to do."""


def hold_everything(networks: Iterable[Network]) -> bool:
    """Whether networks hold every address there is, of IPv4 or of IPv6; in halves, too."""
    return any(network.prefixlen == 0 for network in collapsed(networks))


_COLUMN_BITS = 20
_LAST_COLUMN = (1 << _COLUMN_BITS) - 1
_PLACE_BITS = 64
_PLACE = (1 << _PLACE_BITS) - 1


def pack(line: int, column: int) -> int:
    """A 0-based place as one number: a large file has a million places."""
    return line << _COLUMN_BITS | min(column, _LAST_COLUMN)


def unpack(place: int) -> tuple[int, int]:
    """The 0-based line and column of a packed place."""
    return place >> _COLUMN_BITS, place & _LAST_COLUMN


def pack_two(key: int, value: int) -> int:
    """The packed places of a key and of its value as one number."""
    return key << _PLACE_BITS | value


Child: TypeAlias = "MapMarks | ListMarks | None"
MapMarks: TypeAlias = "dict[str, int | tuple[int, int, Child]]"
"""Key to the places of key and value, and the marks within the value; to both places as one number
where the value has no parts, as most have none."""
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
            found = marks.get(step)
            if isinstance(found, int):
                return found >> _PLACE_BITS, found & _PLACE, None
            return found
        case list(), int() if 0 <= step < len(marks):
            place, child = marks[step]
            return None, place, child
        case _:
            return None


def first_line(marks: MapMarks, key: str) -> int:
    """The 1-based line on which a key that is there stands."""
    found = marks[key]
    place = found >> _PLACE_BITS if isinstance(found, int) else found[0]
    return unpack(place)[0] + 1
