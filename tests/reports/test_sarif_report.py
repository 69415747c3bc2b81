"""SARIF: always valid, always complete, and the same alert for the same thing."""

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import AccountResult, Scan, ScanSettings
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict
from gatepolicy.reports.sarif_report import Profile, render_sarif, sarif_left_out
from tests.reports.example_scan import (
    BAD_NAME,
    NOT_ALLOWED,
    RULES,
    WITHDRAW,
    account,
    example_scan,
    passing,
    scan_of,
    silent,
    subject,
    verdict,
)
from tests.reports.strategies import scans

SCHEMA_FILE = Path(__file__).parent.parent / "sarif" / "sarif-schema-2.1.0.json"
VALIDATOR = jsonschema.Draft7Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def sarif_of(scan: Scan, profile: Profile = Profile.GITHUB, **options: Any) -> Any:
    return json.loads("".join(render_sarif(scan, profile=profile, **options)))


def run_of(scan: Scan, profile: Profile = Profile.GITHUB, **options: Any) -> Any:
    return sarif_of(scan, profile, **options)["runs"][0]


def one(verdict: Verdict) -> Scan:
    return scan_of(account(subject("mm", "gate", 3), Facts.nothing(Reason.TIMEOUT), (verdict,)))


def result(verdict: Verdict, profile: Profile = Profile.GITHUB) -> Any:
    (only,) = run_of(one(verdict), profile)["results"]
    return only


def test_the_schema_is_the_published_one() -> None:
    assert hashlib.sha256(SCHEMA_FILE.read_bytes()).hexdigest() == (
        "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
    )


def test_the_schema_can_refuse() -> None:
    broken = sarif_of(example_scan())
    broken["runs"][0]["results"][0]["level"] = "terrible"
    assert list(VALIDATOR.iter_errors(broken))


@pytest.mark.parametrize("profile", Profile)
@settings(max_examples=30, deadline=None)
@given(scan=scans())
def test_any_scan_is_valid(profile: Profile, scan: Scan) -> None:
    log = sarif_of(scan, profile)
    assert list(VALIDATOR.iter_errors(log)) == []
    (run,) = log["runs"]
    shown = [v for v in scan.verdicts() if v.outcome in (Outcome.FAIL, Outcome.UNKNOWN)]
    if profile is Profile.GITHUB:
        hidden = {
            (account.evidence.subject.exchange, verdict.rule)
            for account in scan.accounts
            for verdict in account.verdicts
            if verdict.not_verifiable
        }
        untold = sum(v.not_verifiable for account in scan.accounts for v in account.verdicts)
        assert len(run["results"]) == len(shown) - untold + len(hidden)
    else:
        assert len(run["results"]) == len(list(scan.verdicts()))
    for told in run["results"]:
        assert run["tool"]["driver"]["rules"][told["ruleIndex"]]["id"] == told["ruleId"]
        assert told["message"]["text"]
        assert told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] is not None


def messages(run: Any) -> list[str]:
    notes = run["invocations"][0]["toolExecutionNotifications"]
    related = [place for told in run["results"] for place in told.get("relatedLocations", [])]
    return [part["message"]["text"] for part in (*run["results"], *notes, *related)]


@settings(max_examples=30, deadline=None)
@given(scan=scans())
def test_no_text_of_any_scan_becomes_a_link_or_a_placeholder(scan: Scan) -> None:
    for text in messages(run_of(scan, Profile.FULL)):
        assert "](" not in text.replace("[policy](1)", "", 1)
        assert not set("{}") & set(text.replace("{{", "").replace("}}", ""))


@pytest.mark.parametrize("profile", Profile)
def test_a_clean_scan_is_written_all_the_same(profile: Profile) -> None:
    log = sarif_of(scan_of(), profile)
    assert list(VALIDATOR.iter_errors(log)) == []
    assert log["runs"][0]["results"] == []
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == [
        rule.id for rule in RULES
    ]


def test_a_result_stands_at_the_line_of_its_account() -> None:
    told = run_of(example_scan())["results"][0]
    assert told["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "conf/accounts.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 6},
            },
            "logicalLocations": [
                {
                    "name": "withdraw",
                    "fullyQualifiedName": "gate/mm-gate/withdraw",
                    "kind": "resource",
                }
            ],
        }
    ]
    related = told["relatedLocations"][0]
    assert related["id"] == 1
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "policies/baseline.yaml"
    assert "[policy](1)" in told["message"]["text"]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("/srv/a b.yaml", "a%20b.yaml"),
        ("../a.yaml", "a.yaml"),
        ("x/../../a.yaml", "a.yaml"),
        ("", "unnamed"),
    ],
)
def test_a_file_outside_is_named_without_its_path(file: str, uri: str) -> None:
    far = replace(subject("mm", "gate", 3), location=Location(file, 3, 5))
    scan = scan_of(account(far, Facts(), (verdict(WITHDRAW, Outcome.FAIL, "a", "b"),)))
    run = run_of(scan)
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": uri, "uriBaseId": "OUTSIDE_OF_REPOSITORY"}
    assert "OUTSIDE_OF_REPOSITORY" in run["originalUriBaseIds"]
    assert "file:" not in "".join(render_sarif(scan, profile=Profile.FULL))


def test_a_file_inside_is_named_from_the_root() -> None:
    near = replace(subject("mm", "gate", 3), location=Location("./x/../a b.yaml", 3, 5))
    scan = scan_of(account(near, Facts(), (verdict(WITHDRAW, Outcome.FAIL, "a", "b"),)))
    place = run_of(scan)["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%20b.yaml", "uriBaseId": "%SRCROOT%"}


def noise(count: int, seed: str) -> str:
    """A text that no compressor makes much shorter."""
    return "".join(hashlib.sha256(f"{seed}{n}".encode()).hexdigest() for n in range(count))


def test_the_worst_are_kept_when_the_file_would_be_too_large() -> None:
    low = [
        account(
            subject(f"mm-{n}", "gate", n),
            Facts(),
            (verdict(BAD_NAME, Outcome.FAIL, "a", noise(100, f"{n}:")),),
        )
        for n in range(1, 101)
    ]
    scan = scan_of(*low, account(subject("worst", "gate", 999), Facts(), (FAIL,)))
    size_limit = 150_000
    text = "".join(render_sarif(scan, size_limit=size_limit))
    assert len(gzip.compress(text.encode())) < 1.2 * size_limit
    run = json.loads(text)["runs"][0]
    kept = run["results"]
    assert 10 < len(kept) < 101
    assert kept[-1]["properties"]["account"] == "worst"
    left_out = 101 - len(kept)
    note = run["invocations"][0]["toolExecutionNotifications"][0]
    assert note["message"]["text"].startswith(f"{left_out} of the mildest results were left out")
    options: Any = {"profile": Profile.GITHUB, "size_limit": size_limit}
    assert sarif_left_out(scan, **options) == left_out
    assert sarif_left_out(scan, profile=Profile.FULL, size_limit=size_limit) == 0


def test_what_compresses_well_is_not_left_out() -> None:
    scan = scan_of(
        *(account(subject(f"mm-{n}", "gate", n), Facts(), (FAIL,)) for n in range(1, 99))
    )
    assert sarif_left_out(scan, profile=Profile.GITHUB, size_limit=100_000) == 0


def test_the_first_sentence_is_a_title() -> None:
    failing = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")
    assert result(failing)["message"]["text"].startswith(
        "Account mm on gate: The key can withdraw funds (withdraw). Expected: it cannot. "
    )


FAIL = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")
UNKNOWN = verdict(
    WITHDRAW, Outcome.UNKNOWN, "it cannot", subject="withdraw", reason=Reason.UNREACHABLE
)


def test_an_unknown_keeps_the_alert_of_the_fail_that_it_may_hide() -> None:
    fail, unknown = result(FAIL), result(UNKNOWN)
    assert unknown["ruleId"] == fail["ruleId"]
    assert unknown["partialFingerprints"] == fail["partialFingerprints"]
    assert unknown["level"] == "warning"
    assert "neither proved nor disproved" in unknown["message"]["text"]
    assert "Reason: unreachable" in unknown["message"]["text"]


def test_the_fingerprint_is_of_the_thing_and_of_nothing_else() -> None:
    same = [
        FAIL,
        UNKNOWN,
        replace(FAIL, severity=Severity.LOW),
        replace(FAIL, policy="other", location=Location("other.yaml", 99, 1)),
        replace(FAIL, expected="x", seen="y"),
    ]
    prints = {json.dumps(result(one_of)["partialFingerprints"]) for one_of in same}
    assert len(prints) == 1
    moved = scan_of(account(subject("mm", "gate", 77), Facts(), (FAIL,)))
    assert run_of(moved)["results"][0]["partialFingerprints"] == result(FAIL)["partialFingerprints"]
    others = [
        result(replace(FAIL, subject="transfer")),
        result(verdict(NOT_ALLOWED, Outcome.FAIL, "a", "b", subject="withdraw")),
        run_of(scan_of(account(subject("mm", "okx", 3), Facts(), (FAIL,))))["results"][0],
        run_of(scan_of(account(subject("mm2", "gate", 3), Facts(), (FAIL,))))["results"][0],
    ]
    for other in others:
        assert other["partialFingerprints"] != result(FAIL)["partialFingerprints"]
    assert result(FAIL)["partialFingerprints"]["primaryLocationLineHash"].endswith(":1")


@pytest.mark.parametrize(
    ("outcome", "profile", "kind", "level"),
    [
        (Outcome.FAIL, Profile.FULL, "fail", "error"),
        (Outcome.PASS, Profile.FULL, "pass", "none"),
        (Outcome.UNKNOWN, Profile.FULL, "open", "none"),
        (Outcome.NOT_APPLICABLE, Profile.FULL, "notApplicable", "none"),
        (Outcome.WAIVED, Profile.FULL, "fail", "error"),
        (Outcome.UNKNOWN, Profile.GITHUB, "fail", "warning"),
    ],
)
def test_kind_and_level(outcome: Outcome, profile: Profile, kind: str, level: str) -> None:
    reason = Reason.TIMEOUT if outcome is Outcome.UNKNOWN else None
    told = result(verdict(WITHDRAW, outcome, "a", "b", reason=reason), profile)
    assert (told["kind"], told["level"]) == (kind, level)
    assert ("suppressions" in told) is (outcome is Outcome.WAIVED)


def test_an_unknown_that_is_only_warned_about_is_a_note_and_still_there() -> None:
    warned = replace(UNKNOWN, on_unknown=OnUnknown.WARN)
    assert result(warned)["level"] == "note"


def test_what_passes_or_is_waived_is_no_alert() -> None:
    results = run_of(example_scan())["results"]
    assert {told["properties"]["verdict"] for told in results} == {"fail", "unknown"}
    full = run_of(example_scan(), Profile.FULL)["results"]
    assert {told["properties"]["verdict"] for told in full} == {
        "fail", "unknown", "pass", "waived", "not_applicable",
    }  # fmt: skip


def test_the_worst_are_kept_when_there_is_no_room_for_all() -> None:
    run = run_of(example_scan(), limit=2)
    assert [told["properties"]["severity"] for told in run["results"]] == ["critical", "critical"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    everything = len(run_of(example_scan())["results"])
    assert notes[0]["message"]["text"] == (
        f"{everything - 2} of the mildest results were left out: GitHub accepts no more."
    )
    assert len(run_of(example_scan(), Profile.FULL, limit=2)["results"]) > 2


def test_no_more_results_than_code_scanning_takes() -> None:
    low = verdict(BAD_NAME, Outcome.FAIL, "a", "b")
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), (*[low] * 25_000, FAIL, UNKNOWN)))
    results = run_of(scan)["results"]
    assert len(results) == 25_000
    # The fail that comes last is the worst of all and kept; the unknown is no violation.
    assert [told["ruleId"] for told in results[-2:]] == ["GP025", "GP001"]
    assert results[-1]["properties"]["verdict"] == "fail"


def test_rules_hold_no_more_tags_than_code_scanning_shows() -> None:
    tags = [f"tag-{number}" for number in range(30)]
    scan = replace(scan_of(), rules=(replace(WITHDRAW, tags=tags, name="n" * 300),))
    (rule,) = run_of(scan)["tool"]["driver"]["rules"]
    assert rule["properties"]["tags"] == ["security", *tags[:9]]
    assert len(rule["name"]) == 255


@pytest.mark.parametrize(
    ("severity", "score"),
    [
        (Severity.CRITICAL, "9.5"),
        (Severity.HIGH, "8.0"),
        (Severity.MEDIUM, "5.5"),
        (Severity.LOW, "3.0"),
        (Severity.INFO, "0.0"),
    ],
)
def test_the_score_of_a_severity(severity: Severity, score: str) -> None:
    scan = replace(scan_of(), rules=(replace(WITHDRAW, severity=severity),))
    (rule,) = run_of(scan)["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == score


def test_rules_have_what_code_scanning_shows() -> None:
    rule = run_of(example_scan())["tool"]["driver"]["rules"][0]
    assert rule["id"] == "GP001"
    assert rule["name"] == "withdrawal-enabled"
    assert rule["properties"]["security-severity"] == "9.5"
    assert rule["properties"]["tags"][0] == "security"
    assert rule["properties"]["precision"] == "very-high"
    assert rule["helpUri"] == "https://example.com/keys"
    assert "**gate**: profile icon" in rule["help"]["markdown"]
    assert "**binance, bybit, kucoin, okx**: Edit the key" in rule["help"]["markdown"]


def test_a_fix_that_is_the_same_everywhere_is_told_once() -> None:
    for scan in (scan_of(), scan_of(passing())):
        rule = run_of(scan)["tool"]["driver"]["rules"][0]
        assert "**every exchange**: Edit the key" in rule["help"]["markdown"]


def test_an_incomplete_scan_was_not_successful() -> None:
    invocation = run_of(example_scan())["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == example_scan().exit_code
    told = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert any("4 of 5 controls unknown (ip_refused)" in text for text in told)
    complete = run_of(scan_of(passing()))["invocations"][0]
    assert complete["executionSuccessful"] is True
    assert complete["toolExecutionNotifications"] == []


def test_a_scan_that_evaluated_nothing_was_not_successful() -> None:
    for options in (ScanSettings(), ScanSettings(exit_zero=True, allow_empty=True)):
        invocation = run_of(scan_of(settings=options))["invocations"][0]
        assert invocation["executionSuccessful"] is False
        (note,) = invocation["toolExecutionNotifications"]
        assert note["level"] == "error"
        assert note["message"]["text"] == (
            "Nothing evaluated: no account or no rule matched, or no account could be read."
        )


def test_an_account_about_which_nothing_was_asked_is_told() -> None:
    silent = account(subject("silent", "gate", 3), Facts.nothing(Reason.NOT_DISCLOSED), ())
    (note,) = run_of(scan_of(passing(), silent))["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "Account silent on gate: nothing was checked."
    assert note["locations"][0]["physicalLocation"]["region"]["startLine"] == 3


def test_a_verdict_about_the_scan_stands_at_its_policy() -> None:
    told = run_of(example_scan())["results"][-1]
    assert told["locations"][0]["physicalLocation"]["region"]["startLine"] == 40
    assert told["message"]["text"].startswith(
        "Policy options-desk: The policy covers no account (options-desk). Reason: not_covered. "
    )
    assert "relatedLocations" not in told
    nameless = replace(UNKNOWN, policy="")
    told = run_of(scan_of(general=(nameless,)))["results"][0]
    assert told["message"]["text"].startswith("This scan, neither proved nor disproved: ")


def test_names_from_outside_can_neither_link_nor_hide() -> None:
    text = "".join(render_sarif(example_scan(), profile=Profile.FULL))
    messages = [told["message"]["text"] for told in run_of(example_scan(), Profile.FULL)["results"]]
    assert any("evil.example" in message for message in messages)
    assert not any("](https://evil.example)" in message for message in messages)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_scope_is_the_category() -> None:
    assert run_of(scan_of(), scope="desk/mm/")["automationDetails"] == {"id": "gatepolicy/desk/mm/"}


def test_no_line_of_the_inventory_is_quoted() -> None:
    assert "snippet" not in "".join(render_sarif(example_scan(), profile=Profile.FULL))


def test_long_texts_of_rules_are_cut() -> None:
    long = replace(WITHDRAW, title="t" * 2000, why="w" * 2000)
    scan = replace(scan_of(), rules=(long,))
    rule = run_of(scan)["tool"]["driver"]["rules"][0]
    assert len(rule["shortDescription"]["text"]) == 1024
    assert rule["fullDescription"]["text"].endswith("w…")


def silent_fleet(*meanings: OnUnknown, exchange: str = "kucoin") -> list[AccountResult]:
    """Accounts of which an exchange never discloses the age of the key."""
    accounts = []
    for number, meaning in enumerate(meanings):
        account = silent()
        where = subject(f"quiet-{number}", exchange, 40 + number)
        *rest, untold = account.verdicts
        judged = (*rest, replace(untold, on_unknown=meaning))
        accounts.append(AccountResult(replace(account.evidence, subject=where), judged))
    return accounts


def test_what_an_exchange_never_discloses_is_one_result_for_all_its_accounts() -> None:
    fleet = silent_fleet(OnUnknown.WARN, OnUnknown.WARN, OnUnknown.WARN)
    other = silent_fleet(OnUnknown.WARN, exchange="okx")
    first, second = run_of(scan_of(*fleet, *other))["results"]
    assert first["message"]["text"].startswith("3 accounts on kucoin, not verifiable: The key is")
    assert first["level"] == "note"
    assert first["properties"]["accounts"] == "3"
    assert "account" not in first["properties"]
    (place,) = first["locations"]
    assert place["physicalLocation"]["region"]["startLine"] == 40
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "kucoin/key-too-old"
    assert second["message"]["text"].startswith("1 account on okx, not verifiable:")
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_its_alert_stays_the_same_whichever_accounts_there_are() -> None:
    fleet = silent_fleet(OnUnknown.WARN, OnUnknown.WARN)
    (both,), (last,) = (run_of(scan_of(*some))["results"] for some in (fleet, fleet[1:]))
    assert both["partialFingerprints"] == last["partialFingerprints"]


def test_it_is_as_bad_as_for_the_worst_account() -> None:
    fleet = silent_fleet(OnUnknown.WARN, OnUnknown.BLOCK, OnUnknown.INCOMPLETE)
    run = run_of(scan_of(*fleet))
    (only,) = run["results"]
    assert only["level"] == "error"
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == 1
    assert not invocation["executionSuccessful"]
    (told,) = invocation["toolExecutionNotifications"]
    assert told["descriptor"] == {"id": "not_verifiable"}
    assert told["level"] == "error"


def test_what_an_answer_left_open_stays_a_result_for_each_account() -> None:
    fleet = [
        replace(one, verdicts=[replace(v, is_verifiable=True) for v in one.verdicts])
        for one in silent_fleet(OnUnknown.WARN, OnUnknown.WARN)
    ]
    names = [r["properties"]["account"] for r in run_of(scan_of(*fleet))["results"]]
    assert names == ["quiet-0", "quiet-1"]


def test_what_passes_about_the_scan_itself_is_no_alert() -> None:
    passed = verdict(WITHDRAW, Outcome.PASS, "a", "b")
    assert run_of(scan_of(general=(passed,)))["results"] == []
    assert len(run_of(scan_of(general=(passed,)), Profile.FULL)["results"]) == 1


def test_the_full_profile_holds_every_verdict() -> None:
    fleet = silent_fleet(OnUnknown.WARN, OnUnknown.WARN)
    told = [r for r in run_of(scan_of(*fleet), Profile.FULL)["results"] if r["kind"] == "open"]
    assert [r["properties"]["not_verifiable"] for r in told] == ["true", "true"]
    assert [r["properties"]["account"] for r in told] == ["quiet-0", "quiet-1"]


def test_several_questions_of_one_rule_count_each_account_once() -> None:
    (account,) = silent_fleet(OnUnknown.WARN)
    *rest, untold = account.verdicts
    twice = (*rest, untold, replace(untold, subject="spot"))
    (only,) = run_of(scan_of(replace(account, verdicts=twice)))["results"]
    assert only["properties"]["accounts"] == "1"


@settings(max_examples=30)
@given(scan=scans())
def test_no_violation_and_nothing_that_was_left_open_is_told_for_all(scan: Scan) -> None:
    told = run_of(scan)["results"]
    each = [r for r in told if "accounts" not in r["properties"]]
    wanted = [v for v in scan.verdicts() if v.outcome in (Outcome.FAIL, Outcome.UNKNOWN)]
    general = {id(verdict) for verdict in scan.general}
    single = [v for v in wanted if not v.not_verifiable or id(v) in general]
    assert len(each) == len(single)


def test_a_shipped_policy_is_no_file_of_the_repository() -> None:
    asked = replace(
        verdict(WITHDRAW, Outcome.FAIL, "it cannot"), location=Location("strict", 16, 3)
    )
    (related,) = result(asked)["relatedLocations"]
    place = related["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "strict", "uriBaseId": "SHIPPED_POLICIES"}
    assert place["region"]["startLine"] == 16
    assert "SHIPPED_POLICIES" in run_of(one(asked))["originalUriBaseIds"]
    (general,) = run_of(scan_of(general=[asked]))["results"]
    (where,) = general["locations"]
    assert where["physicalLocation"]["artifactLocation"]["uriBaseId"] == "SHIPPED_POLICIES"


def test_another_file_of_that_name_is_one_of_the_repository() -> None:
    about = replace(
        verdict(WITHDRAW, Outcome.FAIL, "new"), policy="", location=Location("strict", 1, 1)
    )
    (general,) = run_of(scan_of(general=[about]))["results"]
    (where,) = general["locations"]
    assert where["physicalLocation"]["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
