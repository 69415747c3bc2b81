"""``gatepolicy demo``: a first look that needs no account."""

import sys
from pathlib import Path

import click

from gatepolicy.cli import inputs
from gatepolicy.cli.edge import Progress
from gatepolicy.cli.given import DemoOptions, typed
from gatepolicy.cli.output import Outputs, refuse_existing
from gatepolicy.demo.run import REPORTS, demonstrate, files_of_others, stage
from gatepolicy.errors import InternalError, UsageError
from gatepolicy.model.scan import MEANING, ExitCode


@click.command("demo")
@click.option(
    "--out",
    default="demo-report",
    show_default=True,
    metavar="DIR",
    help="Folder for the inventory, policies and reports.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Scan every exchange that the simulator supports.",
)
@click.option("--force", is_flag=True, help="Overwrite files in that folder.")
@click.option("--no-color", is_flag=True, help="Disable colour.")
@typed(DemoOptions)
def command(given: DemoOptions) -> ExitCode:
    """Scan synthetic accounts on a local simulator; needs no account.

    Exits with 0 if every seeded violation was found, and shows the exit code of a scan.
    """
    folder = Path(given.out)
    staged = stage(inputs.now(), everything=given.everything)
    refuse_existing(files_of_others(folder, staged), force=given.force)
    _make(folder)
    count = len(staged.expected)
    progress = Progress(count, sys.stderr, quiet=False)
    shown = demonstrate(folder, staged, advance=progress.advance)
    progress.clear()
    Outputs.for_demo(folder, REPORTS, no_color=given.no_color).write(shown.scan)
    for surprise in shown.surprises:
        click.echo(f"unexpected: {surprise}", err=True)
    if shown.surprises:
        raise InternalError("the demonstration gave unexpected verdicts")
    if shown.scan.interrupted_by is not None:
        return shown.scan.exit_code
    _say_what_next(folder, shown.scan.exit_code, count)
    return ExitCode.OK


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"--out {folder}: cannot create this folder ({error.strerror})"
        raise UsageError(what, hint="choose another folder") from None


_NEXT = {
    "report.json": "every account, fact and verdict",
    "report.sarif": "for code scanning and SARIF viewers",
    "accounts.yaml": "the inventory; holds references, never a secret",
    "gate-market-making.yaml": "a policy, clause by clause from a firm's guide",
}


def _say_what_next(folder: Path, code: ExitCode, count: int) -> None:
    name = max(map(len, _NEXT))
    click.echo("")
    click.echo(f"All {count} synthetic accounts gave the expected verdicts.")
    click.echo(f"'gatepolicy scan' would exit with {code.value}:")
    click.echo(f"{MEANING[code]}.")
    click.echo(f"\nOpen next, in {folder}:")
    for file, what in _NEXT.items():
        click.echo(f"  {file:{name}}  {what}")
    click.echo("")
