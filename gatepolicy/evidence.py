"""Evidence: what was collected, without any secret, to be evaluated later and elsewhere.

The file is JSON and is described by ``schemas/evidence.schema.json``. Loading is strict: evidence
decides about passes, so a value of the wrong kind, a missing fact or a second account of the same
id is a problem, never something to be read around. It does not prove who wrote the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatepolicy import __version__
from gatepolicy.documents.document import Document
from gatepolicy.documents.load import load_json
from gatepolicy.documents.schema import load_schema, validate
from gatepolicy.documents.source import Read, read_text
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import (
    Json,
    decode_call,
    decode_fact,
    decode_subject,
    decode_time,
    decode_unknown,
    encode_call,
    encode_facts,
    encode_subject,
    encode_time,
)
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import FACTS, Facts
from gatepolicy.model.location import Location
from gatepolicy.reports.json_stream import json_document
from gatepolicy.resources import schemas_directory

SCHEMA_VERSION = "1.0"
FRESH_DAYS = 7
"""Evidence that is more days old is warned about."""
_AGAIN = "collect the evidence again"


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """Everything that one collection found out."""

    collected_at: datetime
    """When collecting began. Ages and expiries are counted from here. UTC."""
    inventory: str
    """The inventory as the user named it."""
    accounts: Sequence[Evidence]
    """In the order of the inventory."""
    warnings: Sequence[str] = ()
    """One line each, for people."""
    salt: str = ""
    """Of the fingerprints, in hexadecimal; empty when the firm keeps a key of its own for them."""
    narrowed_by: Sequence[str] = ()
    """The options that left accounts of the inventory out, such as ``--account mm-*``."""

    @property
    def oldest(self) -> datetime:
        """When the oldest of it was collected."""
        return min([self.collected_at, *(account.collected_at for account in self.accounts)])

    def age_warnings(self, now: datetime) -> Iterator[str]:
        """That keys may have changed since, once it is old.

        Args:
            now: When it is judged. UTC.
        """
        days = (now - self.oldest).days
        if days > FRESH_DAYS:
            yield (
                f"evidence of {encode_time(self.oldest)} is {days:,} days old: what keys can do"
                " today may be something else"
            )


def dump_evidence(evidence: EvidenceFile) -> Iterator[str]:
    """The file, one account after the other."""
    return json_document(
        {
            "kind": "Evidence",
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "gatepolicy", "version": __version__},
            "collected_at": encode_time(evidence.collected_at),
            "inventory": evidence.inventory,
            # Only where there is something to tell: then an older gatepolicy, which would take it
            # for the whole, refuses it.
            **({"narrowed_by": list(evidence.narrowed_by)} if evidence.narrowed_by else {}),
            "fingerprint_salt": evidence.salt,
            "accounts": (_dump_account(account) for account in evidence.accounts),
            "warnings": iter(evidence.warnings),
        },
        levels=4,
    )


def _dump_account(evidence: Evidence) -> Json:
    return {
        **encode_subject(evidence.subject),
        "collected_at": encode_time(evidence.collected_at),
        **encode_facts(evidence.facts),
        "calls": [encode_call(call) for call in evidence.calls],
    }


def load_evidence(file: str, *, read: Read = Path.read_bytes) -> EvidenceFile:
    """Evidence from a file.

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: With every problem: no such file, no JSON, not of the schema, or a value
            that ``dump_evidence`` would not have written.
    """
    return parse_evidence(read_text(file, read=read), file)


def parse_evidence(text: str, file: str) -> EvidenceFile:
    """Evidence from its text; see ``load_evidence``."""
    data = _checked(text, file)
    reader = _Reader(file, [])
    evidence = EvidenceFile(
        collected_at=reader.time(data["collected_at"], "collected_at"),
        inventory=data["inventory"],
        accounts=tuple(
            reader.account(account, f"accounts[{position}]")
            for position, account in enumerate(data["accounts"])
        ),
        warnings=tuple(data["warnings"]),
        salt=data["fingerprint_salt"],
        narrowed_by=tuple(data.get("narrowed_by", ())),
    )
    reader.refuse_same_ids(evidence.accounts)
    if reader.problems:
        raise DocumentError(reader.problems)
    return evidence


def _checked(text: str, file: str) -> Mapping[str, Any]:
    """Data of which the schema says that it is evidence."""
    schema = (schemas_directory() / "evidence.schema.json").read_text(encoding="utf-8")
    document = Document(file, load_json(text, file), start=0, marks=None)
    problems = validate(document, load_schema(schema))
    if problems or not isinstance(document.data, dict):
        raise DocumentError(problems)
    return document.data


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads data of the right shape, and keeps what is wrong with its values."""

    file: str
    problems: list[Problem]

    def note(self, path: str, what: str) -> None:
        self.problems.append(Problem(Location(self.file, 1, 1), path, what, _AGAIN))

    def time(self, text: str, path: str) -> datetime:
        try:
            return decode_time(text)
        except ValueError:
            self.note(path, "there is no such time")
            return datetime.max.replace(tzinfo=UTC)

    def account(self, data: Mapping[str, Any], path: str) -> Evidence:
        return Evidence(
            subject=decode_subject(data),
            collected_at=self.time(data["collected_at"], f"{path}.collected_at"),
            facts=self.facts(data, path),
            calls=tuple(decode_call(call) for call in data["calls"]),
        )

    def facts(self, data: Mapping[str, Any], path: str) -> Facts:
        known = {}
        for name, fact in data["facts"].items():
            try:
                known[name] = decode_fact(name, fact)
            except ValueError:
                self.note(f"{path}.facts.{name}", f"not a value of the kind {FACTS[name].kind}")
        for name in FACTS:
            places = (name in data["facts"]) + (name in data["unknown"])
            if places != 1:
                what = "both known and unknown" if places else "neither known nor unknown"
                self.note(path, f"the fact {name} is {what}")
        for name in sorted(data["unknown_details"].keys() - data["unknown"].keys()):
            self.note(f"{path}.unknown_details.{name}", "not an unknown fact")
        return Facts(known, {name: decode_unknown(name, data) for name in data["unknown"]})

    def refuse_same_ids(self, accounts: Sequence[Evidence]) -> None:
        seen: set[str] = set()
        for position, account in enumerate(accounts):
            if account.subject.id in seen:
                self.note(f"accounts[{position}].id", "this id stands here a second time")
            seen.add(account.subject.id)
