"""The ``gatepolicy`` command: a table of commands, each loaded when it is asked for."""

import gc
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepolicy import __version__
from gatepolicy.cli.boundary import Boundary, own_process
from gatepolicy.errors import ClosedPipeError
from gatepolicy.reports.clean import PLAIN_MARKS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, str] = {
    "init": "Create a project: policies, inventory, waivers, tests, CI.",
    "scan": "Read what every key can do, and evaluate it against policies.",
    "collect": "Read every account and write evidence, without evaluating it.",
    "merge": "Merge evidence that was collected by egress or by shard.",
    "evaluate": "Evaluate evidence that was collected earlier; needs no secret.",
    "report": "Render a scan again, in any format, from its JSON report.",
    "history": "Show scans that were kept, and what became of their findings.",
    "diff": "Compare two scans, or the same evidence under two policies.",
    "sign": "Sign a JSON report, so that nobody can change it unnoticed.",
    "sign-off": "Add a reviewer's decision to a signed report.",
    "verify": "Verify a signed report, its files, age and sign-offs, offline.",
    "keygen": "Create a key pair to sign reports with.",
    "test": "Test policies on synthetic keys.",
    "check": "Validate policies, the inventory and the catalog; sends nothing.",
    "waive": "Accept a finding until a date: add a waiver to a file.",
    "attest": "Confirm what no API discloses: add an attestation to a file.",
    "learn": "Propose the strictest policy that an account meets today.",
    "config": "Show each setting of a scan and where it comes from.",
    "explain": "Explain what a rule means, why it matters and how to fix it.",
    "exchanges": "Show what each exchange discloses about a key.",
    "schema": "Print the JSON Schema of a file type.",
    "completion": "Print a script for bash, zsh or fish that completes commands.",
    "demo": "Scan synthetic accounts on a local simulator; needs no account.",
    "simulator": "Simulate the exchanges on this machine, to try gatepolicy on.",
}
"""Name to one line; the module of that name, with ``_`` for ``-``, holds the command."""


WITH_PROJECT = frozenset(
    {"scan", "collect", "evaluate", "history", "check", "config", "explain", "waive", "diff"}
    | {"test", "attest"}
)
"""Commands that start from the project file."""


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tell a closed pipe from a violation: the library would end with 1 for both."""
    try:
        yield
    except BrokenPipeError:
        raise ClosedPipeError("standard output was closed") from None


class LazyCommands(click.Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which a user meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or ``None``."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gatepolicy.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the arguments; a help text may be what nobody reads to its end."""
        with _told_apart():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is meant."""
        with _told_apart():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant, or what was probably meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from gatepolicy.documents.schema import did_you_mean

            hint = did_you_mean(name, COMMANDS, "'gatepolicy --help' lists all commands")
            raise click.UsageError(f"there is no command {name}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list["CompletionItem"]:
        """Words that begin so: commands without importing any of them, then options."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="gatepolicy %(version)s")
@click.option(
    "--project",
    "project_file",
    envvar="GATEPOLICY_PROJECT",
    metavar="FILE",
    help="Project file.  [default: gatepolicy.yaml in this folder or a parent]",
)
@click.option("--no-project", is_flag=True, help="Ignore project files.")
@click.pass_context
def cli(context: click.Context, project_file: str | None, *, no_project: bool) -> None:
    """Check what the API keys of crypto exchanges may do, by policies written as code.

    Whatever was not proved is unknown, in the report and in the exit code.
    """
    command = context.invoked_subcommand
    if command not in WITH_PROJECT or no_project:
        return
    # What a command without a project file need not read, it does not.
    from gatepolicy.scanning.project import find_project, load_project

    file = project_file or find_project(Path.cwd())
    if file:
        from gatepolicy.cli.settings import defaults

        context.obj = load_project(file)
        context.default_map = {command: defaults(context.obj)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code.

    Args:
        arguments: Those of the process unless given; then its signals are handled, too.
    """
    # What a scan makes lives to its end: to look for cycles in it again and again costs a tenth of
    # the time and finds nothing.
    gc.set_threshold(100_000)
    _prepare_streams()
    if "_GATEPOLICY_COMPLETE" in os.environ:
        from gatepolicy.cli.completion import prepare

        prepare()
    with own_process() if arguments is None else nullcontext(), Boundary(sys.stderr):
        code = cli.main(arguments, prog_name="gatepolicy", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.exit(code)


def _prepare_streams() -> None:
    """See that text can be written whatever the streams are."""
    if sys.stderr is None:
        # Its caller closed it: nobody wants to know.
        sys.stderr = io.StringIO()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=PLAIN_MARKS)
