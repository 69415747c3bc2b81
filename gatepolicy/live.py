"""A live scan: accounts are asked, and judged as their answers come in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gatepolicy.collect.collector import Target
from gatepolicy.collect.run import CollectSettings, Watcher, run
from gatepolicy.collect.targets import make_targets
from gatepolicy.exchanges.others import load_others
from gatepolicy.model.scan import AccountResult, Evidence, Scan, ScanSettings
from gatepolicy.plan import Plan, Selection, make_plan
from gatepolicy.scan import Evaluator, finish
from gatepolicy.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scan that is ready to start: nothing was sent yet."""

    plan: Plan
    """What will be asked of the facts."""
    targets: list[Target]
    """What will be asked of the exchanges, in the order of the plan's questions."""


def prepare(workspace: Workspace, selection: Selection) -> Prepared:
    """Plan a scan.

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
    selected = [account for account in accounts if selection.takes_account(account.subject)]
    return Prepared(plan, make_targets(selected, workspace.exchanges, load_others()))


def scan_live(
    prepared: Prepared,
    collecting: CollectSettings,
    settings: ScanSettings,
    *,
    advance: Callable[[], None],
) -> Scan:
    """Ask every account and judge it.

    Args:
        prepared: The plan.
        collecting: How to ask.
        settings: What decides the exit code.
        advance: Called once for every account that is done.
    """
    started_at = datetime.now(UTC)
    evaluator = Evaluator(now=started_at)
    results: dict[int, AccountResult] = {}
    warnings: list[str] = []

    def deliver(position: int, evidence: Evidence) -> None:
        question = prepared.plan.questions[position]
        results[position] = evaluator.judge(question, evidence)
        advance()

    run(prepared.targets, collecting, Watcher(deliver, warnings.append))
    return finish(
        prepared.plan,
        [results[position] for position in range(len(prepared.targets))],
        started_at=started_at,
        finished_at=datetime.now(UTC),
        settings=settings,
        warnings=warnings,
    )
