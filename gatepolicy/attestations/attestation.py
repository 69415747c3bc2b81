"""Attestations: their files, and the facts that they make."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from gatepolicy.accounts.account import Selector
from gatepolicy.documents.append import Entry, append_entry, refused_entry
from gatepolicy.documents.document import DataPath, Document, show_path
from gatepolicy.documents.load import Read, load_document, wrong_link
from gatepolicy.documents.schema import load_schema
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.catalog import unknown_exchange
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import ATTESTED_FACTS, Fact, Facts, Grade, Never, Provenance, Unknown
from gatepolicy.resources import schemas_directory

PREFIX = "attested."
_OF_THE_ACCOUNT = frozenset({"two_factor"})
"""Controls that are about the account and so hold for all its keys; the others are about a key."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """One entry of a file of attestations."""

    control: str
    """What was looked at, such as ``two_factor``."""
    selector: Selector
    """The accounts."""
    by: str
    """Who said so."""
    day: date
    """When. UTC."""
    evidence: str
    """Where the proof is kept; may be empty."""
    location: Location
    """Where it stands."""

    def is_about(self, subject: Subject) -> bool:
        """Whether it is about an account, or about a key that a scan found beside one.

        Nobody who looked at the key of an account looked at a key that was found later.
        """
        of_account = self.control in _OF_THE_ACCOUNT and self.selector.names(subject)
        return of_account or self.selector.names_key(subject)


def with_attested(
    facts: Facts,
    subject: Subject,
    attestations: Sequence[Attestation],
    as_of: datetime,
    unread: Unknown | None = None,
) -> Facts:
    """Facts with the last day on which somebody attested each control.

    Args:
        facts: What is known about the account's key.
        subject: The account.
        attestations: All of them. What nobody attested was never attested.
        as_of: Nothing that was said on a later day counts. UTC.
        unread: Why the account's key could not be read: then nobody knows whether what was said is
            about a key that exists, and it proves nothing.
    """
    mine = [one for one in attestations if one.day <= as_of.date() and one.is_about(subject)]
    confirmed = {name: _last(name, mine, as_of) for name in ATTESTED_FACTS}
    if unread is None:
        return facts.learn_all(confirmed)
    return facts.learn_all(
        {name: fact if fact.value is Never.NEVER else unread for name, fact in confirmed.items()}
    )


def _last(name: str, attestations: Sequence[Attestation], as_of: datetime) -> Fact:
    control = name.removeprefix(PREFIX)
    of_control = [one for one in attestations if one.control == control]
    if not of_control:
        return Fact(Never.NEVER, Provenance(Grade.ATTESTED, "", "", "no attestation"))
    last = max(of_control, key=lambda one: one.day)
    who = f"{last.by} on {last.day}, {last.location}"
    reference = f"{who}, {last.evidence}" if last.evidence else who
    # Nobody knows at which hour it was said: the day counts from its end, or from now.
    moment = min(datetime.combine(last.day, time.max, UTC), as_of)
    return Fact(moment, Provenance(Grade.ATTESTED, "", "", reference))


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
                what = "this date is in the future; until then it counts for nothing"
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
        what = f"not a valid date: {node['date']}"
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
    for path, mistake in wrong.items():
        if mistake is not None:
            yield Problem(document.at(path), show_path(path), *mistake)


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
