import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from gatepolicy.model.facts import FACTS, Facts, Reason
from gatepolicy.model.scan import Scan
from gatepolicy.reports.json_report import render_json
from gatepolicy.resources import schemas_directory
from tests.reports.example_scan import account, example_scan, passing, scan_of, subject
from tests.reports.strategies import scans

SCHEMA = json.loads((schemas_directory() / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def report(scan: Scan) -> Any:
    return json.loads("".join(render_json(scan)))


@settings(max_examples=30, deadline=None)
@given(scans())
def test_any_scan_is_valid_by_the_schema(scan: Scan) -> None:
    data = report(scan)
    assert list(VALIDATOR.iter_errors(data)) == []
    assert data["exit_code"] == scan.exit_code
    assert len(data["accounts"]) == len(scan.accounts)
    for told, result in zip(data["accounts"], scan.accounts, strict=True):
        assert [verdict["verdict"] for verdict in told["verdicts"]] == [
            verdict.outcome for verdict in result.verdicts
        ]


def test_every_fact_stands_in_exactly_one_place() -> None:
    for told in report(example_scan())["accounts"]:
        assert set(told["facts"]) | set(told["unknown"]) == set(FACTS)
        assert not set(told["facts"]) & set(told["unknown"])
        assert set(told["unknown_details"]) <= set(told["unknown"])


def test_a_fact_has_value_grade_and_source() -> None:
    facts = report(example_scan())["accounts"][0]["facts"]
    assert facts["permission.withdraw"] == {
        "value": True,
        "grade": "observed",
        "source": {"call": "account_detail", "pointer": "/perms/1"},
    }
    assert facts["ip.restricted"]["source"] == {"reference": "https://example.com/api#ip"}
    assert facts["key.created_at"]["value"] == "2026-01-05T09:30:00Z"
    assert facts["key.last_used_at"]["value"] == "never"
    assert facts["ip.allowlist"]["value"] == ["203.0.113.0/28", "2001:db8::/32"]
    assert facts["permissions.native"]["value"][0] == {"word": "spot", "access": "read-write"}


def test_an_unknown_verdict_says_why_and_what_is_needed() -> None:
    verdict = report(example_scan())["accounts"][1]["verdicts"][0]
    assert verdict == {
        "rule": "GP001",
        "name": "withdrawal-enabled",
        "verdict": "unknown",
        "severity": "critical",
        "subject": "withdraw",
        "expected": "the key cannot withdraw funds",
        "seen": "",
        "reason": "ip_refused",
        "needed": "scan from an address that the key allows",
        "on_unknown": "block",
        "policy": {"name": "baseline", "file": "policies/baseline.yaml", "line": 9, "column": 3},
    }


def test_an_account_about_which_nothing_was_asked_is_not_complete() -> None:
    silent = account(subject("silent", "gate", 3), Facts.nothing(Reason.NOT_DISCLOSED), ())
    assert report(scan_of(passing(), silent))["summary"]["accounts"] == {
        "total": 2,
        "complete": 1,
        "incomplete": 0,
        "unread": 0,
        "could_not_be_read": 0,
        "unchecked": 1,
    }


def test_unknowns_are_counted_by_where_they_come_from() -> None:
    data = report(example_scan())
    assert data["summary"]["unknowns"] == {
        "left_open": 2,
        "not_verifiable": 1,
        "of_accounts_not_read": 4,
    }
    assert data["summary"]["accounts"]["could_not_be_read"] == 1
    told = [v for a in data["accounts"] for v in a["verdicts"] if "not_verifiable" in v]
    assert [(v["rule"], v["not_verifiable"]) for v in told] == [("GP020", True)]


def test_the_posture_is_told() -> None:
    data = report(example_scan())
    funds, *_ = data["posture"]["lines"]
    assert funds == {
        "line": "funds",
        "title": "funds can leave",
        "good": 2,
        "bad": 1,
        "waived": 1,
        "unknown": 1,
        "not_verifiable": 0,
        "not_checked": 0,
    }
    assert data["posture"]["coverage"] == {
        "inventory": 5,
        "selected": 5,
        "found": 0,
        "answered": 4,
        "could_not_be_read": 1,
    }


def test_an_empty_scan_is_a_report_too() -> None:
    data = report(scan_of())
    assert data["accounts"] == []
    assert data["exit_code"] == 4
    assert VALIDATOR.is_valid(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("accounts", 0, "facts", "permission.withdraw", "value"), "false"),
        (("accounts", 0, "facts", "permission.fly"), {"value": 1, "grade": "observed"}),
        (("accounts", 0, "facts", "permission.withdraw", "grade"), "guessed"),
        (("accounts", 0, "unknown", "key.expires_at"), "because"),
        (("accounts", 0, "verdicts", 0, "verdict"), "ok"),
        (("accounts", 0, "location", "line"), 0),
        (("accounts", 0, "secret"), "x"),
        (("exit_code",), 5),
        (("started_at",), "2026-11-23 16:00"),
        (("schema_version",), "2.0"),
        (("settings", "exit_zero"), None),
    ],
)
def test_the_schema_refuses(path: tuple[str | int, ...], value: object) -> None:
    data = report(scan_of(passing()))
    assert VALIDATOR.is_valid(data)
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not VALIDATOR.is_valid(data)
