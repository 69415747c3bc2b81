"""Policies that a policy extends: found, read and resolved, with their names and values."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from os.path import normpath
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import (
    EVERYWHERE,
    DataPath,
    Document,
    JSONValue,
    collapsed,
    hold_everything,
    network_of,
)
from gatepolicy.documents.schema import Schema, did_you_mean
from gatepolicy.errors import Problem
from gatepolicy.model.evidence import Location
from gatepolicy.resources import policies_directory, shipped_policies
from gatepolicy.rules.rule import Argument

_NAME = re.compile(r"\$[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """One name with its meaning."""

    value: JSONValue
    """A list of networks, a text or a number, as written."""
    location: Location
    """Where it is defined."""


@dataclass(frozen=True, slots=True)
class Names:
    """What ``$name`` stands for."""

    networks: Mapping[str, Definition] = field(default_factory=dict)
    """Address sets."""
    variables: Mapping[str, Definition] = field(default_factory=dict)
    """Single values."""

    def upon(self, others: "Names") -> "Names":
        """These and others; what both define is as defined here."""
        return Names({**others.networks, **self.networks}, {**others.variables, **self.variables})


NO_NAMES = Names()
"""Nothing is defined."""


def names_of(document: Document) -> Names:
    """What a document defines under ``networks`` and ``variables``."""
    return Names(_table(document, "networks"), _table(document, "variables"))


def _table(document: Document, table: str) -> dict[str, Definition]:
    data = document.data if isinstance(document.data, dict) else {}
    entries = data.get(table)
    if not isinstance(entries, dict):
        return {}
    return {
        name: Definition(value, document.key_at((table, name))) for name, value in entries.items()
    }


def redefined(own: Names, inherited: Names) -> Iterator[Problem]:
    """Names that a policy gives another meaning than the policies that it extends."""
    for table, mine, theirs in (
        ("networks", own.networks, inherited.networks),
        ("variables", own.variables, inherited.variables),
    ):
        for name, definition in mine.items():
            other = theirs.get(name)
            if other is not None and other.value != definition.value:
                what = f"{name} is already defined differently at {other.location}"
                fix = "choose another name, or define it once in the project file"
                yield Problem(definition.location, f"{table}.{name}", what, fix)


def name_in(value: JSONValue) -> str:
    """The name that a value refers to; empty when it is none."""
    return value[1:] if isinstance(value, str) and _NAME.fullmatch(value) else ""


_HOURS: Mapping[str, int] = {"h": 1, "d": 24, "w": 24 * 7}


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that the schema cannot see."""

    path: DataPath
    """Where, from the value on."""
    what: str
    """What is wrong."""
    fix: str
    """What to do."""


ReadValue = tuple[Argument, Sequence[Wrong]]
Reader = Callable[[JSONValue], ReadValue]


def read_plain(value: JSONValue) -> ReadValue:
    """A flag, a number or a text, as it is."""
    assert isinstance(value, bool | int | str)
    return value, ()


def read_texts(value: JSONValue) -> ReadValue:
    """A list of texts."""
    return _texts(value), ()


def read_duration(value: JSONValue) -> ReadValue:
    """A duration such as ``90d``."""
    assert isinstance(value, str)
    duration = timedelta(hours=int(value[:-1]) * _HOURS[value[-1]])
    if duration:
        return duration, ()
    return duration, [Wrong((), "a zero duration", "write at least 1h")]


def read_pattern(value: JSONValue) -> ReadValue:
    """A regular expression of RE2."""
    # Loading RE2 takes longer than reading a policy: only policies with an expression need it.
    from gatepolicy.documents.patterns import PatternError, check_pattern

    assert isinstance(value, str)
    try:
        check_pattern(value)
    except PatternError as error:
        return value, [Wrong((), f"not a valid regular expression: {error}", error.fix)]
    return value, ()


def read_networks(value: JSONValue) -> ReadValue:
    """A list of networks; neighbours and parts of each other become one."""
    read = [network_of(text) for text in _texts(value)]
    wrong = [Wrong((index,), *item) for index, item in enumerate(read) if isinstance(item, tuple)]
    networks = collapsed(item for item in read if not isinstance(item, tuple))
    return networks, wrong or ([Wrong((), *EVERYWHERE)] if hold_everything(networks) else [])


def _texts(value: JSONValue) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(str(item) for item in value)


CLAUSES: Mapping[str, Reader] = {
    "permissions.allow": read_texts,
    "permissions.forbid": read_texts,
    "permissions.require": read_texts,
    "permissions.separate_duties": read_plain,
    "ip_binding.required": read_plain,
    "ip_binding.within": read_networks,
    "ip_binding.widest": read_plain,
    "ip_binding.at_most": read_plain,
    "ip_binding.separate_by": read_texts,
    "key.max_age": read_duration,
    "key.max_idle": read_duration,
    "key.min_days_to_expiry": read_plain,
    "key.must_expire": read_plain,
    "key.name": read_pattern,
    "key.trading_pairs": read_plain,
    "key.trading_pairs.within": read_texts,
    "key.active": read_plain,
    "key.exists": read_plain,
    "key.declared": read_plain,
    "key.unique": read_plain,
    "account.production": read_plain,
    "account.max_keys": read_plain,
    "account.two_factor.attested_within": read_duration,
    "account.secret_storage.attested_within": read_duration,
    "account.settings.attested_within": read_duration,
    "account.review.attested_within": read_duration,
}
"""Every place of a policy that rules can ask for, with how it is read."""


_SUFFIXES = (".yaml", ".yml")


class UnknownParent(Exception):  # noqa: N818 - reported as a problem of the policy that names it
    """An entry of ``extends`` that leads nowhere."""

    def __init__(self, what: str, fix: str) -> None:
        """Keep what is wrong and what to do."""
        super().__init__(what)
        self.fix = fix


def policy_file(reference: str, folder: str = "") -> str:
    """The file that a reference names: a path with its suffix, or the name of a shipped policy.

    Args:
        reference: As a user or a policy says it.
        folder: Paths are relative to this.

    Raises:
        UnknownParent: It looks like a name, and no such policy ships.
    """
    if reference.endswith(_SUFFIXES):
        return normpath(Path(folder) / reference)
    shipped = shipped_policies()
    if reference not in shipped:
        fix = did_you_mean(reference, shipped, f"one of {', '.join(shipped)}; or a file")
        raise UnknownParent(f"no policy {reference} ships with gatepolicy", fix)
    return str(policies_directory() / f"{reference}.yaml")


def shown_file(file: str) -> str:
    """A policy's file as people read about it: of a shipped one its name, and no path.

    Where gatepolicy is installed says nothing to a reader, and differs from machine to machine.
    """
    path = Path(file)
    is_shipped = path.parent == policies_directory() and path.stem in shipped_policies()
    return path.stem if is_shipped else file


def read_file(shown: str) -> str:
    """The file behind what ``shown_file`` tells."""
    is_shipped = shown in shipped_policies()
    return str(policies_directory() / f"{shown}.yaml") if is_shipped else shown


def parent_file(reference: str, child: str) -> str:
    """The file of a parent, seen from the file that extends it.

    Raises:
        UnknownParent: There is none of that name.
    """
    return policy_file(reference, str(Path(child).parent))


_OF_NETWORKS = "ip_binding.within"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value without names."""

    value: JSONValue
    """As if it had been written here."""
    through: Mapping[str, Location]
    """Each name that was used, to where it is defined."""
    wrongs: Sequence[Wrong]
    """Names that are not defined, or stand for something that does not fit."""


class Resolver:
    """Looks names up, and sees that what they stand for fits."""

    def __init__(self, names: Names, schema: Schema) -> None:
        """Take what is defined, and the schema of policies."""
        self._names = names
        self._schema = schema

    def resolve(self, place: str, value: JSONValue) -> Resolved:
        """A clause's value, with names replaced.

        Args:
            place: Of the clause, such as ``key.max_age``.
            value: As the policy says it.
        """
        if place == _OF_NETWORKS and isinstance(value, list):
            return self._networks(value)
        name = name_in(value)
        return self._variable(place, name) if name else Resolved(value, {}, ())

    def _variable(self, place: str, name: str) -> Resolved:
        definition = self._names.variables.get(name)
        if definition is None:
            return Resolved(None, {}, [_undefined((), name, "variables", self._names.variables)])
        if not self._schema.validator.is_valid(_policy_with(place, definition.value)):
            what = f"the value of ${name} ({definition.location}) is not allowed here"
            return Resolved(None, {}, [Wrong((), what, "correct one of the two")])
        return Resolved(definition.value, {f"variables.{name}": definition.location}, ())

    def _networks(self, items: Sequence[JSONValue]) -> Resolved:
        value: list[JSONValue] = []
        through: dict[str, Location] = {}
        wrongs: list[Wrong] = []
        for index, item in enumerate(items):
            name = name_in(item)
            definition = self._names.networks.get(name)
            if name and definition is None:
                wrongs.append(_undefined((index,), name, "networks", self._names.networks))
                continue
            entries = [item] if definition is None else _entries(definition.value)
            place = "" if definition is None else f"${name} ({definition.location}): "
            _, found = read_networks(entries)
            wrongs += [Wrong((index,), f"{place}{wrong.what}", wrong.fix) for wrong in found]
            value += entries
            if definition is not None:
                through[f"networks.{name}"] = definition.location
        return Resolved(value, through, wrongs)


def _entries(value: JSONValue) -> list[JSONValue]:
    # The schema has seen that it is a list.
    return value if isinstance(value, list) else []


def _undefined(
    path: tuple[int, ...], name: str, table: str, defined: Mapping[str, object]
) -> Wrong:
    there = ", ".join(sorted(defined)) or "none"
    return Wrong(path, f"${name} is not defined", f"define it under {table} (there is: {there})")


def _policy_with(place: str, value: JSONValue) -> Any:
    node: Any = value
    for step in reversed(place.split(".")):
        node = {step: node}
    head = {"apiVersion": "gatepolicy/v1", "kind": "Policy"}
    return {**head, "metadata": {"name": "name", "title": "title"}, **node}
