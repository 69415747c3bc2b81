"""From a file to a checked document, and strict JSON."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepolicy.documents.document import Document, JSONValue
from gatepolicy.documents.load import load_document, load_json
from gatepolicy.documents.schema import load_schema
from gatepolicy.errors import DocumentError
from gatepolicy.model.scan import ExitCode

SCHEMA = load_schema(
    """{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["apiVersion", "kind"],
    "additionalProperties": false,
    "properties": {
      "apiVersion": {"const": "gatepolicy/v1"},
      "kind": {"const": "Thing"},
      "size": {"type": "integer"}
    }
}"""
)
HEAD = "apiVersion: gatepolicy/v1\nkind: Thing\n"


def giving(data: bytes) -> Callable[[Path], bytes]:
    return lambda _: data


def load(text: str) -> Document:
    return load_document("a.yaml", schema=SCHEMA, kind="Thing", read=giving(text.encode()))


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_good_document() -> None:
    document = load(HEAD + "size: 3\n")
    assert document.data == {"apiVersion": "gatepolicy/v1", "kind": "Thing", "size": 3}
    assert str(document.at(("size",))) == "a.yaml:3:7"


def test_a_file_on_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "thing.yaml"
    file.write_text(HEAD)
    document = load_document(str(file), schema=SCHEMA, kind="Thing")
    assert document.file == str(file)


def test_problems_of_the_schema() -> None:
    assert problems(HEAD + "size: big\nsise: 3\n") == [
        "a.yaml:3:7: size: expected an integer, found a string",
        "a.yaml:4:1: sise: unknown key; did you mean size?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", "1:1: a mapping with kind: Thing was expected; see 'gatepolicy schema'"),
        ("text", "1:1: a mapping with kind: Thing was expected; see 'gatepolicy schema'"),
        ("kind: Thing", "1:1: apiVersion: apiVersion is missing; add apiVersion: gatepolicy/v1"),
        ("apiVersion: gatepolicy/v1", "1:1: kind: kind is missing; add kind: Thing"),
        (
            "apiVersion: gatepolicy/v9\nkind: Thing",
            "1:13: apiVersion: this is apiVersion gatepolicy/v9, gatepolicy/v1 was expected;"
            " choose another file",
        ),
        (
            "apiVersion: gatepolicy/v1\nkind: Policy",
            "2:7: kind: this is kind Policy, Thing was expected; choose another file",
        ),
        (
            "apiVersion: gatepolicy/v1\nkind: [Thing]",
            "2:7: kind: this is kind …, Thing was expected; choose another file",
        ),
        (
            "apiVersion: gatepolicy/v1\nkind: " + "x" * 40,
            "2:7: kind: this is kind …, Thing was expected; choose another file",
        ),
    ],
)
def test_another_kind(text: str, expected: str) -> None:
    # One problem is told, and not what follows from it.
    assert problems(text + "\nmore: 1\n" * (text[0] not in "-t")) == [f"a.yaml:{expected}"]


def test_the_exit_code_is_that_of_usage() -> None:
    with pytest.raises(DocumentError) as caught:
        load("")
    assert caught.value.exit_code is ExitCode.USAGE


yamlish = st.lists(
    st.sampled_from(
        [
            "apiVersion: gatepolicy/v1\n", "kind: Thing\n", "size: ", "3", "\n", "\n  ", "- ", ": ",
            "[", "]", "{", "}", ",", "&a ", "*a", "!t ", "<<", "'", '"', "|", ">", "#", "---\n",
            "...\n", "%YAML 1.2\n", "\t", "\\", "\0", "\ufeff", "é", "? ", "~", "\r", "\u2028",
        ]
    )
).map("".join)  # fmt: skip


@given(st.binary() | yamlish.map(str.encode))
@example(b"\xff\xfe")
@example(HEAD.encode() + b"size: &a [" + b"[" * 60 + b"]" * 60 + b"]\nx: [" + b"[*a]" * 9 + b"]")
def test_any_bytes_are_a_document_or_a_document_error(data: bytes) -> None:
    outcome = load_or_error(data)
    if isinstance(outcome, Document):
        assert isinstance(outcome.data, dict)
        assert outcome.data["kind"] == "Thing"
    else:
        assert outcome.problems
        assert all(problem.location.file == "a.yaml" for problem in outcome.problems)
        assert all(problem.location.line >= 1 for problem in outcome.problems)


def load_or_error(data: bytes) -> Document | DocumentError:
    try:
        return load_document("a.yaml", schema=SCHEMA, kind="Thing", read=giving(data))
    except DocumentError as error:
        return error


def refused_json(data: str | bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        load_json(data, "a.json")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
        ('"\\ud83d\\ude00"', "😀"),
        ("1e300", 1e300),
        ("[]", []),
    ],
)
def test_json(text: str, value: JSONValue) -> None:
    assert load_json(text, "a.json") == value
    assert load_json(text.encode(), "a.json") == value


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", "not JSON (Expecting value); see line 1"),
        ("{}\n{}", "not JSON (Extra data); see line 2"),
        ('{"a": 1, "a": 1}', "duplicate key in an object; remove one"),
        ('[{"b": {"a": 1, "a": 2}}]', "duplicate key in an object; remove one"),
        ("[NaN]", "NaN is not valid JSON"),
        ("-Infinity", "-Infinity is not valid JSON"),
        ("1e999", "a number is too large"),
        ("-1e999", "a number is too large"),
        ("1" * 5000, "a number has too many digits"),
        ('"\\ud800"', "unpaired surrogate"),
        ('{"\\udfff": 1}', "unpaired surrogate"),
        ('"\ud800"', "unpaired surrogate"),
        (b"\xff", "not UTF-8 text; save the file as UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 65 + "]" * 65, "nested more than 64 levels deep"),
    ],
)
def test_what_is_no_strict_json(data: str | bytes, expected: str) -> None:
    assert refused_json(data) == f"a.json:1:1: {expected}"


def test_the_deepest_json() -> None:
    text = '{"a":' * 32 + "[" * 32 + "1" + "]" * 32 + "}" * 32
    assert load_json(text, "a.json") == json.loads(text)


jsonish = st.text(st.sampled_from('{}[]":,\\u0deD8E+-.1NaInfity tru\n'))


@given(st.binary() | jsonish.map(str.encode))
def test_any_bytes_are_json_or_a_document_error(data: bytes) -> None:
    try:
        value = load_json(data, "a.json")
    except DocumentError:
        value = None
    assert json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def test_digits_are_limited_in_this_python() -> None:
    assert 0 < sys.get_int_max_str_digits() < 5000
