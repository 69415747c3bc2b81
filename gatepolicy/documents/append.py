"""Adding an entry to a list in a file that people keep: comments and order stay. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from gatepolicy.documents.document import Document, JSONValue
from gatepolicy.errors import DocumentError, Problem, UsageError

Entry = Mapping[str, str | Sequence[str] | Mapping[str, str]]
"""Texts, lists of texts and tables of texts by name; what is empty is left out."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9@._/-]*(?: [A-Za-z0-9@._/()-]+)*[.]?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS_OF_YAML = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def append_entry(text: str, document: Document, key: str, entry: Entry) -> str:
    """The text of a file with one more entry at the end of a list.

    Args:
        text: The file.
        document: The same, parsed.
        key: Of the list, at the top of the document.
        entry: What to add.

    Raises:
        DocumentError: The list is written in one line, where there is no place for an entry.
    """
    # What a file ends its lines with, it keeps, line by line.
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    if not _items(document, key):
        return _into_empty(lines, document, key, _rendered(entry, "  ", newline), newline)
    first = document.at((key, 0))
    dash = lines[first.line - 1][: first.column - 1]
    if not re.fullmatch(r" *- +", dash):
        raise _in_one_line(document, key)
    indent = " " * dash.index("-")
    end = _end_of(lines, document, key)
    before = _ended("".join(lines[:end]), newline)
    return _ended("".join([before, *_rendered(entry, indent, newline), *lines[end:]]), newline)


def _items(document: Document, key: str) -> Sequence[JSONValue]:
    data = document.data if isinstance(document.data, dict) else {}
    items = data.get(key)
    return items if isinstance(items, list) else []


def refused_entry(error: DocumentError, file: str) -> UsageError:
    """What is wrong with an entry that was to be added: it stands in no line yet.

    Args:
        error: About the file with the entry; the file without it has no problem.
        file: Its name.
    """
    whats = [f"{_name_of(problem)}{problem.what}" for problem in error.problems]
    fixes = dict.fromkeys(problem.fix for problem in error.problems if problem.fix)
    return UsageError(f"{file}: the new entry: {'; '.join(whats)}", hint="; ".join(fixes))


def _name_of(problem: Problem) -> str:
    """The name within the entry, from a path such as ``waivers[3].expires``."""
    name = re.sub(r"^[a-z]+\[\d+\]\.?", "", problem.path)
    return f"{name}: " if name else ""


def _into_empty(
    lines: Sequence[str], document: Document, key: str, entry: Iterator[str], newline: str
) -> str:
    index = document.key_at((key,)).line - 1
    found = re.fullmatch(rf"{key}: *\[ *\](?P<rest> *(?:#.*)?)\s*", lines[index])
    if found is None:
        raise _in_one_line(document, key)
    head = f"{key}:{found['rest']}".rstrip() + newline
    return _ended("".join([*lines[:index], head, *entry, *lines[index + 1 :]]), newline)


def _ended(text: str, newline: str) -> str:
    return text if not text or text.endswith("\n") else text + newline


def _in_one_line(document: Document, key: str) -> DocumentError:
    what = "this list is not in block style"
    return DocumentError(
        [
            Problem(
                document.key_at((key,)),
                key,
                what,
                "write each entry on its own line, starting with '- '",
            )
        ]
    )


def _end_of(lines: Sequence[str], document: Document, key: str) -> int:
    """The index behind the last line of a list; comments at the margin belong to what follows."""
    data = document.data if isinstance(document.data, dict) else {}
    start = document.key_at((key,)).line
    later = [document.key_at((other,)).line - 1 for other in data]
    end = min((line for line in later if line >= start), default=len(lines))
    while not lines[end - 1].strip() or lines[end - 1].startswith("#"):
        end -= 1
    return end


def _rendered(entry: Entry, indent: str, newline: str) -> Iterator[str]:
    start = f"{indent}- "
    for name, value in entry.items():
        if value:
            yield f"{start}{name}: {_value(value)}{newline}"
            start = f"{indent}  "


def _value(value: str | Sequence[str] | Mapping[str, str]) -> str:
    match value:
        case str():
            return _scalar(value)
        case Mapping():
            return "{" + ", ".join(f"{_scalar(k)}: {_quoted(v)}" for k, v in value.items()) + "}"
        case _:
            return "[" + ", ".join(_quoted(item) for item in value) + "]"


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return text if is_plain or _DAY.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    # A JSON text is a double-quoted text of YAML.
    return json.dumps(text, ensure_ascii=False)
