"""Conditions of custom rules to verdicts: what was seen, what is missing, and giving up."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from gatepolicy.evaluate.evaluate import evaluate, value_in_words
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import (
    HINT,
    Access,
    Fact,
    Facts,
    FactValue,
    Grade,
    Grant,
    Never,
    Provenance,
    Reason,
    Unknown,
)
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict
from gatepolicy.policies.policy import Control
from gatepolicy.rules.expressions import MOST_ENTRIES, compile_expression
from gatepolicy.rules.rule import AllOf

pytest.importorskip("cel_expr_python", reason="custom rules need CEL")

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DESK = Subject("okx-mm", "okx", {"desk": "mm"}, "desk@example.com", Location("a.yaml", 4, 5))
ACCEPTED = frozenset({Grade.OBSERVED, Grade.ATTESTED})


def fact(value: FactValue, grade: Grade = Grade.OBSERVED, reference: str = "") -> Fact:
    return Fact(value, Provenance(grade, "key", "/x", reference))


def judge(
    condition: str,
    known: dict[str, Fact] | None = None,
    unknown: dict[str, Unknown] | None = None,
    *,
    is_clock_wrong: bool = False,
) -> Verdict:
    control = Control(
        rule="DESK001",
        name="bot-withdraws",
        subject="",
        severity=Severity.HIGH,
        condition=AllOf(()),
        expected=condition,
        on_unknown=OnUnknown.BLOCK,
        accepted=ACCEPTED,
        policy="desk",
        location=Location("desk.yaml", 7, 3),
        expression=compile_expression(condition),
    )
    facts = Facts(known or {}, unknown or {})
    (verdict,) = evaluate([control], facts, NOW, DESK, is_clock_wrong=is_clock_wrong)
    return verdict


def told(verdict: Verdict) -> tuple[Outcome, Reason | None, str, str]:
    return verdict.outcome, verdict.reason, verdict.seen, verdict.needed


def unknown(reason: Reason, detail: str) -> tuple[Outcome, Reason | None, str, str]:
    return Outcome.UNKNOWN, reason, "", f"{detail}; {HINT[reason]}"


def test_a_verdict_carries_what_the_control_says() -> None:
    known = {"permission.withdraw": fact(False), "key.name": fact("bot")}
    assert judge("!permission.withdraw && key.name == 'bot'", known) == Verdict(
        rule="DESK001",
        name="bot-withdraws",
        outcome=Outcome.PASS,
        severity=Severity.HIGH,
        subject="",
        expected="!permission.withdraw && key.name == 'bot'",
        seen="permission.withdraw: no; key.name: bot",
        reason=None,
        needed="",
        on_unknown=OnUnknown.BLOCK,
        policy="desk",
        location=Location("desk.yaml", 7, 3),
    )


def test_a_condition_that_does_not_hold_fails() -> None:
    verdict = judge("!permission.withdraw", {"permission.withdraw": fact(True)})
    assert told(verdict) == (Outcome.FAIL, None, "permission.withdraw: yes", "")


def test_a_condition_may_ask_about_the_account_and_the_time_alone() -> None:
    assert told(judge("account.labels.desk == 'mm'")) == (Outcome.PASS, None, "true", "")
    verdict = judge(
        "now < timestamp('2026-11-01T12:00:01Z') && now > timestamp('2026-11-01T11:59:59Z')"
    )
    assert told(verdict) == (Outcome.PASS, None, "true", "")


def test_what_is_missing_is_told_with_its_reason() -> None:
    timeout = Unknown(Reason.TIMEOUT, "no answer")
    verdict = judge("!permission.withdraw", {}, {"permission.withdraw": timeout})
    assert told(verdict) == unknown(Reason.TIMEOUT, "no answer")
    verdict = judge("!permission.withdraw")
    assert told(verdict) == unknown(Reason.NOT_DISCLOSED, "not disclosed: permission.withdraw")


def test_of_several_reasons_the_most_telling_one_is_told() -> None:
    reasons = {
        "key.name": Unknown(Reason.NOT_DISCLOSED, "no name"),
        "permission.withdraw": Unknown(Reason.BAD_KEY, "refused"),
    }
    verdict = judge("!permission.withdraw && key.name == 'bot'", {}, reasons)
    assert told(verdict) == unknown(Reason.BAD_KEY, "refused")
    # What is known is no reason.
    known = {"key.name": fact("bot")}
    verdict = judge("!permission.withdraw && key.name == 'bot'", known, {})
    assert told(verdict) == unknown(Reason.NOT_DISCLOSED, "not disclosed: permission.withdraw")


def test_a_grade_that_is_not_accepted_proves_nothing() -> None:
    inferred = {"permission.withdraw": fact(False, Grade.INFERRED, "a document")}
    detail = "permission.withdraw is only inferred, which the policy does not accept (a document)"
    assert told(judge("!permission.withdraw", inferred)) == unknown(Reason.NOT_DISCLOSED, detail)


def test_what_is_only_apparent_fails_and_never_passes() -> None:
    apparent = {"permission.withdraw": fact(True, Grade.APPARENT, "it looks so")}
    verdict = judge("!permission.withdraw", apparent)
    assert told(verdict) == (Outcome.FAIL, None, "permission.withdraw: yes", "")
    verdict = judge("permission.withdraw", apparent)
    assert told(verdict) == unknown(Reason.UNEXPECTED_ANSWER, "permission.withdraw: it looks so")


def test_an_apparent_failure_may_need_the_account_and_a_proof() -> None:
    known = {
        "permission.withdraw": fact(True, Grade.APPARENT),
        "key.created_at": fact(NOW - timedelta(days=2)),
    }
    young = "now - key.created_at < duration('24h') && !permission.withdraw"
    seen = "permission.withdraw: yes; key.created_at: 2026-10-30"
    assert told(judge(young, known)) == (Outcome.FAIL, None, seen, "")
    mine = "account.labels.desk != 'mm' || !permission.withdraw"
    assert judge(mine, known).outcome is Outcome.FAIL
    # A grade that the policy does not accept does not become a proof beside it.
    inferred = {**known, "key.name": fact("bot", Grade.INFERRED)}
    assert judge("key.name != 'bot' || !permission.withdraw", inferred).outcome is Outcome.UNKNOWN


def test_a_doubt_about_a_known_value_is_told() -> None:
    known = {"key.created_at": fact(NOW + timedelta(days=1))}
    detail = "key.created_at, 2026-11-02T12:00:00+00:00, lies in the future"
    verdict = judge("key.created_at < now", known)
    assert told(verdict) == unknown(Reason.UNEXPECTED_ANSWER, detail)


def test_with_a_wrong_clock_there_is_no_now() -> None:
    known = {"key.created_at": fact(NOW - timedelta(days=1))}
    clock = "the clocks of this machine and the exchange differ"
    for condition in ("key.created_at < now", "now > timestamp('2026-01-01T00:00:00Z')"):
        verdict = judge(condition, known, is_clock_wrong=True)
        assert told(verdict) == unknown(Reason.CLOCK_SKEW, clock)
        assert judge(condition, known).outcome is Outcome.PASS
    # Something else may be missing as well.
    verdict = judge("now == now && permission.withdraw", is_clock_wrong=True)
    assert told(verdict) == unknown(Reason.NOT_DISCLOSED, "not disclosed: permission.withdraw")


def test_an_error_of_the_expression_is_told_in_the_words_of_the_library() -> None:
    verdict = judge("1 / size(key.name) > 0", {"key.name": fact("")})
    assert told(verdict) == unknown(Reason.UNEXPECTED_ANSWER, "INVALID_ARGUMENT: divide by zero")


def test_facts_that_are_too_large_are_not_evaluated() -> None:
    pairs = {"key.trading_pairs": fact(("BTC_USDT",) * (MOST_ENTRIES + 1))}
    verdict = judge("'BTC_USDT' in key.trading_pairs", pairs)
    needed = "the facts are too large for a condition on this key"
    assert told(verdict) == (Outcome.UNKNOWN, Reason.UNEXPECTED_ANSWER, "", needed)


def test_a_condition_that_takes_too_many_steps_says_what_to_do() -> None:
    pairs = {"key.trading_pairs": fact(tuple(map(str, range(MOST_ENTRIES))))}
    loops = "key.trading_pairs.all(a, key.trading_pairs.all(b, a == b || a != b))"
    needed = "the condition takes more steps than CEL allows on this key: write it shorter"
    verdict = judge(loops, pairs)
    assert told(verdict) == (Outcome.UNKNOWN, Reason.UNEXPECTED_ANSWER, "", needed)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        (NOW, "2026-11-01"),
        (Never.NEVER, "never"),
        ("bot", "bot"),
        ("a\x1b", "'a\\x1b'"),
        ((), "nothing"),
        (("b", "a\x1b"), "b, 'a\\x1b'"),
        ((ip_network("203.0.113.0/28"),), "203.0.113.0/28"),
        (
            (Grant("spot", Access.READ_ONLY), Grant("futures", Access.GRANTED)),
            "spot read-only, futures granted",
        ),
    ],
)
def test_values_in_words(value: FactValue, words: str) -> None:
    assert value_in_words(value) == words
