"""``gatepolicy collect``: ask, and keep what was proved as evidence."""

import sys
from collections.abc import Collection, Sequence

import click

from gatepolicy.accounts.account import Inventory
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.cli import edge, inputs, journaling, options, selecting, settings
from gatepolicy.cli.edge import Progress
from gatepolicy.cli.given import CollectOptions, typed
from gatepolicy.cli.output import destination, refuse_overwriting
from gatepolicy.collect.run import Targets, Watcher, make_targets
from gatepolicy.correlate.accounts import correlate
from gatepolicy.exchanges.catalog import load_others
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import ExitCode, Interruption
from gatepolicy.reports.clean import clean
from gatepolicy.reports.write import STANDARD_OUTPUT, Destination, Report, write_reports
from gatepolicy.scanning.evidence import CollectedFile, dump_evidence
from gatepolicy.scanning.live import collect
from gatepolicy.scanning.plan import Selection, refuse_unmatched
from gatepolicy.scanning.workspace import input_files, load_exchanges


@click.command("collect")
@options.inventory
@options.account_selection
@options.edge
@options.journal
@options.trust
@click.option(
    "-o",
    "--output",
    "path",
    default="",
    metavar="PATH",
    help="Where to write the evidence.  [default: standard output; nowhere with --journal or"
    " --resume, since a journal is evidence, too]",
)
@options.quiet("No progress, no notes. Still reports a nonzero exit code.")
@typed(CollectOptions)
def command(given: CollectOptions) -> ExitCode:
    """Read every account and write evidence, without evaluating it.

    Evidence holds facts with their sources and redacted answers, and no secret.
    """
    place, inventory = _place_and_inventory(given)
    chosen = selecting.selection(given)
    refuse_unmatched(chosen, [account.subject for account in inventory.accounts])
    targets = _targets(inventory, chosen, given)
    warnings: list[str] = []
    progress = Progress(targets.selected, sys.stderr, quiet=given.quiet)

    started_at = inputs.now()
    collecting = edge.collect_settings(given, keep_answers=True)
    watcher = Watcher(_wait, warnings.append, progress.advance)
    journal = journaling.opened(given, targets, chosen.options)
    read, interrupted_by = collect(targets, collecting, watcher, journal)
    progress.clear()
    if interrupted_by is not None:
        selected = [one.evidence for one in read.accounts if one.is_selected]
        warnings.append(_interruption(interrupted_by, selected))
    if not given.quiet:
        for warning in warnings:
            click.echo(f"warning: {clean(warning)}", err=True)
    evidence = CollectedFile(
        collected_at=started_at,
        inventory=inventory.file,
        read=read,
        warnings=tuple(warnings),
        salt=inputs.fingerprint_salt(inventory.file),
        fingerprint_check=inputs.fingerprint_check(inventory.file),
        narrowed_by=chosen.options,
    )
    if place is not None:
        write_reports([Report(dump_evidence(evidence), place)])
    if journal is not None:
        journal.refuse_missing_lines()
    return _exit_code(interrupted_by, correlate([read]).accounts)


def _wait(*read: object) -> None:
    """Do nothing yet: evidence is written once all accounts are read."""
    del read


def _place_and_inventory(given: CollectOptions) -> tuple[Destination | None, Inventory]:
    """Where the evidence goes, which is no place of a file that is read; and the accounts.

    It goes nowhere where nobody says so and there is a journal.
    """
    path = given.path or ("" if journaling.files(given) else STANDARD_OUTPUT)
    option = f"-o {path}"
    place = destination(path, settings.output_folder(given, "path"), option) if path else None
    refuse_overwriting(path or STANDARD_OUTPUT, option, [given.inventory_file])
    inventory = load_inventory(inputs.scanned_inventory(given), read=settings.reader(given))
    read = list(input_files(inventory=inventory))
    refuse_overwriting(path or STANDARD_OUTPUT, option, [*read, *journaling.files(given)])
    journaling.refuse_overwriting(given, [given.inventory_file, *read])
    return place, inventory


def _targets(inventory: Inventory, chosen: Selection, given: CollectOptions) -> Targets:
    return make_targets(
        inventory.accounts,
        chosen.takes_account,
        load_exchanges(account.subject.exchange for account in inventory.accounts),
        load_others(),
        settings.trust(given),
        inventory=inventory.file,
    )


def _exit_code(interrupted_by: Interruption | None, accounts: Sequence[Evidence]) -> ExitCode:
    if interrupted_by is not None:
        return interrupted_by.exit_code
    is_answered = any(one.was_answered for one in accounts)
    return ExitCode.OK if is_answered else ExitCode.NOTHING_EVALUATED


def _interruption(by: Interruption, collected: Collection[Evidence]) -> str:
    unread = [
        evidence
        for evidence in collected
        if (why := evidence.facts.unknown.get("key.exists")) and why.reason is Reason.INTERRUPTED
    ]
    return f"interrupted by {by}: {len(unread):,} of {len(collected):,} accounts were not read"
