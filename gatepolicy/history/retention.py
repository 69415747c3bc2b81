"""What is removed from a history when it has been kept long enough."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, delete, func, select

from gatepolicy.history.store import Store, is_of
from gatepolicy.history.tables import FINDINGS, SCANS
from gatepolicy.history.where import Which


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, or would be."""

    scans: int
    """With their accounts, facts, verdicts and reports."""
    findings: int
    """That were fixed."""


def prune(
    store: Store,
    keep: timedelta,
    now: datetime,
    *,
    inventory: Which = None,
    only_count: bool = False,
) -> Pruned:
    """Remove scans that began, and findings that were fixed, too long ago.

    The newest scan of each inventory stays, so that there is something to compare with, and so do
    findings that are not fixed.

    Args:
        store: The history.
        keep: How long scans and fixed findings are kept.
        now: The time. UTC.
        inventory: Only scans and findings of these; ``None`` for all.
        only_count: Whether nothing is removed.

    Raises:
        HistoryError: The database refuses.
    """
    try:
        limit = now - keep
    except OverflowError:
        return Pruned(0, 0)
    old = SCANS.c.id.in_(_old(limit, inventory))
    fixed = and_(FINDINGS.c.fixed_at < limit, is_of(FINDINGS, inventory))
    with store.writing() as connection:
        scans = select(func.count()).select_from(SCANS).where(old)
        findings = select(func.count()).select_from(FINDINGS).where(fixed)
        found = Pruned(
            connection.execute(scans).scalar_one(), connection.execute(findings).scalar_one()
        )
        if not only_count:
            connection.execute(delete(SCANS).where(old))
            connection.execute(delete(FINDINGS).where(fixed))
    return found


def _old(limit: datetime, inventory: Which) -> Select[tuple[int]]:
    place = func.row_number().over(
        partition_by=SCANS.c.inventory,
        order_by=(SCANS.c.started_at.desc(), SCANS.c.id.desc()),
    )
    found = select(SCANS.c.id, SCANS.c.started_at, place.label("place"))
    ranked = found.where(is_of(SCANS, inventory)).subquery()
    return select(ranked.c.id).where(ranked.c.place > 1, ranked.c.started_at < limit)
