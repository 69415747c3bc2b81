"""Evidence: what was collected, without any secret, to be evaluated later and elsewhere.

The file is JSON and is described by ``schemas/evidence.schema.json``. Loading is strict: evidence
decides about passes, so a value of the wrong kind, a missing fact or a second account of the same
id is a problem, never something to be read around. It does not prove who wrote the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gatepolicy import __version__
from gatepolicy.documents.document import Document, JSONValue
from gatepolicy.documents.load import Read, load_json, problem, read_text
from gatepolicy.documents.schema import load_schema, validate
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import (
    Json,
    decode_call,
    decode_fact,
    decode_skew,
    decode_subject,
    decode_time,
    decode_unknown,
    encode_call,
    encode_facts,
    encode_skew,
    encode_subject,
    encode_time,
)
from gatepolicy.model.evidence import Evidence, Location
from gatepolicy.model.facts import FACTS, HINT, Facts, Reason
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Verdict
from gatepolicy.reports.json_report import json_document
from gatepolicy.resources import schemas_directory
from gatepolicy.rules.rule import duration_in_words

SCHEMA_VERSION = "1.0"
FRESH_DAYS = 7
"""Evidence that is more days old is warned about."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""Evidence may seem to be from the future by so much."""
_AGAIN = "collect the evidence again"
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """Everything that one collection found out."""

    collected_at: datetime
    """When collecting began. UTC."""
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
        """When the account was collected that was collected first."""
        times = [account.collected_at for account in self.accounts]
        return min(times, default=self.collected_at)

    def age_warnings(self, now: datetime) -> Iterator[str]:
        """That keys may have changed since, once it is old.

        Args:
            now: When it is judged. UTC.
        """
        days = (now - self.oldest).days
        if days > FRESH_DAYS:
            yield (
                f"evidence of {encode_time(self.oldest)} is {days:,} days old: what keys can do"
                " may have changed since"
            )


def stale_evidence(
    evidence: Sequence[Evidence], file: str, rule: RuleInfo, *, as_of: datetime, max_age: timedelta
) -> Iterator[Verdict]:
    """That accounts were read too long ago to say what their keys can do: one verdict for all.

    No policy decides about it: whatever it says about an unknown, the scan is incomplete.

    Args:
        evidence: Of the accounts that are judged.
        file: Where it stands.
        rule: The one that it breaks.
        as_of: When it is judged. UTC.
        max_age: How old it may be.
    """
    old = [one for one in evidence if as_of - one.collected_at > max_age]
    if not old:
        return
    oldest = min(one.collected_at for one in old)
    names = ", ".join(one.subject.id for one in old[:_SHOWN_NAMES])
    more = f" and {len(old) - _SHOWN_NAMES:,} more" if len(old) > _SHOWN_NAMES else ""
    yield Verdict(
        rule=rule.id,
        name=rule.name,
        outcome=Outcome.UNKNOWN,
        severity=rule.severity,
        subject="",
        expected=f"every account was read at most {duration_in_words(max_age)} ago",
        seen=f"{len(old):,} of {len(evidence):,} accounts were read longer ago: {names}{more};"
        f" the first on {encode_time(oldest)}, {(as_of - oldest).days:,} days ago",
        reason=Reason.STALE_EVIDENCE,
        needed=HINT[Reason.STALE_EVIDENCE],
        on_unknown=OnUnknown.INCOMPLETE,
        policy="",
        location=Location(file, 1, 1),
    )


def refuse_future(evidence: EvidenceFile, file: str, now: datetime) -> None:
    """Refuse evidence that nobody can have collected yet.

    Args:
        evidence: What the file holds.
        file: Its name.
        now: The clock. UTC.

    Raises:
        DocumentError: With every time that lies ahead by more than clocks differ.
    """
    times = {"collected_at": evidence.collected_at} | {
        f"accounts[{position}].collected_at": account.collected_at
        for position, account in enumerate(evidence.accounts)
    }
    problems = [
        Problem(
            Location(file, 1, 1),
            path,
            f"{encode_time(time)} is in the future",
            "check the clocks of both machines, then collect the evidence again",
        )
        for path, time in times.items()
        if time - now > CLOCKS_DIFFER
    ]
    if problems:
        raise DocumentError(problems)


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
        **encode_skew(evidence.clock_skew),
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
    data = load_json(text, file)
    _refuse_report(data, file)
    document = Document(file, data, start=0, marks=None)
    problems = validate(document, load_schema(schema))
    if problems or not isinstance(document.data, dict):
        raise DocumentError(problems)
    return document.data


def _refuse_report(data: JSONValue, file: str) -> None:
    if isinstance(data, dict) and "kind" not in data and {"summary", "exit_code"} <= data.keys():
        what = "this is the report of a scan, not evidence"
        raise problem(file, what, "use a file written by 'gatepolicy collect -o FILE'")


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
            self.note(path, "not a valid timestamp")
            return datetime.max.replace(tzinfo=UTC)

    def account(self, data: Mapping[str, Any], path: str) -> Evidence:
        return Evidence(
            subject=decode_subject(data),
            collected_at=self.time(data["collected_at"], f"{path}.collected_at"),
            facts=self.facts(data, path),
            calls=tuple(decode_call(call) for call in data["calls"]),
            clock_skew=decode_skew(data),
        )

    def facts(self, data: Mapping[str, Any], path: str) -> Facts:
        known = {}
        for name, fact in data["facts"].items():
            try:
                known[name] = decode_fact(name, fact)
            except ValueError:
                self.note(f"{path}.facts.{name}", f"not a value of type {FACTS[name].kind}")
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
                self.note(f"accounts[{position}].id", "duplicate id")
            seen.add(account.subject.id)
