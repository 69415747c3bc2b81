"""Conditions of custom rules: CEL, type-checked, over facts, the account and now.

The Common Expression Language cannot loop, reach a network or read a file, and always ends. A fact
that is not known is missing for the expression: whatever needs it is an error, and an error is
absorbed where the other side of ``&&`` or ``||`` decides alone. That is exactly what unknown means.
See https://github.com/cel-expr/cel-spec, "Evaluation", for the absorption of errors.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import (
    ATTESTED_FACTS,
    FACTS,
    Access,
    Fact,
    FactKind,
    FactValue,
    Grade,
    Grant,
    Never,
)
from gatepolicy.rules.conditions import AHEAD

EXTRA = "pip install 'gatepolicy[cel]'"
FAR = datetime(2200, 1, 1, tzinfo=UTC)
"""What a time that will not come is for an expression."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""What a use or an attestation that never was is for an expression."""
_MAY_COME = "key.expires_at"
_ACCOUNT = ("account.id", "account.exchange", "account.owner", "account.labels")
_FACTS = {**FACTS, **ATTESTED_FACTS}
_PLACE = re.compile(r"<input>:\d+:(\d+): ([^\n]*)")


class ExpressionError(Exception):
    """An expression that nobody can evaluate."""

    def __init__(self, what: str, fix: str) -> None:
        """Keep what is wrong, with the column within the expression, and what to do."""
        super().__init__(what)
        self.fix = fix


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A condition, ready to be evaluated."""

    text: str
    """As the policy says it."""
    facts: tuple[str, ...]
    """The facts that it names."""
    asks_account: bool
    """Whether it names anything of the account."""
    program: Any
    """Of the library."""

    def judge(
        self,
        known: Mapping[str, Fact],
        accepted: frozenset[Grade],
        subject: Subject,
        now: datetime,
    ) -> tuple[bool | None, str]:
        """Whether it holds; ``None`` with the reason where that is not known.

        Args:
            known: Facts by name.
            accepted: Grades of proof that count.
            subject: The account.
            now: The time of the scan. UTC.
        """
        values: dict[str, Any] = {
            "now": now,
            "account.id": subject.id,
            "account.exchange": subject.exchange,
            "account.owner": subject.owner,
            "account.labels": dict(subject.labels),
        }
        facts = {name: known[name] for name in self.facts if name in known}
        doubts = {name: doubt_about(name, fact, now) for name, fact in facts.items()}
        for name, fact in facts.items():
            if fact.provenance.grade in accepted and not doubts[name]:
                values[name] = _plain(name, fact.value)
        try:
            value = self.program.eval(data=values).value()
        except RuntimeError as error:
            # So the library tells that its budget of iterations is spent.
            return None, str(error)
        if isinstance(value, bool):
            return value, ""
        return None, next(filter(None, doubts.values()), str(value))


def doubt_about(name: str, fact: Fact, now: datetime) -> str:
    """Why an expression may not read a value that no shipped rule could judge; empty if it may.

    A word of which nobody knows how far it is granted, or of which two things are said, would look
    like any other; so would a key that was made, used or reviewed in the future.
    """
    value = fact.value
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            return f"{name} has no time zone"
        is_odd = name != _MAY_COME and value > now + AHEAD
        return f"{name}, {value.isoformat()}, lies after now, {now.isoformat()}" if is_odd else ""
    grants = {item for item in value if isinstance(item, Grant)} if isinstance(value, tuple) else ()
    words = [grant.word for grant in grants if grant.access is Access.UNKNOWN]
    if words or len({grant.word for grant in grants}) != len(grants):
        return f"nobody knows how far every word of {name} is granted"
    return ""


def _library() -> Any:
    # An extra: asked for only by policies with rules of their own.
    from cel_expr_python import cel

    return cel


def compile_expression(text: str, *, library: Callable[[], Any] = _library) -> Expression:
    """An expression from its text.

    Args:
        text: As a policy says it.
        library: Gives the library of CEL.

    Raises:
        ExpressionError: The library is not installed, or the text is no condition: its syntax, a
            name or a type is wrong.
    """
    try:
        cel = library()
    except ModuleNotFoundError:
        raise ExpressionError("rules of one's own need CEL", EXTRA) from None
    environment = cel.NewEnv(variables=_variables(cel))
    try:
        program = environment.compile(text)
    except RuntimeError as error:
        raise _wrong(str(error)) from None
    if str(program.return_type()) != "BOOL":
        what = f"this is {program.return_type()}, a condition is true or false"
        raise ExpressionError(what, "compare it with something")
    checked = program.serialize()
    facts = tuple(name for name in _FACTS if _is_named(name, checked))
    asks_account = any(_is_named(name, checked) for name in _ACCOUNT)
    return Expression(text, facts, asks_account, program)


def _is_named(name: str, checked: bytes) -> bool:
    """Whether the checker resolved anything to this variable.

    The text cannot tell: blanks, line breaks and comments may stand within a name. The checked
    expression holds every reference as ``Reference.name``, field 1 of type text:
    https://github.com/cel-expr/cel-spec, proto/cel/expr/checked.proto.
    """
    return b"\x0a" + bytes([len(name)]) + name.encode() in checked


def _wrong(message: str) -> ExpressionError:
    found = _PLACE.search(message)
    if found is None:
        return ExpressionError("no CEL expression", "see https://cel.dev")
    what = f"column {found[1]}: {found[2]}"
    return ExpressionError(what, "'gatepolicy schema policy' tells the facts")


def _variables(cel: Any) -> dict[str, Any]:
    kinds = {
        FactKind.BOOL: cel.Type.BOOL,
        FactKind.TEXT: cel.Type.STRING,
        FactKind.TIME: cel.Type.TIMESTAMP,
        FactKind.TEXTS: cel.Type.List(cel.Type.STRING),
        FactKind.NETWORKS: cel.Type.List(cel.Type.STRING),
        FactKind.GRANTS: cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    }
    return {
        **{name: kinds[definition.kind] for name, definition in _FACTS.items()},
        "now": cel.Type.TIMESTAMP,
        "account.id": cel.Type.STRING,
        "account.exchange": cel.Type.STRING,
        "account.owner": cel.Type.STRING,
        "account.labels": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    }


def _plain(name: str, value: FactValue) -> Any:
    """A value as the expression sees it: networks and words are texts."""
    match value:
        case Never():
            return FAR if name == _MAY_COME else LONG_AGO
        case tuple():
            grants = {item.word: item.access.value for item in value if isinstance(item, Grant)}
            if _FACTS[name].kind is FactKind.GRANTS:
                return grants
            return [str(item) for item in value]
        case _:
            return value
