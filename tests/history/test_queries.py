"""What a history answers, by hand, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from gatepolicy.history import queries
from gatepolicy.history.retention import Pruned, prune
from gatepolicy.history.store import Store, load_report_text
from gatepolicy.history.tables import ACCOUNTS, FACTS, VERDICTS
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import Interruption, Narrowing
from gatepolicy.model.trend import TimeToFix
from gatepolicy.model.verdicts import Outcome, Severity
from tests.history.conftest import INVENTORY, NOW, account, day, judged, record, scan_at
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
