"""``gatepolicy collect``: ask, and keep what was proved as evidence."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import click

from gatepolicy.accounts.account import Inventory
from gatepolicy.accounts.egress import Division, Part
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.cli import edge, inputs, journaling, options, selecting, settings
from gatepolicy.cli.edge import Progress
from gatepolicy.cli.given import CollectOptions, typed
from gatepolicy.cli.output import destination, refuse_overwriting
from gatepolicy.collect.run import Targets, Watcher, make_targets
from gatepolicy.correlate.accounts import correlate
from gatepolicy.correlate.keys import Uncorrelated
from gatepolicy.exchanges.catalog import catalog_digest, load_others
from gatepolicy.model.evidence import Evidence, Subject
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
@options.part
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

    Evidence holds facts with their sources and redacted answers, and no secret. The evidence of
    all egresses and shards is evaluated together, or merged: 'gatepolicy merge'.
    """
    place, inventory = _place_and_inventory(given)
    chosen, part = selecting.selection(given), selecting.part(given, inventory)
    refuse_unmatched(chosen, [account.subject for account in inventory.accounts])
    targets = _targets(inventory, chosen, part, given)
    progress = Progress(targets.selected, sys.stderr, quiet=given.quiet)
    warnings: list[str] = []

    before = _evidence_of(inventory, chosen, part)
    collecting = edge.collect_settings(given, keep_answers=True)
    watcher = Watcher(_wait, warnings.append, progress.advance)
    journal = journaling.opened(given, inventory, targets, chosen.options, part)
    read, interrupted_by = collect(targets, collecting, watcher, journal)
    progress.clear()
    if interrupted_by is not None:
        selected = [one.evidence for one in read.accounts if one.is_selected]
        warnings.append(_interruption(interrupted_by, selected))
    if not given.quiet:
        for warning in warnings:
            click.echo(f"warning: {clean(warning)}", err=True)
    if place is not None:
        kept = read if part is None else _apart(read, inventory, part)
        evidence = replace(before, read=kept, warnings=tuple(warnings))
        write_reports([Report(dump_evidence(evidence), place)])
    if journal is not None:
        journal.refuse_missing_lines()
    if part is not None and not targets.selected:
        return ExitCode.OK
    return _exit_code(interrupted_by, correlate([read]).accounts)


def _evidence_of(inventory: Inventory, chosen: Selection, part: Part | None) -> CollectedFile:
    """Evidence that is about to be collected."""
    return CollectedFile(
        collected_at=inputs.now(),
        inventory=inventory.file,
        read=Uncorrelated(()),
        salt=inputs.fingerprint_salt(inventory.file),
        fingerprint_check=inputs.fingerprint_check(inventory.file),
        narrowed_by=chosen.options,
        parts=() if part is None else (part,),
        inventory_digest=inventory.digest,
        catalog_digest=catalog_digest(),
    )


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
    file, reader = inputs.scanned_inventory(given), settings.reader(given)
    inventory = load_inventory(file, read=reader, egresses=settings.egresses())
    read = list(input_files(inventory=inventory))
    refuse_overwriting(path or STANDARD_OUTPUT, option, [*read, *journaling.files(given)])
    journaling.refuse_overwriting(given, [given.inventory_file, *read])
    return place, inventory


def _apart(read: Uncorrelated, inventory: Inventory, part: Part) -> Uncorrelated:
    """What one part read, with the part of each account that it left out."""
    division = Division.of(inventory.accounts)
    left_out = [
        replace(other, read_by=str(division.part_of(other.subject.id, part)))
        for other in read.left_out
    ]
    return replace(read, left_out=left_out)


def _targets(
    inventory: Inventory, chosen: Selection, part: Part | None, given: CollectOptions
) -> Targets:
    takes: Callable[[Subject], bool] = chosen.takes_account
    if part is not None:
        takes = Division.of(inventory.accounts).takes(part)
    targets = make_targets(
        inventory.accounts,
        takes,
        load_exchanges(account.subject.exchange for account in inventory.accounts),
        load_others(),
        settings.trust(given),
        inventory=inventory.file,
    )
    # Keys of other parts are compared once they are merged: their machines alone read them.
    return targets if part is None else replace(targets, others=())


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
