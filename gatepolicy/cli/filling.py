"""Asking for what a command was not given, on a terminal."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from gatepolicy.errors import AbortedError, UsageError

Check = Callable[[str], None]
"""Raises ``UsageError`` for an answer that cannot be used."""


def fill(
    given: Mapping[str, Any],
    questions: Mapping[str, str],
    checks: Mapping[str, Check] | None = None,
) -> dict[str, Any]:
    """Every value that a command needs.

    Args:
        given: The options of the command.
        questions: Name of an option that is needed, to what to ask.
        checks: Name of an option, to what tells that its value cannot be used. What was given is
            checked before anything is asked; an answer at once, and then the question is repeated.

    Raises:
        UsageError: There is no terminal to ask on, or a value that was given cannot be used.
        AbortedError: The user stopped.
    """
    looked_at = checks or {}
    for name, check in looked_at.items():
        for value in _each(given[name]):
            check(value)
    missing = [name for name in questions if not given[name]]
    if missing and not sys.stdin.isatty():
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UsageError(
            f"not given: {options}", hint="pass them as options, or run it in a terminal"
        )
    try:
        return {**given, **{name: _ask(questions[name], looked_at.get(name)) for name in missing}}
    except click.Abort:
        raise AbortedError("Aborted; nothing was written.") from None


def _each(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value or ())


def _ask(question: str, check: Check | None) -> str:
    def accept(answer: str) -> str:
        try:
            if check is not None:
                check(answer)
        except UsageError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise click.BadParameter(f"{error}{hint}") from None
        return answer

    answer: str = click.prompt(question, err=True, value_proc=accept)
    return answer
