"""What policies do not allow to waive is told before a scan."""

from collections.abc import Sequence
from datetime import date

import pytest

from gatepolicy.errors import Problem
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.policies.load import load_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.waivers.refused import refused_waivers, repeated_waivers
from gatepolicy.waivers.waiver import load_waivers

TODAY = date(2026, 11, 24)
POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: NAME, title: T}
applies_to: {labels: {desk: NAME}}
permissions: {forbid: [withdraw, transfer]}
"""
STRICT = (
    POLICY.replace("NAME", "mm")
    + """\
waivers:
  max_days: 90
  forbid: [withdrawal-enabled]
"""
)
VAULT = POLICY.replace("NAME", "vault") + "key: {max_age: 90d}\n"
WAIVER = """\
apiVersion: gatepolicy/v1
kind: Waivers
waivers:
  - id: W-1
    rule: withdrawal-enabled
    accounts: [mm-1]
    owner: desk@example.com
    justification: Has to withdraw for a time.
    created: 2026-11-20
    expires: 2026-12-20
"""
LONG = WAIVER.replace("withdrawal-enabled", "transfer-enabled").replace("2026-12-20", "2027-02-19")


def told(
    text: str,
    policies: Sequence[str] = (STRICT, VAULT),
    accounts: Sequence[str] = ("mm-1", "mm-2", "vault-1"),
) -> list[Problem]:
    """What is told about a file of waivers."""
    files = {f"p{number}.yaml": policy for number, policy in enumerate(policies)}
    loaded = load_policies(list(files), read=lambda path: files[path.name].encode())
    subjects = [
        Subject(name, "okx", {"desk": name.split("-")[0]}, "", Location("a.yaml", 3, 5))
        for name in accounts
    ]
    rules = load_rules()
    plan = make_plan(subjects, loaded, {}, rules, Selection())
    waivers = load_waivers(["w.yaml"], rules, read=lambda _: text.encode())
    return list(refused_waivers(waivers, loaded, plan, TODAY))


def test_what_a_policy_forbids_is_told_with_its_line() -> None:
    assert [str(problem) for problem in told(WAIVER)] == [
        "w.yaml:4:5: W-1: policy mm does not allow waiving withdrawal-enabled (p0.yaml:8:3);"
        " fix the finding, or ask the owner of the policy"
    ]


def test_a_time_that_is_too_long_is_told_with_its_line() -> None:
    assert [str(problem) for problem in told(LONG)] == [
        "w.yaml:4:5: W-1: policy mm does not allow waiving anything for 91 days, at most for 90"
        " (p0.yaml:7:3); let it expire on 2027-02-18 at the latest"
    ]
    assert told(LONG.replace("2027-02-19", "2027-02-18")) == []


def test_only_policies_of_the_accounts_that_it_names_are_asked() -> None:
    assert told(WAIVER.replace("[mm-1]", "[vault-1]")) == []
    assert told(WAIVER.replace("[mm-1]", "[vault-1, mm-2]")) != []
    assert told(WAIVER.replace("accounts: [mm-1]", "labels: {desk: vault}")) == []


def test_a_policy_that_does_not_ask_it_does_not_refuse_it() -> None:
    strict = VAULT.replace("vault", "mm") + "waivers: {max_days: 90}\n"
    other = strict.replace("max_age: 90d", "max_idle: 90d")
    idle = LONG.replace("transfer-enabled", "key-idle")
    assert told(idle, [strict]) == []
    assert told(idle, [other]) != []


def test_a_subject_narrows_what_is_asked() -> None:
    narrowed = WAIVER.replace("    owner", "    subject: trade.spot\n    owner")
    assert told(narrowed) == []
    assert told(narrowed.replace("trade.spot", "withdraw")) != []


@pytest.mark.parametrize("name", ["mm-1/key-15a3", "nobody"])
def test_keys_that_a_scan_found_and_accounts_that_nobody_knows(name: str) -> None:
    text = WAIVER.replace("[mm-1]", f"[{name}]")
    assert told(text, [STRICT]) != []
    assert bool(told(text)) is name.startswith("mm-1/")


@pytest.mark.parametrize("name", ["nobody/key-15a3", "mm-10", "mm-?/key-*"])
def test_what_only_looks_like_a_key_of_an_account_is_none(name: str) -> None:
    assert told(WAIVER.replace("[mm-1]", f"[{name}]")) == []


def test_a_glob_does_not_speak_of_a_key_that_another_waiver_names() -> None:
    key = WAIVER.replace("[mm-1]", "[mm-1/key-15a3]")
    glob = WAIVER.partition("waivers:\n")[2].replace("W-1", "W-2").replace("mm-1", "mm-?/key-*")
    assert [problem.path for problem in told(key + glob)] == ["W-1"]


def test_without_an_inventory_only_what_every_policy_refuses_is_told() -> None:
    assert told(WAIVER, [STRICT], accounts=()) != []
    assert told(WAIVER, accounts=()) == []
    assert told(WAIVER, [], accounts=()) == []
    other = STRICT.replace("name: mm", "name: gate").replace(
        "labels: {desk: mm}", "exchanges: [gate]"
    )
    okx = WAIVER.replace("accounts: [mm-1]", "exchanges: [okx]")
    assert told(okx, [other], accounts=()) == []
    # Who names no exchange means every one, in a policy and in a waiver.
    assert told(WAIVER, [other], accounts=()) != []
    assert told(okx, [STRICT], accounts=()) != []


def test_what_is_over_is_told_by_the_scan_alone() -> None:
    over = WAIVER.replace("2026-12-20", "2026-11-23")
    assert told(over) == []
    another = WAIVER.partition("waivers:\n")[2].replace("W-1", "W-2")
    assert [problem.path for problem in told(over + another)] == ["W-2"]
    # Its last day is today.
    assert len(told(WAIVER.replace("2026-12-20", "2026-11-24"))) == 1


def test_what_begins_later_is_told_too() -> None:
    later = WAIVER.replace("2026-11-20", "2026-11-25")
    assert [str(problem) for problem in told(later.replace("[mm-1]", "[vault-1]"))] == [
        "w.yaml:4:5: W-1: it starts in the future and waives nothing until then; start it on the"
        " day it is created"
    ]
    assert len(told(later)) == 2
    today = WAIVER.replace("2026-11-20", "2026-11-24")
    assert told(today.replace("[mm-1]", "[vault-1]")) == []


def repeated(*changes: tuple[str, str]) -> list[str]:
    """What is told about a waiver and, after it, the same one with changes."""
    other = WAIVER.partition("waivers:\n")[2].replace("W-1", "W-2")
    for old, new in changes:
        assert old in other
        other = other.replace(old, new)
    text = WAIVER + other
    waivers = load_waivers(["w.yaml"], load_rules(), read=lambda _: text.encode())
    return [str(problem) for problem in repeated_waivers(waivers)]


TWICE = [
    "w.yaml:11:5: W-2: W-1 (w.yaml:4:5) waives the same; delete one, or start this one after the"
    " other expires"
]


def test_a_waiver_that_waives_the_same_on_the_same_days_is_told() -> None:
    assert repeated() == TWICE


@pytest.mark.parametrize(
    ("created", "expires", "expected"),
    [
        ("2026-12-20", "2027-01-20", TWICE),
        ("2026-12-21", "2027-01-20", []),
        ("2026-10-20", "2026-11-20", TWICE),
        ("2026-10-20", "2026-11-19", []),
    ],
)
def test_one_that_begins_after_the_other_is_a_renewal(
    created: str, expires: str, expected: list[str]
) -> None:
    days = ("created: 2026-11-20", f"created: {created}"), ("s: 2026-12-20", f"s: {expires}")
    assert repeated(*days) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("withdrawal-enabled", "transfer-enabled"),
        ("[mm-1]", "[mm-2]"),
        ("[mm-1]", "[mm-1]\n    exchanges: [okx]"),
        ("[mm-1]", "[mm-1]\n    labels: {desk: mm}"),
        ("    owner", "    subject: withdraw\n    owner"),
        ("    owner", "    accepts: unknown\n    owner"),
    ],
)
def test_one_that_waives_something_else_is_another(old: str, new: str) -> None:
    assert repeated((old, new)) == []


def test_the_order_of_accounts_is_no_difference() -> None:
    text = WAIVER.replace("[mm-1]", "[mm-1, mm-2]")
    other = (
        text.partition("waivers:\n")[2].replace("W-1", "W-2").replace("mm-1, mm-2", "mm-2, mm-1")
    )
    waivers = load_waivers(["w.yaml"], load_rules(), read=lambda _: (text + other).encode())
    assert [str(problem) for problem in repeated_waivers(waivers)] == TWICE


def test_a_third_one_is_compared_with_every_earlier_one() -> None:
    apart = WAIVER.partition("waivers:\n")[2].replace("W-1", "W-2")
    apart = apart.replace("2026-12-20", "2027-01-20").replace("2026-11-20", "2027-01-01")
    third = apart.replace("W-2", "W-3")
    waivers = load_waivers(
        ["w.yaml"], load_rules(), read=lambda _: (WAIVER + apart + third).encode()
    )
    (problem,) = repeated_waivers(waivers)
    assert problem.what == "W-2 (w.yaml:11:5) waives the same"
