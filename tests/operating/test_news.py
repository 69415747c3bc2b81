"""What is news: new, worse, fixed, about to expire; and nothing twice."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.drift.changes import snapshot_of
from gatepolicy.drift.compare import compare
from gatepolicy.model.facts import Facts, Never, Reason
from gatepolicy.model.scan import FactChange, Interruption, Narrowing, Scan
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    Severity,
    Verdict,
    WaiverInfo,
    WaiverState,
)
from gatepolicy.operating.attested import attested_within
from gatepolicy.operating.news import Bulletin, Deadline, Kind, Notified, bulletin, deadlines
from gatepolicy.operating.notified import decode_notified, encode_notified
from gatepolicy.policies.load import load_policies
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.scanning.workspace import load_exchanges, rules_of
from tests.reports.example_scan import (
    ACCEPTED,
    FINISHED,
    UNBOUND,
    WITHDRAW,
    account,
    observed,
    scan_of,
    subject,
    verdict,
)
from tests.reports.strategies import whole_scans

BLOCK, INCOMPLETE, WARN = OnUnknown.BLOCK, OnUnknown.INCOMPLETE, OnUnknown.WARN


def answer(outcome: Outcome, on_unknown: OnUnknown = INCOMPLETE) -> Verdict:
    reason = Reason.TIMEOUT if outcome is Outcome.UNKNOWN else None
    return verdict(WITHDRAW, outcome, "it cannot", reason=reason, on_unknown=on_unknown)


PASS, FAIL, WAIVED, NONE = map(
    answer, (Outcome.PASS, Outcome.FAIL, Outcome.WAIVED, Outcome.NOT_APPLICABLE)
)
UNKNOWN, BLOCKING, ACCEPTED_UNKNOWN = (
    answer(Outcome.UNKNOWN, effect) for effect in (INCOMPLETE, BLOCK, WARN)
)
MILD = replace(FAIL, severity=Severity.LOW)


def night(*verdicts: Verdict) -> Scan:
    return scan_of(account(subject("mm", "gate", 3), Facts({}, {}), verdicts))


def again(notified: Notified) -> Notified:
    """The same, from the file that remembers it."""
    return decode_notified(encode_notified({"receiver 1 (json)": notified}))["receiver 1 (json)"]


def kinds(told: Bulletin) -> list[Kind]:
    return [one.kind for one in told.news]


def nights(*scans: Scan) -> list[list[Kind]]:
    """What each of several nights tells, each remembered by a file."""
    told: Notified | None = None
    found = []
    for scan in scans:
        one = bulletin(scan, told)
        found.append(kinds(one))
        told = again(one.delivered)
        assert told == one.delivered
    return found


NEW, WORSE, FIXED, GONE, EXPIRING = [Kind.NEW], [Kind.WORSE], [Kind.FIXED], [Kind.NOT_CHECKED], [
    Kind.EXPIRING
]  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([PASS, PASS], [[], []]),
        ([FAIL, FAIL, FAIL], [NEW, [], []]),
        ([PASS, FAIL, PASS, FAIL], [[], NEW, FIXED, NEW]),
        ([UNKNOWN, UNKNOWN], [NEW, []]),
        ([UNKNOWN, FAIL, UNKNOWN, FAIL], [NEW, WORSE, [], []]),
        ([UNKNOWN, BLOCKING, UNKNOWN, BLOCKING], [NEW, WORSE, [], []]),
        ([FAIL, UNKNOWN, PASS], [NEW, [], FIXED]),
        ([FAIL, ACCEPTED_UNKNOWN, FAIL], [NEW, [], []]),
        ([ACCEPTED_UNKNOWN, PASS], [[], []]),
        ([MILD, FAIL, MILD, FAIL], [NEW, WORSE, [], []]),
        ([FAIL, WAIVED, FAIL], [NEW, [], NEW]),
        ([WAIVED, WAIVED], [[], []]),
        ([FAIL, NONE, FAIL], [NEW, GONE, NEW]),
    ],
)
def test_a_finding_from_night_to_night(
    verdicts: Sequence[Verdict], expected: Sequence[Sequence[Kind]]
) -> None:
    assert nights(*map(night, verdicts)) == expected


def test_of_several_verdicts_about_the_same_the_worst_counts() -> None:
    assert nights(night(PASS, FAIL), night(FAIL, PASS), night(UNKNOWN, PASS)) == [NEW, [], []]
    for both in ((FAIL, UNKNOWN), (UNKNOWN, FAIL)):
        [news] = bulletin(night(*both), None).news
        assert news.item.level == "critical"


def test_a_question_that_is_not_asked_any_more_is_told_and_is_no_fix() -> None:
    assert nights(night(FAIL), night(), night(FAIL)) == [NEW, GONE, NEW]


def test_the_same_finding_in_other_words_is_not_new() -> None:
    other = replace(FAIL, expected="it shall not")
    assert nights(night(FAIL), night(other), night(replace(PASS, expected="it shall not"))) == [
        NEW, [], FIXED,
    ]  # fmt: skip
    milder = replace(MILD, expected="it shall not")
    assert nights(night(milder), night(FAIL)) == [NEW, WORSE]


def test_what_a_narrowed_or_interrupted_scan_did_not_look_at_stays() -> None:
    narrowed = replace(night(), narrowing=Narrowing(options=("--account x",)))
    interrupted = replace(night(), interrupted_by=Interruption.SIGTERM)
    unread = replace(night(replace(UNKNOWN, reason=Reason.INTERRUPTED)))
    assert nights(night(FAIL), narrowed, interrupted, unread, night(FAIL), night(PASS)) == [
        NEW, [], [], [], [], FIXED,
    ]  # fmt: skip


def since(scan: Scan, before: Scan) -> Scan:
    old = replace(snapshot_of(before), file="before.json")
    return replace(scan, drift=compare(old, snapshot_of(scan)))


def test_the_first_time_what_the_earlier_scan_has_is_known() -> None:
    known = bulletin(since(night(FAIL), night(FAIL)), None)
    assert known.news == ()
    assert len(known.delivered) == 1
    assert kinds(bulletin(since(night(PASS), night(FAIL)), known.delivered)) == FIXED


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (PASS, FAIL, NEW),
        (FAIL, PASS, FIXED),
        (UNKNOWN, FAIL, WORSE),
        (MILD, FAIL, WORSE),
        (UNKNOWN, PASS, FIXED),
        (BLOCKING, PASS, FIXED),
        (ACCEPTED_UNKNOWN, PASS, []),
        (WAIVED, PASS, []),
        (FAIL, NONE, GONE),
        (FAIL, FAIL, []),
        (FAIL, MILD, []),
    ],
)
def test_the_first_time_compared_with_an_earlier_scan(
    before: Verdict, now: Verdict, expected: Sequence[Kind]
) -> None:
    assert kinds(bulletin(since(night(now), night(before)), None)) == expected


def test_a_policy_that_asks_for_something_else_fixes_nothing() -> None:
    other = replace(PASS, expected="something else")
    assert kinds(bulletin(since(night(other), night(FAIL)), None)) == GONE


def test_a_finding_that_covers_more_is_told_once_though_the_baseline_stays() -> None:
    def seen(*networks: str) -> Scan:
        return night(replace(FAIL, seen=f"from {', '.join(networks)}"))

    old, one, two = "203.0.113.1", "203.0.113.2", "203.0.113.3"
    first = bulletin(seen(old), None)
    told = first.delivered
    for networks, expected in (((old, one), WORSE), ((old, one), []), ((old, two), WORSE)):
        found = bulletin(since(seen(*networks), seen(old)), told)
        assert kinds(found) == expected
        told = found.delivered


def test_what_was_not_delivered_is_told_the_next_time() -> None:
    first = bulletin(night(FAIL), None)
    assert first.kept == {}
    # The earlier scan has it by then: all the same nobody was told.
    second = bulletin(since(night(FAIL), night(FAIL)), first.kept)
    assert kinds(second) == NEW
    fixed = bulletin(night(PASS), second.delivered)
    assert kinds(fixed) == FIXED
    assert kinds(bulletin(night(PASS), fixed.kept)) == FIXED
    assert fixed.delivered == {}


CHANGE = FactChange("key-replaced", True, "gate", "mm", "key", "a", "b")


def changed(scan: Scan, *changes: FactChange) -> Scan:
    drift = compare(snapshot_of(scan), snapshot_of(scan))
    return replace(scan, drift=replace(drift, changes=changes))


def test_a_key_that_changed_for_the_worse_is_told_once() -> None:
    better = replace(CHANGE, name="permission-reduced", is_worse=False)
    unread = replace(CHANGE, name="fact-lost")
    first = bulletin(changed(night(), CHANGE, better, unread), {})
    assert kinds(first) == WORSE
    [news] = first.news
    assert (news.item.name, news.item.account, news.item.subject) == ("key-replaced", "mm", "key")
    assert kinds(bulletin(changed(night(), CHANGE), first.delivered)) == []
    again = replace(CHANGE, before="b", after="c")
    assert kinds(bulletin(changed(night(), again), first.delivered)) == WORSE


def test_a_change_that_was_not_delivered_is_told_although_it_is_over() -> None:
    first = bulletin(changed(night(), CHANGE), {})
    kept = again(first.kept)
    second = bulletin(changed(night()), kept)
    assert kinds(second) == WORSE
    assert kinds(bulletin(changed(night()), second.kept)) == WORSE
    assert kinds(bulletin(changed(night()), second.delivered)) == []


END = Deadline("waiver RISK-7", "", "", date(2026, 12, 1))


def test_an_end_is_told_once_and_again_when_it_moved() -> None:
    first = bulletin(night(), {}, [END])
    assert kinds(first) == EXPIRING
    assert first.news[0].until == date(2026, 12, 1)
    assert kinds(bulletin(night(), first.delivered, [END])) == []
    later = replace(END, until=date(2026, 12, 2))
    assert kinds(bulletin(night(), first.delivered, [later])) == EXPIRING
    narrowed = replace(night(), narrowing=Narrowing(options=("--account x",)))
    kept = bulletin(narrowed, first.delivered).delivered
    assert kinds(bulletin(night(), kept, [END])) == []


def test_the_worst_comes_first() -> None:
    other = replace(verdict(UNBOUND, Outcome.FAIL, "x"), severity=Severity.HIGH)
    found = bulletin(night(UNKNOWN, other, FAIL), {}, [END]).news
    assert [(one.kind, one.item.level) for one in found] == [
        (Kind.NEW, "critical"), (Kind.NEW, "high"), (Kind.EXPIRING, "expiring"),
    ]  # fmt: skip


@settings(max_examples=60)
@given(scan=whole_scans())
def test_nothing_of_any_scan_is_told_twice(scan: Scan) -> None:
    first = bulletin(scan, {})
    told = again(first.delivered)
    assert bulletin(scan, told).news == ()
    assert len({one.key for one in first.news}) == len(first.news)


@settings(max_examples=60)
@given(scan=whole_scans())
def test_whatever_was_not_delivered_is_told_again(scan: Scan) -> None:
    first = bulletin(scan, {})
    assert {one.key for one in bulletin(scan, first.kept).news} == {one.key for one in first.news}


@settings(max_examples=60)
@given(scan=whole_scans(), told=st.sampled_from([None, {}]))
def test_a_fix_is_only_what_passes(scan: Scan, told: Notified | None) -> None:
    passed = {one.identity for one in scan.as_findings() if one.outcome is Outcome.PASS}
    alone = replace(scan, drift=None)
    for one in bulletin(alone, told).news:
        assert one.kind is not Kind.FIXED or one.item.identity in passed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 1, "notified": {}}',
        '{"version": 2, "notified": []}',
        '{"version": 2, "notified": {"r": []}}',
        '{"version": 2, "notified": {"r": {"a": 1}}}',
        '{"version": 2, "notified": {"r": {"a": {}}}}',
        '{"version": 2, "notified": {"r": {"a": {"level": "bad"}}}}',
        '{"version": 2, "notified": {"r": {"a": {"level": "high", "rule": 1}}}}',
        '{"version": 2, "notified": {"r": {"a": {"level": "high", "marks": 1}}}}',
        '{"version": 2, "notified": {"r": {"a": {"level": "high", "marks": [1]}}}}',
    ],
)
def test_what_was_not_written_by_this_version(text: str) -> None:
    with pytest.raises(ValueError):
        decode_notified(text)


def test_deadlines_of_waivers_keys_and_attestations() -> None:
    day = timedelta(days=1)
    facts = Facts(
        {
            "key.expires_at": observed(FINISHED + 3 * day, "/e"),
            "attested.settings": observed(FINISHED - 80 * day, "/s"),
            "attested.review": observed(Never.NEVER, "/r"),
            "attested.two_factor": observed(FINISHED - 10 * day, "/t"),
        },
        {},
    )
    soon = replace(ACCEPTED, expires=(FINISHED + 14 * day).date())
    waivers = [
        WaiverInfo(soon, WaiverState.EXPIRING, 1, 1),
        WaiverInfo(replace(soon, id="RISK-8"), WaiverState.UNUSED, 0, 0),
    ]
    scan = replace(scan_of(account(subject("mm", "gate", 3), facts, ())), waivers=waivers)
    names = ("attested.settings", "attested.two_factor", "attested.review")
    ages = {("gate", "mm"): dict.fromkeys(names, 90 * day)}
    found = deadlines(scan, ages, 14)
    assert [(one.what, one.account, (one.until - FINISHED.date()).days) for one in found] == [
        ("waiver RISK-7", "", 14),
        ("key", "mm", 3),
        ("attestation of settings", "mm", 10),
    ]
    assert [one.what for one in deadlines(scan, {}, 5)] == ["key"]
    expired = replace(scan, finished_at=FINISHED + 4 * day)
    assert "key" not in [one.what for one in deadlines(expired, {}, 14)]


POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: NAME, title: Desk}
permissions: {forbid: [withdraw]}
account:
  settings: {attested_within: AGE}
"""


def test_how_long_attestations_count_is_what_the_strictest_policy_asks() -> None:
    files = {
        "a.yaml": POLICY.replace("NAME", "a").replace("AGE", "90d"),
        "b.yaml": POLICY.replace("NAME", "b").replace("AGE", "30d"),
    }
    policies = load_policies(list(files), read=lambda path: files[path.name].encode())
    exchanges = load_exchanges(["okx"])
    rules = rules_of(policies, exchanges, ["okx"])
    plan = make_plan([subject("mm", "okx", 3)], policies, exchanges, rules, Selection((), {}))
    assert attested_within(plan) == {("okx", "mm"): {"attested.settings": timedelta(days=30)}}
