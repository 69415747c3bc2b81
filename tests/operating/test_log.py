"""Every line is JSON, and as the schema says."""

import io
import json
from contextlib import redirect_stderr
from datetime import UTC, datetime
from typing import TextIO, cast

import click
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.operating.log import Log, problem
from gatepolicy.resources import schemas_directory

NOW = datetime(2026, 11, 23, 4, 17, tzinfo=UTC)
SCHEMA = json.loads((schemas_directory() / "log.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def logged(*texts: str) -> list[dict[str, object]]:
    stream = io.StringIO()
    log = Log(stream, lambda: NOW)
    for text in texts:
        assert log.write(text) == len(text)
    log.finish()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("warning: a", "warning", "a"),
        ("error: a", "error", "a"),
        ("hint: a", "hint", "a"),
        ("note: a", "note", "a"),
        ("reference: a", "note", "a"),
        ("accounts.yaml:1:2: a", "error", "accounts.yaml:1:2: a"),
        ("\x1b[2J", "error", "\\x1b[2J"),
    ],
)
def test_a_line_is_a_problem(line: str, level: str, text: str) -> None:
    assert problem(line) == {"level": level, "text": text}


def test_lines_are_put_together() -> None:
    found = logged("warning: ", "a\nerr", "or: b", "\n\n", "rest")
    assert [one["text"] for one in found] == ["a", "b", "rest"]


def test_what_click_writes_is_a_line_as_well() -> None:
    """It asks a stream for bytes first, and would write nothing else to one that takes them."""
    stream = io.StringIO()
    with redirect_stderr(cast("TextIO", Log(stream, lambda: NOW))):
        click.echo("warning: a", err=True)
        click.echo("reference: b", err=True)
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(one["level"], one["text"]) for one in told] == [("warning", "a"), ("note", "b")]
    with pytest.raises(TypeError):
        Log(stream, lambda: NOW).write(b"")


@given(st.lists(st.text(max_size=20), max_size=4))
def test_whatever_is_written_is_lines_of_json(texts: list[str]) -> None:
    assert all(VALIDATOR.is_valid(line) for line in logged(*texts))


def test_without_a_stream_nothing_is_written() -> None:
    log = Log(None, lambda: NOW)
    log.event("start")
    log.write("x\n")
    log.finish()
    assert log.writable()
    assert not log.isatty()


def test_the_schema_is_one_and_its_examples_are_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for event in SCHEMA["$defs"].values():
        members = event["properties"]
        VALIDATOR.validate({name: member["examples"][0] for name, member in members.items()})
        for member in members.values():
            assert {"title", "description", "examples"} <= member.keys()


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"time": "2026-11-23T04:17:00Z", "event": "other"},
        {"time": "2026-11-23T04:17:00Z", "event": "problem", "level": "bad", "text": ""},
        {"time": "2026-11-23T04:17:00Z", "event": "report", "format": "", "path": "", "url": ""},
    ],
)  # fmt: skip
def test_what_is_no_line_of_a_log(line: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(line)
