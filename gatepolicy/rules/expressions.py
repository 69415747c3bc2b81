"""Conditions of custom rules: CEL, type-checked, over facts, the account and now.

The Common Expression Language cannot loop, reach a network or read a file, and always ends. A fact
that is not known is missing for the expression: whatever needs it is an error, and an error is
absorbed where the other side of ``&&`` or ``||`` decides alone. That is exactly what unknown means.
See https://github.com/cel-expr/cel-spec, "Evaluation", for the absorption of errors.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import (
    ATTESTED_FACTS,
    CLOCK_IS_WRONG,
    FACTS,
    Access,
    Fact,
    FactKind,
    FactValue,
    Grade,
    Grant,
    Never,
    Reason,
    Unknown,
)

AHEAD = timedelta(hours=1)
"""How far a time may lie in the future and still count as now: clocks differ, and on some exchanges
the scan itself is the key's last use."""
_PAST = frozenset({"key.created_at", "key.last_used_at", *ATTESTED_FACTS})
"""Times that cannot lie in the future."""
_MADE = "key.created_at"
"""What has a time in any case."""
_NEVER_EMPTY = frozenset({"ip.allowlist", "account.keys"})
"""Lists that mean nothing when they are empty: where any address may use a key, all are listed."""
_SHARED = "ip.shared_across"
MAYBE = "?"
"""Behind a label of an account that may share an address, in an entry of ``ip.shared_across``."""
LEFT_OUT = "~"
"""The same, of an account that a narrowed scan left out."""
_MAYBE = re.compile(r"[^=?]*\?")
_LEFT_OUT = re.compile(r"[^=~]*~")


def doubt_of(name: str, value: FactValue, now: datetime | None) -> Unknown | None:
    """Why an expression cannot ask about a known fact; ``None`` where it can.

    Args:
        name: Of the fact.
        value: Its value.
        now: The time of the scan, or ``None`` where no fact is a moment. UTC.
    """
    match value:
        case datetime():
            return CLOCK_IS_WRONG if now is None else _of_time(name, value, now)
        case Never() if name == _MADE:
            return Unknown(Reason.UNEXPECTED_ANSWER, f"{name} is never")
        case ():
            empty = Unknown(Reason.UNEXPECTED_ANSWER, f"{name} is empty")
            return empty if name in _NEVER_EMPTY else None
        case tuple():
            return _of_entries(name, value)
        case _:
            return None


def _of_time(name: str, value: datetime, now: datetime) -> Unknown | None:
    if value.utcoffset() is None:
        return Unknown(Reason.UNEXPECTED_ANSWER, f"{name}, {value.isoformat()}, has no time zone")
    if name in _PAST and value - now > AHEAD:
        what = f"{name}, {value.isoformat()}, lies in the future"
        return Unknown(Reason.UNEXPECTED_ANSWER, what)
    return None


def _of_entries(name: str, entries: tuple[object, ...]) -> Unknown | None:
    grants = [entry for entry in entries if isinstance(entry, Grant)]
    reach = {grant.word: grant.access for grant in grants}
    open_ = {g.word for g in grants if g.access is Access.UNKNOWN or g.access != reach[g.word]}
    if open_:
        what = f"the answer does not say how far {', '.join(sorted(open_))} is granted"
        return Unknown(Reason.NOT_DISCLOSED, what)
    if name == _SHARED and any(_MAYBE.match(str(entry)) for entry in entries):
        what = "the addresses of some accounts are unknown"
        return Unknown(Reason.NOT_DISCLOSED, f"{what}; name their egress in the inventory")
    if name == _SHARED and any(_LEFT_OUT.match(str(entry)) for entry in entries):
        return Unknown(Reason.NOT_SELECTED, "the addresses of some accounts were not read")
    return None


EXTRA = "pip install cel-expr-python"
FAR = datetime(2200, 1, 1, tzinfo=UTC)
"""What a time that will not come is for an expression."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""What a use or an attestation that never was is for an expression."""
TOO_LONG = ("the condition takes more steps than CEL allows", "write it shorter")
"""The library counts the steps of loops such as ``all``, over everything that stands in another."""
SIMPLER = "compare with all, exists or size, or split it into two rules"
ODD = ("the condition cannot be evaluated", "")
"""The library does not take a value, such as a text with half of a character."""
TOO_LARGE = ("the facts are too large for a condition", "")
"""A condition may copy what it is given."""
MOST_INPUT = 100_000
"""Characters of all facts that a condition names, and of the account."""
MOST_ENTRIES = 2_000
"""Entries of each list: the library copies a list for every entry that ``filter`` adds to it."""
_ACCOUNT = ("account.id", "account.exchange", "account.owner", "account.labels")
_FIELD_1 = 1 << 3 | 2
"""How protocol buffers announce field 1, a text."""
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
        now: datetime | None,
    ) -> "Judged":
        """Whether it holds, where that is known.

        Args:
            known: Facts by name.
            accepted: Grades of proof that count.
            subject: The account.
            now: The time of the scan; ``None`` where its clock is wrong, and no fact is a moment.
        """
        # It is given only what it names: others may have its verdict where that is the same.
        values: dict[str, Any] = {} if now is None else {"now": now}
        if self.asks_account:
            values |= {
                "account.id": subject.id,
                "account.exchange": subject.exchange,
                "account.owner": subject.owner,
                "account.labels": dict(subject.labels),
            }
        facts = {name: known[name] for name in self.facts if name in known}
        proved = {n: fact.value for n, fact in facts.items() if fact.provenance.grade in accepted}
        asked = {name: doubt_of(name, value, now) for name, value in proved.items()}
        doubts = {name: doubt for name, doubt in asked.items() if doubt is not None}
        seen = {name: value for name, value in proved.items() if name not in doubts}
        values |= {name: _plain(name, value) for name, value in seen.items()}
        if _is_too_large(values.values()):
            return Judged(None, "", seen, doubts, TOO_LARGE)
        try:
            value = self.program.eval(data=values).value()
        except (RuntimeError, TypeError, ValueError) as error:
            # Not an error of the expression, which the library gives as a value: it gave up.
            return Judged(None, "", seen, doubts, TOO_LONG if "budget" in str(error) else ODD)
        if isinstance(value, bool):
            return Judged(value, "", seen, doubts)
        return Judged(None, str(value), seen, doubts)


@dataclass(frozen=True, slots=True)
class Judged:
    """What an expression says about one account."""

    truth: bool | None
    """Whether it holds; ``None`` where that is not known."""
    why: str
    """What the library says where it is not known."""
    seen: Mapping[str, FactValue]
    """The facts that it could ask about."""
    doubts: Mapping[str, Unknown]
    """Facts that are known, and leave open what an expression would ask."""
    gave_up: tuple[str, str] | None = None
    """What is wrong where the library gave up, and what to do (which may be empty)."""


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
            name or a type is wrong, or its values could grow without an end.
    """
    try:
        cel = library()
    except ModuleNotFoundError:
        raise ExpressionError("custom rules need CEL", EXTRA) from None
    # As the library: only policies with rules of their own need it.
    from gatepolicy.rules.cel_tree import growing, tree_of

    environment = cel.NewEnv(variables=_variables(cel))
    try:
        program = environment.compile(text)
        checked = program.serialize()
    except (RuntimeError, TypeError) as error:
        raise _wrong(str(error)) from None
    if str(program.return_type()) != "BOOL":
        what = f"this is {program.return_type()}, a condition is true or false"
        raise ExpressionError(what, "compare it with something")
    grows = growing(tree_of(checked))
    if grows:
        raise ExpressionError(f"it could take any amount of memory or time: {grows}", SIMPLER)
    facts = tuple(name for name in _FACTS if _refers(checked, name))
    asks_account = any(_refers(checked, name) for name in _ACCOUNT)
    return Expression(text, facts, asks_account, program)


def _refers(checked: bytes, name: str) -> bool:
    """Whether a checked expression refers to a variable, however its text spells it.

    The library gives the checked expression as a CheckedExpr of cel/expr/checked.proto. In its
    ``reference_map`` stand the resolved names, each as field 1 of a Reference: a tag, the length,
    the name. What only looks so adds a name that is not needed; none is ever left out.
    """
    written = name.encode()
    return bytes((_FIELD_1, len(written))) + written in checked


def _wrong(message: str) -> ExpressionError:
    found = _PLACE.search(message)
    if found is None:
        return ExpressionError("not a valid CEL expression", "see https://cel.dev")
    what = f"column {found[1]}: {found[2]}"
    return ExpressionError(what, "'gatepolicy exchanges okx' names the facts")


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


def _is_too_large(values: Collection[Any]) -> bool:
    lists = [value for value in values if isinstance(value, list | dict)]
    texts = [value for value in values if isinstance(value, str)]
    texts += [str(part) for value in lists for part in value]
    texts += [part for value in lists if isinstance(value, dict) for part in value.values()]
    return max(map(len, lists), default=0) > MOST_ENTRIES or sum(map(len, texts)) > MOST_INPUT


def _plain(name: str, value: FactValue) -> Any:
    """A value as the expression sees it: networks and words are texts."""
    match value:
        case Never():
            return FAR if name == "key.expires_at" else LONG_AGO
        case tuple():
            grants = {item.word: item.access.value for item in value if isinstance(item, Grant)}
            if _FACTS[name].kind is FactKind.GRANTS:
                return grants
            return [str(item) for item in value]
        case _:
            return value
