"""``gatepolicy scan``: collect, evaluate, report."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from gatepolicy.accounts.account import Inventory
from gatepolicy.attestations.attestation import load_attestations
from gatepolicy.cli import edge, inputs, journaling, keeping, options, selecting, settings
from gatepolicy.cli.edge import Progress, in_words
from gatepolicy.cli.given import ScanOptions, typed
from gatepolicy.cli.output import Outputs
from gatepolicy.collect.run import planned_requests
from gatepolicy.collect.schedule import TYPICAL_LATENCY, Forecast, forecast
from gatepolicy.correlate.collected import Target
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode, ScanSettings
from gatepolicy.scanning.live import Prepared, prepare, scan_live
from gatepolicy.scanning.workspace import input_files, load_workspace

if TYPE_CHECKING:
    from gatepolicy.cli.notifying import Unattended


@click.command("scan")
@options.policies
@options.inventory
@options.account_selection
@options.rule_selection
@options.waivers
@options.baseline
@options.history
@options.gate
@options.outputs
@options.edge
@options.journal
@options.trust
@options.operating
@click.option(
    "--plan",
    "only_plan",
    is_flag=True,
    help="Print every request and the expected duration; send nothing.",
)
@typed(ScanOptions)
def command(given: ScanOptions) -> ExitCode:
    """Read what every key can do, and evaluate it against policies.

    Sends reads only, and only those that the catalog declares: see --plan.
    """
    if given.only_plan:
        _refuse_outputs_of_plan()
    if given.only_plan or not given.is_unattended:
        return _scan(given)
    from gatepolicy.cli.notifying import operated

    return operated(given, _scan)


def _scan(given: ScanOptions, unattended: "Unattended | None" = None) -> ExitCode:
    outputs = Outputs.parse(given)
    history = keeping.History.of(given)
    series = selecting.series(given, given.inventory_file)
    inventory, prepared, decides = _prepared(given, outputs, history)
    baseline = selecting.baseline(given, history, series)
    if given.only_plan:
        _print_plan(prepared.targets.asked, given)
        return ExitCode.OK
    narrowed_by = selecting.selection(given).options
    journal = journaling.opened(given, inventory, prepared.targets, narrowed_by)
    progress = Progress(prepared.targets.selected, sys.stderr, quiet=given.quiet)
    scan = scan_live(
        prepared,
        edge.collect_settings(given, keep_answers=False),
        decides,
        advance=progress.advance,
        on_read=unattended.read if unattended else lambda _: None,
        journal=journal,
    )
    progress.clear()
    scan = replace(scan, scope=selecting.sarif_scope(given, given.inventory_file))
    scan = selecting.since(scan, baseline)
    if unattended is None:
        history.write(outputs, scan, series)
    else:
        unattended.write(history, outputs, scan, series, prepared.plan)
    if journal is not None:
        journal.refuse_missing_lines()
    return scan.exit_code


def _prepared(
    given: ScanOptions, outputs: Outputs, history: keeping.History
) -> tuple[Inventory, Prepared, ScanSettings]:
    """All accounts, the scan that is about to start, and what decides its exit code."""
    workspace = load_workspace(
        inputs.policy_files(given),
        inputs.scanned_inventory(given),
        names=settings.names(),
        read=settings.reader(given),
        egresses=settings.egresses(),
    )
    sources = list(input_files(workspace.policies, workspace.inventory))
    outputs.refuse_overwriting([*sources, *history.files, *journaling.files(given)])
    journaling.refuse_overwriting(given, sources)
    waiving = selecting.waiving(given, workspace.rules)
    attestations = load_attestations(given.attestation_files, read=settings.reader(given))
    decides = selecting.scan_settings(given, workspace.rules)
    chosen, trust = selecting.selection(given), settings.trust(given)
    prepared = prepare(workspace, chosen, waiving, attestations, trust)
    return workspace.inventory, prepared, decides


def _refuse_outputs_of_plan() -> None:
    source = click.get_current_context().get_parameter_source("output_texts")
    if source is ParameterSource.COMMANDLINE:
        hint = "remove -o; the plan is printed as text, one request per line"
        raise UsageError("--plan writes no report, so -o has no effect", hint=hint)


def _print_plan(targets: Sequence[Target], given: ScanOptions) -> None:
    requests = planned_requests(targets)
    for request in requests:
        click.echo(f"{request.account}  {request.method} {request.url}  via {request.egress}")
    for target in targets:
        account = target.account.subject
        if target.unusable is not None:
            why = target.unusable.detail or f"unknown exchange {account.exchange}"
            click.echo(f"{account.id}  nothing: {why}")
    counts = f"{_count(requests, 'request')} to {_count(targets, 'account')}"
    click.echo(f"{counts}; nothing was sent", err=True)
    jobs = given.jobs
    click.echo(_expected(forecast(targets, given.max_rate, jobs), jobs), err=True)


def _expected(found: Forecast, jobs: int) -> str:
    """How long a scan takes, and what decides that."""
    if found.slowest is None:
        why = f"{found.calls:,} calls of about {TYPICAL_LATENCY} s, {jobs:,} at a time"
    else:
        why = f"{found.slowest}: {found.slowest_turns:,} calls at {found.pace:.3g} per second"
    return f"expected duration: {in_words(found.seconds)} ({why})"


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things):,} {noun}{'s' * (len(things) != 1)}"
