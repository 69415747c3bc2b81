"""Parameters: constants, the key itself, and what an earlier call told."""

from dataclasses import replace

import pytest

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.build import build
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Call, FromAnswer, FromCredential
from gatepolicy.exchanges.interpret import Failure, Parsed
from gatepolicy.exchanges.params import parameters
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
