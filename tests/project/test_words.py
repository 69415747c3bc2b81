"""The texts that users meet use the terms of docs/glossary.md, and none of the old phrases."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from gatepolicy.cli.main import cli

ROOT = Path(__file__).parents[2]
OLD_PHRASES = {
    r"no API proves": "no API discloses",
    "passing reason": "transient error",
    "stands? here": "defined, listed, allowed",
    "in plain": "plaintext",
    "sins?": "seeded violation",
    "made up": "synthetic",
    "on purpose": "override",
    "something else to look at": "incomplete",
    "nobody knows": "unknown",
    "nobody has looked": "not researched, not attested",
    r"no time(?! zone)": "not a valid timestamp",
    "be given several times": "repeatable",
    "bound to no address": "without an IP allowlist",
    "who says so": "who confirms it",
    "tell what differs": "compare",
    r"(no|any) (call|read|answer)s? tells?": "the API does not report",
    r"(do|does) not tell": "does not report, does not disclose, does not say",
    r"(only|that) [^.;]{1,60} would tell": "would show it",
    "documented nowhere|documents? nowhere": "not documented",
    "bound to (the |its |your |listed )?address(es)?": "has an IP allowlist",
    "mak(e|ing) (a|another|two) ([a-z]+ )?keys?": "create a key",
    "key that asks": "the calling key",
    "gone over|went over": "reviewed",
    "a sign,? (and )?(not a|no) proof": "an indication, not proof",
    "somebody (looked|saw|said)|nobody has (mapped|reviewed)": "a person confirmed; unknown",
    "nobody (declared|signs|named)": "undeclared",
    "questions? to the exchange": "a policy, a check",
    "what holds on": "requirements on",
    "own words": "own permissions",
    "takes rising numbers": "requires increasing nonces",
    "gives one answer": "returns the same answer",
    "known to others": "leaked",
    "on that occasion": "also",
    "keys? ends?": "expires",
    "for ever": "never expires, never changes",
}
"""What texts said, to what the field says."""
_OLD = {re.compile(rf"\b({old})\b", re.I): term for old, term in OLD_PHRASES.items()}


def old_phrases(text: str) -> list[str]:
    """Each old phrase of a text, with its term."""
    flat = " ".join(text.split())
    return [
        f"{found[0]!r}: say {term}" for old, term in _OLD.items() if (found := old.search(flat))
    ]


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    with click.Context(command, info_name=name) as context:
        yield name, command.get_help(context)
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                found = command.get_command(context, sub)
                assert found is not None
                yield from helps(found, f"{name} {sub}")


def docs() -> Iterator[tuple[str, str]]:
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        if path.name not in ("CHANGELOG.md", "exchanges.md"):
            yield path.name, path.read_text(encoding="utf-8")


def described(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from described(part)
    if isinstance(node, dict):
        for key, value in node.items():
            is_text = key in ("title", "description", "patternErrorMessage")
            if is_text and isinstance(value, str):
                yield value
            else:
                yield from described(value)


def schemas() -> Iterator[tuple[str, str]]:
    for path in (ROOT / "schemas").glob("*.json"):
        yield path.name, "\n".join(described(json.loads(path.read_text(encoding="utf-8"))))


def docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        for inner in (
            getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ()
        ):
            if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
                yield inner.value


def code() -> Iterator[tuple[str, str]]:
    """The texts in the code: what is no docstring."""
    for path in (ROOT / "gatepolicy").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = {id(node) for node in docstrings(tree)}
        texts = (
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if id(node) not in silent
        )
        yield path.relative_to(ROOT).as_posix(), "\n".join(texts)


SHIPPED = ("gatepolicy/rules", "gatepolicy/exchanges", "gatepolicy/demo", "policies")


def shipped() -> Iterator[tuple[str, str]]:
    """The YAML files that users meet, with their comments: rules, catalog, policies."""
    for folder in SHIPPED:
        for file in sorted((ROOT / folder).rglob("*.yaml")):
            yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text"),
    [*helps(cli, "gatepolicy"), *docs(), *schemas(), *code(), *shipped()],
    ids=lambda value: value if len(value) < 60 else "",
)
def test_no_text_says_an_old_phrase(name: str, text: str) -> None:
    assert old_phrases(text) == [], name


def test_old_phrases_are_found() -> None:
    assert old_phrases("It fails for a\n    passing reason.") == [
        "'passing reason': say transient error"
    ]
    assert old_phrases("Since yesterday, plain text") == []
