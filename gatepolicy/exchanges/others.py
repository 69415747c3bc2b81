"""Exchanges without a catalog entry: why every fact about their keys is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import load_schema
from gatepolicy.resources import others_file, schemas_directory


class State(StrEnum):
    """Why an exchange has no catalog entry."""

    NOT_DISCLOSED = "not_disclosed"
    """Its API tells nothing about the calling key."""
    NOT_RESEARCHED = "not_researched"
    """Nobody has looked yet."""
    OUTSIDE = "outside"
    """The library that signs requests does not carry it."""


MEANING: Mapping[State, str] = {
    State.NOT_DISCLOSED: "its API tells nothing about the calling key",
    State.NOT_RESEARCHED: "nobody has looked yet what its API tells about a key",
    State.OUTSIDE: "gatepolicy cannot ask it",
}


@dataclass(frozen=True, slots=True)
class Other:
    """One exchange without a catalog entry."""

    state: State
    """Why."""
    note: str
    """What was looked at, or what to do instead; may be empty."""

    id: str = ""
    """As inventories and policies name it."""
    title: str = ""
    """As people name it."""
    menu: str = ""
    """The path of the web page where keys are edited; empty when nobody wrote it down."""
    fixes: Mapping[str, str] = field(default_factory=dict)
    """Rule name to the fix on this exchange."""

    @property
    def told(self) -> str:
        """One line for people."""
        where = f" (on {self.title}: {self.menu})" if self.menu else ""
        note = f": {self.note}" if self.note else ""
        return f"{MEANING[self.state]}{note}{where}"


def load_others() -> Mapping[str, Other]:
    """Every such exchange by its id, sorted.

    Raises:
        DocumentError: The shipped file is broken: a defect of gatepolicy.
    """
    schema = load_schema((schemas_directory() / "others.schema.json").read_text(encoding="utf-8"))
    data: Any = load_document(str(others_file()), schema=schema, kind="Others").data
    return {
        name: Other(
            State(entry["state"]),
            entry.get("note", ""),
            id=name,
            title=entry.get("title", name),
            menu=entry.get("menu", ""),
            fixes=entry.get("fixes", {}),
        )
        for name, entry in sorted(data["exchanges"].items())
    }
