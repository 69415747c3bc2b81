"""What is signed: an in-toto Statement v1 about a report, and one of a reviewer about that. Pure.

A reviewer's statement has the same subjects, and the first statement itself as one more: the
signature of a decision cannot be put under another report.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from gatepolicy.errors import RefusedError
from gatepolicy.model.encoding import Json, decode_time, encode_time
from gatepolicy.model.scan import MEANING, ExitCode

STATEMENT = "https://in-toto.io/Statement/v1"
VERDICT = "https://gatepolicy.invalid/verdict/v1"
SIGN_OFF = "https://gatepolicy.invalid/sign-off/v1"
REPORT, EVIDENCE, POLICY, CATALOG = "report/", "evidence/", "policy/", "catalog"
_THE_STATEMENT = "statement"


class Decision(StrEnum):
    """What a reviewer decides."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CONDITIONS = "accepted with conditions"


@dataclass(frozen=True, slots=True)
class Subject:
    """A file, or what stands for one."""

    name: str
    """Its kind and its name, such as ``report/report.json``."""
    digest: str
    """SHA-256, hexadecimal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was signed about a report."""

    subjects: Sequence[Subject]
    """Report, evidence, policies and catalog."""
    predicate: Mapping[str, Any]
    """As it stands in the statement."""
    signed_at: datetime
    """UTC."""
    collected_at: datetime
    """When the oldest of what was judged was collected. UTC."""

    def subject(self, kind: str) -> Subject | None:
        """The first subject of a kind; ``None`` when there is none."""
        return next((one for one in self.subjects if one.name.startswith(kind)), None)


@dataclass(frozen=True, slots=True)
class SignOff:
    """What a reviewer decided about it."""

    decision: Decision
    """In one word, or four."""
    reviewer: str
    """Who."""
    comment: str
    """Why, or under which conditions; may be empty."""
    signed_at: datetime
    """UTC."""


def digest_of(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return sha256(data).hexdigest()


def policies_of(report: Mapping[str, Any]) -> Sequence[Subject]:
    """Every policy of a report, and every policy that it is built upon, each once."""
    found: dict[str, str] = {}
    for policy in report["policies"]:
        for one in (policy, *policy["extends"]):
            name = f"{POLICY}{one['name']}"
            if found.get(name, one["digest"]) != one["digest"]:
                name = f"{name}@{one['digest'][:12]}"
            found[name] = one["digest"]
    return [Subject(name, digest) for name, digest in found.items()]


def predicate_of(report: Mapping[str, Any]) -> dict[str, Json]:
    """What is said about a report, without the time of the signature."""
    summary = report["summary"]
    return {
        "exitCode": report["exit_code"],
        "meaning": MEANING[ExitCode(report["exit_code"])],
        "interruptedBy": report["interrupted_by"],
        "narrowed": report["narrowed"] is not None,
        "softenedBy": [one["option"] for one in report["settings"].get("softened_by", ())],
        "coverage": dict(summary["accounts"]),
        "counts": dict(summary["verdicts"]),
        "violations": dict(summary["violations"]),
        "blockingUnknowns": dict(summary["blocking_unknowns"]),
        "startedAt": report["started_at"],
        "finishedAt": report["finished_at"],
        "evidenceCollectedAt": report["evidence_collected_at"],
        "versions": {"gatepolicy": report["tool"]["version"], "report": report["schema_version"]},
    }


def verdict_statement(
    subjects: Sequence[Subject], predicate: Mapping[str, Json], now: datetime
) -> bytes:
    """The statement about a report."""
    return _statement(VERDICT, subjects, {**predicate, "signedAt": encode_time(now)})


def sign_off_statement(payload: bytes, verdict: Verdict, sign_off: SignOff) -> bytes:
    """The statement of a reviewer.

    Args:
        payload: The statement about the report.
        verdict: The same, read.
        sign_off: The decision.
    """
    predicate = {
        "decision": sign_off.decision.value,
        "reviewer": sign_off.reviewer,
        "comment": sign_off.comment,
        "signedAt": encode_time(sign_off.signed_at),
    }
    return _statement(SIGN_OFF, _with_statement(payload, verdict), predicate)


def _with_statement(payload: bytes, verdict: Verdict) -> Sequence[Subject]:
    return [*verdict.subjects, Subject(_THE_STATEMENT, digest_of(payload))]


def _statement(kind: str, subjects: Sequence[Subject], predicate: Mapping[str, Json]) -> bytes:
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": one.name, "digest": {"sha256": one.digest}} for one in subjects],
        "predicateType": kind,
        "predicate": predicate,
    }
    return json.dumps(statement, ensure_ascii=False, separators=(",", ":")).encode()


def read_verdict(statement: object) -> Verdict:
    """A statement about a report, whose signature holds.

    Raises:
        RefusedError: It is another one.
    """
    subjects, predicate = _read(statement, VERDICT)
    try:
        signed_at = decode_time(predicate["signedAt"])
        collected_at = decode_time(predicate["evidenceCollectedAt"] or predicate["startedAt"])
        ExitCode(predicate["exitCode"])
    except (KeyError, TypeError, ValueError):
        raise RefusedError("the statement is not one that gatepolicy writes") from None
    return Verdict(subjects, predicate, signed_at, collected_at)


def read_sign_off(statement: object, payload: bytes, verdict: Verdict) -> SignOff:
    """A reviewer's statement, whose signature holds.

    Args:
        statement: As it was signed.
        payload: The statement about the report.
        verdict: The same, read.

    Raises:
        RefusedError: It is another one, or about another report.
    """
    subjects, predicate = _read(statement, SIGN_OFF)
    if list(subjects) != _with_statement(payload, verdict):
        raise RefusedError("a sign-off is about another report, or another statement about it")
    try:
        return SignOff(
            decision=Decision(predicate["decision"]),
            reviewer=str(predicate["reviewer"]),
            comment=str(predicate["comment"]),
            signed_at=decode_time(predicate["signedAt"]),
        )
    except (KeyError, TypeError, ValueError):
        raise RefusedError("a sign-off is not one that gatepolicy writes") from None


def _read(statement: object, kind: str) -> tuple[Sequence[Subject], Mapping[str, Any]]:
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise RefusedError(f"what was signed is no {STATEMENT}")
    if statement.get("predicateType") != kind:
        raise RefusedError(f"what was signed is no {kind}")
    predicate = statement.get("predicate")
    if not isinstance(predicate, dict):
        raise RefusedError("the statement has no predicate")
    subjects = list(_subjects(statement.get("subject")))
    if len({one.name for one in subjects}) != len(subjects):
        raise RefusedError("the statement names a subject twice")
    return subjects, predicate


def _subjects(data: object) -> Iterator[Subject]:
    for one in data if isinstance(data, list) else ():
        match one:
            case {"name": str(name), "digest": {"sha256": str(digest)}}:
                yield Subject(name, digest)
            case _:
                raise RefusedError("the statement has a subject without a name or a SHA-256")
