"""Asking for what a command was not given, on a terminal."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gatepolicy.errors import AbortedError, UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Check = Callable[[str], None]
"""Raises ``UsageError`` for an answer that cannot be used."""


T = TypeVar("T", bound="DataclassInstance")


def prompt_for_missing(
    given: T,
    questions: Mapping[str, str],
    checks: Mapping[str, Check] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> T:
    """The options of a command, with an answer for each that is needed and was not given.

    Args:
        given: The options of the command, a dataclass.
        questions: Name of an option that is needed, to what to ask.
        checks: Name of an option, to what tells that its value cannot be used. What was given is
            checked before anything is asked; an answer at once, and then the question is repeated.
        defaults: Name of an option, to the answer that is suggested, and taken without a terminal.

    Raises:
        UsageError: There is no terminal to ask on, or a value that was given cannot be used.
        AbortedError: The user stopped.
    """
    checks, defaults = checks or {}, defaults or {}
    for name, check in checks.items():
        for value in _each(getattr(given, name)):
            check(value)
    missing = [name for name in questions if not getattr(given, name)]
    if sys.stdin.isatty():
        answers = _asked({name: questions[name] for name in missing}, checks, defaults)
    else:
        _refuse_missing([name for name in missing if name not in defaults])
        answers = {name: defaults[name] for name in missing}
    repeatable = [name for name in answers if isinstance(getattr(given, name), tuple)]
    return replace(given, **{**answers, **{name: (answers[name],) for name in repeatable}})


def _refuse_missing(names: Sequence[str]) -> None:
    if names:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in names)
        raise UsageError(
            f"not given: {options}", hint="pass them as options, or run it in a terminal"
        )


def _asked(
    questions: Mapping[str, str], checks: Mapping[str, Check], defaults: Mapping[str, str]
) -> dict[str, str]:
    try:
        return {
            name: _ask(question, checks.get(name), defaults.get(name))
            for name, question in questions.items()
        }
    except click.Abort:
        raise AbortedError("Aborted; nothing was written.") from None


def _each(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value or ())


def _ask(question: str, check: Check | None, default: str | None) -> str:
    def accept(answer: str) -> str:
        try:
            if check is not None:
                check(answer)
        except UsageError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise click.BadParameter(f"{error}{hint}") from None
        return answer

    answer: str = click.prompt(question, default=default, err=True, value_proc=accept)
    return answer
