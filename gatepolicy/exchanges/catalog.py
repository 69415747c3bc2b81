"""The catalog: every exchange as data, those that nobody can ask, and what they are called."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gatepolicy.documents.load import load_document, read_text
from gatepolicy.documents.schema import did_you_mean, load_schema
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import DocumentError, InternalError, Problem
from gatepolicy.exchanges.build import (
    NO_WORDS,
    Data,
    build,
    call_of,
    facts_from,
    not_disclosed_of,
    own_key_of,
    permissions_of,
    structural_of,
)
from gatepolicy.exchanges.consistency import inconsistencies
from gatepolicy.exchanges.exchange import Alternative, Exchange, Permissions
from gatepolicy.exchanges.rows import with_listings
from gatepolicy.resources import catalog_directory, others_file, schemas_directory


def with_alternatives(exchange: Exchange, data: Data) -> Exchange:
    """The exchange with its alternatives.

    Args:
        exchange: Built from the same data, without them.
        data: What the catalog file holds.
    """
    found = tuple(_alternative(exchange, each) for each in data.get("alternatives", ()))
    return replace(exchange, alternatives=found)


def _alternative(exchange: Exchange, data: Data) -> Alternative:
    """An alternative: only what is not disclosed is taken from the exchange, never what is so."""
    permissions = permissions_of(data.get("permissions", NO_WORDS))
    facts = facts_from(data["facts"])
    structural = structural_of(data.get("structural", {}))
    told = {*facts, *structural, *_worded(permissions)}
    untold = {n: why for n, why in exchange.not_disclosed.items() if n not in told}
    view = replace(
        exchange,
        calls=tuple(call_of(call) for call in data["calls"]),
        own_keys={call: own_key_of(own) for call, own in data.get("own_keys", {}).items()},
        permissions=permissions,
        facts=facts,
        structural=structural,
        not_disclosed={**untold, **not_disclosed_of(data.get("not_disclosed", {}))},
        listings=(),
    )
    return Alternative(data["id"], data["title"], view)


def _worded(permissions: Permissions) -> set[str]:
    """Facts that words of permissions tell."""
    words = permissions.words.values()
    told = {capability.fact for word in words for capability in word.grants | word.unclear}
    told |= {capability.fact for capability in permissions.wordless}
    return told | ({"permissions.native", "permissions.unrecognised"} if words else set())


def known_exchanges() -> tuple[str, ...]:
    """The ids of all exchanges, sorted; reads no file."""
    return tuple(sorted(path.stem for path in catalog_directory().glob("*.yaml")))


def load_exchange(exchange_id: str, directory: Path | None = None) -> Exchange:
    """One exchange.

    Args:
        exchange_id: The name of its file.
        directory: Where the file is; the shipped catalog unless given.

    Shipped files are not checked against the schema here: tests and ``gatepolicy check --catalog``
    do that.

    Raises:
        InternalError: The installed catalog file is not what was shipped.
    """
    file = _file(exchange_id, directory)
    return _built(_data(file), file)


def load_catalog() -> Mapping[str, Exchange]:
    """All exchanges by id; ``catalog_problems`` says what is wrong with their files."""
    return {exchange_id: load_exchange(exchange_id) for exchange_id in known_exchanges()}


def catalog_problems(rules: Collection[str], directory: Path | None = None) -> tuple[Problem, ...]:
    """Everything that is wrong with the files of the catalog, file by file.

    Args:
        rules: The names of all rules.
        directory: Where the files are; the shipped catalog unless given.
    """
    schema = load_schema((schemas_directory() / "exchange.schema.json").read_text(encoding="utf-8"))
    others = load_others()
    found: list[Problem] = []
    for file in sorted((directory or catalog_directory()).glob("*.yaml")):
        try:
            document = load_document(str(file), schema=schema, kind="Exchange")
            exchange = load_exchange(file.stem, directory)
        except DocumentError as error:
            found += error.problems
        else:
            found += inconsistencies(document, exchange, rules=rules, others=others)
    return tuple(found)


def _file(exchange_id: str, directory: Path | None = None) -> Path:
    return (directory or catalog_directory()) / f"{exchange_id}.yaml"


def _data(file: Path) -> Any:
    """What a file holds, upon the file that it is based on."""
    data: Any = parse_yaml(read_text(str(file)), str(file)).data
    if not isinstance(data, dict) or "based_on" not in data:
        return data
    base: Any = _data(file.with_name(f"{data['based_on']}.yaml"))
    return {**base, **data}


def _built(data: Any, file: Path) -> Exchange:
    try:
        return with_listings(with_alternatives(build(data), data), data)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise InternalError(
            f"{file.name} of the exchange catalog cannot be read ({type(error).__name__}: {error})",
            hint="install gatepolicy again",
        ) from error


class State(StrEnum):
    """Why an exchange has no catalog entry."""

    NOT_DISCLOSED = "not_disclosed"
    """Not disclosed by the API."""
    NOT_RESEARCHED = "not_researched"
    """Nobody has looked yet."""
    OUTSIDE = "outside"
    """The library that signs requests does not carry it."""


MEANING: Mapping[State, str] = {
    State.NOT_DISCLOSED: "its API does not disclose anything about the calling key",
    State.NOT_RESEARCHED: "not researched yet",
    State.OUTSIDE: "gatepolicy does not support it",
}


@dataclass(frozen=True, slots=True)
class Other:
    """One exchange without a catalog entry."""

    state: State
    """Why."""
    note: str
    """What was looked at, or what to do instead; may be empty."""

    id: str = ""
    """As inventories and policies name it."""
    title: str = ""
    """As people name it."""
    menu: str = ""
    """The path of the web page where keys are edited; empty when nobody wrote it down."""
    fixes: Mapping[str, str] = field(default_factory=dict)
    """Rule name to the fix on this exchange."""

    @property
    def told(self) -> str:
        """One line for people."""
        where = f" (on {self.title}: {self.menu})" if self.menu else ""
        note = f": {self.note}" if self.note else ""
        return f"{MEANING[self.state]}{note}{where}"


def load_others() -> Mapping[str, Other]:
    """Every such exchange by its id, sorted.

    Raises:
        DocumentError: The shipped file is broken: a defect of gatepolicy.
    """
    schema = load_schema((schemas_directory() / "others.schema.json").read_text(encoding="utf-8"))
    data: Any = load_document(str(others_file()), schema=schema, kind="Others").data
    return {
        name: Other(
            State(entry["state"]),
            entry.get("note", ""),
            id=name,
            title=entry.get("title", name),
            menu=entry.get("menu", ""),
            fixes=entry.get("fixes", {}),
        )
        for name, entry in sorted(data["exchanges"].items())
    }


def hint_about(name: str) -> str:
    """The nearest exchange, in the catalog or outside it; else how to see them all."""
    everywhere = [*known_exchanges(), *load_others()]
    return did_you_mean(name, everywhere, "'gatepolicy exchanges' lists all exchanges")


def is_exchange(name: str) -> bool:
    """Whether there is an exchange of that id, in the catalog or outside it."""
    # NOTE: the catalog comes first: most names stand there, and the other file need not be read.
    return name in known_exchanges() or name in load_others()


def unknown_exchange(name: str) -> tuple[str, str] | None:
    """That unknown exchange of that id, and what to do; ``None`` where there is one."""
    return None if is_exchange(name) else (f"unknown exchange {name}", hint_about(name))
