"""Values in a document that holds several credentials: JSON, YAML, TOML or dotenv.

No message quotes the document: a parser's own words may hold what stands there.
"""

import importlib
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath

from gatepolicy.collect.secrets import CredentialError
from gatepolicy.documents.document import JSONValue
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import DocumentError

_TOO_LARGE = 10**30
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.]*\s*=")


class _NotThis(Exception):  # noqa: N818 - the text is of another format
    pass


def value_in(tree: JSONValue, field: str) -> str:
    """A value of a document.

    Args:
        tree: The document.
        field: A key, or a JSON pointer (RFC 6901), which begins with a slash.

    Raises:
        CredentialError: There is none, or it is no text.
    """
    found = tree
    for step in _steps(field):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isascii() and step.isdecimal():
            found = found[int(step)] if int(step) < len(found) else _missing()
        else:
            found = _missing()
    if isinstance(found, str):
        return found
    # Of other numbers, nothing tells how they were written.
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < _TOO_LARGE:
        return str(found)
    raise CredentialError("this value is not a string; quote it there")


def _steps(field: str) -> Iterator[str]:
    if not field.startswith("/"):
        yield field
        return
    for step in field[1:].split("/"):
        yield step.replace("~1", "/").replace("~0", "~")


def _missing() -> JSONValue:
    raise CredentialError("it holds no such value")


def parsed(text: str, name: str) -> JSONValue:
    """A document, by the suffix of its name, or by what it looks like.

    Args:
        text: Its content.
        name: Of the file or the secret; ``.age`` at the end is left out.

    Raises:
        CredentialError: It is not valid, or of none of these formats.
    """
    path = PurePath(name.removesuffix(".age"))
    suffix = ".env" if path.name.startswith(".env") else path.suffix.lower()
    if suffix in _BY_SUFFIX:
        title, parse = _BY_SUFFIX[suffix]
        try:
            return parse(text)
        except _NotThis:
            raise CredentialError(f"it is not valid {title}") from None
    for _, parse in _IN_TURN:
        try:
            tree = parse(text)
        except _NotThis:
            continue
        if tree and isinstance(tree, dict | list):
            return tree
    raise CredentialError("it is neither JSON, TOML, dotenv nor YAML")


def _json(text: str) -> JSONValue:
    try:
        tree: JSONValue = json.loads(text)
    except (ValueError, RecursionError):
        raise _NotThis from None
    return tree


def _toml(text: str) -> JSONValue:
    try:
        tree: JSONValue = tomllib.loads(text)
    except (ValueError, RecursionError):
        raise _NotThis from None
    return tree


def _yaml(text: str) -> JSONValue:
    try:
        return parse_yaml(text, "").data
    except DocumentError:
        raise _NotThis from None


def _dotenv(text: str) -> JSONValue:
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if not _ASSIGNMENT.match(first):
        raise _NotThis
    try:
        parser = importlib.import_module("dotenv.parser")
    except ImportError:
        hint = "pip install python-dotenv"
        raise CredentialError(f"the python-dotenv package is not installed; {hint}") from None
    found: dict[str, JSONValue] = {}
    for binding in parser.parse_stream(io.StringIO(text)):
        is_bare = binding.key is not None and binding.value is None
        if binding.error or is_bare:
            raise _NotThis
        if binding.key is not None:
            found[binding.key] = binding.value
    return found


_Parse = Callable[[str], JSONValue]
_JSON, _TOML = ("JSON", _json), ("TOML", _toml)
_DOTENV, _YAML = ("dotenv", _dotenv), ("YAML", _yaml)
_BY_SUFFIX: Mapping[str, tuple[str, _Parse]] = {
    ".json": _JSON, ".toml": _TOML, ".env": _DOTENV, ".yaml": _YAML, ".yml": _YAML
}  # fmt: skip
_IN_TURN: tuple[tuple[str, _Parse], ...] = (_JSON, _TOML, _DOTENV, _YAML)
