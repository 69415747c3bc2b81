"""Which part of an answer is about the calling key. Pure.

Rows of other keys are dropped here and go no further.
"""

from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.exchange import OwnKey
from gatepolicy.exchanges.pointer import ABSENT, join, resolve
from gatepolicy.exchanges.reading import NoRow, Row

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
            return NoRow("the answer holds no list of keys")


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
