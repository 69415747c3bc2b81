"""``gatepolicy report``: render a scan again from its JSON report."""

import click

from gatepolicy.cli import keeping, options
from gatepolicy.cli.given import ReportOfScanOptions, typed
from gatepolicy.cli.output import Outputs
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode, Scan
from gatepolicy.scanning.saved import load_report


@click.command("report")
@click.argument("report_file", metavar="[REPORT]", default="")
@click.option(
    "--scan", "stored", default="", metavar="SCAN", help="A scan of the history: an id, or last."
)
@options.history_place
@options.outputs
@click.option(
    "--audit-waivers",
    is_flag=True,
    help="List every waiver and its state in the text report.",
)
@click.option("--exit-code", is_flag=True, help="Exit with the exit code of the scan, and not 0.")
@typed(ReportOfScanOptions)
def command(given: ReportOfScanOptions) -> ExitCode:
    """Render a scan again, in any format, from its JSON report.

    REPORT is a file of 'gatepolicy scan -o json=FILE'; --scan takes a scan of the history instead.
    The files are the same as if the scan had written them. Nothing is evaluated anew: waivers and
    ages are as on the day of the scan.
    """
    if bool(given.report_file) is bool(given.stored):
        hint = "such as report.json, or --scan last"
        raise UsageError("name either a report or a scan of the history", hint=hint)
    outputs = Outputs.parse(given)
    scan = _stored(given) if given.stored else load_report(given.report_file)
    outputs.write(scan)
    return scan.exit_code if given.exit_code else ExitCode.OK


def _stored(given: ReportOfScanOptions) -> Scan:
    where = keeping.named_place(given)
    store = keeping.open_store(where, create=False)
    from gatepolicy.history.store import load_report_text

    text = load_report_text(store, given.stored)
    return load_report(f"{where.name}, scan {given.stored}", read=lambda _: text.encode())
