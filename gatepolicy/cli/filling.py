"""Asking for what a command was not given, on a terminal."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from gatepolicy.errors import UsageError


def fill(given: Mapping[str, Any], questions: Mapping[str, str]) -> dict[str, Any]:
    """Every value that a command needs.

    Args:
        given: The options of the command.
        questions: Name of an option that is needed, to what to ask.

    Raises:
        UsageError: There is no terminal to ask on.
    """
    missing = [name for name in questions if not given[name]]
    if missing and not sys.stdin.isatty():
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UsageError(f"not given: {options}", hint="say them, or run it on a terminal")
    return {**given, **{name: click.prompt(questions[name], err=True) for name in missing}}
