"""Projects that share a history: their scans stay apart, and an inventory can be renamed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gatepolicy.errors import HistoryError
from gatepolicy.history import queries
from gatepolicy.history.naming import is_of_others, rename
from gatepolicy.history.retention import Pruned, prune
from gatepolicy.history.store import Store, load_report_text
from gatepolicy.history.where import OfProject, name_in_history
from gatepolicy.model.scan import Narrowing, Scan
from gatepolicy.model.verdicts import Outcome
from gatepolicy.reports.html_trend import point_of
from tests.history.conftest import INVENTORY, NOW, account, day, judged, record, scan_at

FAIL, PASS = Outcome.FAIL, Outcome.PASS
TREASURY, DESK = (name_in_history(INVENTORY, name) for name in ("treasury", "desk"))


@pytest.fixture
def shared(store: Store) -> Store:
    """Two projects of the same inventory's name, and one whose name is the beginning of another."""
    record(store, scan_at(1, account("a", judged(FAIL))), TREASURY)
    record(store, scan_at(2, account("a", judged(PASS))), DESK)
    record(store, scan_at(3, account("a", judged(FAIL))), TREASURY)
    record(store, scan_at(4, account("a", judged(FAIL))), name_in_history(INVENTORY, "treasury-2"))
    record(store, scan_at(5, account("a", judged(FAIL))))
    return store


def test_the_name_of_a_project_stands_before_that_of_the_inventory() -> None:
    assert (TREASURY, name_in_history(INVENTORY, "")) == ("treasury:accounts.yaml", INVENTORY)


def test_what_one_project_fixes_is_open_in_the_other(shared: Store) -> None:
    found = [name for name, _ in queries.findings(shared)]
    assert sorted(found) == [INVENTORY, "treasury-2:accounts.yaml", TREASURY]
    assert queries.findings(shared, fixed=True) == []
    assert queries.best_baseline(shared, TREASURY) == 3
    assert queries.best_baseline(shared, DESK) == 2


def test_a_project_sees_its_own_scans(shared: Store) -> None:
    treasury = OfProject("treasury")
    assert [one.id for one in queries.scans(shared, inventory=treasury)] == [1, 3]
    assert [one.id for one in queries.scans(shared, inventory=treasury, newest=1)] == [3]
    assert [one.id for one in queries.scans(shared)] == [1, 2, 3, 4, 5]
    assert [name for name, _ in queries.findings(shared, inventory=treasury)] == [TREASURY]
    assert '"2026-11-04T06:00:00Z"' in load_report_text(shared, "last", treasury)
    assert queries.scans(shared, inventory=OfProject("t%")) == []
    with pytest.raises(HistoryError, match="no scan yet of other"):
        load_report_text(shared, "last", OfProject("other"))


def test_the_trend_is_that_of_one_project(shared: Store) -> None:
    point = point_of(scan_at(6, account("a", judged(FAIL))))
    found = queries.trend(shared, TREASURY, point, newest=30)
    assert [one.started_at for one in found.points] == [day(1), day(3), day(6)]


def test_a_project_prunes_its_own_scans(shared: Store) -> None:
    keep = timedelta(days=1)
    assert prune(shared, keep, NOW, inventory=OfProject("treasury")) == Pruned(1, 0)
    assert [one.id for one in queries.scans(shared)] == [2, 3, 4, 5]


def test_an_inventory_that_gets_a_name_keeps_its_past(shared: Store) -> None:
    rename(shared, INVENTORY, "firm:accounts.yaml")
    firm = OfProject("firm")
    assert [one.id for one in queries.scans(shared, inventory=firm)] == [5]
    assert [one.finding.account for _, one in queries.findings(shared, inventory=firm)] == ["a"]
    record(shared, scan_at(7, account("a", judged(PASS))), "firm:accounts.yaml")
    assert len(queries.findings(shared, inventory=firm, fixed=True)) == 1
    assert queries.scans(shared, inventory=INVENTORY) == []


def test_two_inventories_never_become_one(shared: Store) -> None:
    with pytest.raises(HistoryError, match=r"has scans of desk:accounts\.yaml already"):
        rename(shared, TREASURY, DESK)
    with pytest.raises(HistoryError, match=r"no scan of none\.yaml"):
        rename(shared, "none.yaml", "x")
    assert [one.id for one in queries.scans(shared, inventory=OfProject("treasury"))] == [1, 3]


NARROWED = Narrowing(("--account b",), (), 1, 2)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (scan_at(1, account("a")), scan_at(2, account("b")), True),
        (scan_at(1, account("a"), account("b")), scan_at(2, account("b"), account("c")), False),
        (scan_at(1, account("a")), replace(scan_at(2, account("b")), narrowing=NARROWED), False),
        (replace(scan_at(1, account("a")), narrowing=NARROWED), scan_at(2, account("b")), False),
        (scan_at(1, account("a")), scan_at(2), False),
        (scan_at(1), scan_at(2, account("b")), False),
    ],
)
def test_a_scan_of_other_accounts_may_be_of_another_project(
    store: Store, before: Scan, now: Scan, *, expected: bool
) -> None:
    assert is_of_others(store, INVENTORY, now) is False
    record(store, before)
    assert is_of_others(store, INVENTORY, now) is expected
