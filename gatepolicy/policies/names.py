"""Networks and variables: address sets and values that are defined once, and used as ``$name``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gatepolicy.documents.document import Document
from gatepolicy.documents.values import JSONValue
from gatepolicy.errors import Problem
from gatepolicy.model.location import Location

_NAME = re.compile(r"\$[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """One name with its meaning."""

    value: JSONValue
    """A list of networks, a text or a number, as written."""
    location: Location
    """Where it is defined."""


@dataclass(frozen=True, slots=True)
class Names:
    """What ``$name`` stands for."""

    networks: Mapping[str, Definition] = field(default_factory=dict)
    """Address sets."""
    variables: Mapping[str, Definition] = field(default_factory=dict)
    """Single values."""

    def upon(self, others: "Names") -> "Names":
        """These and others; what both define is as defined here."""
        return Names({**others.networks, **self.networks}, {**others.variables, **self.variables})


NO_NAMES = Names()
"""Nothing is defined."""


def names_of(document: Document) -> Names:
    """What a document defines under ``networks`` and ``variables``."""
    return Names(_table(document, "networks"), _table(document, "variables"))


def _table(document: Document, table: str) -> dict[str, Definition]:
    data = document.data if isinstance(document.data, dict) else {}
    entries = data.get(table)
    if not isinstance(entries, dict):
        return {}
    return {
        name: Definition(value, document.key_at((table, name))) for name, value in entries.items()
    }


def redefined(own: Names, inherited: Names) -> Iterator[Problem]:
    """Names that a policy gives another meaning than the policies that it extends."""
    for table, mine, theirs in (
        ("networks", own.networks, inherited.networks),
        ("variables", own.variables, inherited.variables),
    ):
        for name, definition in mine.items():
            other = theirs.get(name)
            if other is not None and other.value != definition.value:
                what = f"{name} is defined otherwise at {other.location}"
                fix = "choose another name, or define it once in the project file"
                yield Problem(definition.location, f"{table}.{name}", what, fix)


def name_in(value: JSONValue) -> str:
    """The name that a value refers to; empty when it is none."""
    return value[1:] if isinstance(value, str) and _NAME.fullmatch(value) else ""
