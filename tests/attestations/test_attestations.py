"""What people said, and when: missing and expired attestations are findings."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatepolicy.attestations.attestation import EMPTY_FILE, load_attestations, with_attestation
from gatepolicy.errors import DocumentError, UsageError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason
from gatepolicy.model.verdicts import Outcome
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.rule import Rule
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.scanning.scan import evaluate_evidence
from gatepolicy.scanning.workspace import rules_of
from tests.cli.conftest import Run

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DOCS = (Path(__file__).parents[2] / "docs" / "attestations.md").read_text(encoding="utf-8")
POLICY, FILE = re.findall(r"^```yaml\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)
ALL = {"two-factor-unattested", "secret-storage-unattested", "settings-unattested",
       "review-overdue"}  # fmt: skip

READ = Facts.nothing(Reason.NOT_DISCLOSED).learn(
    "key.exists", Fact(value=True, provenance=Provenance(Grade.OBSERVED, "config", ""))
)


def outcomes(
    text: str,
    policy: str = POLICY,
    account: str = "okx-mm",
    found_by: str = "",
    as_of: datetime | None = None,
    facts: Facts | None = None,
) -> dict[str, str]:
    """Rule to outcome and what was seen."""
    policies = load_policies(["p.yaml"], read=lambda _: policy.encode())
    place = Location("a.yaml", 3, 5)
    subject = Subject(account, "okx", {"desk": "mm"}, "", place, found_by)
    plan = make_plan([subject], policies, *_catalog(policies), Selection())
    evidence = Evidence(subject, NOW, facts or READ, ())
    said = load_attestations(["s.yaml"], read=lambda _: text.encode())
    (result,) = evaluate_evidence(
        plan, {account: evidence}, now=NOW, attestations=said, as_of=as_of
    )
    return {v.name: f"{v.outcome}: {v.seen or v.needed}" for v in result.verdicts}


def _catalog(policies: Sequence[Policy]) -> tuple[dict[str, Exchange], Mapping[str, Rule]]:
    exchanges = {"okx": load_exchange("okx")}
    return exchanges, rules_of(policies, exchanges)


def everything(selector: str) -> str:
    """Attestations of all controls for the same accounts."""
    controls = ("two_factor", "secret_storage", "settings", "review")
    entries = (f"  - {{control: {c}, {selector}, by: Ada, date: 2026-11-20}}\n" for c in controls)
    return EMPTY_FILE.replace(" []", "") + "".join(entries)


def test_what_nobody_said_is_a_finding() -> None:
    said = outcomes(EMPTY_FILE)
    assert set(said) == ALL
    assert set(said.values()) == {"fail: not attested"}


def test_what_somebody_said_in_time_passes() -> None:
    said = outcomes(FILE)
    assert said.pop("two-factor-unattested") == "pass: attested on 2026-11-01 (23 days ago)"
    assert set(said.values()) == {"fail: not attested"}


def test_it_is_about_the_accounts_that_it_names() -> None:
    assert outcomes(FILE, account="vault")["two-factor-unattested"].startswith("fail")
    assert outcomes(FILE, account="gate-7")["two-factor-unattested"].startswith("pass")


@pytest.mark.parametrize(
    "selector",
    ["accounts: [okx-mm]", "accounts: [okx-*]", 'accounts: ["*"]', "accounts: [okx-mm/*]",
     "exchanges: [okx]", "labels: {desk: mm}", "accounts: [okx-mm/key-15a?]"],
)  # fmt: skip
def test_nobody_attested_a_key_that_a_scan_found(selector: str) -> None:
    said = outcomes(everything(selector), account="okx-mm/key-15a3", found_by="okx-mm")
    said.pop("two-factor-unattested")
    assert set(said.values()) == {"fail: not attested"}


def test_the_second_factor_of_an_account_holds_for_the_keys_that_a_scan_finds() -> None:
    said = outcomes(FILE, account="okx-mm/key-15a3", found_by="okx-mm")
    assert said["two-factor-unattested"].startswith("pass")
    other = outcomes(FILE, account="vault/key-15a3", found_by="vault")
    assert other["two-factor-unattested"].startswith("fail")


def test_a_found_key_is_attested_by_its_own_id() -> None:
    named = everything("accounts: [okx-mm/key-15a3]")
    said = outcomes(named, account="okx-mm/key-15a3", found_by="okx-mm")
    assert {text.split(":")[0] for text in said.values()} == {Outcome.PASS}
    beside = outcomes(named, account="okx-mm/key-77f0", found_by="okx-mm")
    assert set(beside.values()) == {"fail: not attested"}
    narrowed = everything("accounts: [okx-mm/key-15a3], exchanges: [gate]")
    assert set(outcomes(narrowed, account="okx-mm/key-15a3", found_by="okx-mm").values()) == {
        "fail: not attested"
    }


def test_it_expires_when_the_policy_says() -> None:
    assert outcomes(FILE, POLICY.replace("180d", "22d"))["two-factor-unattested"] == (
        "fail: attested on 2026-11-01 (23 days ago)"
    )
    assert outcomes(FILE, POLICY.replace("180d", "23d"))["two-factor-unattested"] == (
        "pass: attested on 2026-11-01 (23 days ago)"
    )


def test_a_day_counts_from_its_end() -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    for moment, told in (
        (day + timedelta(days=180), "pass: attested on 2026-11-01 (180 days ago)"),
        (day + timedelta(days=181, seconds=-1), "pass: attested on 2026-11-01 (180 days ago)"),
        (day + timedelta(days=181), "fail: attested on 2026-11-01 (181 days ago)"),
    ):
        assert outcomes(FILE, as_of=moment)["two-factor-unattested"] == told


def test_who_looked_today_has_looked() -> None:
    for text, told in (("2026-11-24", "less than a day ago"), ("2026-11-23", "1 day ago")):
        said = outcomes(FILE.replace("2026-11-01", text), POLICY.replace("180d", "13h"))
        assert said["two-factor-unattested"] == f"pass: attested on {text} ({told})"


def test_it_is_judged_on_the_day_that_is_asked_and_the_key_when_it_was_collected() -> None:
    made = Fact(datetime(2026, 9, 1, tzinfo=UTC), Provenance(Grade.OBSERVED, "", ""))
    facts = READ.learn("key.created_at", made)
    policy = POLICY + "key: {max_age: 90d}\n"
    said = outcomes(FILE, policy, as_of=datetime(2028, 11, 1, tzinfo=UTC), facts=facts)
    assert said["two-factor-unattested"] == "fail: attested on 2026-11-01 (731 days ago)"
    assert said["key-too-old"] == "pass: created on 2026-09-01 (84 days ago)"


def test_what_was_said_after_collecting_counts_on_a_later_day() -> None:
    later = FILE.replace("2026-11-01", "2026-12-20")
    said = outcomes(later, as_of=datetime(2026, 12, 24, 8, tzinfo=UTC))
    assert said["two-factor-unattested"] == "pass: attested on 2026-12-20 (4 days ago)"


def test_an_earlier_day_than_that_of_collecting_makes_nothing_younger() -> None:
    early = datetime(2026, 11, 2, tzinfo=UTC)
    told = "fail: attested on 2026-11-01 (23 days ago)"
    policy = POLICY.replace("180d", "22d")
    assert outcomes(FILE, policy, as_of=early)["two-factor-unattested"] == told
    after = FILE.replace("2026-11-01", "2026-11-03")
    assert outcomes(after, as_of=early)["two-factor-unattested"].startswith("fail: not attested")


RULE = """\
rules:
  - id: DESK1
    name: factor-seen
    title: Somebody saw the second factor
    severity: high
    why: Because somebody must look at it.
    fix: Look at it.
    condition: CONDITION
    examples:
      pass: [{facts: {attested.two_factor: 2025-12-20T00:00:00Z}}]
      fail: [{facts: {attested.two_factor: never}}]
      unknown: [{facts: {}}]
"""


@pytest.mark.parametrize("account", ["", " && account.exchange == 'okx'"])
def test_rules_of_policies_judge_it_on_that_day_too(account: str) -> None:
    condition = f"now - attested.two_factor < duration('4320h'){account}"
    policy = POLICY + RULE.replace("CONDITION", condition)
    if account:
        policy = policy.replace("[{facts:", "[{account: {exchange: okx}, facts:")
    assert outcomes(FILE, policy)["factor-seen"].startswith("pass")
    late = outcomes(FILE, policy, as_of=datetime(2028, 11, 1, tzinfo=UTC))
    assert late["factor-seen"].startswith("fail")


def test_the_last_one_counts() -> None:
    again = FILE + FILE.split("attestations:\n")[1].replace("2026-11-01", "2026-11-20")
    assert "2026-11-20 (4 days ago)" in outcomes(again)["two-factor-unattested"]


def test_a_day_to_come_counts_for_nothing() -> None:
    later = FILE.replace("2026-11-01", "2026-11-25")
    assert outcomes(later)["two-factor-unattested"] == "fail: not attested"


def test_a_day_to_come_hides_no_earlier_one() -> None:
    later = FILE + FILE.split("attestations:\n")[1].replace("2026-11-01", "2030-01-01")
    told = "pass: attested on 2026-11-01 (23 days ago)"
    assert outcomes(later)["two-factor-unattested"] == told


def test_a_policy_that_accepts_only_what_was_observed_takes_none() -> None:
    strict = POLICY + "evidence: {accept: [observed]}\n"
    assert {text.split(":")[0] for text in outcomes(FILE, strict).values()} == {Outcome.UNKNOWN}


def test_it_answers_no_other_question() -> None:
    policy = POLICY + "permissions: {forbid: [withdraw]}\n"
    settings = FILE.replace("two_factor", "settings")
    said = outcomes(settings, policy)
    assert said["settings-unattested"].startswith("pass")
    assert said["withdrawal-enabled"].startswith("unknown")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2026-11-01", "2026-02-30", "not a valid date: 2026-02-30"),
        ("    by: Ada Example\n", "", "by"),
        ("two_factor", "karma", "two_factor"),
        ("by: Ada Example", "by: '  '", "by: blank; write who confirms it"),
        ("by: Ada Example", 'by: "\\u200b\\t\\u00a0"', "by: blank; write who confirms it"),
        ("evidence: https://tickets.example.com/AUDIT-7", "evidence: ' '", "evidence: blank"),
    ],
)
def test_what_is_wrong_is_told(old: str, new: str, told: str) -> None:
    with pytest.raises(DocumentError, match=told):
        load_attestations(["a.yaml", "b.yaml"], read=lambda _: FILE.replace(old, new).encode())


def test_an_entry_is_added() -> None:
    entry = {"control": "review", "accounts": ["okx-mm"], "by": "Ada", "date": "2026-11-02"}
    after = with_attestation(FILE, "s.yaml", entry)
    assert after.startswith(FILE)
    assert len(load_attestations(["s.yaml"], read=lambda _: after.encode())) == 2
    assert with_attestation("", "s.yaml", entry).endswith("    date: 2026-11-02\n")


def test_an_entry_is_added_with_the_ends_of_lines_of_the_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "attestations.yaml"
    file.write_bytes(FILE.replace("\n", "\r\n").encode())
    said = ("--control", "review", "--account", "okx-mm", "--by", "Ada")
    assert run("attest", *said).code == 0
    assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n") > 12
    assert len(load_attestations([str(file)])) == 2


def test_what_is_wrong_with_the_new_entry_has_no_line() -> None:
    entry = {"control": "review", "accounts": ["mm"], "by": " ", "date": "soon"}
    with pytest.raises(UsageError) as caught:
        with_attestation(FILE, "s.yaml", entry)
    assert str(caught.value) == (
        "s.yaml: the new entry: by: blank; date: does not match the expected pattern"
    )
    assert caught.value.hint == 'write who confirms it; for example "2026-11-01"'


def test_the_command_adds_one(run: Run, tmp_path: Path) -> None:
    said = ("--control", "two_factor", "--account", "okx-mm", "--by", "Ada Example")
    ended = run("attest", *said)
    assert ended.code == 0
    assert ended.err.startswith("attestations.yaml: Ada Example attests two_factor on 20")
    (one,) = load_attestations([str(tmp_path / "attestations.yaml")])
    assert (one.control, one.by, one.selector.accounts) == (
        "two_factor", "Ada Example", ("okx-mm",),
    )  # fmt: skip
    assert run("check", "--attestations", "attestations.yaml").code == 0
    assert run("attest", "--control", "review").code == 2
    assert run("attest", *said, "--date", "yesterday").code == 2
    assert run("attest", *said, "--attestations", "a", "--attestations", "b").code == 2


def test_nobody_says_what_is_yet_to_come(run: Run, tmp_path: Path) -> None:
    said = ("--control", "two_factor", "--account", "okx-mm")
    ended = run("attest", *said, "--by", "Ada", "--date", "2999-01-01")
    assert ended.code == 2
    assert ended.err == (
        "error: --date 2999-01-01: this date is in the future\n"
        "hint: give the date (UTC) of the check\n"
    )
    assert run("attest", *said, "--by", "   ").code == 2
    assert not (tmp_path / "attestations.yaml").exists()


def test_check_tells_days_to_come(run: Run, tmp_path: Path) -> None:
    text = FILE.replace("2026-11-01", "2020-11-01") + FILE.split("attestations:\n")[1].replace(
        "2026-11-01", "2999-01-01"
    )
    (tmp_path / "s.yaml").write_text(text)
    ended = run("check", "--attestations", "s.yaml")
    assert ended.code == 2
    assert ended.err.startswith(
        "s.yaml:13:11: attestations[1].date: this date is in the future; until then it counts for"
        " nothing; correct it\n"
    )
