"""Every format, told what it needs and nothing else, and safe to look at."""

import json
import re
from dataclasses import replace
from datetime import timedelta, timezone

import click
import pytest
from hypothesis import given, settings

from gatepolicy.cli.scan import command as scan_command
from gatepolicy.model.evidence import CallRecord
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import OF_A_POLICY, OnUnknown, Outcome
from gatepolicy.reports.formats import FORMATS, ReportOptions
from gatepolicy.reports.sarif_report import Profile
from gatepolicy.reports.text_report import Style
from tests.reports.example_scan import (
    FINISHED,
    STARTED,
    UNBOUND,
    account,
    example_scan,
    failing,
    passing,
    scan_of,
    subject,
    verdict,
)
from tests.reports.strategies import scans

TELL_NO_TIME = ("github", "gitlab-codequality", "gitlab-sast", "ocsf", "prometheus")


def rendered(name: str, scan: Scan, options: ReportOptions | None = None) -> str:
    return "".join(FORMATS[name].render(scan, options or ReportOptions()))


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_of_a_small_scan_is_left_out(name: str) -> None:
    assert rendered(name, example_scan())
    assert FORMATS[name].left_out(example_scan(), ReportOptions()) == 0


def test_every_format_has_a_suffix() -> None:
    assert {name: form.suffix for name, form in FORMATS.items()} == {
        "text": ".txt",
        "html": ".html",
        "json": ".json",
        "sarif": ".sarif",
        "markdown": ".md",
        "github": ".txt",
        "junit": ".xml",
        "gitlab-codequality": ".json",
        "gitlab-sast": ".json",
        "ocsf": ".jsonl",
        "oscal": ".json",
        "csv": ".csv",
        "csv-facts": ".csv",
        "prometheus": ".prom",
        "frameworks": ".txt",
    }
    assert all(form.description for form in FORMATS.values())


def test_the_help_names_every_format() -> None:
    (help_text,) = [
        param.help or ""
        for param in scan_command.params
        if isinstance(param, click.Option) and "--output" in param.opts
    ]
    assert [name for name in FORMATS if not re.search(rf"\b{name}\b", help_text)] == []


def test_text_takes_the_style() -> None:
    options = ReportOptions(style=Style(colour=True))
    assert "\x1b[" in rendered("text", example_scan(), options)
    assert "\x1b" not in rendered("text", example_scan())


def test_a_rule_of_a_policy_stands_under_the_controls_that_it_names() -> None:
    scan = example_scan()
    own = replace(
        scan.rules[0], name="desk-rule", tags=(OF_A_POLICY, "SOC 2 CC6.1", "soc2 cc6.1", "Desk 7")
    )
    text = rendered("frameworks", replace(scan, rules=(*scan.rules, own)))
    (control,) = re.findall(r"\n  CC6\.1 .*?\n\n", text, flags=re.DOTALL)
    assert "desk-rule" in control
    (other,) = re.findall(r"\n  Desk 7\n.*?\n\n", text, flags=re.DOTALL)
    assert "none: no policy uses its rules" in other
    assert "desk-rule" in other
    assert "Other controls" not in rendered("frameworks", scan)


def test_sarif_takes_profile_and_scope() -> None:
    options = ReportOptions(sarif_profile=Profile.FULL, sarif_scope="desk")
    (full,) = json.loads(rendered("sarif", example_scan(), options))["runs"]
    (alerts,) = json.loads(rendered("sarif", example_scan()))["runs"]
    assert len(full["results"]) > len(alerts["results"])
    assert full["automationDetails"]["id"] == "gatepolicy/desk/"
    assert alerts["automationDetails"]["id"] == "gatepolicy/accounts/"


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=15, deadline=None)
@given(scan=scans())
def test_whatever_a_scan_holds_a_report_is_printable_and_can_be_written(
    name: str, scan: Scan
) -> None:
    text = rendered(name, scan)
    assert text.replace("\n", "").isprintable()
    assert text.encode().decode() == text
    assert text.endswith("\n")


@pytest.mark.parametrize("name", FORMATS)
def test_an_account_whose_name_holds_control_characters(name: str) -> None:
    account = failing()
    hostile = replace(account.evidence.subject, id="mm\x1b[2J\x07\r\n\u202eetag", owner="\x9b31m")
    scan = scan_of(AccountResult(replace(account.evidence, subject=hostile), account.verdicts))
    for options in (ReportOptions(), ReportOptions(style=Style(verbose=1))):
        assert rendered(name, scan, options).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_scan_gives_the_same_report(name: str) -> None:
    assert rendered(name, example_scan()) == rendered(name, example_scan())


@pytest.mark.parametrize("name", FORMATS)
def test_the_order_of_labels_in_the_inventory_changes_nothing(name: str) -> None:
    account = passing()

    def labelled(**labels: str) -> Scan:
        subject = replace(account.evidence.subject, labels=labels)
        evidence = replace(account.evidence, subject=subject)
        return scan_of(AccountResult(evidence, account.verdicts))

    assert rendered(name, labelled(a="1", b="2")) == rendered(name, labelled(b="2", a="1"))


@pytest.mark.parametrize("name", FORMATS)
def test_times_are_told_in_utc_wherever_the_scan_was_run(name: str) -> None:
    tokyo = timezone(timedelta(hours=9))
    there = replace(
        scan_of(passing()),
        started_at=STARTED.astimezone(tokyo),
        finished_at=FINISHED.astimezone(tokyo),
    )
    assert rendered(name, there) == rendered(name, scan_of(passing()))
    if name not in TELL_NO_TIME:
        assert "2026-11-23T16:00:02Z" in rendered(name, there)


SECRET = "s3cr3t-of-the-key-0123456789abcdef"


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=10, deadline=None)
@given(scan=scans())
def test_no_answer_of_an_exchange_is_in_a_report(name: str, scan: Scan) -> None:
    """Answers are redacted, and all the same none of them leaves the evidence."""
    planted = CallRecord("detail", "GET", "https://api.example.com/x", 200, "", 1, SECRET)
    accounts = [
        AccountResult(replace(one.evidence, calls=(planted,)), one.verdicts)
        for one in scan.accounts
    ]
    assert SECRET not in rendered(name, replace(scan, accounts=accounts))


IDENTITY = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "html"])
def test_the_order_of_accounts_changes_no_identity(name: str) -> None:
    """The page names the digest of the JSON report, in which accounts have an order."""
    scan = example_scan()
    turned = replace(scan, accounts=tuple(reversed(scan.accounts)))
    assert set(IDENTITY.findall(rendered(name, scan))) == set(
        IDENTITY.findall(rendered(name, turned))
    )


@pytest.mark.parametrize("name", ["csv", "csv-facts", "ocsf"])
def test_the_order_of_accounts_changes_no_line(name: str) -> None:
    scan = example_scan()
    turned = replace(scan, accounts=tuple(reversed(scan.accounts)))
    assert sorted(rendered(name, scan).splitlines()) == sorted(rendered(name, turned).splitlines())


FOR_PEOPLE = ("text", "html", "json", "frameworks", "prometheus")
"""They say what a pass is, hold every verdict, or count them: they have tests of their own."""
FOR_OTHER_SYSTEMS = [name for name in FORMATS if name not in FOR_PEOPLE]
GOOD = re.compile(r"\bpass(ed)?\b|(?<!not-)\bsatisfied\b", re.IGNORECASE)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.NOT_DISCLOSED, Reason.NOT_COVERED])
@pytest.mark.parametrize("on_unknown", OnUnknown)
@pytest.mark.parametrize("name", FOR_OTHER_SYSTEMS)
def test_an_unknown_is_no_pass(name: str, on_unknown: OnUnknown, reason: Reason) -> None:
    told = verdict(UNBOUND, Outcome.UNKNOWN, "a", reason=reason, on_unknown=on_unknown)
    for is_verifiable in (True, False):
        one = replace(told, is_verifiable=is_verifiable)
        scan = scan_of(account(subject("mm", "gate", 3), Facts.nothing(reason), (one,)))
        assert not GOOD.search(rendered(name, scan))


@pytest.mark.parametrize("name", FOR_OTHER_SYSTEMS)
def test_what_is_proved_good_is_told_as_such_where_a_format_tells_it(name: str) -> None:
    """So that the test above can fail."""
    tells = {"csv", "ocsf", "oscal"}
    assert bool(GOOD.search(rendered(name, scan_of(passing())))) is (name in tells)
