"""A journal: evidence, written line by line while accounts are read.

A scan that is killed leaves a journal with all but the last few accounts that it read; it can be
evaluated as it is, or resumed. Each line is a JSON object with one member, but for the first one,
which is the header and is described with all others by ``schemas/journal.schema.json``. Lines are
only ever appended, and a later one about an account replaces an earlier one. An account of which no
line tells was not read, and is unknown.

What an account says for itself is final. What takes other accounts (lists of keys, keys that are
known in part) waits until all are read, and is void once the journal is resumed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from gatepolicy import __version__
from gatepolicy.accounts.egress import Part
from gatepolicy.correlate.keys import KeyTraits, LeftOut, Uncompared
from gatepolicy.documents.document import Document
from gatepolicy.documents.load import Read, load_json, problem, read_text
from gatepolicy.documents.schema import Schema, load_schema, validate
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import (
    Json,
    decode_subject,
    decode_time,
    encode_subject,
    encode_time,
)
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import Interruption
from gatepolicy.reports.json_report import json_line
from gatepolicy.resources import schemas_directory
from gatepolicy.scanning.evidence import (
    SCHEMA_VERSION as EVIDENCE_VERSION,
)
from gatepolicy.scanning.evidence import (
    CollectedFile,
    dump_account,
    dump_left_out,
    dump_part,
    evidence_from,
    parse_evidence,
)

SCHEMA_VERSION = "1.0"
_KIND = "Journal"
_AGAIN = "remove the journal, and scan without --resume"


@dataclass(frozen=True, slots=True)
class Header:
    """With what the accounts of a journal were read: whoever resumes it reads the rest with it."""

    collected_at: datetime
    """When collecting began. UTC."""
    inventory: str
    """The inventory as the user named it."""
    inventory_digest: str
    """SHA-256 of that file, hexadecimal."""
    catalog_digest: str
    """See ``exchanges.catalog.catalog_digest``."""
    salt: str
    """As in evidence."""
    fingerprint_check: str
    """As in evidence."""
    narrowed_by: Sequence[str] = ()
    """As in evidence."""
    version: str = __version__
    """Of the gatepolicy that wrote it."""
    parts: Sequence[Part] = ()
    """As in evidence."""


class Role(StrEnum):
    """Why a journal names an account."""

    SELECTED = "selected"
    """It is an account of the scan."""
    AUDITOR = "auditor"
    """It is read for what it lists, alone."""
    LEFT_OUT = "left_out"
    """It is not read; its key is compared."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An account that a journal will tell about."""

    subject: Subject
    """Which one."""
    role: Role
    """Why."""
    read_by: str = ""
    """The part of the inventory that reads an account that is left out, as in evidence."""


class LineKind(StrEnum):
    """What a line about an account is worth."""

    ALONE = "account"
    """It is final, whatever other accounts say."""
    WAITING = "waiting"
    """Its comparison takes other accounts, and is missing."""
    COMPARED = "compared"
    """Its comparison took all accounts of this run."""


def header_line(header: Header) -> str:
    """The first line."""
    return json_line(
        {
            "kind": _KIND,
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "gatepolicy", "version": header.version},
            "collected_at": encode_time(header.collected_at),
            "inventory": header.inventory,
            "inventory_digest": header.inventory_digest,
            "catalog_digest": header.catalog_digest,
            "narrowed_by": list(header.narrowed_by),
            **({"parts": [dump_part(part) for part in header.parts]} if header.parts else {}),
            "fingerprint_salt": header.salt,
            "fingerprint_check": header.fingerprint_check,
        }
    )


def expected_line(one: Expected) -> str:
    """That an account is to be reported about."""
    read_by: dict[str, Json] = {"read_by": one.read_by} if one.read_by else {}
    role = one.role.value
    return json_line({"expected": {**encode_subject(one.subject), "role": role, **read_by}})


def account_line(account: Uncompared, line_kind: LineKind) -> str:
    """An account that was read."""
    return json_line({line_kind.value: dump_account(account)})


def left_out_line(other: LeftOut) -> str:
    """An account that was not read."""
    return json_line({"left_out": dump_left_out(other)})


def end_line(warnings: Iterable[str], interrupted_by: Interruption | None) -> str:
    """The last line of a run."""
    by: Json = interrupted_by.value if interrupted_by is not None else None
    return json_line({"end": {"warnings": list(warnings), "interrupted_by": by}})


def resumed_line(at: datetime) -> str:
    """The first line of a further run."""
    return json_line({"resumed": {"at": encode_time(at)}})


@dataclass(slots=True)
class Journal:
    """What a journal says so far."""

    file: str
    """As the user named it."""
    header: Header
    """With what it was read."""
    expected: dict[str, Expected] = field(default_factory=dict)
    """By account."""
    accounts: dict[str, tuple[LineKind, dict[str, Any]]] = field(default_factory=dict)
    """By account: the last line about it."""
    left_out: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By account: the last line about it."""
    end: Mapping[str, Any] | None = None
    """How the last run ended; ``None`` when it did not, as when it was killed."""

    def evidence(self) -> CollectedFile:
        """All that was read, as evidence; accounts that were not read are unknown.

        Raises:
            DocumentError: A line is not what a journal holds.
        """
        missing = self.missing
        accounts = [
            self._account(one) for one in self.expected.values() if one.role is not Role.LEFT_OUT
        ]
        data: dict[str, Any] = {
            "kind": "Evidence",
            "schema_version": EVIDENCE_VERSION,
            "tool": {"name": "gatepolicy", "version": self.header.version},
            "collected_at": encode_time(self.header.collected_at),
            "inventory": self.header.inventory,
            "fingerprint_salt": self.header.salt,
            "accounts": accounts,
            "left_out": [
                self._left_out(one) for one in self.expected.values() if one.role is Role.LEFT_OUT
            ],
            "warnings": [*self._warnings(missing, len(accounts))],
        }
        if self.header.parts:
            data["parts"] = [dump_part(part) for part in self.header.parts]
        found = evidence_from(data, self.file)
        return replace(
            found,
            fingerprint_check=self.header.fingerprint_check,
            narrowed_by=self.header.narrowed_by,
            inventory_digest=self.header.inventory_digest,
            catalog_digest=self.header.catalog_digest,
        )

    @property
    def missing(self) -> Sequence[str]:
        """Accounts that were not read, or not compared with others as they have to be."""
        return [
            name
            for name, one in self.expected.items()
            if one.role is not Role.LEFT_OUT and self._line(name) is None
        ]

    def _line(self, name: str) -> dict[str, Any] | None:
        line_kind, line = self.accounts.get(name, (LineKind.WAITING, None))
        return None if line_kind is LineKind.WAITING else line

    def _account(self, one: Expected) -> dict[str, Any]:
        found = self._line(one.subject.id)
        if found is not None:
            return found
        facts = Facts.nothing(Reason.INTERRUPTED, "the journal ends before the account was read")
        unread = Evidence(one.subject, self.header.collected_at, facts, ())
        return dump_account(Uncompared(unread, None, is_selected=one.role is Role.SELECTED))

    def _left_out(self, one: Expected) -> dict[str, Any]:
        nothing = LeftOut(one.subject, KeyTraits(), ())
        found = self.left_out.get(one.subject.id) or dump_left_out(nothing)
        return {**found, "read_by": one.read_by} if one.read_by else found

    def _warnings(self, missing: Sequence[str], count: int) -> Iterable[str]:
        if self.end is not None:
            yield from self.end["warnings"]
        if missing:
            yield (
                f"the journal {self.file} has no answers of {len(missing):,} of {count:,} accounts:"
                " scan again with --resume"
            )


_BEGINNING = f'{{"kind": "{_KIND}",'


def is_journal(text: str) -> bool:
    """Whether a text begins as a journal does."""
    return text.startswith(_BEGINNING)


def whole_lines(content: bytes) -> bytes:
    """A journal without a last line that was not written to its end; any other file as it is."""
    if not content.startswith(_BEGINNING.encode()):
        return content
    return content[: content.rfind(b"\n") + 1]


def parse_collected(text: str, file: str) -> CollectedFile:
    """Evidence from its text, or from that of a journal; see ``load_collected``."""
    if is_journal(text):
        return parse_journal(text, file).evidence()
    return parse_evidence(text, file)


def load_collected(file: str, *, read: Read = Path.read_bytes) -> CollectedFile:
    """Evidence from a file of evidence, or from a journal.

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: As of ``load_evidence``, or of ``parse_journal``.
    """
    text = read_text(file, read=lambda path: whole_lines(read(path)))
    return parse_collected(text, file)


def parse_journal(text: str, file: str) -> Journal:
    """A journal from its text. A last line without its end was not written whole, and is left out.

    Raises:
        DocumentError: It has no header, or another line is none of a journal, or tells about an
            account that the journal did not announce.
    """
    first, *lines = text.split("\n")[:-1] or [""]
    schema = _schema()
    journal = Journal(file, _header(_parsed(first, file, 1, schema), file))
    for number, line in enumerate(lines, start=2):
        _take(journal, _parsed(line, file, number, schema), number)
    return journal


def _schema() -> Schema:
    path = schemas_directory() / "journal.schema.json"
    return load_schema(path.read_text(encoding="utf-8"))


def _parsed(line: str, file: str, number: int, schema: Schema) -> dict[str, Any]:
    """One line, of which the schema says that it is one of a journal."""
    try:
        data = load_json(line, file)
    except DocumentError as error:
        raise _broken(file, number, error.problems[0].what) from None
    problems = validate(Document(file, data, start=0, marks=None), schema)
    if problems or not isinstance(data, dict):
        raise _broken(file, number, "not a line of a journal")
    return data


def _header(data: Mapping[str, Any], file: str) -> Header:
    if "kind" not in data:
        raise problem(file, "the first line is not the header of a journal", _AGAIN)
    return Header(
        collected_at=_time(data["collected_at"], file, 1),
        inventory=data["inventory"],
        inventory_digest=data["inventory_digest"],
        catalog_digest=data["catalog_digest"],
        salt=data["fingerprint_salt"],
        fingerprint_check=data["fingerprint_check"],
        narrowed_by=tuple(data["narrowed_by"]),
        version=data["tool"]["version"],
        parts=tuple(Part(one["egress"], one["shard"], one["of"]) for one in data.get("parts", ())),
    )


def _time(text: str, file: str, number: int) -> datetime:
    try:
        return decode_time(text)
    except ValueError:
        raise _broken(file, number, "not a valid timestamp") from None


def _broken(file: str, number: int, what: str) -> DocumentError:
    return DocumentError([Problem(Location(file, number, 1), "", what, _AGAIN)])


def _take(journal: Journal, data: dict[str, Any], number: int) -> None:
    """Add a line."""
    ((kind, value),) = data.items() if len(data) == 1 else (("header", {}),)
    match kind:
        case "expected":
            subject = decode_subject(value)
            role, read_by = Role(value["role"]), value.get("read_by", "")
            journal.expected[subject.id] = Expected(subject, role, read_by)
        case "left_out":
            _refuse_unannounced(journal, value, number, (Role.LEFT_OUT,))
            journal.left_out[value["id"]] = value
        case "end":
            journal.end = value
        case "resumed":
            _time(value["at"], journal.file, number)
            _resume(journal)
        case "header":
            raise _broken(journal.file, number, "a second header")
        case _:
            _refuse_unannounced(journal, value, number, (Role.SELECTED, Role.AUDITOR))
            journal.accounts[value["id"]] = LineKind(kind), value


def _refuse_unannounced(
    journal: Journal, value: Mapping[str, Any], number: int, roles: Sequence[Role]
) -> None:
    one = journal.expected.get(value["id"])
    if one is None or one.role not in roles or one.subject.exchange != value["exchange"]:
        what = "tells about an account that the journal did not announce"
        raise _broken(journal.file, number, what)


def _resume(journal: Journal) -> None:
    """Forget what took all accounts: it is computed again once the rest is read."""
    journal.end = None
    journal.left_out.clear()
    alone = {k: v for k, v in journal.accounts.items() if v[0] is LineKind.ALONE}
    journal.accounts = alone
