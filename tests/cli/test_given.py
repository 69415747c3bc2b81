"""The options of each command are the fields of one dataclass."""

import inspect
from dataclasses import fields
from typing import get_type_hints

import click
import pytest

from gatepolicy.cli.main import cli

WITHOUT_OPTIONS = {"exchanges", "completion", "schema", "learn"}
"""They take one or two values."""


def commands() -> dict[str, click.Command]:
    with click.Context(cli) as context:
        found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
        there = {name: command for name, command in found.items() if command is not None}
    for name, group in [*there.items()]:
        if isinstance(group, click.Group):
            del there[name]
            there |= {f"{name} {sub}": command for sub, command in group.commands.items()}
    return there


@pytest.mark.parametrize("name", sorted(commands().keys() - WITHOUT_OPTIONS))
def test_every_option_is_a_field(name: str) -> None:
    command = commands()[name]
    assert command.callback is not None
    function = inspect.unwrap(command.callback)
    options = get_type_hints(function)["given"]
    taken = {one.name for one in command.params if one.expose_value}
    assert taken == {field.name for field in fields(options)}
