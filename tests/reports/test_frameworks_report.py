"""Verdicts under the controls of frameworks, and of firms' own."""

from dataclasses import replace

from gatepolicy.model.facts import Facts
from gatepolicy.model.verdicts import OF_A_POLICY, Outcome
from gatepolicy.reports.frameworks_report import render_frameworks
from gatepolicy.reports.text_report import Style
from gatepolicy.rules.catalog import load_frameworks
from tests.reports.example_scan import BAD_NAME, WITHDRAW, account, scan_of, subject, verdict


def test_a_control_that_only_a_policy_names_is_shown_by_itself() -> None:
    own = replace(BAD_NAME, id="DESK-7", name="desk-seven", tags=(OF_A_POLICY, "Desk manual 7"))
    judged = (verdict(WITHDRAW, Outcome.PASS, "a", "b"), verdict(own, Outcome.FAIL, "c", "d"))
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), judged))
    scan = replace(scan, rules=(WITHDRAW, own))
    text = "".join(render_frameworks(scan, style=Style(), frameworks=load_frameworks()))
    _, _, others = text.partition("Other controls that policies name")
    assert [line.split(maxsplit=1) for line in others.splitlines() if line.strip()][:4] == [
        ["Desk", "manual 7"],
        ["evidence", "1 failed"],
        ["compared", "unknown to gatepolicy"],
        ["rules", "desk-seven"],
    ]
