"""What an answer plainly shows in a form that no document describes. Pure.

Such a fact is graded ``apparent``: it can fail a rule, and never passes one. So only what may hurt
a key is read here; everything else stays unknown.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.exchange import FactSource, Meaning
from gatepolicy.exchanges.pointer import ABSENT, Absent
from gatepolicy.exchanges.readers import EVERYWHERE, READERS, Wrong
from gatepolicy.model.capabilities import Capability
from gatepolicy.model.facts import FACTS, Fact, FactKind, FactValue, Grade, Provenance

UNDOCUMENTED = "the answer shows it in a form that no document describes"
"""Of every apparent fact."""

_YES = frozenset({
    "true", "yes", "on", "1", "enabled", "allowed", "granted", "full", "full_access", "read_write",
})  # fmt: skip
_NO = frozenset({"false", "no", "off", "0", "disabled"})
_ANYWHERE = frozenset({"*", "0.0.0.0", "0.0.0.0/0", "::", "::/0"})  # noqa: S104 - marks, not bound
_BETWEEN = re.compile(r"[,;\s]+")
_TIMES = ("unix_seconds", "unix_milliseconds", "iso_time")
_HURTS: dict[str, bool] = {
    "ip.restricted": False,
    "key.active": False,
    **{capability.fact: True for capability in Capability},
}
"""The value of a flag that may fail a rule."""


def says_yes(value: object) -> bool:
    """Whether a scalar plainly says yes, of whatever type: ``"TRUE"``, ``1``, ``"full access"``."""
    return _folded(value) in _YES


def alike(value: object, documented: JSONValue) -> bool:
    """Whether a scalar reads as a documented one, written as text, as a number or in another case.

    Both must be given: ``null`` and an empty text read as nothing.
    """
    return _folded(value) not in (None, "") and _folded(value) == _folded(documented)


def _folded(value: object) -> str | None:
    if not isinstance(value, str | int):
        return None
    return str(value).strip().lower().replace("-", "_").replace(" ", "_")


def proof(call: str, pointer: str, why: str = UNDOCUMENTED) -> Provenance:
    """Where an apparent fact comes from."""
    return Provenance(Grade.APPARENT, call, pointer, why)


def apparent(source: FactSource, value: JSONValue | Absent, pointer: str) -> Fact | None:
    """The fact that a place plainly shows, where its reader takes no such form.

    Args:
        source: The place.
        value: What stands there.
        pointer: JSON Pointer to it within the answer.
    """
    if value is ABSENT or not source.fact:
        return None
    shown = _shown(source, value)
    if shown is None or not hurts(source.fact, shown):
        return None
    return Fact(shown, proof(source.call, pointer))


def hurts(fact: str, value: FactValue) -> bool:
    """Whether a value can fail a rule of the field: a flag that is set badly, any list or time."""
    if isinstance(value, bool):
        return _HURTS.get(fact) is value
    return fact in FACTS and FACTS[fact].kind in (FactKind.NETWORKS, FactKind.TIME)


def _shown(source: FactSource, value: JSONValue) -> FactValue | None:
    meant = _meant(source.meanings, value)
    if meant is not None:
        return meant
    match FACTS[source.fact].kind:
        case FactKind.BOOL if source.reader == "flag":
            return says_yes(value) or (False if _folded(value) in _NO else None)
        case FactKind.BOOL if source.reader.endswith("_bind"):
            return _of_addresses("addresses_bind", value)
        case FactKind.NETWORKS if source.reader in ("addresses", "comma_addresses"):
            return _of_addresses("addresses", value)
        case FactKind.TIME if source.reader in _TIMES:
            return _time(value)
        case _:
            return None


def _meant(meanings: Sequence[Meaning], value: JSONValue) -> FactValue | None:
    found = [meaning.means for meaning in meanings if alike(value, meaning.equals)]
    return found[0] if found and all(one == found[0] for one in found) else None


def _time(value: JSONValue) -> datetime | None:
    """A time in another of the usual forms; no two of them read the same value."""
    for reader in _TIMES:
        read = READERS[reader].read(value)
        if isinstance(read, datetime):
            return read
    return None


def _of_addresses(reader: str, value: JSONValue) -> FactValue | None:
    networks = _networks(value)
    read = Wrong("no addresses") if networks is None else READERS[reader].read([*networks])
    return None if isinstance(read, Wrong) else read


def _networks(value: JSONValue) -> tuple[str, ...] | None:
    """Addresses of a text or of lists, however they are written; ``None`` for anything else.

    One mark for every address among them is enough. A list without a single address says nothing:
    where it plainly shows an unbound key, its catalog entry says so.
    """
    texts = _texts(value)
    if texts is None:
        return None
    entries = tuple(entry for text in texts for entry in _BETWEEN.split(text) if entry)
    if _ANYWHERE.intersection(entries):
        return tuple(str(network) for network in EVERYWHERE)
    return entries or None


def _texts(value: JSONValue) -> list[str] | None:
    match value:
        case str():
            return [value]
        case list():
            inner = [_texts(entry) for entry in value]
            known = [texts for texts in inner if texts is not None]
            whole = len(known) == len(inner)
            flat = [text for texts in known for text in texts]
            # What is no text hides no mark that stands beside it.
            return flat if whole or _ANYWHERE.intersection(flat) else None
        case _:
            return None


def shown_words(found: object) -> Iterator[tuple[str, str]]:
    """Every text that could be a permission, with its JSON Pointer, in whatever shape it comes.

    A text is cut at commas and the like, and taken whole as well; of an object, names of fields
    that say yes.
    """
    match found:
        case str():
            yield found.strip(), ""
            yield from ((part.strip(), "") for part in re.split(r"[,;|]", found))
            yield from ((part, "") for part in found.split())
        case list():
            for index, entry in enumerate(found):
                if isinstance(entry, str | int) and not isinstance(entry, bool):
                    yield from ((word, f"/{index}") for word, _ in shown_words(str(entry)))
        case dict():
            yield from ((name, _join(name)) for name, value in found.items() if says_yes(value))
        case _:
            return


def _join(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
