"""Reading attestations: files, checked against the schema, as frozen values."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from gatepolicy.accounts.selector import Selector
from gatepolicy.attestations.attestation import Attestation
from gatepolicy.documents.append import Entry, append_entry, refused_entry
from gatepolicy.documents.document import Document
from gatepolicy.documents.links import wrong_link
from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import load_schema
from gatepolicy.documents.source import Read
from gatepolicy.documents.values import DataPath, show_path
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.naming import unknown_exchange
from gatepolicy.resources import schemas_directory

EMPTY_FILE = "apiVersion: gatepolicy/v1\nkind: Attestations\nattestations: []\n"


def load_attestations(
    files: Sequence[str], *, today: date | None = None, read: Read = Path.read_bytes
) -> tuple[Attestation, ...]:
    """Attestations in the order of their files.

    Args:
        files: As the user named them.
        today: Refuses what is dated later; without it, any day is taken. UTC.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: With the problems of all files together.
    """
    text = (schemas_directory() / "attestations.schema.json").read_text(encoding="utf-8")
    found: list[Attestation] = []
    problems: list[Problem] = []
    for file in files:
        try:
            schema = load_schema(text)
            document = load_document(file, schema=schema, kind="Attestations", read=read)
        except DocumentError as error:
            problems.extend(error.problems)
            continue
        # The schema has accepted the document, so its shape is known from here on.
        data: Any = document.data
        for index, node in enumerate(data["attestations"]):
            one = _attestation(node, index, document, problems)
            if today is not None and one.day > today:
                what = "this day is yet to come; until then it counts for nothing"
                problems.append(_about_day(document, index, what, "correct it"))
            found.append(one)
    if problems:
        raise DocumentError(problems)
    return tuple(found)


def _attestation(
    node: Mapping[str, Any], index: int, document: Document, problems: list[Problem]
) -> Attestation:
    day = date.min
    try:
        day = date.fromisoformat(node["date"])
    except ValueError:
        what = f"there is no day {node['date']}"
        problems.append(_about_day(document, index, what, "write it like 2026-11-01"))
    problems += _wrong_words(node, index, document)
    return Attestation(
        control=node["control"],
        selector=Selector.of(node),
        by=node["by"],
        day=day,
        evidence=node.get("evidence", ""),
        location=document.at(("attestations", index)),
    )


def _wrong_words(node: Mapping[str, Any], index: int, document: Document) -> Iterator[Problem]:
    wrong: dict[DataPath, tuple[str, str] | None] = {
        ("attestations", index, "exchanges", position): unknown_exchange(name)
        for position, name in enumerate(node.get("exchanges", ()))
    }
    wrong["attestations", index, "evidence"] = wrong_link(node.get("evidence", ""))
    for path, told in wrong.items():
        if told is not None:
            yield Problem(document.at(path), show_path(path), *told)


def _about_day(document: Document, index: int, what: str, fix: str) -> Problem:
    path = ("attestations", index, "date")
    return Problem(document.at(path), show_path(path), what, fix)


def with_attestation(text: str, file: str, entry: Entry) -> str:
    """The text of a file of attestations with one more.

    Args:
        text: The file; empty when there is none yet.
        file: Its name, for messages.
        entry: The attestation, by the names of the schema.

    Raises:
        DocumentError: The file is none of attestations.
        UsageError: The entry is no attestation.
    """
    before = text or EMPTY_FILE
    load_attestations([file], read=lambda _: before.encode())
    after = append_entry(before, parse_yaml(before, file), "attestations", entry)
    try:
        load_attestations([file], read=lambda _: after.encode())
    except DocumentError as error:
        raise refused_entry(error, file) from None
    return after
