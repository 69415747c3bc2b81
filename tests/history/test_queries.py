"""What a history answers, by hand, on both databases."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select

from gatepolicy.history import queries
from gatepolicy.history.retention import Pruned, prune
from gatepolicy.history.store import Store, load_report_text
from gatepolicy.history.tables import ACCOUNTS, FACTS, VERDICTS
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import AccountResult, Interruption, Narrowing, Scan
from gatepolicy.model.trend import AccountCounts, TimeToFix, Trend, TrendPoint
from gatepolicy.model.verdicts import Outcome, Severity
from gatepolicy.reports.html_trend import point_of, shown_trend
from tests.history.conftest import INVENTORY, NOW, account, day, judged, record, report_of, scan_at
from tests.reports.example_scan import UNBOUND

FAIL, PASS, UNKNOWN, WAIVED = Outcome.FAIL, Outcome.PASS, Outcome.UNKNOWN, Outcome.WAIVED
REFUSED = account("b", judged(UNKNOWN, reason=Reason.BAD_KEY), unread=Reason.BAD_KEY)


def test_open_findings_worst_and_oldest_first(store: Store) -> None:
    late = account("a", judged(FAIL, rule=UNBOUND))
    record(store, scan_at(1, late))
    record(store, scan_at(2, late, account("b", judged(FAIL))))
    record(store, scan_at(3, late, account("b", judged(FAIL)), account("c", judged(FAIL))))
    found = [
        (one.finding.severity, one.finding.account, one.first_seen)
        for _, one in queries.findings(store)
    ]
    assert found == [
        ("critical", "b", day(2)),
        ("critical", "c", day(3)),
        ("high", "a", day(1)),
    ]
    assert queries.findings(store, inventory="other.yaml") == []


def test_time_to_fix_counts_proved_violations_only(store: Store) -> None:
    def fleet(*outcomes: Outcome) -> list[object]:
        return [account(name, judged(one)) for name, one in zip("abcd", outcomes, strict=True)]

    record(store, scan_at(0, *fleet(FAIL, FAIL, UNKNOWN, FAIL)))  # type: ignore[arg-type]
    record(store, scan_at(2, *fleet(PASS, FAIL, FAIL, FAIL)))  # type: ignore[arg-type]
    record(store, scan_at(9, *fleet(PASS, PASS, PASS, UNKNOWN)))  # type: ignore[arg-type]
    fixed = [one for _, one in queries.findings(store, fixed=True)]
    # After 2, 9 and 7 days; the last one was not fixed.
    assert list(queries.times_to_fix(fixed)) == [
        TimeToFix(Severity.CRITICAL, 3, timedelta(days=6), timedelta(days=7))
    ]
    assert list(queries.times_to_fix([])) == []


def test_what_was_never_a_violation_has_no_time_to_fix(store: Store) -> None:
    record(store, scan_at(0, account("a", judged(UNKNOWN))))
    record(store, scan_at(1, account("a", judged(PASS))))
    fixed = [one for _, one in queries.findings(store, fixed=True)]
    assert len(fixed) == 1
    assert list(queries.times_to_fix(fixed)) == []


def test_accounts_that_no_scan_could_read(store: Store) -> None:
    read = account("b", judged(PASS))
    record(store, scan_at(1, REFUSED))
    record(store, scan_at(2, account("a", judged(PASS)), REFUSED))
    expected = queries.NeverRead(INVENTORY, "gate", "b", "bad_key", day(1))
    assert queries.never_read(store) == [expected]
    record(store, scan_at(3, read))
    record(store, scan_at(4, REFUSED))
    assert queries.never_read(store) == []
    assert queries.never_read(store, "other.yaml") == []


def test_another_inventory_proves_nothing_about_an_account(store: Store) -> None:
    record(store, scan_at(1, account("b", judged(PASS))), "other.yaml")
    record(store, scan_at(2, REFUSED, account("c", judged(UNKNOWN))))
    record(store, scan_at(3, account("c", judged(PASS))), "other.yaml")
    assert [one.account for one in queries.never_read(store, INVENTORY)] == ["b"]
    assert [one.accounts for one in queries.never_proved(store, INVENTORY)] == [1]


def test_rules_that_were_never_proved(store: Store) -> None:
    once = account("a", judged(FAIL))
    record(store, scan_at(1, once))
    fleet = (account("a", judged(UNKNOWN)), account("c", judged(UNKNOWN)), REFUSED)
    record(store, scan_at(2, *fleet, account("d", judged(UNKNOWN), judged(PASS, rule=UNBOUND))))
    assert queries.never_proved(store) == [
        queries.NeverProved(INVENTORY, "gate", "withdrawal-enabled", "not_disclosed", 2)
    ]


def test_what_an_exchange_stopped_disclosing(store: Store) -> None:
    record(
        store, scan_at(1, account("a", withdraw=True), account("b"), account("c", withdraw=None))
    )
    record(store, scan_at(2, account("a"), account("b")))
    lost = (account("a", withdraw=None), account("c", withdraw=None))
    record(store, scan_at(3, *lost, account("b", unread=Reason.TIMEOUT)))
    assert queries.no_longer_disclosed(store) == [
        queries.Undisclosed(INVENTORY, "gate", "permission.withdraw", "not_disclosed", 1, day(2))
    ]


def test_waivers_that_were_used(store: Store) -> None:
    record(store, scan_at(1, account("a", judged(WAIVED))))
    record(store, scan_at(2, account("a", judged(WAIVED)), account("b", judged(WAIVED))))
    record(store, scan_at(3, account("a", judged(FAIL))))
    assert queries.waivers_used(store) == [
        queries.WaiverUse(INVENTORY, "RISK-7", 2, 2, day(1), day(2))
    ]


def test_the_newest_scans(store: Store) -> None:
    for number in range(5):
        record(store, scan_at(number, account("a", judged(FAIL))))
    assert [scan.started_at for scan in queries.scans(store, newest=2)] == [day(3), day(4)]
    assert queries.scan_of(store, 9) is None


def test_a_whole_scan_is_the_better_baseline(store: Store) -> None:
    whole = scan_at(1, account("a", judged(FAIL)))
    narrowed = replace(scan_at(2, account("a")), narrowing=Narrowing(("--account a",)))
    stopped = replace(scan_at(3, account("a")), interrupted_by=Interruption.SIGTERM)
    record(store, stopped)
    assert queries.best_baseline(store, INVENTORY) == 1
    record(store, narrowed)
    assert queries.best_baseline(store, INVENTORY) == 2
    record(store, whole)
    assert queries.best_baseline(store, INVENTORY) == 3


@pytest.mark.parametrize("only_count", [True, False])
def test_pruning(store: Store, *, only_count: bool) -> None:
    record(store, scan_at(0, account("a", judged(FAIL)), account("b", judged(FAIL))))
    record(store, scan_at(1, account("a", judged(PASS)), account("b", judged(FAIL))))
    record(store, scan_at(2, account("b", judged(FAIL))))
    record(store, scan_at(0, account("x", judged(FAIL))), "old.yaml")
    keep = NOW - day(2)
    assert prune(store, keep, NOW, only_count=only_count) == Pruned(2, 1)
    left = [(scan.inventory, scan.started_at) for scan in queries.scans(store)]
    if only_count:
        assert len(left) == 4
        return
    assert left == [("old.yaml", day(0)), (INVENTORY, day(2))]
    assert {one.finding.account for _, one in queries.findings(store)} == {"b", "x"}
    assert queries.findings(store, fixed=True) == []
    assert load_report_text(store, "last")
    assert prune(store, keep, NOW) == Pruned(0, 0)
    assert prune(store, timedelta.max, NOW) == Pruned(0, 0)


def test_pruned_scans_take_their_rows_with_them(store: Store) -> None:
    record(store, scan_at(0, account("a", judged(FAIL))))
    record(store, scan_at(1, account("a", judged(FAIL))))
    prune(store, timedelta(days=1), NOW)
    with store.reading() as connection:
        for table in (ACCOUNTS, FACTS, VERDICTS):
            found = connection.execute(select(table.c.scan).distinct()).scalars().all()
            assert found == [2]


def point(number: int, scan: Scan | None = None) -> TrendPoint:
    return point_of(scan or scan_at(number, account("a", judged(FAIL))))


def test_the_trend_ends_with_the_scan_and_has_none_that_came_after(store: Store) -> None:
    for number in (0, 3, 5):
        record(store, scan_at(number, account("a", judged(FAIL))))
    record(store, scan_at(2, account("a", judged(PASS))), "other.yaml")
    this = point(5)

    def days(newest: int, before: int | None) -> list[object]:
        found = queries.trend(store, INVENTORY, this, newest=newest, before=before)
        return [one.started_at for one in found.points]

    assert days(30, 3) == [day(0), day(3), day(5)]
    assert days(2, 3) == [day(3), day(5)]
    assert days(1, 3) == [day(5)]
    # Stored later, though of an earlier time; and stored earlier, though of a later time.
    record(store, scan_at(1, account("a", judged(FAIL))))
    record(store, scan_at(9, account("a", judged(FAIL))))
    assert days(30, 3) == [day(0), day(3), day(5)]
    late = queries.trend(store, INVENTORY, point(8), newest=30)
    assert [one.started_at for one in late.points] == [day(0), day(1), day(3), day(5), day(8)]
    assert queries.trend(store, "new.yaml", this, newest=30) == Trend((this,), {}, ())


def test_the_trend_counts_accounts_and_violations_of_each_scan(store: Store) -> None:
    passing, failing = account("a", judged(PASS)), account("b", judged(FAIL), judged(PASS))
    open_ = account("c", judged(PASS), judged(UNKNOWN, rule=UNBOUND))
    first = scan_at(1, passing, failing, open_, account("d", judged(WAIVED)), account("e"))
    narrowed = replace(scan_at(2, failing), narrowing=Narrowing(("--account b",)))
    stopped = replace(scan_at(3, REFUSED), interrupted_by=Interruption.SIGTERM)
    for scan in (first, narrowed, stopped):
        record(store, scan)
    found = queries.trend(store, INVENTORY, point(4), newest=30).points
    assert [(one.is_narrowed, one.is_interrupted) for one in found] == [
        (False, False), (True, False), (False, True), (False, False),
    ]  # fmt: skip
    assert [one.accounts for one in found[:3]] == [
        AccountCounts(good=1, bad=1, open=3),
        AccountCounts(good=0, bad=1, open=0),
        AccountCounts(good=0, bad=0, open=1),
    ]
    assert [one.violations[Severity.CRITICAL] for one in found] == [1, 1, 0, 1]
    # What the page says of a scan is what the history keeps of it.
    assert list(found[:3]) == [point_of(one) for one in (first, narrowed, stopped)]


def test_the_trend_says_since_when_and_how_fast_it_was_fixed(store: Store) -> None:
    def fleet(*outcomes: Outcome) -> list[AccountResult]:
        return [account(name, judged(one)) for name, one in zip("abcd", outcomes, strict=True)]

    rounds = (
        (0, FAIL, FAIL, UNKNOWN, FAIL),
        (4, PASS, FAIL, FAIL, PASS),
        (6, PASS, FAIL, FAIL, FAIL),
    )
    told = []
    for number, *outcomes in rounds:
        scan = scan_at(number, *fleet(*outcomes))
        told.append(queries.trend(store, INVENTORY, point_of(scan), newest=30))
        record(store, scan)
    last = point(7)
    found = queries.trend(store, INVENTORY, last, newest=30)
    assert sorted(found.violated_since.values()) == [day(0), day(4), day(6)]
    assert found.times_to_fix == (
        TimeToFix(Severity.CRITICAL, 2, timedelta(days=4), timedelta(days=4)),
    )
    # What is told about each scan is what was told before it was stored.
    for number, (before, (at, *outcomes)) in enumerate(zip(told, rounds, strict=True), 1):
        scan = scan_at(at, *fleet(*outcomes))
        after = queries.trend(store, INVENTORY, point_of(scan), newest=30, before=number)
        assert shown_trend(scan, after) == shown_trend(scan, before)


def test_the_oldest_of_two_policies_tells_the_age(store: Store) -> None:
    record(store, scan_at(1, account("a", judged(FAIL))))
    record(store, scan_at(3, account("a", judged(FAIL), judged(FAIL, policy="desk"))))
    found = queries.trend(store, INVENTORY, point(5), newest=30)
    assert list(found.violated_since.values()) == [day(1)]


def test_a_scan_is_found_by_its_report(store: Store) -> None:
    scan = scan_at(1, account("a", judged(FAIL)))
    assert queries.scan_of_report(store, "0" * 64) is None
    for _ in range(2):
        record(store, scan)
    found = queries.scan_of_report(store, sha256(report_of(scan).encode()).hexdigest())
    assert found is not None
    assert (found.id, found.inventory) == (2, INVENTORY)
