"""Waivers take what they name, for the time that they say, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.accounts.account import Selector
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import AccountResult
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    Severity,
    Verdict,
    WaiverLimits,
    WaiverState,
    WaiverTerms,
)
from gatepolicy.rules.catalog import load_rules
from gatepolicy.waivers.apply import Applied, Circumstances, apply_waivers, waiver_findings
from gatepolicy.waivers.waiver import Waiver

TODAY = date(2026, 11, 24)
PLACE = Location("w.yaml", 4, 5)


def verdict(
    name: str = "key-idle",
    outcome: Outcome = Outcome.FAIL,
    subject: str = "",
    policy: str = "desk",
) -> Verdict:
    reason = Reason.TIMEOUT if outcome is Outcome.UNKNOWN else None
    return Verdict("GP021", name, outcome, Severity.MEDIUM, subject, "used", "not", reason, "",
                   OnUnknown.BLOCK, policy, Location("p.yaml", 3, 1))  # fmt: skip


def account(
    name: str, *verdicts: Verdict, exchange: str = "okx", found_by: str = ""
) -> AccountResult:
    subject = Subject(name, exchange, {"desk": name[:2]}, "", Location("a.yaml", 3, 5), found_by)
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return AccountResult(
        Evidence(subject, at, Facts.nothing(Reason.TIMEOUT), ()), verdicts or (verdict(),)
    )


def waiver(
    id_: str = "W-1",
    accounts: tuple[str, ...] = ("mm",),
    rule: str = "key-idle",
    subject: str = "",
    *,
    created: date = date(2026, 11, 1),
    expires: date = date(2026, 12, 31),
    only_unknown: bool = False,
) -> Waiver:
    terms = WaiverTerms(id_, rule, "desk", "because", "", "", created, expires, PLACE)
    return Waiver(terms, Selector(accounts), subject, only_unknown)


def applied(
    accounts: Sequence[AccountResult],
    *waivers: Waiver,
    limits: WaiverLimits | None = None,
    is_whole: bool = True,
    today: date = TODAY,
) -> Applied:
    by_policy = {} if limits is None else {"desk": limits}
    return apply_waivers(accounts, waivers, Circumstances(today, 14, by_policy, is_whole))


def outcomes(result: Applied) -> list[list[Outcome]]:
    return [[v.outcome for v in account.verdicts] for account in result.accounts]


def states(result: Applied) -> list[WaiverState]:
    return [info.state for info in result.waivers]


def findings(result: Applied) -> list[tuple[str, str]]:
    rules = [rule.info for rule in load_rules().values()]
    found = waiver_findings(result.waivers, result.refusals, rules)
    return [(verdict.name, verdict.policy) for verdict in found]


def test_a_waiver_takes_what_it_names() -> None:
    result = applied([account("mm", verdict(), verdict("key-too-old")), account("vault")], waiver())
    assert outcomes(result) == [[Outcome.WAIVED, Outcome.FAIL], [Outcome.FAIL]]
    waived = result.accounts[0].verdicts[0].waived
    assert waived is not None
    assert (waived.underneath, waived.terms.id) == (Outcome.FAIL, "W-1")
    assert states(result) == [WaiverState.ACTIVE]
    assert (result.waivers[0].findings, result.waivers[0].accounts) == (1, 1)
    assert findings(result) == []


def test_what_passes_is_not_waived() -> None:
    result = applied([account("mm", verdict(outcome=Outcome.PASS))], waiver())
    assert outcomes(result) == [[Outcome.PASS]]
    assert states(result) == [WaiverState.UNUSED]
    assert findings(result) == [("waiver-unused", "")]


def test_what_is_accepted_is_accepted_when_it_is_not_known_either() -> None:
    result = applied([account("mm", verdict(outcome=Outcome.UNKNOWN))], waiver())
    waived = result.accounts[0].verdicts[0]
    assert waived.outcome is Outcome.WAIVED
    assert waived.reason is Reason.TIMEOUT
    assert not waived.blocks
    assert not waived.incomplete


def test_who_accepts_that_it_is_unknown_does_not_accept_that_it_is_so() -> None:
    both = [account("mm", verdict(outcome=Outcome.UNKNOWN), verdict())]
    assert outcomes(applied(both, waiver(only_unknown=True))) == [[Outcome.WAIVED, Outcome.FAIL]]


def test_a_subject_narrows_it() -> None:
    mm = account("mm", verdict(subject="earn"), verdict(subject="loan"))
    assert outcomes(applied([mm], waiver(subject="loan"))) == [[Outcome.FAIL, Outcome.WAIVED]]


def test_selectors_must_all_fit() -> None:
    by = replace(waiver(), selector=Selector(exchanges=frozenset({"gate"}), labels={"desk": "mm"}))
    accounts = [
        account("mm-1", exchange="gate"),
        account("mm-2"),
        account("vault", exchange="gate"),
        account("mm-1/x", exchange="gate", found_by="mm-1"),
    ]
    waived, kept = [Outcome.WAIVED], [Outcome.FAIL]
    assert outcomes(applied(accounts, by)) == [waived, kept, kept, kept]


def test_keys_that_were_found_beside_an_account_are_not_meant() -> None:
    found = account("mm/0a1b", found_by="mm")
    assert outcomes(applied([account("mm"), found], waiver())) == [
        [Outcome.WAIVED],
        [Outcome.FAIL],
    ]
    assert outcomes(applied([found], waiver(accounts=("mm/0a1b",)))) == [[Outcome.WAIVED]]
    other = replace(waiver(), selector=Selector(("mm/0a1b",), frozenset({"gate"})))
    assert outcomes(applied([found], other)) == [[Outcome.FAIL]]


def test_a_found_key_is_waived_by_its_own_id_and_by_no_glob() -> None:
    found = account("gate-1/key-15a3", found_by="gate-1")
    for globs in (("gate-*",), ("*",), ("gate-1/*",), ("gate-1/key-15a?",), ("gate-1",)):
        result = applied([found], waiver(accounts=globs))
        assert outcomes(result) == [[Outcome.FAIL]]
        assert states(result) == [WaiverState.UNUSED]
    by_label = replace(waiver(), selector=Selector(labels={"desk": "ga"}))
    assert outcomes(applied([found], by_label)) == [[Outcome.FAIL]]
    named = waiver(accounts=("mm", "gate-1/key-15a3"))
    assert outcomes(applied([found], named)) == [[Outcome.WAIVED]]


def test_it_holds_through_its_last_day() -> None:
    for today, outcome, state in (
        (date(2026, 10, 31), Outcome.FAIL, WaiverState.INVALID),
        (date(2026, 11, 1), Outcome.WAIVED, WaiverState.ACTIVE),
        (date(2026, 12, 16), Outcome.WAIVED, WaiverState.ACTIVE),
        (date(2026, 12, 17), Outcome.WAIVED, WaiverState.EXPIRING),
        (date(2026, 12, 31), Outcome.WAIVED, WaiverState.EXPIRING),
        (date(2027, 1, 1), Outcome.FAIL, WaiverState.EXPIRED),
    ):
        result = applied([account("mm")], waiver(), today=today)
        assert (outcomes(result), states(result)) == ([[outcome]], [state])


def test_an_expired_one_is_a_finding_itself() -> None:
    result = applied([account("mm")], waiver(expires=TODAY - timedelta(days=1)))
    assert findings(result) == [("waiver-expired", "")]


def test_a_finding_about_a_waiver_says_whose_it_is_and_where_it_stands() -> None:
    rules = [rule.info for rule in load_rules().values()]
    result = applied([account("mm")], waiver(), limits=WaiverLimits(None, frozenset({"key-idle"})))
    (found,) = waiver_findings(result.waivers, result.refusals, rules)
    assert found == Verdict(
        rule="GP043",
        name="waiver-not-allowed",
        outcome=Outcome.FAIL,
        severity=Severity.HIGH,
        subject="W-1",
        expected="the policy allows every waiver",
        seen="key-idle, desk, 2026-11-01 to 2026-12-31: not-allowed",
        reason=None,
        needed="",
        on_unknown=OnUnknown.INCOMPLETE,
        policy="desk",
        location=PLACE,
    )


def test_what_a_waiver_waives_is_counted() -> None:
    accounts = [account("mm-1", verdict(), verdict(subject="earn")), account("mm-2"), account("v")]
    info = applied(accounts, waiver(accounts=("mm-*",))).waivers[0]
    assert (info.findings, info.accounts) == (3, 2)


def test_one_that_is_about_something_else_does_not_hide_the_next() -> None:
    mm = account("mm", verdict(subject="loan"))
    other, fitting = waiver("W-1", subject="earn"), waiver("W-2", subject="loan")
    assert outcomes(applied([mm], other, fitting)) == [[Outcome.WAIVED]]


def test_a_policy_forbids_to_waive_a_rule() -> None:
    result = applied([account("mm")], waiver(), limits=WaiverLimits(None, frozenset({"key-idle"})))
    assert outcomes(result) == [[Outcome.FAIL]]
    assert findings(result) == [("waiver-not-allowed", "desk")]


def test_a_policy_limits_the_time() -> None:
    for days, outcome in ((60, Outcome.WAIVED), (59, Outcome.FAIL)):
        limits = WaiverLimits(days, frozenset())
        assert outcomes(applied([account("mm")], waiver(), limits=limits)) == [[outcome]]


def test_where_one_is_not_allowed_the_next_one_may_be() -> None:
    short = waiver("W-2", created=date(2026, 11, 20))
    result = applied([account("mm")], waiver(), short, limits=WaiverLimits(45, frozenset()))
    assert outcomes(result) == [[Outcome.WAIVED]]
    assert states(result) == [WaiverState.NOT_ALLOWED, WaiverState.ACTIVE]


def test_accounts_that_do_not_need_it() -> None:
    accounts = [account("mm-1"), account("mm-2", verdict(outcome=Outcome.PASS))]
    result = applied(accounts, waiver(accounts=("mm-*",)))
    assert states(result) == [WaiverState.OVER_BROAD]
    assert findings(result) == [("waiver-over-broad", "")]


def test_a_narrowed_scan_has_not_seen_everything() -> None:
    result = applied([account("vault")], waiver(), is_whole=False)
    assert (states(result), findings(result)) == ([WaiverState.ACTIVE], [])


def test_of_several_the_one_that_holds_for_longest_is_told() -> None:
    longer = waiver("W-2", expires=date(2027, 1, 5))
    for order in ((waiver(), longer), (longer, waiver())):
        result = applied([account("mm")], *order)
        waived = result.accounts[0].verdicts[0].waived
        assert waived is not None
        assert waived.terms.id == "W-2"
        assert set(states(result)) == {WaiverState.ACTIVE}


_OUTCOMES = st.sampled_from([Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN])
_ACCOUNTS = st.lists(
    st.tuples(st.sampled_from(["mm", "vault"]), st.lists(st.tuples(
        st.sampled_from(["key-idle", "key-too-old"]), _OUTCOMES), min_size=1, max_size=4)),
    max_size=4,
)  # fmt: skip
_WAIVERS = st.lists(
    st.tuples(st.sampled_from(["key-idle", "key-too-old"]), st.sampled_from(["mm", "*"]),
              st.booleans()), max_size=3,
)  # fmt: skip


@settings(deadline=None)
@given(accounts=_ACCOUNTS, before=_WAIVERS, rule=st.sampled_from(["key-idle", "key-too-old"]))
def test_adding_a_waiver_never_changes_another_finding(
    accounts: list[tuple[str, list[tuple[str, Outcome]]]],
    before: list[tuple[str, str, bool]],
    rule: str,
) -> None:
    judged = [
        account(name, *(verdict(rule_name, outcome) for rule_name, outcome in verdicts))
        for name, verdicts in accounts
    ]
    waivers = [
        waiver(f"W-{number}", (glob,), name, only_unknown=unknown)
        for number, (name, glob, unknown) in enumerate(before)
    ]
    without = applied(judged, *waivers)
    added = applied(judged, *waivers, waiver("new", ("mm",), rule))
    for old, new in zip(without.accounts, added.accounts, strict=True):
        for one, other in zip(old.verdicts, new.verdicts, strict=True):
            if one != other:
                assert other.waived is not None
                assert (other.waived.terms.id, other.name) == ("new", rule)
                assert one.outcome is not Outcome.PASS
                assert old.evidence.subject.id == "mm"


def test_a_waiver_holds_on_the_day_of_the_exchange_too() -> None:
    one = account("mm")
    ended = waiver(expires=TODAY + timedelta(days=30))
    begun = waiver(created=TODAY - timedelta(days=30))
    for held, days, outcome in (
        (ended, 29, Outcome.WAIVED),
        (ended, 31, Outcome.FAIL),
        (begun, -29, Outcome.WAIVED),
        (begun, -31, Outcome.FAIL),
    ):
        skewed = replace(one, evidence=replace(one.evidence, clock_skew=timedelta(days=days)))
        assert outcomes(applied([skewed], held)) == [[outcome]]
