"""``gatepolicy completion``: the script by which a shell completes, and what it is answered."""

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from gatepolicy.model.scan import ExitCode

VARIABLE = "_GATEPOLICY_COMPLETE"
"""The variable by which the shell asks for words; click derives it from the program's name."""


class _FilesOtherwise(ShellComplete):
    """Completes files where no word is known: most values of options are files."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        found = super().get_completions(args, incomplete)
        return found or [CompletionItem(incomplete, type="file")]


class _Bash(_FilesOtherwise, BashComplete):
    @staticmethod
    def _check_version() -> None:
        """Nothing: the bash that this process would find need not be the user's."""


class _Zsh(_FilesOtherwise, ZshComplete):
    pass


class _Fish(_FilesOtherwise, FishComplete):
    pass


_SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def prepare() -> None:
    """Answer a shell that asks for words, which click does when the program starts."""
    for name, kind in _SHELLS.items():
        add_completion_class(kind, name)


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def command(shell: str) -> ExitCode:
    """Print a script for bash, zsh or fish that completes commands, options and files.

    Save it where the shell looks for such scripts; docs/editors.md says where.
    """
    root = click.get_current_context().find_root().command
    click.echo(_SHELLS[shell](root, {}, "gatepolicy", VARIABLE).source())
    return ExitCode.OK
