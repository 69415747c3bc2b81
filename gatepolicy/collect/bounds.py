"""Bounds for what an answer may hold: one answer must not cost more than itself. Pure.

A text report wraps texts and a policy matches them, so an answer of two megabytes could take hours
further on. What is beyond a bound is an unexpected answer: no document shows anything near.
"""

from gatepolicy.documents.values import JSONValue
from gatepolicy.model.facts import FACTS, Fact, FactKind, Facts, FactValue, Grant, Unknown
from gatepolicy.model.reasons import Reason

MOST_REQUESTS = 500
"""Requests for one account, repetitions included. Lists of keys are the only reason for more than a
few: these are a hundred pages, or hundreds of sub-accounts."""
LISTING_PATIENCE = 20
"""How many times its time-out an account's lists may take, with the pace that its exchange asks for
and without waiting for others: ten minutes at the default of 30 s."""
MOST_ROWS = 10_000
"""Entries of one list or object in an answer, and rows of one list of keys with all its pages.
Exchanges allow tens to hundreds of keys, and some thousands of sub-accounts."""
LONGEST_TEXT = 65_536
"""Characters of any text in an answer; the longest documented one is a list of addresses in a few
hundred."""
LONGEST_NAME = 256
"""Characters of a key's name; exchanges allow 20 to 128."""
LONGEST_WORD = 64
"""Characters of a permission word or a trading pair; the longest word of the catalog has 40."""
MOST_ENTRIES = 5_000
"""Entries of one fact, such as addresses or trading pairs."""
_SMALL = MOST_ROWS
"""Bytes of a body in which nothing can be beyond a bound."""


def too_large(body: bytes, value: JSONValue) -> str:
    """What in an answer is beyond a bound; empty when nothing is.

    Args:
        body: As received.
        value: What it holds.
    """
    return "" if len(body) < _SMALL else _too_large(value)


def _too_large(value: JSONValue) -> str:
    match value:
        case str():
            is_too_long = len(value) > LONGEST_TEXT
            return f"a text of more than {LONGEST_TEXT:,} characters" if is_too_long else ""
        case list() | dict():
            if len(value) > MOST_ROWS:
                return f"a list of more than {MOST_ROWS:,} entries"
            inner = value.values() if isinstance(value, dict) else value
            return next(filter(None, map(_too_large, inner)), "")
        case _:
            return ""


def bounded(facts: Facts) -> Facts:
    """Facts, without those that are beyond a bound."""
    beyond = {
        name: Unknown(Reason.UNEXPECTED_ANSWER, f"{FACTS[name].meaning}: {what}")
        for name, fact in facts.known.items()
        if (what := _beyond(name, fact))
    }
    return facts.learn_all(beyond) if beyond else facts


def _beyond(name: str, fact: Fact) -> str:
    kind, value = FACTS[name].kind, fact.value
    if kind is FactKind.TEXT and isinstance(value, str) and len(value) > LONGEST_NAME:
        return f"more than {LONGEST_NAME} characters"
    if not isinstance(value, tuple):
        return ""
    if len(value) > MOST_ENTRIES:
        return f"more than {MOST_ENTRIES:,} entries"
    is_too_long = any(len(word) > LONGEST_WORD for word in _words(value))
    return f"an entry of more than {LONGEST_WORD} characters" if is_too_long else ""


def _words(value: FactValue) -> list[str]:
    entries = value if isinstance(value, tuple) else ()
    words = [entry.word if isinstance(entry, Grant) else entry for entry in entries]
    return [word for word in words if isinstance(word, str)]
