"""The parameters of a call: constants, the key itself, and what an earlier call told. Pure."""

import re
from collections.abc import Mapping
from typing import assert_never

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.answers import resolve
from gatepolicy.exchanges.exchange import (
    Call,
    FromAnswer,
    FromCredential,
    FromRow,
    Parameter,
    Sent,
)
from gatepolicy.exchanges.interpret import Failure, Parsed
from gatepolicy.model.facts import Reason

SEGMENT = "[A-Za-z0-9_-]{1,64}"
"""Pattern of what may stand in a path in the place of a parameter: one plain segment."""
_LONGEST = 256
"""Characters of a value that is sent: names and ids of sub-accounts are documented with 100 or
fewer."""

PUBLIC_CREDENTIALS = ("apiKey", "uid", "accountId", "walletAddress")
"""Credentials that are no secrets: their values may stand in a query."""


def parameters(
    call: Call,
    credentials: Mapping[str, str],
    outcomes: Mapping[str, Parsed | Failure],
    row: JSONValue = None,
) -> Mapping[str, Sent] | Failure:
    """What a call is sent with, or why it cannot be sent.

    Args:
        call: Its declaration.
        credentials: ccxt name to value; only those that declarations name are used.
        outcomes: Id of every earlier call to what its answer was.
        row: Of the list before, for calls that are made once for each of its rows.
    """
    values: dict[str, Sent] = {}
    for name, parameter in call.params.items():
        value = _value(parameter, credentials, outcomes, row)
        if isinstance(value, Failure):
            return value
        if isinstance(parameter, FromAnswer | FromRow) and not _can_be_sent(value, name, call):
            return Failure(
                Reason.UNEXPECTED_ANSWER,
                f"the answer's value at {parameter.pointer} cannot be sent",
            )
        values[name] = value
    return values


def _can_be_sent(value: Sent, name: str, call: Call) -> bool:
    """Whether an answer's value is one that may become a part of the next request."""
    text = str(value)
    if f"{{{name}}}" in call.path:
        return re.fullmatch(SEGMENT, text) is not None
    return len(text) <= _LONGEST and text.isprintable()


def _value(
    parameter: Parameter,
    credentials: Mapping[str, str],
    outcomes: Mapping[str, Parsed | Failure],
    row: JSONValue,
) -> Sent | Failure:
    match parameter:
        case str() | int():
            return parameter
        case FromCredential(credential):
            return credentials[credential]
        case FromAnswer(call, pointer):
            return _of_answer(outcomes[call], pointer)
        case FromRow(pointer):
            return _of_answer(Parsed(row), pointer)
        case _:
            assert_never(parameter)


def _of_answer(outcome: Parsed | Failure, pointer: str) -> str | Failure:
    if isinstance(outcome, Failure):
        return Failure(outcome.reason, outcome.detail)
    found = resolve(outcome.value, pointer)
    if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
        return str(found)
    return Failure(Reason.UNEXPECTED_ANSWER, f"{pointer} is missing, and the next call needs it")
