"""Reading an earlier report or evidence, to be compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import Document
from gatepolicy.documents.load import Read, load_json, read_text
from gatepolicy.documents.schema import load_schema, validate
from gatepolicy.drift.changes import Account, Snapshot, accounts_of
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import decode_fact, decode_unknown
from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Facts
from gatepolicy.model.scan import Finding
from gatepolicy.reports.json_report import decode_finding
from gatepolicy.resources import schemas_directory
from gatepolicy.scanning.compared import compare_evidence
from gatepolicy.scanning.journal import is_journal, parse_collected, whole_lines

_EVIDENCE = "Evidence"


def load_snapshot(file: str, *, read: Read = Path.read_bytes) -> Snapshot:
    """A report (``-o json=FILE``) or evidence (``gatepolicy collect``).

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: It is neither, or a value in it was not written by gatepolicy.
    """
    return parse_snapshot(read_text(file, read=lambda path: whole_lines(read(path))), file)


def parse_snapshot(text: str, file: str) -> Snapshot:
    """The same from its text.

    Args:
        text: A report, evidence, or a journal.
        file: What to call it.

    Raises:
        DocumentError: It is neither, or a value in it was not written by gatepolicy.
    """
    data = None if is_journal(text) else load_json(text, file)
    if data is None or (isinstance(data, dict) and data.get("kind") == _EVIDENCE):
        evidence = compare_evidence({file: parse_collected(text, file)})
        narrowed_by = (evidence.narrowed_by,)
        return Snapshot(file, accounts_of(evidence.accounts), None, narrowed_by=narrowed_by)
    schema = (schemas_directory() / "report.schema.json").read_text(encoding="utf-8")
    problems = validate(Document(file, data, start=0, marks=None), load_schema(schema))
    if problems:
        raise DocumentError(problems)
    # The schema has accepted the document, so its shape is known from here on.
    report: Any = data
    return _of_report(report, file)


def _of_report(report: Mapping[str, Any], file: str) -> Snapshot:
    judged = [
        _finding(verdict, account["exchange"], account["id"])
        for account in report["accounts"]
        for verdict in account["verdicts"]
    ]
    judged += [_finding(verdict, "", "") for verdict in report["general"]]
    accounts = [_account(account, file) for account in report["accounts"]]
    narrowed = report.get("narrowed") or {}
    return Snapshot(
        file=file,
        accounts={(account.exchange, account.id): account for account in accounts},
        judged=judged,
        asked={rule["id"]: rule["facts"] for rule in report["rules"] if "facts" in rule},
        narrowed_by=(narrowed.get("options", ()), narrowed.get("evidence_options", ())),
        left_out={
            *narrowed.get("rules_left_out", ()),
            *narrowed.get("comparisons_left_out", ()),
        },
    )


def _finding(verdict: Mapping[str, Any], exchange: str, account: str) -> Finding:
    place = {"exchange": exchange, "account": account, "policy": verdict["policy"]["name"]}
    return decode_finding({**verdict, **place})


def _account(data: Mapping[str, Any], file: str) -> Account:
    try:
        known = {name: decode_fact(name, fact) for name, fact in data["facts"].items()}
    except ValueError:
        what = f"a fact of {data['id']} was not written by gatepolicy"
        raise DocumentError([Problem(Location(file, 1, 1), "facts", what, "scan again")]) from None
    unknown = {name: decode_unknown(name, data) for name in data["unknown"]}
    return Account(
        data["exchange"], data["id"], data["labels"], data["owner"], Facts(known, unknown)
    )
