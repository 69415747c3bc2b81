"""OSCAL: every verdict is an observation, and a rule is satisfied only where nothing is open.

compliance-trestle needs other versions of packages than gatepolicy's tests: it is asked in an
environment of its own, whose Python ``GATEPOLICY_TRESTLE_PYTHON`` names, or that of the ``trestle``
on the path.
"""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import OF_A_POLICY, Outcome, Verdict
from gatepolicy.reports.oscal_report import render_oscal
from gatepolicy.reports.summary import stable_uuid
from gatepolicy.rules.catalog import load_frameworks
from tests.reports.example_scan import (
    BAD_NAME,
    WITHDRAW,
    account,
    example_scan,
    passing,
    scan_of,
    subject,
    verdict,
)
from tests.reports.strategies import whole_scans


def oscal_of(scan: Scan) -> Any:
    return json.loads("".join(render_oscal(scan, frameworks=load_frameworks())))[
        "assessment-results"
    ]


def result_of(scan: Scan) -> Any:
    (result,) = oscal_of(scan)["results"]
    return result


def props(node: Any) -> dict[str, str]:
    return {prop["name"]: prop["value"] for prop in node["props"]}


def trestle_python() -> str | None:
    """The Python that has compliance-trestle."""
    named = os.environ.get("GATEPOLICY_TRESTLE_PYTHON")
    program = shutil.which("trestle")
    beside = Path(program).with_name("python") if program else None
    return named or (str(beside) if beside and beside.exists() else None)


READER = """
import json, sys
from trestle.oscal.assessment_results import AssessmentResults
from trestle.core.duplicates_validator import DuplicatesValidator
from trestle.core.refs_validator import RefsValidator
for line in sys.stdin:
    read = AssessmentResults.model_validate(json.loads(line))
    assert DuplicatesValidator().model_is_valid(read, False), "an id stands twice"
    assert RefsValidator().model_is_valid(read, False), "a reference leads nowhere"
"""

needs_trestle = pytest.mark.skipif(
    trestle_python() is None, reason="no compliance-trestle: GATEPOLICY_TRESTLE_PYTHON is not set"
)


def read_by_trestle(*documents: Any) -> subprocess.CompletedProcess[str]:
    lines = "\n".join(json.dumps(document) for document in documents)
    return subprocess.run(
        [str(trestle_python()), "-c", READER],
        input=lines,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


@needs_trestle
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(scans=st.lists(whole_scans(), min_size=5, max_size=12))
def test_any_scan_is_read_by_trestle(scans: list[Scan]) -> None:
    documents = [oscal_of(scan) for scan in [*scans, example_scan(), scan_of()]]
    ended = read_by_trestle(*documents)
    assert ended.returncode == 0, ended.stderr[-2_000:]


@needs_trestle
def test_trestle_can_refuse() -> None:
    broken = oscal_of(example_scan())
    broken["results"][0]["findings"][0]["target"]["status"]["state"] = "fine"
    assert read_by_trestle(broken).returncode != 0


def ids(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "uuid" in node:
            yield node["uuid"]
        for value in node.values():
            yield from ids(value)
    elif isinstance(node, list):
        for value in node:
            yield from ids(value)


@settings(max_examples=30)
@given(scan=whole_scans())
def test_every_verdict_of_any_scan_is_an_observation_and_every_id_is_unique(scan: Scan) -> None:
    document = oscal_of(scan)
    result = document["results"][0]
    told = [props(one)["verdict"] for one in result.get("observations", ())]
    verdicts = [v.outcome.value for v in scan.verdicts()]
    assert told[: len(verdicts)] == verdicts
    assert set(told[len(verdicts) :]) <= {"not_checked"}
    found = list(ids(document))
    assert len(found) == len(set(found))
    assert {uuid.UUID(one).version for one in found} == {5}


@given(scan=whole_scans())
def test_what_is_satisfied_has_a_pass_and_nothing_open(scan: Scan) -> None:
    asked: dict[str, set[Outcome]] = {}
    for one in scan.verdicts():
        key = str(stable_uuid("finding", one.rule, one.policy))
        asked.setdefault(key, set()).add(one.outcome)
    for finding in result_of(scan).get("findings", ()):
        outcomes = asked[finding["uuid"]] - {Outcome.NOT_APPLICABLE}
        is_satisfied = finding["target"]["status"]["state"] == "satisfied"
        assert is_satisfied == (outcomes == {Outcome.PASS})


GOOD = verdict(WITHDRAW, Outcome.PASS, "it cannot", "it cannot")
FAIL = replace(GOOD, outcome=Outcome.FAIL)
UNKNOWN = replace(GOOD, outcome=Outcome.UNKNOWN, seen="", reason=Reason.TIMEOUT)
WAIVED = replace(GOOD, outcome=Outcome.WAIVED)
NOT_APPLICABLE = replace(GOOD, outcome=Outcome.NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("verdicts", "state", "reason"),
    [
        ((GOOD,), "satisfied", "pass"),
        ((GOOD, NOT_APPLICABLE), "satisfied", "pass"),
        ((GOOD, FAIL, UNKNOWN), "not-satisfied", "fail"),
        ((GOOD, UNKNOWN), "not-satisfied", "other"),
        ((GOOD, WAIVED), "not-satisfied", "other"),
        ((UNKNOWN,), "not-satisfied", "other"),
    ],
)
def test_the_status_of_a_rule(verdicts: tuple[Verdict, ...], state: str, reason: str) -> None:
    accounts = (
        account(subject(f"mm-{n}", "gate", n + 1), Facts(), (one,))
        for n, one in enumerate(verdicts)
    )
    (finding,) = result_of(scan_of(*accounts))["findings"]
    assert finding["target"]["status"] == {"state": state, "reason": reason}
    assert finding["title"] == "GP001 withdrawal-enabled, policy baseline"
    applying = [one for one in verdicts if one is not NOT_APPLICABLE]
    assert len(finding["related-observations"]) == len(applying)


def test_a_rule_that_applies_to_nothing_is_no_finding() -> None:
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), (NOT_APPLICABLE,)))
    assert "findings" not in result_of(scan)


def test_an_observation() -> None:
    observation = result_of(example_scan())["observations"][0]
    assert observation["title"] == (
        "API key mm-gate on gate: GP001 withdrawal-enabled (withdraw): fail"
    )
    assert observation["description"] == "Expected: the key cannot withdraw funds. Seen: it can."
    assert observation["methods"] == ["TEST"]
    assert observation["collected"] == "2026-11-23T16:00:01.250000Z"
    told = props(observation)
    assert (told["verdict"], told["severity"]) == ("fail", "critical")
    assert told["policy-line"] == "policies/baseline.yaml:9"
    (who,) = observation["subjects"]
    items = result_of(example_scan())["local-definitions"]["inventory-items"]
    assert props(next(i for i in items if i["uuid"] == who["subject-uuid"]))["account"] == "mm-gate"


def test_an_unknown_and_a_waived_verdict_say_why() -> None:
    told = [props(one) for one in result_of(example_scan())["observations"]]
    unknown = {one["reason"] for one in told if one["verdict"] == "unknown"}
    assert unknown == {"ip_refused", "not_covered", "not_disclosed", "not_verifiable"}
    assert [one["waiver"] for one in told if one["verdict"] == "waived"] == ["RISK-7"]


def test_a_verdict_about_the_scan_has_no_subject() -> None:
    observation = result_of(example_scan())["observations"][-1]
    assert "subjects" not in observation
    assert observation["title"].startswith("This scan: GP031 policy-without-accounts")
    assert observation["collected"] == "2026-11-23T16:00:02Z"
    bare = replace(GOOD, expected="", seen="", policy="")
    scan = scan_of(general=(bare,))
    assert result_of(scan)["observations"][0]["description"] == WITHDRAW.title
    assert result_of(scan)["findings"][0]["title"] == "GP001 withdrawal-enabled"


def test_an_account_about_which_nothing_was_asked_is_an_observation() -> None:
    scan = scan_of(passing(), account(subject("idle", "gate", 3), Facts(), ()))
    observation = result_of(scan)["observations"][-1]
    assert observation["title"] == "API key idle on gate: nothing was checked"
    assert props(observation) == {"verdict": "not_checked"}


def test_two_accounts_of_one_name_are_one_item_and_two_observations() -> None:
    twin = account(subject("mm", "gate", 3), Facts(), (GOOD,))
    result = result_of(scan_of(twin, twin))
    assert len(result["local-definitions"]["inventory-items"]) == 1
    first, second = result["observations"]
    assert first["uuid"] != second["uuid"]
    assert len(result["findings"][0]["related-observations"]) == 2


def test_an_empty_scan_reviewed_no_control() -> None:
    result = result_of(scan_of())
    (selection,) = result["reviewed-controls"]["control-selections"]
    assert selection["description"] == "No rule was checked."
    assert len(selection["exclude-controls"]) == 6
    assert "observations" not in result
    assert "findings" not in result
    assert "inventory-items" not in result["local-definitions"]


def test_only_what_was_asked_was_reviewed() -> None:
    (selection,) = result_of(scan_of(passing()))["reviewed-controls"]["control-selections"]
    assert selection["include-controls"] == [{"control-id": "GP001"}, {"control-id": "GP025"}]


def test_a_finding_names_the_controls_that_it_is_evidence_about() -> None:
    own = replace(BAD_NAME, id="7 x", tags=(OF_A_POLICY, "Desk 7"))
    told = replace(verdict(own, Outcome.FAIL, "a", "b"))
    scan = replace(scan_of(account(subject("m", "gate", 3), Facts(), (GOOD, told))))
    scan = replace(scan, rules=(WITHDRAW, own))
    shipped, custom = result_of(scan)["findings"]
    about = [p["value"] for p in shipped["props"] if p["name"] == "evidence-about-control"]
    assert any(text.startswith("NIST SP 800-53") and text.endswith(": AC-6") for text in about)
    assert "Desk 7" in [p["value"] for p in custom["props"]]
    assert custom["target"]["target-id"] == "_7_x"


def test_policies_are_named_with_their_digests() -> None:
    resources = oscal_of(example_scan())["back-matter"]["resources"]
    assert oscal_of(example_scan())["import-ap"]["href"] == f"#{resources[0]['uuid']}"
    told = {one["title"]: one["rlinks"][0] for one in resources[1:]}
    assert told["Policy firm"]["href"] == "policies/firm.yaml"
    assert told["Policy The options desk"]["hashes"] == [
        {"algorithm": "SHA-256", "value": "cd" * 32}
    ]


def test_ids_are_the_same_in_the_next_scan_but_for_those_of_the_scan() -> None:
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), (FAIL,)))
    later = replace(scan, finished_at=scan.finished_at.replace(day=24))
    before, after = oscal_of(scan), oscal_of(later)
    assert before["uuid"] != after["uuid"]
    for member in ("observations", "findings"):
        assert list(ids(before["results"][0][member])) == list(ids(after["results"][0][member]))
