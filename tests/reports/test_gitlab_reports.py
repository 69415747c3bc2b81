"""GitLab: what its schemas ask for, one finding for one thing, and nothing left out silently.

The schemas below say in our words what GitLab's ask of the members that we write: of version 15.0.7
for SAST, and of the parser of Code Quality reports. Where ``GATEPOLICY_GITLAB_SCHEMAS`` names a
folder with the published ``sast-report-format.json``, reports are held to that one, too.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import Interruption, Narrowing, Scan, finding_identity
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict
from gatepolicy.reports.gitlab_reports import render_codequality, render_sast
from tests.reports.example_scan import (
    NOT_ALLOWED,
    WITHDRAW,
    account,
    example_scan,
    passing,
    refused,
    scan_of,
    silent,
    subject,
    verdict,
)
from tests.reports.strategies import scans, whole_scans

TEXT = {"type": "string", "minLength": 1}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
TOOL = {
    "type": "object",
    "required": ["id", "name", "version", "vendor"],
    "properties": {
        "id": TEXT,
        "name": TEXT,
        "version": TEXT,
        "vendor": {"type": "object", "required": ["name"], "properties": {"name": TEXT}},
    },
}
IDENTIFIER = {
    "type": "object",
    "required": ["type", "name", "value"],
    "properties": {"type": TEXT, "name": TEXT, "value": TEXT},
}
LINK = {
    "type": "object",
    "required": ["url"],
    "properties": {"url": {"type": "string", "pattern": "^(https?|ftp)://.+"}},
}
SIGNATURE = {
    "type": "object",
    "required": ["algorithm", "value"],
    "properties": {"algorithm": {"enum": ["hash"]}, "value": TEXT},
}
TRACKING = {
    "type": "object",
    "required": ["type", "items"],
    "properties": {
        "type": {"const": "source"},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["signatures"],
                "properties": {
                    "file": TEXT,
                    "start_line": {"type": "integer", "minimum": 1},
                    "end_line": {"type": "integer", "minimum": 1},
                    "signatures": {"type": "array", "minItems": 1, "items": SIGNATURE},
                },
            },
        },
    },
}
VULNERABILITY = {
    "type": "object",
    "required": ["id", "identifiers", "location", "tracking"],
    "additionalProperties": False,
    "properties": {
        "id": TEXT,
        "name": {"type": "string", "maxLength": 255},
        "description": {"type": "string", "maxLength": 1_048_576},
        "severity": {"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
        "solution": {"type": "string", "maxLength": 7_000},
        "identifiers": {"type": "array", "minItems": 1, "items": IDENTIFIER},
        "links": {"type": "array", "items": LINK},
        "location": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "file": TEXT,
                "start_line": {"type": "integer"},
                "end_line": {"type": "integer"},
                "class": {"type": "string"},
            },
        },
        "tracking": TRACKING,
    },
}
SAST = {
    "type": "object",
    "required": ["version", "scan", "vulnerabilities"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "15.0.7"},
        "scan": {
            "type": "object",
            "required": ["analyzer", "end_time", "scanner", "start_time", "status", "type"],
            "additionalProperties": False,
            "properties": {
                "type": {"const": "sast"},
                "status": {"enum": ["success", "failure"]},
                "start_time": MOMENT,
                "end_time": MOMENT,
                "analyzer": TOOL,
                "scanner": TOOL,
                "messages": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["level", "value"],
                        "properties": {"level": {"enum": ["info", "warn", "fatal"]}, "value": TEXT},
                    },
                },
            },
        },
        "vulnerabilities": {"type": "array", "items": VULNERABILITY},
    },
}
QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": TEXT,
            "check_name": TEXT,
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def quality_of(scan: Scan) -> Any:
    return json.loads("".join(render_codequality(scan)))


def sast_of(scan: Scan) -> Any:
    return json.loads("".join(render_sast(scan)))


def one(told: Verdict) -> Scan:
    return scan_of(account(subject("mm", "gate", 3, "desk"), Facts(), (told,)))


FAIL = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")
UNKNOWN = verdict(WITHDRAW, Outcome.UNKNOWN, "it cannot", subject="withdraw", reason=Reason.TIMEOUT)


def test_our_schemas_can_refuse() -> None:
    broken = sast_of(example_scan())
    broken["vulnerabilities"][0]["severity"] = "terrible"
    assert not jsonschema.Draft7Validator(SAST).is_valid(broken)
    assert not jsonschema.Draft7Validator(QUALITY).is_valid([{"description": "x"}])


@settings(max_examples=30)
@given(scan=whole_scans())
def test_any_scan_is_valid_and_each_finding_is_there_once(scan: Scan) -> None:
    sast, quality = sast_of(scan), quality_of(scan)
    jsonschema.validate(sast, SAST)
    jsonschema.validate(quality, QUALITY)
    prints = [found["fingerprint"] for found in quality]
    assert len(prints) == len(set(prints)) == len(sast["vulnerabilities"])
    ids = [found["id"] for found in sast["vulnerabilities"]]
    assert len(ids) == len(set(ids))
    failing = {
        finding_identity(v.rule, s.exchange if s else "", s.id if s else "", v.subject)
        for s, v in scan.judged()
        if v.outcome is Outcome.FAIL
    }
    assert failing <= set(prints)


@pytest.mark.skipif(
    "GATEPOLICY_GITLAB_SCHEMAS" not in os.environ,
    reason="GATEPOLICY_GITLAB_SCHEMAS names no folder with GitLab's schemas",
)
@given(scan=scans())
def test_any_scan_is_valid_by_the_published_schema(scan: Scan) -> None:
    folder = Path(os.environ["GATEPOLICY_GITLAB_SCHEMAS"])
    schema = json.loads((folder / "sast-report-format.json").read_text(encoding="utf-8"))
    assert list(jsonschema.Draft7Validator(schema).iter_errors(sast_of(scan))) == []


def test_a_violation_in_code_quality() -> None:
    assert quality_of(one(FAIL)) == [
        {
            "description": "mm on gate: The key can withdraw funds (withdraw)."
            " Expected: it cannot. Seen: it can",
            "check_name": "GP001-withdrawal-enabled",
            "fingerprint": finding_identity("GP001", "gate", "mm", "withdraw"),
            "severity": "blocker",
            "location": {"path": "conf/accounts.yaml", "lines": {"begin": 3}},
        }
    ]


@pytest.mark.parametrize(
    ("told", "quality", "sast"),
    [
        (FAIL, "blocker", "Critical"),
        (replace(FAIL, severity=Severity.HIGH), "critical", "High"),
        (replace(FAIL, severity=Severity.MEDIUM), "major", "Medium"),
        (replace(FAIL, severity=Severity.LOW), "minor", "Low"),
        (replace(FAIL, severity=Severity.INFO), "info", "Info"),
        (replace(UNKNOWN, on_unknown=OnUnknown.BLOCK), "blocker", "Critical"),
        (UNKNOWN, "major", "Unknown"),
        (replace(UNKNOWN, on_unknown=OnUnknown.WARN), "info", "Unknown"),
    ],
)
def test_severities(told: Verdict, quality: str, sast: str) -> None:
    assert [found["severity"] for found in quality_of(one(told))] == [quality]
    assert [found["severity"] for found in sast_of(one(told))["vulnerabilities"]] == [sast]


def test_an_unknown_keeps_the_finding_that_it_may_hide() -> None:
    (fail,), (unknown,) = (sast_of(one(v))["vulnerabilities"] for v in (FAIL, UNKNOWN))
    for member in ("id", "name", "identifiers", "location", "tracking"):
        assert fail[member] == unknown[member]
    assert unknown["description"].startswith("- Neither proved nor disproved: `timeout`\n")
    (told,) = quality_of(one(UNKNOWN))
    assert told["fingerprint"] == quality_of(one(FAIL))[0]["fingerprint"]
    assert "neither proved nor disproved (timeout)" in told["description"]


def test_two_policies_that_ask_the_same_make_one_finding_the_worse_one() -> None:
    other = replace(FAIL, policy="other", severity=Severity.LOW)
    for verdicts in ((FAIL, other, UNKNOWN), (UNKNOWN, other, FAIL)):
        scan = scan_of(account(subject("mm", "gate", 3), Facts(), verdicts))
        assert [found["severity"] for found in quality_of(scan)] == ["blocker"]
        assert [found["severity"] for found in sast_of(scan)["vulnerabilities"]] == ["Critical"]


def test_a_moved_line_changes_no_identity() -> None:
    moved = scan_of(account(subject("mm", "gate", 77), Facts(), (FAIL,)))
    (before,), (after,) = (sast_of(s)["vulnerabilities"] for s in (one(FAIL), moved))
    assert before["id"] == after["id"] == "952eeffe-7aed-5c90-8704-a74fe8c264e2"
    assert (
        before["tracking"]["items"][0]["signatures"] == after["tracking"]["items"][0]["signatures"]
    )
    assert after["location"]["start_line"] == 77


def test_what_is_good_waived_or_does_not_apply_is_no_finding() -> None:
    for outcome in (Outcome.PASS, Outcome.WAIVED, Outcome.NOT_APPLICABLE):
        scan = one(replace(FAIL, outcome=outcome))
        assert quality_of(scan) == []
        assert sast_of(scan)["vulnerabilities"] == []


def test_what_an_exchange_never_discloses_is_one_finding() -> None:
    scan = scan_of(silent(), silent())
    assert [found["description"] for found in quality_of(scan)] == [
        "2 accounts on kucoin: The key is too old: neither proved nor disproved (not_verifiable)."
        " Needed: check it by hand on the exchange's web page"
    ]
    (found,) = sast_of(scan)["vulnerabilities"]
    assert "Owner" not in found["description"]
    assert found["location"]["class"] == "kucoin/key-too-old"
    (alone,) = quality_of(scan_of(silent()))
    assert alone["description"].startswith("1 account on kucoin: ")


def test_what_lies_outside_of_the_repository_is_named_without_its_path() -> None:
    for file, name in (("/srv/x/accounts.yaml", "accounts.yaml"), ("../a.yaml", "a.yaml")):
        far = replace(subject("mm", "gate", 3), location=Location(file, 3, 5))
        scan = scan_of(account(far, Facts(), (FAIL,)))
        assert quality_of(scan)[0]["location"] == {"path": name, "lines": {"begin": 3}}
        (found,) = sast_of(scan)["vulnerabilities"]
        assert found["location"] == {"class": "gate/mm/withdraw"}
        assert list(found["tracking"]["items"][0]) == ["signatures"]


def test_a_shipped_policy_is_no_file() -> None:
    of_shipped = replace(FAIL, location=Location("baseline", 16, 1), policy="baseline")
    scan = scan_of(general=(of_shipped, replace(of_shipped, policy="", subject="other")))
    first, second = quality_of(scan)
    assert first["location"]["path"] == "baseline"
    assert first["description"].startswith("policy baseline: ")
    assert second["description"].startswith("this scan: ")
    assert all("file" not in found["location"] for found in sast_of(scan)["vulnerabilities"])


def test_a_file_without_a_name() -> None:
    far = replace(subject("mm", "gate", 3), location=Location("", 3, 5))
    (found,) = quality_of(scan_of(account(far, Facts(), (FAIL,))))
    assert found["location"]["path"] == "gatepolicy"


def test_a_scan_that_proved_not_everything_has_failed() -> None:
    assert sast_of(scan_of(passing()))["scan"]["status"] == "success"
    assert sast_of(one(FAIL))["scan"]["status"] == "success"
    warned = replace(UNKNOWN, on_unknown=OnUnknown.WARN)
    assert sast_of(one(warned))["scan"]["status"] == "success"
    unread = account(subject("gone", "gate", 4), Facts.nothing(Reason.TIMEOUT), ())
    incomplete = [
        one(UNKNOWN),
        scan_of(),
        scan_of(passing(), unread),
        replace(scan_of(passing()), has_broken_baseline=True),
        replace(scan_of(passing()), interrupted_by=Interruption.SIGINT),
    ]
    assert {sast_of(scan)["scan"]["status"] for scan in incomplete} == {"failure"}


def test_messages_tell_what_is_no_finding() -> None:
    scan = replace(
        scan_of(
            passing(),
            account(subject("gone", "gate", 4), Facts.nothing(Reason.TIMEOUT), ()),
            warnings=("old evidence", ""),
        ),
        narrowing=Narrowing(options=("--account x",)),
        interrupted_by=Interruption.SIGINT,
    )
    assert [(told["level"], told["value"]) for told in sast_of(scan)["scan"]["messages"]] == [
        (
            "info",
            "Exit code 130: ended by SIGINT (Ctrl-C); accounts that were not read are unknown.",
        ),
        ("warn", "Interrupted by SIGINT: 2 of 2 accounts were read; the others are unknown."),
        ("info", "Narrowed by --account x."),
        ("warn", "gone on gate could not be read: timeout"),
        ("warn", "gone on gate: nothing was checked"),
        ("warn", "old evidence"),
        ("warn", "-"),
    ]
    (told,) = (m for m in sast_of(scan_of(refused()))["scan"]["messages"] if m["level"] == "warn")
    assert told["value"] == "東京-okx-市場 on okx could not be read: ip_refused"


def test_names_from_outside_stand_in_code_spans() -> None:
    hostile = replace(
        verdict(NOT_ALLOWED, Outcome.FAIL, "[x](https://evil.example)", "@all"),
        subject="<img src=x>",
    )
    (found,) = sast_of(one(hostile))["vulnerabilities"]
    assert (
        "- What: `<img src=x>`\n- Expected: `[x](https://evil.example)`\n- Seen: `@all`\n"
        in (found["description"])
    )
