"""Controls and facts to verdicts: what is seen, why something is unknown, and the laws."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network
from itertools import permutations
from time import tzset

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.evaluate.evaluate import MOST_TELLING_FIRST, SEEN, evaluate, seen_in_words
from gatepolicy.evaluate.predicates import PREDICATES
from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import (
    FACTS,
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
from gatepolicy.rules.rule import AllOf, AnyOf, Argument, Condition
from gatepolicy.rules.rule import Test as Check

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ALL_BUT_INFERRED = frozenset(Grade) - {Grade.INFERRED}


def control(condition: Condition, *, accepted: frozenset[Grade] = ALL_BUT_INFERRED) -> Control:
    return Control(
        rule="GP999",
        name="a-bad-thing",
        subject="it",
        severity=Severity.HIGH,
        condition=condition,
        expected="the good state",
        on_unknown=OnUnknown.BLOCK,
        accepted=accepted,
        policy="desk",
        location=Location("desk.yaml", 7, 3),
    )


def fact(value: FactValue, grade: Grade = Grade.OBSERVED, reference: str = "") -> Fact:
    return Fact(value, Provenance(grade, "key", "/x", reference))


def judge(condition: Condition, facts: Facts) -> Verdict:
    (verdict,) = evaluate([control(condition)], facts, NOW)
    return verdict


def seen(name: str, value: FactValue, predicate: str, argument: Argument = None) -> str:
    return judge(Check(name, predicate, argument), Facts({name: fact(value)})).seen


CANNOT_WITHDRAW = Check("permission.withdraw", "is", argument=False)


def test_a_verdict_carries_what_the_control_says() -> None:
    verdict = judge(CANNOT_WITHDRAW, Facts({"permission.withdraw": fact(True)}))
    assert verdict == Verdict(
        rule="GP999",
        name="a-bad-thing",
        outcome=Outcome.FAIL,
        severity=Severity.HIGH,
        subject="it",
        expected="the good state",
        seen="the key can send funds out of the exchange",
        reason=None,
        needed="",
        on_unknown=OnUnknown.BLOCK,
        policy="desk",
        location=Location("desk.yaml", 7, 3),
    )


def test_a_pass_is_told_as_well() -> None:
    verdict = judge(CANNOT_WITHDRAW, Facts({"permission.withdraw": fact(False)}))
    assert verdict.outcome is Outcome.PASS
    assert verdict.seen == "the key cannot send funds out of the exchange"
    assert verdict.reason is None


@pytest.mark.parametrize("grade", [Grade.OBSERVED, Grade.REFUSAL, Grade.STRUCTURAL, Grade.ATTESTED])
def test_accepted_grades_prove(grade: Grade) -> None:
    facts = Facts({"permission.withdraw": fact(False, grade)})
    assert judge(CANNOT_WITHDRAW, facts).outcome is Outcome.PASS


def test_a_grade_that_is_not_accepted_proves_nothing() -> None:
    inferred = fact(False, Grade.INFERRED, "https://exchange.example/docs")
    verdict = judge(CANNOT_WITHDRAW, Facts({"permission.withdraw": inferred}))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is Reason.NOT_DISCLOSED
    assert verdict.seen == ""
    assert verdict.needed == (
        "permission.withdraw is only inferred, which the policy does not accept"
        " (https://exchange.example/docs); " + HINT[Reason.NOT_DISCLOSED]
    )


def test_an_accepted_inference_proves() -> None:
    accepting = control(CANNOT_WITHDRAW, accepted=frozenset(Grade))
    facts = Facts({"permission.withdraw": fact(False, Grade.INFERRED)})
    assert evaluate([accepting], facts, NOW)[0].outcome is Outcome.PASS


def test_a_grade_without_a_reference() -> None:
    verdict = judge(CANNOT_WITHDRAW, Facts({"permission.withdraw": fact(False, Grade.INFERRED)}))
    assert verdict.needed.startswith(
        "permission.withdraw is only inferred, which the policy does not accept; "
    )


SHOWN = "the answer shows it in an undocumented form"


@pytest.mark.parametrize("accepted", [ALL_BUT_INFERRED, frozenset(Grade), frozenset()], ids=len)
def test_what_is_only_apparent_fails_and_never_passes(accepted: frozenset[Grade]) -> None:
    asked = [control(CANNOT_WITHDRAW, accepted=accepted)]
    bad = Facts({"permission.withdraw": fact(True, Grade.APPARENT, SHOWN)})
    (verdict,) = evaluate(asked, bad, NOW)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.seen == "the key can send funds out of the exchange"
    good = Facts({"permission.withdraw": fact(False, Grade.APPARENT, SHOWN)})
    (verdict,) = evaluate(asked, good, NOW)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.UNEXPECTED_ANSWER)
    assert verdict.needed.startswith(f"permission.withdraw: {SHOWN}; ")


def test_an_apparent_failure_beside_a_proof_fails() -> None:
    """Bound by a proof, to an address that only seems to be another one."""
    facts = {
        "ip.restricted": fact(True),
        "ip.allowlist": fact((ip_network("198.51.100.7"),), Grade.APPARENT, SHOWN),
    }
    assert judge(BOUND_WITHIN, Facts(facts)).outcome is Outcome.FAIL


def test_an_unknown_tells_why_and_what_is_needed() -> None:
    unknown = Unknown(Reason.PERMISSION_DENIED, "the key lacks account")
    verdict = judge(CANNOT_WITHDRAW, Facts({}, {"permission.withdraw": unknown}))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is Reason.PERMISSION_DENIED
    assert verdict.needed == "the key lacks account; " + HINT[Reason.PERMISSION_DENIED]
    assert verdict.blocks


def test_an_unknown_without_detail_gives_the_hint_alone() -> None:
    verdict = judge(CANNOT_WITHDRAW, Facts.nothing(Reason.TIMEOUT))
    assert verdict.needed == HINT[Reason.TIMEOUT]


def test_a_fact_that_nobody_mentions_is_unknown() -> None:
    verdict = judge(CANNOT_WITHDRAW, Facts())
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is Reason.NOT_DISCLOSED
    assert verdict.needed.startswith("not disclosed: permission.withdraw; ")


@pytest.mark.parametrize("value", ["false", "", Never.NEVER, (), NOW])
def test_a_value_of_another_kind_is_unknown(value: FactValue) -> None:
    verdict = judge(CANNOT_WITHDRAW, Facts({"permission.withdraw": fact(value)}))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is Reason.UNEXPECTED_ANSWER


def test_a_key_made_in_the_future_is_unknown() -> None:
    made = datetime(2027, 1, 2, tzinfo=UTC)
    young = Check("key.created_at", "younger_than", timedelta(days=90))
    verdict = judge(young, Facts({"key.created_at": fact(made)}))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is Reason.UNEXPECTED_ANSWER
    assert verdict.needed.startswith(
        "the value of key.created_at, 2027-01-02T00:00:00+00:00, cannot be evaluated; "
    )


BOUND_WITHIN = AllOf(
    (
        Check("ip.restricted", "is", argument=True),
        Check("ip.allowlist", "all_within", (ip_network("203.0.113.0/28"),)),
    )
)


@pytest.mark.parametrize("order", list(permutations(["ip.restricted", "ip.allowlist"])))
def test_the_most_telling_reason_is_told(order: tuple[str, str]) -> None:
    facts = Facts({}, {order[0]: Unknown(Reason.NOT_DISCLOSED), order[1]: Unknown(Reason.BAD_KEY)})
    assert judge(BOUND_WITHIN, facts).reason is Reason.BAD_KEY


def test_reasons_of_known_parts_are_not_told() -> None:
    facts = Facts(
        {"ip.restricted": fact(True, Grade.REFUSAL)}, {"ip.allowlist": Unknown(Reason.IP_REFUSED)}
    )
    assert judge(BOUND_WITHIN, facts).reason is Reason.IP_REFUSED


def test_every_reason_has_a_rank() -> None:
    assert sorted(MOST_TELLING_FIRST) == sorted(Reason)
    assert MOST_TELLING_FIRST[-2:] == (Reason.NOT_DISCLOSED, Reason.NOT_SELECTED)


def test_a_condition_that_asks_nothing_is_no_pass() -> None:
    verdict = judge(AllOf(()), Facts())
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is Reason.NOT_DISCLOSED
    assert verdict.needed == "the condition asks nothing; " + HINT[Reason.NOT_DISCLOSED]


def test_no_controls_no_verdicts() -> None:
    assert evaluate([], Facts(), NOW) == ()


def test_texts_are_shared_with_the_control() -> None:
    asked = control(CANNOT_WITHDRAW)
    (verdict,) = evaluate([asked], Facts.nothing(Reason.TIMEOUT), NOW)
    assert verdict.expected is asked.expected
    assert verdict.location is asked.location
    assert verdict.policy is asked.policy


def test_every_predicate_has_words() -> None:
    assert sorted(SEEN) == sorted(PREDICATES)


def test_only_the_failing_part_is_seen() -> None:
    unbound = Facts({"ip.restricted": fact(False)}, {"ip.allowlist": Unknown(Reason.NOT_DISCLOSED)})
    verdict = judge(BOUND_WITHIN, unbound)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.seen == "any address may use the key"


def test_all_parts_of_a_pass_are_seen() -> None:
    bound = Facts(
        {
            "ip.restricted": fact(True),
            "ip.allowlist": fact((ip_network("203.0.113.5"), ip_network("203.0.113.8/30"))),
        }
    )
    assert judge(BOUND_WITHIN, bound).seen == (
        "only listed addresses may use the key; restricted to 203.0.113.5, 203.0.113.8/30"
    )


def test_addresses_outside_are_named() -> None:
    networks = (ip_network("203.0.113.5"), ip_network("198.51.100.7"), ip_network("2001:db8::/64"))
    within = (ip_network("203.0.113.0/28"),)
    assert seen("ip.allowlist", networks, "all_within", within) == (
        "outside: 198.51.100.7, 2001:db8::/64"
    )


def test_wide_ranges_are_named() -> None:
    networks = (ip_network("203.0.113.5"), ip_network("203.0.113.8/30"))
    assert seen("ip.allowlist", networks, "no_wider_than", 32) == "too wide: 203.0.113.8/30"
    assert seen("ip.allowlist", networks, "no_wider_than", 30) == (
        "restricted to 203.0.113.5, 203.0.113.8/30"
    )


def test_entries_are_counted() -> None:
    networks = (ip_network("203.0.113.5"), ip_network("203.0.113.8/30"))
    assert seen("ip.allowlist", networks, "at_most", 1) == "restricted to 2 entries"
    assert seen("ip.allowlist", networks[:1], "at_most", 1) == "restricted to 1 entry"
    assert seen("account.keys", ("cdef",), "at_most", 2) == "the account has 1 key: cdef"
    assert seen("account.keys", ("9999", "cdef"), "at_most", 1) == (
        "the account has 2 keys: 9999, cdef"
    )


@pytest.mark.parametrize(
    ("grants", "words"),
    [
        ((), "futures is not granted"),
        ((Grant("futures", Access.READ_WRITE),), "futures is granted read-write"),
        ((Grant("futures", Access.READ_ONLY),), "futures is granted read-only"),
        ((Grant("futures", Access.GRANTED),), "futures is granted"),
        (
            (
                Grant("futures", Access.READ_ONLY),
                Grant("spot", Access.GRANTED),
                Grant("futures", Access.READ_WRITE),
            ),
            "futures is granted read-only, granted read-write",
        ),
    ],
)
def test_words_are_told_with_their_access(grants: tuple[Grant, ...], words: str) -> None:
    assert seen("permissions.native", grants, "word_at_most", ("futures", "none")) == words


@pytest.mark.parametrize(
    ("name", "value", "predicate", "words"),
    [
        ("permissions.unrecognised", (), "empty", "no unknown permission"),
        ("permissions.unrecognised", ("a", "b"), "empty", "unknown permissions: a, b"),
        ("permissions.unrecognised", ("a\x1b[31m",), "empty", "unknown permissions: 'a\\x1b[31m'"),
        ("permissions.unrecognised", ("a" * 200,), "empty", f"unknown permissions: {'a' * 100}…"),
        ("key.trading_pairs", (), "empty", "the key may trade every pair"),
        ("key.trading_pairs", ("BTC_USDT",), "empty", "the key may trade only BTC_USDT"),
        ("permissions.unrecognised", ("a" * 100,), "empty", f"unknown permissions: {'a' * 100}"),
        ("ip.allowlist", (), "empty", "nothing"),
        ("account.keys", ("cdef", "9999"), "empty", "cdef, 9999"),
        ("key.active", True, "is", "the key is active"),
        ("key.active", False, "is", "the key is not active"),
        ("key.subaccount", True, "is", "key.subaccount: yes"),
        ("key.subaccount", False, "is", "key.subaccount: no"),
    ],
)
def test_lists_and_flags(name: str, value: FactValue, predicate: str, words: str) -> None:
    assert seen(name, value, predicate, argument=True) == words


def test_pairs_outside_are_named() -> None:
    pairs = ("BTC_USDT", "DOGE_USDT")
    allowed = ("BTC_USDT", "ETH_USDT")
    assert seen("key.trading_pairs", pairs, "some_within", allowed) == "outside: DOGE_USDT"
    assert seen("key.trading_pairs", (*pairs, "X"), "some_within", allowed) == (
        "outside: DOGE_USDT, X"
    )
    assert seen("key.trading_pairs", pairs[:1], "some_within", allowed) == (
        "the key may trade only BTC_USDT"
    )
    assert seen("key.trading_pairs", (), "some_within", allowed) == "the key may trade every pair"


def test_names() -> None:
    assert seen("key.name", "ICG-MM 4", "matches", "^ICG") == "the name is ICG-MM 4"
    assert seen("key.name", "", "matches", r"\S") == "the key has no name"


@pytest.mark.parametrize(
    ("name", "value", "predicate", "argument", "words"),
    [
        (
            "key.created_at",
            datetime(2025, 9, 27, 12, tzinfo=UTC),
            "younger_than",
            timedelta(days=90),
            "created on 2025-09-27 (400 days ago)",
        ),
        (
            "key.last_used_at",
            datetime(2026, 10, 31, 11, tzinfo=UTC),
            "used_within",
            timedelta(days=30),
            "last used on 2026-10-31 (1 day ago)",
        ),
        (
            "key.last_used_at",
            datetime(2026, 11, 1, 11, tzinfo=UTC),
            "used_within",
            timedelta(days=30),
            "last used on 2026-11-01 (less than a day ago)",
        ),
        ("key.last_used_at", Never.NEVER, "used_within", timedelta(days=30), "never used"),
        (
            "key.expires_at",
            datetime(2026, 11, 6, 13, tzinfo=UTC),
            "days_left",
            14,
            "expires on 2026-11-06 (in 5 days)",
        ),
        (
            "key.expires_at",
            datetime(2026, 11, 1, 13, tzinfo=UTC),
            "days_left",
            14,
            "expires on 2026-11-01 (in less than a day)",
        ),
        (
            "key.created_at",
            NOW,
            "younger_than",
            timedelta(days=90),
            "created on 2026-11-01 (less than a day ago)",
        ),
        (
            "key.created_at",
            datetime(2026, 10, 31, 12, tzinfo=UTC),
            "younger_than",
            timedelta(days=90),
            "created on 2026-10-31 (1 day ago)",
        ),
        (
            "key.created_at",
            datetime(2026, 10, 26, 1, tzinfo=timezone(timedelta(hours=9))),
            "younger_than",
            timedelta(days=90),
            "created on 2026-10-25 (6 days ago)",
        ),
        (
            # 36 hours and a half, and still two days of the calendar.
            "attested.two_factor",
            datetime(2026, 10, 30, 23, 30, tzinfo=UTC),
            "younger_than",
            timedelta(days=90),
            "attested on 2026-10-30 (2 days ago)",
        ),
        ("key.expires_at", Never.NEVER, "days_left", 14, "the key never expires"),
        ("key.expires_at", Never.NEVER, "dated", None, "the key never expires"),
        ("key.expires_at", Never.NEVER, "never", None, "the key never expires"),
    ],
)
def test_times(name: str, value: FactValue, predicate: str, argument: Argument, words: str) -> None:
    assert seen(name, value, predicate, argument) == words


def test_days_are_those_of_utc_wherever_the_machine_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, evening = datetime(2026, 10, 29, 23, tzinfo=UTC), datetime(2026, 11, 1, 22, tzinfo=UTC)
    try:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        tzset()
        told = {
            seen_in_words(Check(name, "younger_than", timedelta(days=90)), made, evening)
            for name in ("key.created_at", "attested.two_factor")
        }
    finally:
        monkeypatch.undo()
        tzset()
    assert told == {"created on 2026-10-29 (2 days ago)", "attested on 2026-10-29 (3 days ago)"}


def apart(*entries: str, argument: Argument = ("desk",)) -> Verdict:
    shared = Facts({"ip.shared_across": fact(entries)})
    return judge(Check("ip.shared_across", "apart_by", argument), shared)


def test_accounts_that_share_an_address_are_named() -> None:
    verdict = apart("desk:mm", "desk=otc (b)", "team=x (c)", "desk=vault\x1b (d)")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.seen == "the same address is used by desk=otc (b), 'desk=vault\\x1b (d)'"
    verdict = apart("desk:mm", "team:x", "desk=otc (b)", "team=y (c)", argument=("desk", "team"))
    assert verdict.seen == "the same address is used by desk=otc (b), team=y (c)"
    verdict = apart("desk:mm", "team=x (c)")
    assert verdict.outcome is Outcome.PASS
    assert verdict.seen == "no account with another value uses its addresses"


@pytest.mark.parametrize(
    ("entries", "reason", "detail"),
    [
        (("site:x",), Reason.NOT_DISCLOSED, "the account has no label desk, team"),
        (("team:x",), Reason.NOT_DISCLOSED, "the account has no label desk"),
        (
            ("desk:mm", "team:x", "desk?o?c (b)", "team?none (c)", "desk~vault (d)"),
            Reason.NOT_DISCLOSED,
            "unknown addresses or label: desk=o?c (b), team=none (c);"
            " name its egress and label in the inventory, and scan it, too",
        ),
        (
            ("desk:mm", "team:x", "desk~vault (d)", "team~y (d)"),
            Reason.NOT_SELECTED,
            "the addresses of desk=vault (d), team=y (d) were not read",
        ),
    ],
)
def test_why_nobody_knows_whether_an_address_is_shared(
    entries: tuple[str, ...], reason: Reason, detail: str
) -> None:
    verdict = apart(*entries, argument=("desk", "team"))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is reason
    assert verdict.needed == f"{detail}; {HINT[reason]}"


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (Check("ip.allowlist", "all_within", (ip_network("203.0.113.0/28"),)), ()),
        (Check("ip.shared_across", "apart_by", ("desk",)), True),
        (Check("ip.restricted", "is", argument=True), "yes"),
    ],
)
def test_a_value_that_nobody_can_judge_is_told(check: Check, value: FactValue) -> None:
    verdict = judge(check, Facts({check.fact: fact(value)}))
    hint = HINT[Reason.UNEXPECTED_ANSWER]
    assert verdict.needed == f"the value of {check.fact} cannot be evaluated; {hint}"


@pytest.mark.parametrize(
    ("name", "predicate", "value", "words"),
    [
        ("key.trading_pairs", "empty", True, "the key may trade every pair"),
        ("key.trading_pairs", "some_within", True, "the key may trade every pair"),
        ("permissions.native", "word_at_most", True, "spot is not granted"),
        ("permissions.native", "word_at_most", ("spot",), "spot is not granted"),
        ("ip.allowlist", "no_wider_than", True, "restricted to "),
        ("ip.allowlist", "at_most", True, "restricted to 0 entries"),
        ("account.keys", "at_most", True, "the account has 0 keys: "),
        (
            "ip.shared_across",
            "apart_by",
            True,
            "no account with another value uses its addresses",
        ),
        ("key.last_used_at", "used_within", "yesterday", "never used"),
        ("key.last_used_at", "used_within", NOW.replace(tzinfo=None), "never used"),
    ],
)
def test_words_never_fail_whatever_the_kind_of_a_value(
    name: str, predicate: str, value: FactValue, words: str
) -> None:
    assert seen_in_words(Check(name, predicate, ("spot", "none")), value, NOW) == words


@pytest.mark.parametrize(
    ("policy", "reason", "expected"),
    [
        (OnUnknown.WARN, Reason.TIMEOUT, OnUnknown.INCOMPLETE),
        (OnUnknown.WARN, Reason.NOT_DISCLOSED, OnUnknown.WARN),
        (OnUnknown.BLOCK, Reason.TIMEOUT, OnUnknown.BLOCK),
    ],
)
def test_what_could_not_be_read_is_at_least_incomplete(
    policy: OnUnknown, reason: Reason, expected: OnUnknown
) -> None:
    asked = replace(control(CANNOT_WITHDRAW), on_unknown=policy)
    (verdict,) = evaluate([asked], Facts.nothing(reason), NOW)
    assert verdict.on_unknown is expected


def test_with_a_wrong_clock_no_age_is_known() -> None:
    made = Facts({"key.created_at": fact(NOW), "permission.withdraw": fact(False)})
    young = control(Check("key.created_at", "younger_than", timedelta(days=90)))
    age, withdraws = evaluate([young, control(CANNOT_WITHDRAW)], made, NOW, is_clock_wrong=True)
    assert (age.outcome, age.reason) == (Outcome.UNKNOWN, Reason.CLOCK_SKEW)
    assert age.needed == (
        "the clocks of this machine and the exchange differ; " + HINT[Reason.CLOCK_SKEW]
    )
    assert withdraws.outcome is Outcome.PASS
    assert evaluate([young], made, NOW)[0].outcome is Outcome.PASS


IDLE = AnyOf(
    (
        Check("key.last_used_at", "used_within", timedelta(days=30)),
        AllOf(
            (
                Check("key.last_used_at", "never"),
                Check("key.created_at", "younger_than", timedelta(days=30)),
            )
        ),
    )
)


def test_the_same_words_are_not_told_twice() -> None:
    used = datetime(2026, 4, 15, 12, tzinfo=UTC)
    verdict = judge(IDLE, Facts({"key.last_used_at": fact(used)}))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.seen == "last used on 2026-04-15 (200 days ago)"


times = st.one_of(
    st.just(Never.NEVER),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
known_values: dict[str, st.SearchStrategy[FactValue]] = {
    "permission.withdraw": st.booleans(),
    "ip.restricted": st.booleans(),
    "ip.allowlist": st.lists(
        st.sampled_from([ip_network("203.0.113.5"), ip_network("198.51.100.7")]), max_size=2
    ).map(tuple),
    "key.created_at": times,
    "key.last_used_at": times,
}
facts_known = st.lists(st.sampled_from(sorted(known_values)), unique=True).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: st.builds(fact, known_values[name], st.sampled_from(Grade)) for name in names}
    )
)
CONTROLS = [control(c) for c in (CANNOT_WITHDRAW, BOUND_WITHIN, IDLE, AllOf((IDLE, BOUND_WITHIN)))]


def _facts(known: dict[str, Fact]) -> Facts:
    return Facts(
        known, {name: Unknown(Reason.NOT_DISCLOSED) for name in FACTS if name not in known}
    )


@given(facts_known, facts_known)
def test_more_facts_never_flip_a_verdict(known: dict[str, Fact], more: dict[str, Fact]) -> None:
    before = evaluate(CONTROLS, _facts(known), NOW)
    after = evaluate(CONTROLS, _facts({**more, **known}), NOW)
    for first, second in zip(before, after, strict=True):
        assert first.outcome is Outcome.UNKNOWN or second.outcome is first.outcome


@given(facts_known)
def test_nothing_passes_by_what_is_only_apparent(known: dict[str, Fact]) -> None:
    proved = {n: f for n, f in known.items() if f.provenance.grade is not Grade.APPARENT}
    before = evaluate(CONTROLS, _facts(proved), NOW)
    after = evaluate(CONTROLS, _facts(known), NOW)
    for first, second in zip(before, after, strict=True):
        assert second.outcome is not Outcome.PASS or first.outcome is Outcome.PASS


@given(facts_known, st.permutations(range(len(CONTROLS))))
def test_the_order_of_controls_does_not_matter(known: dict[str, Fact], order: list[int]) -> None:
    inorder = evaluate(CONTROLS, _facts(known), NOW)
    shuffled = evaluate([CONTROLS[i] for i in order], _facts(known), NOW)
    assert [inorder[i] for i in order] == list(shuffled)


@given(st.sampled_from(Reason), st.sampled_from(CONTROLS))
def test_no_facts_never_pass(reason: Reason, asked: Control) -> None:
    (verdict,) = evaluate([asked], Facts.nothing(reason), NOW)
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is reason


@given(facts_known)
def test_a_reason_is_given_exactly_for_unknowns(known: dict[str, Fact]) -> None:
    for verdict in evaluate(CONTROLS, _facts(known), NOW):
        unknown = verdict.outcome is Outcome.UNKNOWN
        assert unknown is (verdict.reason is not None)
        assert unknown is bool(verdict.needed)
        assert unknown is not bool(verdict.seen)
