"""Parameters: constants, the key itself, and what an earlier call told."""

from dataclasses import replace

import pytest

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.build import build
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Call, FromAnswer, FromCredential, FromRow
from gatepolicy.exchanges.interpret import Failure, Parsed, parameters
from gatepolicy.model.facts import Reason

CALL = replace(
    load_exchange("okx").calls[0],
    params={
        "type": "0",
        "accessKey": FromCredential("apiKey"),
        "uid": FromAnswer("uid", "/data"),
    },
)


def asked(answer: JSONValue) -> object:
    return parameters(CALL, {"apiKey": "key"}, {"uid": Parsed(answer)})


@pytest.mark.parametrize(("uid", "sent"), [(63628520, "63628520"), ("u-1", "u-1"), (0, "0")])
def test_values_are_put_together(uid: JSONValue, sent: str) -> None:
    assert asked({"data": uid}) == {"type": "0", "accessKey": "key", "uid": sent}


BAD: list[JSONValue] = [
    {},
    {"data": None},
    {"data": ""},
    {"data": True},
    {"data": [1]},
    {"data": 1.5},
    [],
]


@pytest.mark.parametrize("answer", BAD, ids=repr)
def test_what_an_answer_lacks_stops_the_call(answer: JSONValue) -> None:
    assert asked(answer) == Failure(
        Reason.UNEXPECTED_ANSWER, "/data is missing, and the next call needs it"
    )


def test_a_failure_of_the_earlier_call_is_that_of_this_one() -> None:
    failed = Failure(Reason.BAD_KEY, "unknown key", {"ip.restricted": True})
    assert parameters(CALL, {"apiKey": "key"}, {"uid": failed}) == Failure(
        Reason.BAD_KEY, "unknown key"
    )


def test_catalog_files_write_them_as_mappings() -> None:
    call = {
        "id": "x",
        "ccxt_method": "private_post_x",
        "http_method": "POST",
        "path": "/x",
        "reference": "https://x.example",
        "reads": "a query",
        "body": {"method": "info"},
        "params": {
            "a": "0",
            "b": {"credential": "apiKey"},
            "c": {"call": "uid", "pointer": "/data"},
        },
    }
    data = {
        "id": "x", "title": "X", "ccxt_id": "x", "reference": "", "credentials": [],
        "hosts": [], "rate_limit": {"calls": 1, "seconds": 1}, "calls": [call],
        "errors": {"code": "/c", "text": "/m", "patterns": []}, "facts": {}, "menu": "",
        "fixes": {},
    }  # fmt: skip
    (built,) = build(data).calls
    assert built == Call(
        id="x",
        ccxt_method="private_post_x",
        http_method="POST",
        path="/x",
        params={"a": "0", "b": FromCredential("apiKey"), "c": FromAnswer("uid", "/data")},
        reads="a query",
        body={"method": "info"},
        permission="",
        reference="https://x.example",
    )


def sent(path: str, value: JSONValue, parameter: FromAnswer | FromRow) -> object:
    """What is sent as ``id`` to a path: from an earlier answer, or from a row."""
    call = replace(CALL, path=path, params={"id": parameter})
    return parameters(call, {}, {"uid": Parsed({"data": value})}, {"data": value})


FROM = pytest.mark.parametrize("parameter", [FromAnswer("uid", "/data"), FromRow("/data")])
LONGEST_SEGMENT, LONGEST = "a" * 64, "a" * 256


@FROM
@pytest.mark.parametrize("value", ["7", "u-1_X", LONGEST_SEGMENT])
def test_a_plain_segment_may_stand_in_a_path(value: str, parameter: FromAnswer | FromRow) -> None:
    assert sent("/users/{id}/keys", value, parameter) == {"id": value}


@FROM
@pytest.mark.parametrize(
    "value", ["a/b", "..", "a?b=c", "a#b", "a%2fb", "a b", "é", "a\n", LONGEST_SEGMENT + "a"]
)
def test_nothing_else_of_an_answer_becomes_a_part_of_a_path(
    value: str, parameter: FromAnswer | FromRow
) -> None:
    refused = Failure(Reason.UNEXPECTED_ANSWER, "the answer's value at /data cannot be sent")
    assert sent("/users/{id}/keys", value, parameter) == refused


@FROM
def test_a_parameter_of_a_query_may_be_any_text_that_is_not_too_long(
    parameter: FromAnswer | FromRow,
) -> None:
    refused = Failure(Reason.UNEXPECTED_ANSWER, "the answer's value at /data cannot be sent")
    for value in ("a/b c", LONGEST):
        assert sent("/users/{other}", value, parameter) == {"id": value}
    for value in (LONGEST + "a", "a\n", "a\x00"):
        assert sent("/users", value, parameter) == refused


def test_what_the_catalog_says_is_sent_as_it_is() -> None:
    call = replace(CALL, path="/users/{id}", params={"id": "a/b", "key": FromCredential("apiKey")})
    assert parameters(call, {"apiKey": "k" * 300}, {}) == {"id": "a/b", "key": "k" * 300}


def test_what_a_row_lacks_stops_the_call() -> None:
    call = replace(CALL, params={"id": FromRow("/id")})
    lacking = Failure(Reason.UNEXPECTED_ANSWER, "/id is missing, and the next call needs it")
    assert parameters(call, {}, {}, {"name": "x"}) == lacking
    assert parameters(call, {}, {}) == lacking
