"""``gatepolicy merge``: the evidence of all parts of an inventory as one file."""

import click

from gatepolicy.cli import inputs, options
from gatepolicy.cli.given import MergeOptions, typed
from gatepolicy.cli.output import destination, refuse_overwriting
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.clean import clean
from gatepolicy.reports.write import Report, write_reports
from gatepolicy.scanning.compared import merge_evidence, missing_accounts, missing_warnings
from gatepolicy.scanning.evidence import dump_evidence


@click.command("merge")
@click.argument("evidence_files", metavar="EVIDENCE...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    "path",
    default="-",
    metavar="PATH",
    help="Where to write the evidence.  [default: standard output]",
)
@options.quiet("No notes. Still reports a nonzero exit code.")
@typed(MergeOptions)
def command(given: MergeOptions) -> ExitCode:
    """Merge evidence that was collected by egress or by shard.

    All parts must be of the same inventory, catalog and version, with fingerprints of the same key.
    Accounts of a part that is missing are unknown, and the exit code is 3.
    """
    place = destination(given.path, "", f"-o {given.path}")
    refuse_overwriting(given.path, f"-o {given.path}", given.evidence_files)
    files = inputs.evidence_files(*given.evidence_files)
    merged = merge_evidence(files)
    missing = missing_accounts([merged])
    if not given.quiet:
        for warning in missing_warnings(missing.values()):
            click.echo(f"warning: {clean(warning)}", err=True)
    write_reports([Report(dump_evidence(merged), place)])
    return ExitCode.INCOMPLETE if missing else ExitCode.OK
