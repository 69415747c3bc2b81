"""``gatepolicy report``: render a scan again from its JSON report."""

import click

from gatepolicy.cli import inputs, keeping, options, signing
from gatepolicy.cli.given import ReportOfScanOptions, typed
from gatepolicy.cli.output import Outputs
from gatepolicy.documents.load import read_bytes
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.scanning.saved import load_report


@click.command("report")
@click.argument("report_file", metavar="[REPORT]", default="")
@click.option(
    "--scan", "stored", default="", metavar="SCAN", help="A scan of the history: an id, or last."
)
@options.history_place
@options.outputs
@click.option(
    "--sign-off",
    "sign_off_file",
    default="",
    metavar="ENVELOPE",
    help="Show the sign-offs of this signed report in the HTML page.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="PUB.pem",
    help="Public key of whoever may have signed the report; repeatable. Without one, the page says"
    " that this was not verified.",
)
@click.option(
    "--reviewer-key",
    "reviewer_keys",
    multiple=True,
    metavar="PUB.pem",
    help="Public key of a reviewer; repeatable. Without one, the page says that the sign-offs were"
    " not verified.",
)
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

    Exits with 1 if a sign-off is about another report, or a signature does not hold.
    """
    if bool(given.report_file) is bool(given.stored):
        hint = "such as report.json, or --scan last"
        raise UsageError("name either a report or a scan of the history", hint=hint)
    outputs = Outputs.parse(given)
    if given.sign_off_file and not outputs.has("html"):
        hint = "add -o html=report.html"
        raise UsageError("--sign-off: only the HTML page shows sign-offs", hint=hint)
    name, content = _content(given)
    scan = load_report(name, read=lambda _: content)
    sign_offs = signing.shown_sign_offs(given, (name, content), inputs.now())
    trend = keeping.trend_of_stored(given, scan, content) if outputs.has("html") else None
    outputs.showing(trend=trend, sign_offs=sign_offs).write(scan)
    return scan.exit_code if given.exit_code else ExitCode.OK


def _content(given: ReportOfScanOptions) -> tuple[str, bytes]:
    """What to call the report, and its bytes, which are read once."""
    if given.report_file:
        return given.report_file, read_bytes(given.report_file)
    where = keeping.named_place(given)
    store = keeping.open_store(where, create=False)
    from gatepolicy.history.store import load_report_text

    text = load_report_text(store, given.stored, keeping.which(given))
    return f"{where.name}, scan {given.stored}", text.encode()
