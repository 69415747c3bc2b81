"""Whether what was signed still holds: signature, files, age, sign-offs."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatepolicy.documents.load import decode, load_json, problem
from gatepolicy.drift.load import parse_snapshot
from gatepolicy.errors import RefusedError, SigningError
from gatepolicy.exchanges.catalog import catalog_digest
from gatepolicy.model.sign_offs import ShownSignOff, Signature, SignOffs
from gatepolicy.signing.envelope import Signed, key_id_of, parse_bundle, verified
from gatepolicy.signing.statement import (
    CATALOG,
    EVIDENCE,
    POLICY,
    REPORT,
    SignOff,
    Subject,
    Verdict,
    digest_of,
    policies_of,
    predicate_of,
    read_sign_off,
    read_verdict,
)

Read = Callable[[Path], bytes]
_TOLERANCE = timedelta(minutes=5)
"""By how much clocks may differ."""


class State(StrEnum):
    """How a file stands to what was signed."""

    SAME = "unchanged"
    CHANGED = "changed since"
    MISSING = "not found"


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files are."""

    envelope: str
    """The envelope."""
    report: str | None = None
    """The report; ``None`` when it lies beside the envelope."""
    evidence: Sequence[str] = ()
    """Files of evidence; those that are not named lie beside the envelope."""


PublicKeys = Mapping[str, Ed25519PublicKey]
"""File of each public key to the key."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement about a report that holds."""

    bundle: Sequence[Signed]
    """The envelopes: of the statement, then of sign-offs that were not verified yet."""
    verdict: Verdict
    """The statement."""
    report: Mapping[str, Any]
    """The report, which is the one that was signed."""


def check(
    files: Files, keys: Sequence[Ed25519PublicKey], now: datetime, *, read: Read = Path.read_bytes
) -> Checked:
    """Verify the statement of an envelope, and that its report and evidence are those signed.

    Args:
        files: Where they are.
        keys: Those that may have signed.
        now: The time. UTC.
        read: Reads a file.

    Raises:
        RefusedError: Something does not hold.
        DocumentError: A file cannot be read.
    """
    data = read_file(files.envelope, read)
    bundle = parse_bundle(decode(data, files.envelope), files.envelope)
    verdict = read_verdict(verified(bundle[0], keys, "the report", files.envelope))
    subject = verdict.subject(REPORT)
    if subject is None:
        raise RefusedError(f"{files.envelope}: no report was signed")
    report = _report(_unchanged(subject, files.report, files.envelope, read), subject.name)
    _refuse_another_meaning(verdict, report, files.envelope)
    _refuse_another_evidence(verdict, files, read)
    _refuse_future(verdict, files.envelope, now)
    return Checked(bundle, verdict, report)


def refuse_old(verdict: Verdict, max_age: timedelta, now: datetime) -> None:
    """Refuse what was collected too long ago.

    Raises:
        RefusedError: It was.
    """
    age = now - verdict.collected_at
    if age > max_age:
        days, most = age / timedelta(days=1), max_age / timedelta(days=1)
        what = f"what was signed was collected {days:.1f} days ago; --max-age is {most:g} days"
        raise RefusedError(what, hint="scan again, and sign the new report")


def sign_offs(checked: Checked, keys: Sequence[Ed25519PublicKey], file: str) -> list[SignOff]:
    """Every sign-off of a file.

    Args:
        checked: The statement that they are about.
        keys: Those of the reviewers.
        file: The envelope's, for people.

    Raises:
        RefusedError: One of them was signed by nobody of them, or is about something else.
    """
    payload = checked.bundle[0].payload
    return [
        read_sign_off(verified(one, keys, "a sign-off", file), payload, checked.verdict)
        for one in checked.bundle[1:]
    ]


def shown_sign_offs(
    envelope: tuple[str, bytes],
    report: tuple[str, bytes],
    signers: PublicKeys,
    reviewers: PublicKeys,
    now: datetime,
) -> SignOffs:
    """The sign-offs of a file, to be shown beside the report that they are about.

    Without keys, a signature is not verified, which is said. With keys, one of them must have
    signed, as in ``check`` and ``sign_offs``. The rest is the same with and without: what is about
    another report is refused.

    Args:
        envelope: The file of envelopes, and its content.
        report: The JSON report, and its content.
        signers: Those that may have signed the report; empty to verify no signature of it.
        reviewers: Those of the reviewers; empty to verify no signature of a sign-off.
        now: The time. UTC.

    Raises:
        RefusedError: Something does not hold, is about another report, or there is no sign-off.
        DocumentError: A file is not one that gatepolicy writes.
    """
    file, content = envelope
    bundle = parse_bundle(decode(content, file), file)
    statement, signature = _said(bundle[0], signers, "the report", file)
    verdict = read_verdict(statement)
    _refuse_another_report(verdict, report, file)
    _refuse_future(verdict, file, now)
    if len(bundle) == 1:
        what = f"{file}: nobody has signed it off"
        raise RefusedError(what, hint="'gatepolicy sign-off' adds a decision")
    shown = []
    for one in bundle[1:]:
        said, by = _said(one, reviewers, "a sign-off", file)
        decided = read_sign_off(said, bundle[0].payload, verdict)
        shown.append(_shown(decided, by, is_second_person=by.key_id != signature.key_id))
    return SignOffs(digest_of(report[1]), verdict.signed_at, signature, shown)


def _refuse_another_report(verdict: Verdict, report: tuple[str, bytes], file: str) -> None:
    name, content = report
    subject = verdict.subject(REPORT)
    if subject is None or subject.digest != digest_of(content):
        what = f"{file} is about another report than {name}"
        raise RefusedError(what, hint="name the envelope of this report, or scan and sign again")
    _refuse_another_meaning(verdict, _report(content, name), file)


def _shown(decided: SignOff, by: Signature, *, is_second_person: bool) -> ShownSignOff:
    return ShownSignOff(
        decision=decided.decision.value,
        reviewer=decided.reviewer,
        comment=decided.comment,
        signed_at=decided.signed_at,
        signature=by,
        is_second_person=is_second_person,
    )


def _said(signed: Signed, keys: PublicKeys, whose: str, file: str) -> tuple[object, Signature]:
    """A statement, and who signed it; verified when there are keys."""
    if not keys:
        return load_json(signed.payload, file), Signature(signed.key_id, "")
    said = verified(signed, list(keys.values()), whose, file)
    (key_file, *_) = (name for name, key in keys.items() if key_id_of(key) == signed.key_id)
    return said, Signature(signed.key_id, key_file)


def states(checked: Checked, *, read: Read = Path.read_bytes) -> list[tuple[str, State]]:
    """How the files of policies, and the catalog, stand to what was signed.

    Args:
        checked: The statement.
        read: Reads a file. Those of policies are named relative to the working directory.
    """
    places = {
        one["digest"]: one["file"]
        for policy in checked.report["policies"]
        for one in (policy, *policy["extends"])
    }
    found = []
    for subject in checked.verdict.subjects:
        if subject.name.startswith(POLICY):
            found.append((subject.name, _state(subject, places.get(subject.digest, ""), read)))
        elif subject.name == CATALOG:
            same = subject.digest == catalog_digest(read)
            found.append((subject.name, State.SAME if same else State.CHANGED))
    return found


def subjects_of(
    report: tuple[str, bytes], evidence: Mapping[str, bytes], read: Read = Path.read_bytes
) -> tuple[Mapping[str, Any], Sequence[Subject]]:
    """The report, and what is signed of it: the files, its policies, and the catalog.

    Args:
        report: Its file and content.
        evidence: The same of each file of evidence.
        read: Reads the catalog.

    Raises:
        DocumentError: The report is none.
        SigningError: Another version wrote it, so that its catalog is not known here.
    """
    from gatepolicy import __version__

    file, content = report
    data = _report(content, file)
    if data["tool"]["version"] != __version__:
        what = f"{file} was written by gatepolicy {data['tool']['version']}, this is {__version__}"
        raise SigningError(what, hint="sign with the version that scanned")
    subjects = [Subject(f"{REPORT}{Path(file).name}", digest_of(content))]
    for name, collected in evidence.items():
        subjects.append(Subject(f"{EVIDENCE}{Path(name).name}", digest_of(collected)))
    subjects += [*policies_of(data), Subject(CATALOG, catalog_digest(read))]
    return data, subjects


def read_file(file: str, read: Read = Path.read_bytes) -> bytes:
    """The bytes of a file.

    Raises:
        DocumentError: It cannot be read.
    """
    try:
        return read(Path(file))
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no file"
        raise problem(file, f"the file cannot be read: {why}", "check the path") from None


def _report(content: bytes, file: str) -> Mapping[str, Any]:
    text = decode(content, file)
    if parse_snapshot(text, file).judged is None:
        raise problem(file, "this is evidence, not a report", "name a report of -o json=FILE")
    # The schema has accepted the report, so its shape is known from here on.
    data: Any = load_json(text, file)
    return dict(data)


def _unchanged(subject: Subject, named: str | None, envelope: str, read: Read) -> bytes:
    kind, _, name = subject.name.partition("/")
    file = named or str(Path(envelope).parent / Path(name).name)
    content = read_file(file, read)
    if digest_of(content) != subject.digest:
        what = f"{file} is not the {kind} that was signed"
        raise RefusedError(what, hint=f"get the {kind} again, or scan and sign again")
    return content


def _refuse_another_evidence(verdict: Verdict, files: Files, read: Read) -> None:
    """Refuse evidence that was not signed; what nobody names lies beside the envelope."""
    named = {digest_of(read_file(file, read)): file for file in files.evidence}
    signed = [one for one in verdict.subjects if one.name.startswith(EVIDENCE)]
    for file in (
        file for digest, file in named.items() if digest not in {s.digest for s in signed}
    ):
        what = f"{file} is not the evidence that was signed"
        raise RefusedError(what, hint="get the evidence again, or scan and sign again")
    for subject in signed:
        if subject.digest not in named:
            _unchanged(subject, None, files.envelope, read)


def _refuse_future(verdict: Verdict, file: str, now: datetime) -> None:
    if max(verdict.signed_at, verdict.collected_at) > now + _TOLERANCE:
        what = f"{file}: it was signed or collected in the future"
        raise RefusedError(what, hint="check the clocks of both machines")


def _refuse_another_meaning(verdict: Verdict, report: Mapping[str, Any], file: str) -> None:
    said = {name: value for name, value in verdict.predicate.items() if name != "signedAt"}
    policies = [one for one in verdict.subjects if one.name.startswith(POLICY)]
    if said != predicate_of(report) or policies != list(policies_of(report)):
        what = f"{file}: the statement says something else than the report that it is about"
        raise RefusedError(what, hint="sign the report again")


def _state(subject: Subject, file: str, read: Read) -> State:
    try:
        content = read(Path(file)) if file else None
    except (OSError, ValueError):
        content = None
    if content is None:
        return State.MISSING
    return State.SAME if digest_of(content) == subject.digest else State.CHANGED
