"""One answer costs no more than itself: what is beyond a bound is an unexpected answer."""

import json

import pytest

from gatepolicy.collect.listing import (
    LONGEST_NAME,
    LONGEST_TEXT,
    LONGEST_WORD,
    MOST_ENTRIES,
    MOST_ROWS,
    bounded,
    too_large,
)
from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import FromAnswer, FromRow
from gatepolicy.exchanges.interpret import Failure, Parsed, parameters
from gatepolicy.model.facts import Access, Fact, Facts, FactValue, Grade, Grant, Provenance, Reason

OBSERVED = Provenance(Grade.OBSERVED, "own_key", "")


def size(value: JSONValue) -> str:
    return too_large(json.dumps(value).encode(), value)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"a": ["x" * LONGEST_TEXT]}, ""),
        ({"a": ["x" * (LONGEST_TEXT + 1)]}, "a text of more than 65,536 characters"),
        ([{"rows": [1] * MOST_ROWS}], ""),
        ([{"rows": [1] * (MOST_ROWS + 1)}], "a list of more than 10,000 entries"),
        ({f"f{n}": True for n in range(MOST_ROWS + 1)}, "a list of more than 10,000 entries"),
        ({"a": [None, 1, True]}, ""),
    ],
)
def test_what_an_answer_may_hold(value: JSONValue, what: str) -> None:
    assert size(value) == what


def known(name: str, value: FactValue) -> Facts:
    return bounded(Facts({name: Fact(value, OBSERVED)}, {}))


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("key.name", "x" * LONGEST_NAME, "x" * (LONGEST_NAME + 1)),
        (
            "permissions.native",
            (Grant("x" * LONGEST_WORD, Access.GRANTED),),
            (Grant("x" * (LONGEST_WORD + 1), Access.GRANTED),),
        ),
        ("permissions.unrecognised", ("x" * LONGEST_WORD,), ("x" * (LONGEST_WORD + 1),)),
        ("key.trading_pairs", ("x",) * MOST_ENTRIES, ("x",) * (MOST_ENTRIES + 1)),
        ("key.active", True, None),
    ],
)
def test_what_a_fact_may_hold(name: str, good: FactValue, bad: FactValue | None) -> None:
    assert known(name, good).known[name].value == good
    if bad is not None:
        found = known(name, bad)
        assert not found.known
        assert found.unknown[name].reason is Reason.UNEXPECTED_ANSWER


GATE = next(
    listing for listing in load_exchange("gate").listings if "{user_id}" in listing.keys.call.path
)


@pytest.mark.parametrize("value", ["../../x", "1.5", "é", "12 3", "+5", "x" * 65, "a/b", "%2e"])
def test_an_answers_value_that_fits_no_path_is_that_answers_fault(value: str) -> None:
    found = parameters(GATE.keys.call, {}, {}, {"user_id": value})
    assert found == Failure(
        Reason.UNEXPECTED_ANSWER, "the answer's value at /user_id cannot be sent"
    )
    assert parameters(GATE.keys.call, {}, {}, {"user_id": 35085}) == {"user_id": "35085"}


def test_an_answers_value_in_a_query_is_a_short_printable_text() -> None:
    listing = load_exchange("okx").listings[0]
    (name,) = [n for n, p in listing.keys.call.params.items() if isinstance(p, FromRow)]

    def sent(value: str) -> object:
        parameter = listing.keys.call.params[name]
        assert isinstance(parameter, FromRow | FromAnswer)
        return parameters(listing.keys.call, {}, {}, {parameter.pointer[1:]: value})

    assert sent("desk 1/ü") == {name: "desk 1/ü"}
    assert isinstance(sent("a\nb"), Failure)
    assert isinstance(sent("x" * 257), Failure)
    assert sent("x" * 256) == {name: "x" * 256}


def test_nothing_else_is_checked_for_its_form() -> None:
    call = load_exchange("okx").calls[0]
    assert parameters(call, {}, {"x": Parsed(None)}) == call.params
