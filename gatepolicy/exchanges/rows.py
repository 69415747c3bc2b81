"""Which part of an answer is about the calling key. Pure.

Rows of other keys are dropped here and go no further.
"""

from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.exchange import OwnKey
from gatepolicy.exchanges.pointer import ABSENT, join, resolve
from gatepolicy.exchanges.reading import NoRow, Row

_FEWEST_SHOWN = 6
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
    found = resolve(answer, own.rows)
    match found:
        case dict():
            rows = [Row(found, own.rows)]
        case list():
            rows = [Row(row, own.rows + join(index)) for index, row in enumerate(found)]
        case _:
            return NoRow("the answer holds no list of keys")
    if own.key:
        rows = [row for row in rows if api_key and _is_own(row, own, api_key)]
    if len(rows) != 1:
        return NoRow(f"{len(rows) or 'no'} rows of the answer are about this key, not exactly one")
    return rows[0]


def _is_own(row: Row, own: OwnKey, api_key: str) -> bool:
    shown = resolve(row.value, own.key)
    if shown is ABSENT or not isinstance(shown, str):
        return False
    if own.mask and shown.endswith(own.mask):
        visible = shown.rstrip(own.mask)
        return len(visible) >= _FEWEST_SHOWN and api_key.startswith(visible)
    return shown == api_key
