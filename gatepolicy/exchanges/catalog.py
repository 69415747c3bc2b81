"""The catalog: every exchange as data, what it discloses, and exchanges without an entry."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from gatepolicy.documents.load import Read, load_document, read_text
from gatepolicy.documents.schema import did_you_mean, load_schema
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import InternalError
from gatepolicy.exchanges.build import (
    NO_WORDS,
    Data,
    build,
    call_of,
    day_of,
    facts_from,
    not_disclosed_of,
    own_key_of,
    permissions_of,
    structural_of,
    with_listings,
)
from gatepolicy.exchanges.exchange import Alternative, Exchange, Permissions
from gatepolicy.model.facts import FACTS, OF_THE_SCAN
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
    disclosed = {*facts, *structural, *_worded(permissions)}
    undisclosed = {n: why for n, why in exchange.not_disclosed.items() if n not in disclosed}
    view = replace(
        exchange,
        calls=tuple(call_of(call) for call in data["calls"]),
        own_keys={call: own_key_of(own) for call, own in data.get("own_keys", {}).items()},
        permissions=permissions,
        facts=facts,
        structural=structural,
        not_disclosed={**undisclosed, **not_disclosed_of(data.get("not_disclosed", {}))},
        listings=(),
    )
    return Alternative(data["id"], data["title"], view)


def _worded(permissions: Permissions) -> set[str]:
    """Facts that words of permissions tell."""
    words = permissions.words.values()
    disclosed = {capability.fact for word in words for capability in word.grants | word.unclear}
    disclosed |= {capability.fact for capability in permissions.wordless}
    return disclosed | ({"permissions.native", "permissions.unrecognised"} if words else set())


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
    """All exchanges by id; ``consistency`` says what is wrong with their files."""
    return {exchange_id: load_exchange(exchange_id) for exchange_id in known_exchanges()}


def _file(exchange_id: str, directory: Path | None = None) -> Path:
    return (directory or catalog_directory()) / f"{exchange_id}.yaml"


_OF_ONE_ENTRY = frozenset({"documents_read", "seen"})
"""What was looked at for one exchange says nothing about another that answers in the same way."""


def _data(file: Path) -> Any:
    """What a file holds, upon the file that it is based on."""
    data: Any = parse_yaml(read_text(str(file)), str(file)).data
    if not isinstance(data, dict) or "based_on" not in data:
        return data
    base: Any = _data(file.with_name(f"{data['based_on']}.yaml"))
    inherited = {name: value for name, value in base.items() if name not in _OF_ONE_ENTRY}
    return {**inherited, **data}


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
    documents_read: date | None = None
    """When somebody last looked at its documents; ``None`` when nobody did."""

    @property
    def summary(self) -> str:
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
            documents_read=day_of(entry.get("documents_read")),
        )
        for name, entry in sorted(data["exchanges"].items())
    }


READ_AGAIN_AFTER = timedelta(days=180)
"""Documents that were read longer ago may say something else by now."""


def read_long_ago(entries: Iterable[Exchange | Other], today: date) -> Iterator[str]:
    """Ids of the entries whose documents were last read more than 180 days ago.

    Args:
        entries: Of the catalog, or outside it.
        today: The day from which that is counted.
    """
    for entry in entries:
        if entry.documents_read is not None and today - entry.documents_read > READ_AGAIN_AFTER:
            yield entry.id


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


class Discloses(StrEnum):
    """How far an exchange discloses a fact."""

    OBSERVED = "observed"
    """An answer tells."""
    INFERRED = "inferred"
    """An answer tells one way; the other way is only inferred."""
    STRUCTURAL = "structural"
    """The exchange's own rules make it so."""
    NOT_DISCLOSED = "not disclosed"
    """Nothing tells."""
    BY_SCAN = "by the scan"
    """The scan itself learns it, whatever the exchange."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One fact on one exchange."""

    how: Discloses
    """How far."""
    where: str
    """The calls and places, the document, or what to do instead."""


_OF_THE_SCAN = {
    "key.fingerprint": "computed from the key itself",
    "key.exists": "any answer to the key proves it; an auditor's list proves that it is gone",
    "key.declared": "compared with the inventory; other keys are found with 'discover: true'",
    "key.shared_with": "compared with the other accounts of the inventory",
    "ip.shared_across": "compared with the addresses of the other accounts of the inventory",
    "account.sandbox": "declared in the inventory",
    "account.keys": "counted where a list holds the account's keys, with 'discover: true'",
}


def disclosure(exchange: Exchange) -> Mapping[str, Disclosure]:
    """Every fact, in the order of the vocabulary."""
    return {name: _of_fact(exchange, name) for name in FACTS}


def never_disclosed(exchange: Exchange) -> frozenset[str]:
    """Facts that no answer of an exchange can tell, about any kind of key, by any way to it.

    What its calls do not tell, a list of keys may, or the calls for other keys, or a refusal, or
    another fact from which it follows.
    """
    views = [exchange, *(other.view for other in exchange.alternatives)]
    views += [listing.view for listing in exchange.listings]
    hidden = frozenset.intersection(*(frozenset(view.not_disclosed) for view in views))
    hidden -= {name for view in views for error in view.errors for name in error.proves}
    # NOTE: an allowlist that admits strangers shows that nothing is restricted.
    return hidden if "ip.allowlist" in hidden else hidden - {"ip.restricted"}


def _of_fact(exchange: Exchange, name: str) -> Disclosure:
    if name in OF_THE_SCAN:
        return Disclosure(Discloses.BY_SCAN, _OF_THE_SCAN[name])
    if name in exchange.structural:
        return Disclosure(Discloses.STRUCTURAL, exchange.structural[name].provenance.reference)
    if name in exchange.not_disclosed:
        return Disclosure(Discloses.NOT_DISCLOSED, exchange.not_disclosed[name].detail)
    if name not in exchange.facts or _has_word(exchange, name):
        # Where a word and a place of its own tell the same, the place only confirms it.
        return _of_permission(exchange, name)
    places = [
        f"{source.call} {pointer}".rstrip()
        for source in exchange.facts[name]
        for pointer in (source.pointer, source.other_pointer)
        if pointer or pointer is source.pointer
    ]
    return Disclosure(Discloses.OBSERVED, ", ".join(dict.fromkeys(places)))


def _has_word(exchange: Exchange, name: str) -> bool:
    words = exchange.permissions.words.values()
    return any(c.fact == name for word in words for c in word.grants | word.unclear)


def _of_permission(exchange: Exchange, name: str) -> Disclosure:
    permissions = exchange.permissions
    place = f"{permissions.call} {permissions.pointer}".rstrip()
    if any(capability.fact == name for capability in permissions.inferred_absence):
        return Disclosure(Discloses.INFERRED, f"{place}; {permissions.inferred_reference}")
    return Disclosure(Discloses.OBSERVED, place)


def catalog_digest(read: Read = Path.read_bytes) -> str:
    """What ``sha256sum *.yaml | sha256sum`` in the folder of the installed catalog says.

    Args:
        read: Reads the bytes of a file.
    """
    files = {file.name: file for file in catalog_directory().glob("*.yaml")}
    lines = (f"{sha256(read(files[name])).hexdigest()}  {name}\n" for name in sorted(files))
    return sha256("".join(lines).encode()).hexdigest()
