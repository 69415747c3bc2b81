"""From a plan and evidence to a finished scan."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason
from gatepolicy.model.scan import ExitCode, ScanSettings
from gatepolicy.model.verdicts import Outcome
from gatepolicy.policies.load import load_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.scanning.scan import Evaluator, evaluate_evidence, finish

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TEXT = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: T}
permissions: {forbid: [withdraw]}
applies_to: {exchanges: [okx]}
"""
OBSERVED = Provenance(Grade.OBSERVED, "config", "/data/0/perm")


def evidence(name: str, facts: Facts, exchange: str = "okx") -> Evidence:
    return Evidence(Subject(name, exchange, {}, "", Location("a.yaml", 3, 5)), NOW, facts, ())


def scan_of(*collected: Evidence) -> list[set[Outcome]]:
    policies = load_policies(["desk.yaml"], read=lambda _: TEXT.encode())
    subjects = [one.subject for one in collected]
    exchanges = {"okx": load_exchange("okx")}
    plan = make_plan(subjects, policies, exchanges, load_rules(), Selection())
    results = evaluate_evidence(plan, {one.subject.id: one for one in collected}, now=NOW)
    scan = finish(
        plan,
        results,
        started_at=NOW,
        finished_at=NOW,
        settings=ScanSettings(),
        warnings=["a warning"],
    )
    assert scan.accounts == results
    assert scan.policies == plan.policies
    assert scan.rules == plan.rules
    assert scan.warnings == ("a warning",)
    assert scan.exit_code is ExitCode.VIOLATION
    return [{verdict.outcome for verdict in result.verdicts} for result in results]


def test_accounts_are_judged_each_by_its_own_facts() -> None:
    proved = {
        "permission.withdraw": Fact(value=False, provenance=OBSERVED),
        "permissions.unrecognised": Fact((), OBSERVED),
    }
    withdrawing = {**proved, "permission.withdraw": Fact(value=True, provenance=OBSERVED)}
    outcomes = scan_of(
        evidence("good", Facts(proved)),
        evidence("bad", Facts(withdrawing)),
        evidence("silent", Facts.nothing(Reason.TIMEOUT)),
        evidence("uncovered", Facts(proved), "moonex"),
    )
    assert outcomes == [
        {Outcome.PASS},
        {Outcome.FAIL, Outcome.PASS},
        {Outcome.UNKNOWN},
        {Outcome.UNKNOWN},
    ]


def test_equal_verdicts_are_kept_once() -> None:
    policies = load_policies(["desk.yaml"], read=lambda _: TEXT.encode())
    collected = [evidence(name, Facts.nothing(Reason.TIMEOUT)) for name in ("a", "b")]
    subjects = [one.subject for one in collected]
    plan = make_plan(subjects, policies, {}, load_rules(), Selection())
    evaluator = Evaluator(now=NOW)
    first, second = (
        evaluator.judge(question, one)
        for question, one in zip(plan.accounts, collected, strict=True)
    )
    assert first.verdicts is second.verdicts


def test_what_is_not_kept_is_judged_anew() -> None:
    text = TEXT.replace("permissions: {forbid: [withdraw]}", "key: {max_age: 90d}")
    policies = load_policies(["desk.yaml"], read=lambda _: text.encode())
    made = [Fact(NOW - timedelta(days=days), OBSERVED) for days in range(86, 95)]
    collected = [evidence(f"a{n}", Facts({"key.created_at": one})) for n, one in enumerate(made)]
    plan = make_plan([one.subject for one in collected], policies, {}, load_rules(), Selection())
    evaluator = Evaluator(now=NOW, most_kept=2)
    for _ in range(2):
        judged = [evaluator.judge(*pair) for pair in zip(plan.accounts, collected, strict=True)]
        outcomes = [one.verdicts[0].outcome for one in judged]
        assert outcomes == [Outcome.PASS] * 5 + [Outcome.FAIL] * 4
        assert len({one.verdicts[0].seen for one in judged}) == len(judged)


def test_ages_are_counted_up_to_when_each_account_was_read() -> None:
    text = TEXT.replace("permissions: {forbid: [withdraw]}", "key: {max_age: 90d}")
    policies = load_policies(["desk.yaml"], read=lambda _: text.encode())
    made = {"key.created_at": Fact(NOW - timedelta(days=60), OBSERVED)}
    collected = [
        replace(evidence("then", Facts(made)), collected_at=NOW),
        replace(evidence("later", Facts(made)), collected_at=NOW + timedelta(days=31)),
    ]
    subjects = [one.subject for one in collected]
    plan = make_plan(subjects, policies, {}, load_rules(), Selection())
    by_id = {one.subject.id: one for one in collected}
    results = evaluate_evidence(plan, by_id)
    assert [result.verdicts[0].outcome for result in results] == [Outcome.PASS, Outcome.FAIL]
    # One moment for all, where one is given.
    results = evaluate_evidence(plan, by_id, now=NOW)
    assert [result.verdicts[0].outcome for result in results] == [Outcome.PASS, Outcome.PASS]
