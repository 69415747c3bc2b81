"""A finished scan, read back from its JSON report.

Loading is strict. A report decides what people sign, so it is taken only where it is what
gatepolicy writes: the schema accepts it, every value is of its kind, and the counts, the posture
and the exit code are those that its verdicts come to. It does not prove who wrote the file.

What a JSON file cannot hold is not there: half characters of a broken name, and the answers that
were received.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import Document
from gatepolicy.documents.load import Read, load_json, read_text
from gatepolicy.documents.schema import load_schema, validate
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import (
    decode_call,
    decode_fact,
    decode_skew,
    decode_subject,
    decode_time,
    decode_unknown,
)
from gatepolicy.model.evidence import Evidence, Location
from gatepolicy.model.facts import FACTS, Facts, Reason
from gatepolicy.model.scan import (
    NOT_NARROWED,
    Absent,
    AccountResult,
    BaselineState,
    Comparison,
    Drift,
    FactChange,
    Gone,
    Interruption,
    Narrowing,
    Override,
    PolicyInfo,
    PolicySource,
    Scan,
    ScanSettings,
    finding_identity,
    question_identity,
)
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    PostureLine,
    RuleInfo,
    Severity,
    Verdict,
    Waived,
    WaiverInfo,
    WaiverState,
    WaiverTerms,
)
from gatepolicy.reports.json_report import decode_finding, report_members
from gatepolicy.resources import schemas_directory

Data = Mapping[str, Any]
_AGAIN = "scan again, or evaluate the evidence again"
_CHANGED = f"the file was changed, or another version wrote it: {_AGAIN}"
_NEEDED = ("posture", "scope", "baseline_unreadable")
"""What an older version did not write, and other formats tell."""


def load_report(file: str, *, read: Read = Path.read_bytes) -> Scan:
    """A scan from its JSON report (``-o json=FILE``).

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: It is no report, or not one that this version would have written.
    """
    data = _checked(read_text(file, read=read), file)
    try:
        scan = _scan(data)
    except _NotWrittenError as error:
        raise _problem(file, error.path, error.what, _CHANGED) from None
    for path in _differences("", data, report_members(scan)):
        raise _problem(file, path, "not what the rest of this report comes to", _CHANGED)
    return scan


def _checked(text: str, file: str) -> Data:
    """Data of which the schema says that it is a report."""
    data = load_json(text, file)
    if isinstance(data, dict) and data.get("kind") == "Evidence":
        raise _problem(file, "", "this is evidence, not a report", "use 'gatepolicy evaluate'")
    schema = (schemas_directory() / "report.schema.json").read_text(encoding="utf-8")
    problems = validate(Document(file, data, start=0, marks=None), load_schema(schema))
    if problems or not isinstance(data, dict):
        raise DocumentError(problems)
    for member in _NEEDED:
        if member not in data:
            what = f"an older gatepolicy wrote this report: it has no {member}"
            raise _problem(file, member, what, _AGAIN)
    return data


def _problem(file: str, path: str, what: str, fix: str) -> DocumentError:
    return DocumentError([Problem(Location(file, 1, 1), path, what, fix)])


class _NotWrittenError(Exception):
    """A value that gatepolicy would not have written."""

    def __init__(self, path: str, what: str) -> None:
        """Keep where and what."""
        super().__init__(what)
        self.path = path
        self.what = what


def _differences(path: str, saved: object, made: object) -> Iterator[str]:
    """Where a file says something else than what would be written now.

    Members that only the file lacks are none: their defaults were taken.
    """
    if path == "tool":
        return
    if isinstance(saved, dict) and isinstance(made, Mapping):
        for name, value in saved.items():
            inner = f"{path}.{name}" if path else name
            if name not in made:
                yield inner
            else:
                yield from _differences(inner, value, made[name])
    elif isinstance(saved, list) and isinstance(made, Sequence | Iterator):
        entries = list(made)
        if len(entries) != len(saved):
            yield path
        for number, (value, entry) in enumerate(zip(saved, entries, strict=False)):
            yield from _differences(f"{path}[{number}]", value, entry)
    elif saved != made:
        yield path


def _scan(data: Data) -> Scan:
    waivers = tuple(_waiver(one, f"waivers[{i}]") for i, one in enumerate(data.get("waivers", ())))
    terms = {waiver.terms.id: waiver.terms for waiver in waivers}
    interrupted = data.get("interrupted_by")
    evidence_at = data.get("evidence_collected_at")
    return Scan(
        started_at=_time(data["started_at"], "started_at"),
        finished_at=_time(data["finished_at"], "finished_at"),
        settings=_settings(data["settings"]),
        rules=tuple(_rule(rule) for rule in data["rules"]),
        policies=tuple(_policy(policy) for policy in data["policies"]),
        accounts=tuple(
            _account(account, terms, f"accounts[{i}]") for i, account in enumerate(data["accounts"])
        ),
        general=tuple(
            _verdict(one, terms, f"general[{i}]") for i, one in enumerate(data["general"])
        ),
        warnings=tuple(data["warnings"]),
        waivers=waivers,
        drift=_drift(data),
        narrowing=_narrowing(data.get("narrowed")),
        evidence_at=_time(evidence_at, "evidence_collected_at") if evidence_at else None,
        interrupted_by=Interruption(interrupted) if interrupted else None,
        has_broken_baseline=data["baseline_unreadable"],
        scope=data["scope"],
    )


def _time(text: str, path: str) -> datetime:
    try:
        return decode_time(text)
    except ValueError:
        raise _NotWrittenError(path, "not a valid timestamp") from None


def _day(text: str, path: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _NotWrittenError(path, "no such day") from None


def _settings(data: Data) -> ScanSettings:
    usual = ScanSettings()
    seconds = data.get("max_evidence_age_seconds")
    softened = data.get("softened_by", ())
    return ScanSettings(
        fail_on=Severity(data["fail_on"]),
        exit_zero=data["exit_zero"],
        allow_incomplete=data["allow_incomplete"],
        allow_empty=data["allow_empty"],
        fail_on_new=data.get("fail_on_new", False),
        baseline_hides=frozenset(data.get("baseline_hides", ())),
        max_evidence_age=usual.max_evidence_age if seconds is None else timedelta(seconds=seconds),
        origins={one["option"].partition(" ")[0]: one["origin"] for one in softened},
    )


def _narrowing(data: Data | None) -> Narrowing:
    if data is None:
        return NOT_NARROWED
    return Narrowing(
        options=tuple(data["options"]),
        evidence_options=tuple(data["evidence_options"]),
        accounts=int(data["accounts_left_out"]),
        of_accounts=int(data.get("of_accounts", 0)),
        rules=tuple(data["rules_left_out"]),
        comparisons=tuple(data.get("comparisons_left_out", ())),
    )


def _rule(data: Data) -> RuleInfo:
    line = data.get("posture")
    return RuleInfo(
        id=data["id"],
        name=data["name"],
        title=data["title"],
        severity=Severity(data["severity"]),
        why=data["why"],
        fix=dict(data["fix"]),
        references=tuple(data["references"]),
        tags=tuple(data["tags"]),
        facts=tuple(data.get("facts", ())),
        posture=PostureLine(line) if line else None,
    )


def _policy(data: Data) -> PolicyInfo:
    return PolicyInfo(
        name=data["name"],
        title=data["title"],
        file=data["file"],
        digest=data["digest"],
        accounts=int(data["accounts"]),
        extends=tuple(PolicySource(**source) for source in data.get("extends", ())),
        overrides=tuple(
            Override(
                clause=one["clause"],
                because=one["because"],
                policy=one["policy"]["name"],
                location=_location(one["policy"]),
            )
            for one in data.get("overrides", ())
        ),
    )


def _location(data: Data) -> Location:
    # NOTE: JSON Schema takes 3.0 for an integer.
    return Location(data["file"], int(data["line"]), int(data.get("column", 1)))


def _account(data: Data, terms: Mapping[str, WaiverTerms], path: str) -> AccountResult:
    evidence = Evidence(
        subject=decode_subject(data),
        collected_at=_time(data["collected_at"], f"{path}.collected_at"),
        facts=_facts(data, path),
        calls=tuple(decode_call({**call, "answer": ""}) for call in data.get("calls", ())),
        clock_skew=decode_skew(data),
    )
    verdicts = tuple(
        _verdict(one, terms, f"{path}.verdicts[{i}]") for i, one in enumerate(data["verdicts"])
    )
    return AccountResult(evidence, verdicts)


def _facts(data: Data, path: str) -> Facts:
    known = {}
    for name, fact in data["facts"].items():
        try:
            known[name] = decode_fact(name, fact)
        except ValueError:
            what = f"not a value of type {FACTS[name].kind}"
            raise _NotWrittenError(f"{path}.facts.{name}", what) from None
    for name in FACTS:
        if (name in data["facts"]) is (name in data["unknown"]):
            raise _NotWrittenError(path, f"the fact {name} is not either known or unknown")
    return Facts(known, {name: decode_unknown(name, data) for name in data["unknown"]})


def _verdict(data: Data, terms: Mapping[str, WaiverTerms], path: str) -> Verdict:
    waiver = data.get("waiver")
    if waiver is not None and waiver["id"] not in terms:
        raise _NotWrittenError(f"{path}.waiver.id", "no waiver of this report has this id")
    return Verdict(
        rule=data["rule"],
        name=data["name"],
        outcome=Outcome(data["verdict"]),
        severity=Severity(data["severity"]),
        subject=data["subject"],
        expected=data["expected"],
        seen=data["seen"],
        reason=Reason(data["reason"]) if data["reason"] else None,
        needed=data["needed"],
        on_unknown=OnUnknown(data["on_unknown"]),
        policy=data["policy"]["name"],
        location=_location(data["policy"]),
        waived=Waived(Outcome(waiver["underneath"]), terms[waiver["id"]]) if waiver else None,
        is_verifiable=not data.get("not_verifiable", False),
    )


def _waiver(data: Data, path: str) -> WaiverInfo:
    terms = WaiverTerms(
        id=data["id"],
        rule=data["rule"],
        owner=data["owner"],
        justification=data["justification"],
        ticket=data["ticket"],
        approved_by=data["approved_by"],
        created=_day(data["created"], f"{path}.created"),
        expires=_day(data["expires"], f"{path}.expires"),
        location=_location(data),
    )
    return WaiverInfo(
        terms, WaiverState(data["state"]), int(data["findings"]), int(data["accounts"])
    )


def _drift(data: Data) -> Drift | None:
    drift = data.get("drift")
    if drift is None:
        return None
    return Drift(
        baseline=drift["baseline"],
        states=dict(_states(data)),
        absent=tuple(
            Absent(decode_finding(one), Gone(one["because"]), one["expected_now"])
            for one in drift["absent"]
        ),
        changes=tuple(
            FactChange(
                name=one["name"],
                is_worse=one["worse"],
                exchange=one["exchange"],
                account=one["account"],
                what=one["what"],
                before=one["before"],
                after=one["after"],
            )
            for one in drift["changes"]
        ),
    )


def _states(data: Data) -> Iterator[tuple[str, Comparison]]:
    """How each question stands, as its verdicts say."""
    for account in data["accounts"]:
        for verdict in account["verdicts"]:
            yield from _state(verdict, account["exchange"], account["id"])
    for verdict in data["general"]:
        yield from _state(verdict, "", "")


def _state(verdict: Data, exchange: str, account: str) -> Iterator[tuple[str, Comparison]]:
    if "baseline" in verdict:
        identity = finding_identity(verdict["rule"], exchange, account, verdict["subject"])
        question = question_identity(identity, verdict["policy"]["name"], verdict["expected"])
        state = BaselineState(verdict["baseline"])
        why = tuple(verdict.get("baseline_why", ()))
        yield question, Comparison(state, verdict.get("baseline_worse", False), why)
