"""Every command explains itself, and documents name no command and no option that is not there."""

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gatepolicy.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]

DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ]
}
SAID = re.compile(r"(?:`|\$ )gatepolicy ([a-z][a-z-]*)([^`\n]*)")
"""A command in a document, with what follows it."""

every_command = pytest.mark.parametrize("name", list(COMMANDS))


def command_of(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def options_of(command: click.Command) -> set[str]:
    """All options of a command, and of its parts."""
    options = [param for param in command.params if isinstance(param, click.Option)]
    parts = command.commands.values() if isinstance(command, click.Group) else ()
    own = {opt for option in options for opt in option.opts}
    return own.union(*map(options_of, parts))


def help_of(*arguments: str) -> str:
    ended = CliRunner().invoke(cli, [*arguments, "--help"], prog_name="gatepolicy")
    assert ended.exit_code == 0
    return ended.output


def test_the_help_lists_every_command() -> None:
    lines = help_of().split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in lines if line.strip()] == list(COMMANDS)


@every_command
def test_the_list_says_what_the_command_says(name: str) -> None:
    text = command_of(name).help
    assert text is not None
    assert text.startswith(COMMANDS[name].rstrip("."))


@every_command
def test_the_help_of_a_command_explains_every_option(name: str) -> None:
    shown = help_of(name)
    for parameter in command_of(name).params:
        if isinstance(parameter, click.Option):
            assert not parameter.hidden, parameter.name
            assert parameter.help, parameter.name
            for option in parameter.opts:
                assert re.search(rf"(?<![\w-]){re.escape(option)}\b", shown), option


@every_command
def test_the_help_of_a_command_names_its_arguments(name: str) -> None:
    usage = help_of(name).split("\n\n")[0]
    for parameter in command_of(name).params:
        if isinstance(parameter, click.Argument):
            metavar = parameter.make_metavar(click.Context(command_of(name)))
            assert metavar in re.sub(r"\s+", " ", usage)


@every_command
def test_the_reference_has_the_command(name: str) -> None:
    """Its text is compared in a process of its own: .ci/reference_pages.py --check."""
    reference = DOCUMENTS["docs/commands.md"]
    assert f"\n## gatepolicy {name}\n\n```console\n$ gatepolicy {name} --help\nUsage: " in reference


def test_the_documents_name_no_other_command_or_option() -> None:
    wrong = []
    for file, text in DOCUMENTS.items():
        for match in SAID.finditer(text):
            name, rest = match.groups()
            known = {"--help", "-h"}
            if name in COMMANDS:
                known |= options_of(command_of(name))
            given = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest.split("#")[0]))
            if name not in COMMANDS or not given <= known:
                wrong.append(f"{file}: gatepolicy {name}{rest}")
    assert wrong == []
