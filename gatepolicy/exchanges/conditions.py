"""Whether a place counts, by other values of the same answer. Pure.

A condition names every documented value. Whatever else stands there decides nothing: a place that
dropped out silently would leave the fact to the other places, which may pass the key.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.exchange import Documented, When
from gatepolicy.exchanges.pointer import ABSENT, Absent, resolve, same
from gatepolicy.exchanges.readers import READERS
from gatepolicy.exchanges.reading import Row

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


class Standing(Enum):
    """Whether a place counts."""

    APPLIES = "applies"
    SKIPPED = "skipped"
    """It is documented to say nothing now."""


@dataclass(frozen=True, slots=True)
class Undocumented:
    """A condition holds a value that the documents do not name."""

    pointer: str
    """JSON Pointer to it, as in the condition."""
    detail: str
    """One line for people; quotes no value."""


Found: TypeAlias = Standing | Undocumented


def standing(conditions: Sequence[When], row: Row) -> Found:
    """Whether a place counts; an undocumented value outweighs whatever the other conditions say.

    Args:
        conditions: All of them.
        row: The part of the answer that is about the key.
    """
    found = [_of_one(condition, row) for condition in conditions]
    undocumented = (one for one in found if isinstance(one, Undocumented))
    skipped = Standing.SKIPPED in found
    return next(undocumented, Standing.SKIPPED if skipped else Standing.APPLIES)


def _of_one(condition: When, row: Row) -> Found:
    value = resolve(row.value, condition.pointer)
    if names(condition.applies_if, value):
        return Standing.APPLIES
    if names(condition.skipped_if, value) or (value is ABSENT and condition.skipped_if_absent):
        return Standing.SKIPPED
    pointer = row.pointer + condition.pointer
    why = "is missing from the answer" if value is ABSENT else "has an undocumented value"
    return Undocumented(condition.pointer, f"{pointer} {why}")


def names(documented: Documented, value: JSONValue | Absent) -> bool:
    """Whether a value is among the documented ones."""
    if value is ABSENT:
        return False
    of_form = FORMS[documented.form](value) if documented.form else False
    return of_form or any(same(value, one) for one in documented.values)
