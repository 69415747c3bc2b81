"""``gatepolicy report``: render a scan again from its JSON report."""

import click

from gatepolicy.cli import options
from gatepolicy.cli.given import ReportOfScanOptions, typed
from gatepolicy.cli.output import Outputs
from gatepolicy.model.scan import ExitCode
from gatepolicy.scanning.saved import load_report


@click.command("report")
@click.argument("report_file", metavar="REPORT")
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

    REPORT is a file of 'gatepolicy scan -o json=FILE'. The files are the same as if the scan had
    written them. Nothing is evaluated anew: waivers and ages are as on the day of the scan.
    """
    outputs = Outputs.parse(given)
    scan = load_report(given.report_file)
    outputs.write(scan)
    return scan.exit_code if given.exit_code else ExitCode.OK
