"""What is read from answers on the way to facts: values that the steps hand to each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from gatepolicy.documents.values import JSONValue
from gatepolicy.model.facts import Access


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
