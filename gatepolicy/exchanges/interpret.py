"""What an answer is: the success that the exchange documents, or a failure with a reason. Pure.

ccxt's exception classes mislead (one class for several causes, several classes for one cause), so
failures are told apart by HTTP status, error code and words of the message, as the catalog says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.exchange import ErrorPattern, Exchange
from gatepolicy.exchanges.pages import known_page
from gatepolicy.exchanges.pointer import ABSENT, resolve, same
from gatepolicy.exchanges.sites import about_sisters
from gatepolicy.exchanges.strict_json import NotJson, parse
from gatepolicy.model.reasons import Reason

TRANSIENT = frozenset({Reason.RATE_LIMITED, Reason.UNREACHABLE, Reason.TIMEOUT, Reason.MAINTENANCE})
"""Reasons that may be gone when the same call is sent again."""

ABOUT_THE_KEY = frozenset(
    {
        Reason.BAD_KEY,
        Reason.BAD_SIGNATURE,
        Reason.PERMISSION_DENIED,
        Reason.IP_REFUSED,
        Reason.KEY_EXPIRED,
    }
)
"""Reasons that only somebody who looked at the key can give."""

_BY_STATUS: Mapping[int, Reason] = {
    418: Reason.RATE_LIMITED,
    429: Reason.RATE_LIMITED,
    451: Reason.GEO_BLOCKED,
    500: Reason.UNREACHABLE,
    502: Reason.UNREACHABLE,
    503: Reason.MAINTENANCE,
    504: Reason.UNREACHABLE,
}
"""What a status means where neither the exchange's code nor its words tell (RFC 9110, RFC 7725)."""

_PLAIN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A documented success."""

    value: JSONValue
    """The whole body."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Anything else."""

    reason: Reason
    """Why nothing can be read from it."""
    detail: str = ""
    """One line for people; quotes nothing that the exchange wrote but its error code."""
    proves: Mapping[str, bool] = field(default_factory=dict)
    """Facts that the refusal itself proves."""
    beside: str = ""
    """Id of the call that must have succeeded for the proof to count; empty when it needs none."""
    ask_instead: str = ""
    """Id of the alternative that describes such keys; empty when there is none."""


def interpret(exchange: Exchange, raw: RawAnswer, call: str = "") -> Parsed | Failure:
    """Tell a success from a failure.

    Args:
        exchange: Whose answer it is.
        raw: What came back.
        call: Id of the call that it answers, for errors that mean something of one call only.
    """
    match raw:
        case NoAnswer(reason, detail):
            return Failure(reason, detail)
        case Answer(status, body):
            return _of_answer(exchange, status, body, call)
        case _:
            assert_never(raw)


def _of_answer(exchange: Exchange, status: int, body: bytes, call: str) -> Parsed | Failure:
    value = parse(body)
    if isinstance(value, NotJson):
        return _unread(exchange, status, body, value.detail)
    success = status == 200 and _is_success(exchange, value)
    # A success can still say that there is no such key.
    refusal = _refusal(exchange, status, value, call, only_where=success)
    if refusal is not None:
        is_contradicted = not success and exchange.success.pointer and _is_success(exchange, value)
        return replace(refusal, proves={}) if is_contradicted else refusal
    return Parsed(value) if success else _unmapped(exchange, status, value)


def _is_success(exchange: Exchange, value: JSONValue) -> bool:
    success = exchange.success
    if success.pointer:
        return same(resolve(value, success.pointer), success.equals)
    return resolve(value, exchange.error_code) is ABSENT


def _unread(exchange: Exchange, status: int, body: bytes, look: str) -> Failure:
    """The failure of a body that is no JSON: a known page, or else what the status tells."""
    page = known_page(status, body)
    if page is not None:
        return Failure(page.reason, f"HTTP {status}, {page.detail}")
    for pattern in exchange.errors:
        if _is_by_status(pattern, status) and _may_say(pattern.reason, body):
            detail = about_sisters(exchange, pattern.reason, pattern.detail)
            return Failure(pattern.reason, detail or f"HTTP {status}, {look}")
    reason = _BY_STATUS.get(status, Reason.UNEXPECTED_ANSWER)
    return Failure(reason, f"HTTP {status}, {look}")


def _is_by_status(pattern: ErrorPattern, status: int) -> bool:
    return pattern.status == status and not (pattern.code or pattern.text or pattern.where)


def _may_say(reason: Reason, body: bytes) -> bool:
    """Whether a body without JSON can have that reason: a page comes from what stands before the
    exchange's API, and knows nothing about a key.
    """
    return reason not in ABOUT_THE_KEY or not body.lstrip().startswith(b"<")


def _refusal(
    exchange: Exchange, status: int, value: JSONValue, call: str, *, only_where: bool
) -> Failure | None:
    """The failure of the first pattern that matches."""
    code = _code(resolve(value, exchange.error_code))
    text = resolve(value, exchange.error_text)
    words = text.lower() if isinstance(text, str) else ""
    for pattern in exchange.errors:
        about = pattern.call in ("", call) and not (only_where and pattern.where is None)
        if about and _matches(pattern, status, code, words) and _holds(pattern, value):
            detail = about_sisters(exchange, pattern.reason, pattern.detail)
            return Failure(
                pattern.reason, detail, pattern.proves, pattern.beside, pattern.ask_instead
            )
    return None


def _unmapped(exchange: Exchange, status: int, value: JSONValue) -> Failure:
    reason = _BY_STATUS.get(status, Reason.UNEXPECTED_ANSWER)
    code = _code(resolve(value, exchange.error_code))
    return Failure(reason, f"HTTP {status}, {_named(code)}")


def _holds(pattern: ErrorPattern, value: JSONValue) -> bool:
    where = pattern.where
    return where is None or same(resolve(value, where.pointer), where.equals)


def _code(found: object) -> str:
    """The error code as text; empty for what cannot be one."""
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _matches(pattern: ErrorPattern, status: int, code: str, words: str) -> bool:
    return (
        pattern.status in (None, status)
        and pattern.code in (None, code)
        and (pattern.text is None or pattern.text.lower() in words)
    )


def _named(code: str) -> str:
    # A code is quoted only when it looks like one: bodies can hold keys and signatures.
    if _PLAIN_CODE.fullmatch(code):
        return f"error code {code}, which the catalog does not know"
    return "an answer of undocumented shape"
