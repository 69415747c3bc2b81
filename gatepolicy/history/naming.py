"""Which inventory a series of scans is of: distinguished, and renamed."""

from sqlalchemy import Connection, exists, select, update

from gatepolicy.errors import HistoryError
from gatepolicy.history.queries import best_baseline
from gatepolicy.history.store import Store
from gatepolicy.history.tables import ACCOUNTS, FINDINGS, SCANS
from gatepolicy.model.scan import Scan


def rename(store: Store, old: str, new: str) -> None:
    """Give an inventory another name in a history: its scans and findings go on under that.

    Args:
        store: The history.
        old: Its name there.
        new: Its name from now on.

    Raises:
        HistoryError: There is no such inventory; or there is one of the new name, whose scans
            nobody could tell apart any more.
    """
    with store.writing() as connection:
        if not _has(connection, old):
            hint = "'gatepolicy history list' shows all scans"
            raise HistoryError(f"{store.where.name}: no scan of {old}", hint=hint)
        if _has(connection, new):
            what = f"{store.where.name} has scans of {new} already"
            raise HistoryError(
                what, hint="choose another name: scans cannot be distinguished later"
            )
        for table in (SCANS, FINDINGS):
            connection.execute(update(table).where(table.c.inventory == old).values(inventory=new))


def _has(connection: Connection, inventory: str) -> bool:
    there = select(exists().where(SCANS.c.inventory == inventory))
    return bool(connection.execute(there).scalar_one())


def is_of_others(store: Store, inventory: str, scan: Scan) -> bool:
    """Whether a scan has no account of the last one, so that two projects may share a name.

    Args:
        store: The history, without the scan.
        inventory: What was scanned.
        scan: The scan. One that options narrowed tells nothing.
    """
    accounts = {(one.evidence.subject.exchange, one.evidence.subject.id) for one in scan.accounts}
    last = best_baseline(store, inventory)
    if last is None or scan.narrowing.is_any or not accounts:
        return False
    asked = (
        select(ACCOUNTS.c.exchange, ACCOUNTS.c.account)
        .join(SCANS, SCANS.c.id == ACCOUNTS.c.scan)
        .where(SCANS.c.id == last, SCANS.c.narrowed.is_(False))
    )
    with store.reading() as connection:
        before = {(row.exchange, row.account) for row in connection.execute(asked)}
    return bool(before) and accounts.isdisjoint(before)
