"""Tests of policies: what is not as expected is told, and nothing passes by being left out."""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gatepolicy.errors import DocumentError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.policytests.junit import junit
from gatepolicy.policytests.load import load_policy_test
from gatepolicy.policytests.run import CaseResult, coverage_of, run_tests
from gatepolicy.policytests.wording import difference
from gatepolicy.resources import policies_directory
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.workspace import load_exchanges

POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
applies_to: {labels: {desk: mm}}
permissions: {forbid: [withdraw]}
key: {max_age: 90d}
"""
HEAD = """\
apiVersion: gatepolicy/v1
kind: PolicyTest
policies: [desk.yaml]
now: 2026-11-01T00:00:00Z
account: {exchange: okx, labels: {desk: mm}}
facts:
  {permission.withdraw: false, permissions.unrecognised: [],
   key.created_at: 2026-10-01T00:00:00Z}
cases:
"""
SAFE = "  - {name: safe, expect: []}\n"


def run(cases: str, head: str = HEAD, policy: str = POLICY) -> list[CaseResult]:
    files = {"a.test.yaml": head + cases, "desk.yaml": policy}
    test = load_policy_test("a.test.yaml", read=lambda path: files[path.name].encode())
    return list(run_tests([test], {"okx": load_exchange("okx")}, load_rules()))


def told(cases: str, head: str = HEAD, policy: str = POLICY) -> list[str]:
    return [line for result in run(cases, head, policy) for line in difference(result)]


def wrong(cases: str, head: str = HEAD) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        run(cases, head)
    return [str(problem) for problem in caught.value.problems]


def test_all_as_expected() -> None:
    assert [result.passed for result in run(SAFE)] == [True]


def test_a_finding_that_nobody_expects() -> None:
    assert told("  - {name: old, facts: {key.created_at: 2026-01-01T00:00:00Z}, expect: []}\n") == [
        "desk.yaml:6:7: not expected: fail key-too-old: created on 2026-01-01 (304 days ago)"
    ]


def test_an_unknown_that_nobody_expects() -> None:
    assert told("  - {name: x, unknown: {permission.withdraw: timeout}, expect: []}\n") == [
        "desk.yaml:5:24: not expected: unknown withdrawal-enabled (withdraw): timeout"
    ]


def test_an_expectation_that_nothing_meets() -> None:
    cases = (
        "  - name: x\n    expect:\n      - {rule: GP001, subject: withdraw}\n"
        "      - {rule: key-too-old, outcome: unknown, reason: timeout}\n"
    )
    assert told(cases) == [
        "a.test.yaml:12:9: not found: fail withdrawal-enabled (withdraw)",
        "a.test.yaml:13:9: not found: unknown key-too-old: timeout",
    ]


@pytest.mark.parametrize(
    "expected",
    ["{rule: withdrawal-enabled, subject: transfer}", "{rule: GP001, outcome: unknown}",
     "{rule: key-too-old}"],
)  # fmt: skip
def test_what_is_nearly_expected_is_not(expected: str) -> None:
    (result,) = run(
        f"  - {{name: x, facts: {{permission.withdraw: true}}, expect: [{expected}]}}\n"
    )
    assert len(result.unexpected) == len(result.unmet) == 1


def test_where_no_policy_asks_anything_nothing_passes() -> None:
    head = HEAD.replace("labels: {desk: mm}", "labels: {desk: options}")
    assert told(SAFE, head) == ["a.test.yaml:10:5: no policy requires anything of account on okx"]


def test_a_fact_that_is_not_named_is_unknown() -> None:
    head = HEAD.replace("permission.withdraw: false, ", "")
    assert told(SAFE, head) == [
        "desk.yaml:5:24: not expected: unknown withdrawal-enabled (withdraw): not_disclosed"
    ]


def test_an_inferred_fact_is_no_proof() -> None:
    case = "  - {name: x, facts: {permission.withdraw: false}, "
    case += "grades: {permission.withdraw: inferred}, expect: []}\n"
    (line,) = told(case)
    assert "not expected: unknown withdrawal-enabled" in line


def test_every_kind_of_fact_is_written_as_people_write_it() -> None:
    facts = (
        "ip.allowlist: [203.0.113.7, '2001:db8::/64'], key.name: mm, key.expires_at: never,"
        " permissions.native: {trade: granted}, permissions.unrecognised: [x], ip.restricted: true"
    )
    (result,) = run(f"  - {{name: x, facts: {{{facts}}}, expect: [{{rule: GP006}}]}}\n")
    known = result.case.facts.known
    assert [str(network) for network in known["ip.allowlist"].value] == [  # type: ignore[union-attr]
        "203.0.113.7/32",
        "2001:db8::/64",
    ]


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("permission.withdraw", "maybe"),
        ("ip.allowlist", "203.0.113.7"),
        ("ip.allowlist", "[nowhere]"),
        ("key.created_at", "yesterday"),
        ("key.name", "7"),
        ("permissions.native", "[spot]"),
        ("permissions.native", "{spot: often}"),
        ("permissions.native", "7"),
        ("key.shared_with", "{a: b}"),
    ],
)
def test_values_of_another_kind(fact: str, value: str) -> None:
    (line,) = wrong(f"  - {{name: x, facts: {{{fact}: {value}}}, expect: []}}\n")
    assert line.startswith(f"a.test.yaml:10:{len('  - {name: x, facts: {') + len(fact) + 3}: ")
    assert f"{fact} is of type" in line


def test_what_does_not_exist() -> None:
    lines = wrong(
        "  - {name: x, facts: {key.colour: red}, expect: [{rule: nothing}]}\n"
        "  - {name: x, answers: {nothing: {body: x}}, expect: []}\n"
        "  - {name: y, account: {exchange: moonex}, answers: {a: {body: x}}, expect: []}\n",
        HEAD.replace("desk.yaml", "nothing-like-it").replace("11-01T", "13-01T"),
    )
    assert [re.sub(r"; .*", "", line) for line in lines] == [
        "a.test.yaml:3:12: policies[0]: no policy nothing-like-it ships with gatepolicy",
        "a.test.yaml:4:6: now: not a valid timestamp: 2026-13-01T00:00:00Z",
        "a.test.yaml:10:35: cases[0].facts.key.colour: unknown fact key.colour",
        "a.test.yaml:10:57: cases[0].expect[0].rule: unknown rule nothing",
        "a.test.yaml:11:12: cases[1].name: duplicate case name",
        "a.test.yaml:11:34: cases[1].answers.nothing: okx has no call nothing",
        "a.test.yaml:11:24: cases[1].answers: no answer for config",
        "a.test.yaml:12:5: cases[2]: unknown exchange moonex",
        "a.test.yaml:12:53: cases[2].answers: no recorded answers for moonex",
    ]


def test_an_exchange_is_named() -> None:
    (line,) = wrong(SAFE, HEAD.replace("exchange: okx, ", ""))
    assert "no exchange is named" in line
    (line,) = wrong(SAFE, HEAD.replace("exchange: okx, ", "exchange: okxx, "))
    assert "unknown exchange okxx; did you mean okx?" in line


def coverage(cases: str) -> tuple[Sequence[str], list[str]]:
    results = run(cases)
    files = {"desk.yaml": POLICY}
    test = load_policy_test(
        "a.test.yaml",
        read=lambda path: files.get(path.name, HEAD + cases).encode(),
    )
    covered = coverage_of(results, test.policies)
    assert 0 <= covered.percent <= 100
    return [c.rule for c in covered.covered], [f"{c.rule}: {w}" for c, w in covered.missing.items()]


def test_a_clause_is_covered_when_it_was_seen_both_ways() -> None:
    withdraws = "  - {name: x, facts: {permission.withdraw: true}, expect: [{rule: GP001}]}\n"
    old = "  - {name: y, facts: {key.created_at: 2020-01-01T00:00:00Z}, expect: [{rule: GP020}]}\n"
    assert coverage(SAFE + withdraws) == (
        ["withdrawal-enabled"],
        [
            "key-too-old: no case tests that it fails",
            "permission-unrecognised: no case tests that it fails",
        ],
    )
    assert "key-too-old: no case tests that it passes" in coverage(old)[1]


def test_a_policy_that_no_case_is_about_is_not_covered() -> None:
    results = run(SAFE, HEAD.replace("labels: {desk: mm}", "labels: {desk: options}"))
    test = load_policy_test(
        "a.test.yaml",
        read=lambda path: {"a.test.yaml": HEAD + SAFE, "desk.yaml": POLICY}[path.name].encode(),
    )
    none = coverage_of(results, test.policies)
    assert list(none.missing.values()) == ["no case tests this policy"]
    assert none.percent == 0
    assert coverage_of([], []).percent == 0


def test_junit() -> None:
    results = run(SAFE + "  - {name: 'b <x>', expect: [{rule: GP001}]}\n")
    root = ElementTree.fromstring(junit(results))
    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0"}
    first, second = root.iter("testcase")
    assert (first.get("classname"), first.get("line"), len(first)) == ("a.test.yaml", "10", 0)
    assert second.get("name") == "b <x>"
    failure = second.find("failure")
    assert failure is not None
    assert failure.get("message") == "a.test.yaml:11:30: not found: fail withdrawal-enabled"


# The policies that ship


def shipped() -> list[Path]:
    return sorted((policies_directory() / "tests").glob("*.test.yaml"))


def test_every_shipped_policy_has_tests() -> None:
    tested = {path.name.removesuffix(".test.yaml") for path in shipped()}
    assert tested == {path.stem for path in policies_directory().glob("*.yaml")}


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name.split(".")[0])
def test_shipped_policies_find_what_they_are_to_find(path: Path) -> None:
    test = load_policy_test(str(path))
    exchanges = load_exchanges(case.subject.exchange for case in test.cases)
    results = list(run_tests([test], exchanges, load_rules(exchanges.values())))
    assert [line for result in results for line in difference(result)] == []
    assert len(results) >= 5
    assert coverage_of(results, test.policies).missing == {}


def test_the_example_of_the_documents_is_as_expected() -> None:
    text = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)

    def read(path: Path) -> bytes:
        return block.encode() if path.name == "a.test.yaml" else path.read_bytes()

    test = load_policy_test("a.test.yaml", read=read)
    exchanges = load_exchanges(["okx"])
    results = list(run_tests([test], exchanges, load_rules()))
    assert [line for result in results for line in difference(result)] == []
    assert len(results) == 4
