"""Putting networks and variables in the place of their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatepolicy.documents.schema import Schema
from gatepolicy.documents.values import JSONValue
from gatepolicy.model.location import Location
from gatepolicy.policies.names import Names, name_in
from gatepolicy.policies.values import Wrong, read_networks

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
            what = f"what ${name} stands for ({definition.location}) does not fit here"
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
