"""A live scan: accounts are read, compared, and judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from gatepolicy.accounts.account import Trust
from gatepolicy.attestations.attestation import Attestation
from gatepolicy.collect.run import CollectSettings, SecondsLeft, Targets, Watcher, make_targets, run
from gatepolicy.correlate.accounts import Correlated, correlate
from gatepolicy.correlate.keys import Uncorrelated, keep
from gatepolicy.exchanges.catalog import load_others
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.scan import AccountResult, Interruption, Scan, ScanSettings
from gatepolicy.scanning.journal_file import JournalFile
from gatepolicy.scanning.plan import Plan, Selection, make_plan
from gatepolicy.scanning.scan import NOTHING_WAIVED, Evaluator, Waiving, finish
from gatepolicy.scanning.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scan that is ready to start: nothing was sent yet."""

    plan: Plan
    """What will be asked of the facts."""
    targets: Targets
    """What will be asked of the exchanges; the selected ones in the order of the questions."""
    waiving: Waiving = NOTHING_WAIVED
    """What is accepted."""
    attestations: Sequence[Attestation] = ()
    """What people said."""


def prepare(
    workspace: Workspace,
    selection: Selection,
    waiving: Waiving = NOTHING_WAIVED,
    attestations: Sequence[Attestation] = (),
    trust: Trust = Trust(),  # noqa: B008 - frozen
) -> Prepared:
    """Plan a scan.

    Args:
        workspace: Policies and accounts.
        selection: What is scanned.
        waiving: What is accepted.
        attestations: What people said.
        trust: What the files may lead to.

    Raises:
        UsageError: A selector matches nothing at all.
    """
    accounts = workspace.inventory.accounts
    plan = make_plan(
        [account.subject for account in accounts],
        workspace.policies,
        workspace.exchanges,
        workspace.rules,
        selection,
    )
    targets = make_targets(
        accounts,
        selection.takes_account,
        workspace.exchanges,
        load_others(),
        trust,
        inventory=workspace.inventory.file,
    )
    return Prepared(plan, targets, waiving, attestations)


def collect(
    targets: Targets,
    collecting: CollectSettings,
    watcher: Watcher,
    journal: JournalFile | None = None,
) -> tuple[Uncorrelated, Interruption | None]:
    """Read every account; compare none.

    Args:
        targets: What is read.
        collecting: How.
        watcher: Takes the evidence of each account as soon as it was read.
        journal: Keeps each account as soon as it was read.

    Returns: What comparing them takes, and the signal that came before every account was read, if
        one did.
    """
    if journal is not None:
        return _collect_into(journal, targets, collecting, watcher)
    collection = run(targets, collecting, watcher)
    read = keep(
        targets.asked,
        collection.collected,
        collection.others,
        collecting.pepper,
        selected=targets.selected,
    )
    return read, collection.interrupted_by


def _collect_into(
    journal: JournalFile, targets: Targets, collecting: CollectSettings, watcher: Watcher
) -> tuple[Uncorrelated, Interruption | None]:
    warnings = list[str]()

    def warn(line: str) -> None:
        warnings.append(line)
        watcher.warn(line)

    if journal.note:
        warn(journal.note)
    keep = partial(journal.keep, targets)
    try:
        read, by = collect(
            targets,
            replace(collecting, reusable=journal.reusable),
            replace(watcher, warn=warn, keep=keep),
        )
        journal.finish(read, warnings, by)
    finally:
        journal.close()
    return read, by


def collect_and_correlate(
    targets: Targets,
    collecting: CollectSettings,
    watcher: Watcher,
    journal: JournalFile | None = None,
) -> tuple[Correlated, Interruption | None]:
    """Read every account, then compare them all.

    Args:
        targets: What is read.
        collecting: How.
        watcher: Takes the evidence of each account as soon as it was read.
        journal: Keeps each account as soon as it was read.

    Returns: All accounts, and the signal that came before every account was read, if one did.
    """
    read, interrupted_by = collect(targets, collecting, watcher, journal)
    return correlate([read]), interrupted_by


def _results(prepared: Prepared, correlated: Correlated, now: datetime) -> list[AccountResult]:
    """Of all selected accounts in the order of the inventory, then of what was found."""
    plan, evaluator = prepared.plan, Evaluator(now=now, attestations=prepared.attestations)
    selected = correlated.evidence[: correlated.selected]
    return [
        *map(evaluator.judge, plan.accounts, selected),
        *(evaluator.judge(plan.account_found(one.subject), one) for one in correlated.found),
    ]


def scan_live(
    prepared: Prepared,
    collecting: CollectSettings,
    settings: ScanSettings,
    *,
    advance: Callable[[SecondsLeft], None],
    on_read: Callable[[Evidence], None] = lambda _: None,
    journal: JournalFile | None = None,
) -> Scan:
    """Read every account and evaluate it.

    Args:
        prepared: The plan.
        collecting: How to read.
        settings: What decides the exit code.
        advance: Called once for every account that is read.
        on_read: Takes the evidence of each account once, as soon as it was read, or could not be.
        journal: Keeps each account as soon as it was read.

    Returns: The scan; after a signal, accounts that were not read are unknown.
    """
    started_at, warnings = datetime.now(UTC), list[str]()
    watcher = Watcher(on_read, warnings.append, advance)
    correlated, by = collect_and_correlate(prepared.targets, collecting, watcher, journal)
    return finish(
        prepared.plan,
        _results(prepared, correlated, started_at),
        started_at=started_at,
        finished_at=datetime.now(UTC),
        settings=settings,
        warnings=warnings,
        waiving=prepared.waiving,
        interrupted_by=by,
    )
