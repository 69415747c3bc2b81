"""Readers: from a value of an answer to the value of a fact, or a reason why not."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TypeAlias

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.answers import ABSENT, Absent
from gatepolicy.exchanges.exchange import FactSource, Meaning
from gatepolicy.model.facts import (
    FACTS,
    Capability,
    Fact,
    FactKind,
    FactValue,
    Grade,
    Network,
    Provenance,
    Reason,
)

EVERYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""The networks that may use a key that is bound to no address."""

_EARLIEST = datetime(2009, 1, 3, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"[0-9]{1,16}")
_UNBOUND = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104 - the marks, not an address to bind
_NO_ADDRESS = (ip_network("0.0.0.0/32"), ip_network("::/128"))
"""Nobody comes from these (RFC 1122, RFC 4291): they, and what holds them, are marks."""
_WIDEST_4, _WIDEST_6 = 8, 16
"""Wider networks were given to nobody alone: strangers come from them as well."""
_MAPPED = IPv6Network("::ffff:0:0/96")
"""All of IPv4, as IPv6 writes it (RFC 4291)."""
_NOT_PUBLIC = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
    )
)  # fmt: skip
"""From none of these can anybody reach an exchange (RFC 6890)."""
_PUBLIC_6 = IPv6Network("2000::/3")
"""The only public addresses of IPv6 (RFC 4291)."""
_GAPS = re.compile(r"\s*,\s*|\s+")
"""What stands between addresses where spaces do."""
_SHOWS = re.compile(r"[1-9]")
"""What a masked address shows of itself at least: nothing but zeros may be the mark for all."""
_MASKED = re.compile(r"([0-9]{1,3}|\*{1,3})(\.([0-9]{1,3}|\*{1,3})){2,3}")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that proves nothing."""

    detail: str
    """What was expected or seen; quotes nothing."""
    reason: Reason = Reason.UNEXPECTED_ANSWER
    """Why."""


_HIDDEN = Wrong("the exchange hides parts of the addresses", Reason.NOT_DISCLOSED)


Read: TypeAlias = Callable[[JSONValue], "FactValue | Wrong"]


@dataclass(frozen=True, slots=True)
class Reader:
    """One way to read a value."""

    kind: FactKind | None
    """The type of the fact that comes out; ``None`` when none ever does."""
    read: Read
    """Does it."""


def _nothing(value: JSONValue) -> FactValue | Wrong:
    del value
    return Wrong("an undocumented value")


def _text(value: JSONValue) -> FactValue | Wrong:
    return value if isinstance(value, str) else Wrong("no text")


def _flag(value: JSONValue) -> FactValue | Wrong:
    return value if isinstance(value, bool) else Wrong("not a boolean")


def _texts(value: JSONValue) -> FactValue | Wrong:
    if not isinstance(value, list):
        return Wrong("no list")
    texts = [entry for entry in value if isinstance(entry, str) and entry]
    if len(texts) != len(value):
        return Wrong("a list with something other than strings")
    return tuple(sorted(set(texts)))


def _unix(units_per_second: int, value: JSONValue) -> FactValue | Wrong:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**16:
        return Wrong("not a valid timestamp")
    seconds = value / units_per_second
    if seconds >= _LATEST.timestamp():
        return Wrong("a timestamp out of range")
    return _within(datetime.fromtimestamp(seconds, UTC))


def _iso(value: JSONValue) -> FactValue | Wrong:
    if not isinstance(value, str):
        return Wrong("not a valid timestamp")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return Wrong("not a valid timestamp")
    if moment.tzinfo is None:
        return Wrong("a timestamp without a time zone")
    try:
        return _within(moment.astimezone(UTC))
    except OverflowError:
        return Wrong("a timestamp out of range")


def _within(moment: datetime) -> datetime | Wrong:
    if _EARLIEST <= moment < _LATEST:
        return moment
    return Wrong("a timestamp out of range")


def _addresses(value: JSONValue) -> FactValue | Wrong:
    """The networks of a list; an unbound mark anywhere in it opens the key to everywhere."""
    entries = _entries(value)
    return entries if isinstance(entries, Wrong) else _networks(entries)


def _comma_addresses(value: JSONValue) -> FactValue | Wrong:
    if not isinstance(value, str):
        return Wrong("no text")
    entries = value.split(",")
    if len(entries) == 1 or entries[-1].strip():
        return _addresses([*entries])
    # A comma at the end: an empty entry, which is a mark, or none at all.
    others = _addresses([*entries[:-1]])
    return others if others == EVERYWHERE else Wrong("a trailing comma in a list of addresses")


def _spaced_addresses(value: JSONValue) -> FactValue | Wrong:
    """As of commas, with spaces between them, or either."""
    if not isinstance(value, str):
        return Wrong("no text")
    return _comma_addresses(_GAPS.sub(",", value.strip()))


def _entries(value: JSONValue) -> tuple[str, ...] | Wrong:
    if not isinstance(value, list):
        return Wrong("no list")
    entries = tuple([entry.strip() for entry in value if isinstance(entry, str)])
    if len(entries) != len(value):
        return Wrong("a list with something other than addresses")
    if not entries:
        return Wrong("an empty list, whose meaning is undocumented")
    return entries


@lru_cache(maxsize=4096)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...] | Wrong:
    # Remembered: the keys of a fleet are bound to the same few addresses.
    if any(entry in _UNBOUND for entry in entries):
        return EVERYWHERE
    hidden = [entry for entry in entries if "*" in entry]
    if any(not _MASKED.fullmatch(entry) or not _SHOWS.search(entry) for entry in hidden):
        return Wrong("a list with something other than addresses")
    shown = [entry for entry in entries if "*" not in entry]
    try:
        networks = [_unmapped(ip_network(entry, strict=False)) for entry in shown]
    except ValueError:
        return Wrong("a list with something other than addresses")
    if any(_holds_no_address(network) for network in networks) or _covers_everything(networks):
        return EVERYWHERE
    return _HIDDEN if hidden else tuple(sorted(set(networks), key=str))


def _holds_no_address(network: Network) -> bool:
    """Whether the address that is none lies in a network: then it stands for any address."""
    return any(
        network.version == none.version and none.network_address in network for none in _NO_ADDRESS
    )


def _unmapped(network: Network) -> Network:
    """A network of IPv4 that is written as one of IPv6, as it is."""
    if isinstance(network, IPv4Network) or not network.subnet_of(_MAPPED):
        return network
    return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))


def _covers_everything(networks: list[Network]) -> bool:
    """Whether every public address of a family is allowed, however they are cut into pieces."""
    fours = [network for network in networks if isinstance(network, IPv4Network)]
    sixes = [network for network in networks if isinstance(network, IPv6Network)]
    return any(n.prefixlen == 0 for n in collapse_addresses((*fours, *_NOT_PUBLIC))) or any(
        _MAPPED.subnet_of(n) or _PUBLIC_6.subnet_of(n) for n in collapse_addresses(sixes)
    )


def _addresses_bind(value: JSONValue) -> FactValue | Wrong:
    return _bind(_addresses(value), value if isinstance(value, list) else [])


def _comma_addresses_bind(value: JSONValue) -> FactValue | Wrong:
    return _bind(_comma_addresses(value), value.split(",") if isinstance(value, str) else [])


def _spaced_addresses_bind(value: JSONValue) -> FactValue | Wrong:
    entries = _GAPS.split(value.strip()) if isinstance(value, str) else []
    return _bind(_spaced_addresses(value), entries)


def _bind(networks: FactValue | Wrong, entries: Sequence[JSONValue]) -> FactValue | Wrong:
    """Whether these are addresses that somebody can have alone; what is hidden beside one that
    nobody can have alone changes nothing.
    """
    if networks == _HIDDEN:
        shown = _addresses([entry for entry in entries if "*" not in str(entry)])
        return False if isinstance(shown, tuple) and admits_strangers(shown) else networks
    return not admits_strangers(networks) if isinstance(networks, tuple) else networks


def admits_strangers(networks: FactValue) -> bool:
    """Whether an allowlist holds a network so wide that it is nobody's own."""
    return isinstance(networks, tuple) and any(_is_too_wide(network) for network in networks)


def _is_too_wide(network: object) -> bool:
    widest = _WIDEST_4 if isinstance(network, IPv4Network) else _WIDEST_6
    return not isinstance(network, IPv4Network | IPv6Network) or network.prefixlen < widest


def _masked_comma_addresses_bind(value: JSONValue) -> FactValue | Wrong:
    """A list whose addresses may be masked, as ``203.**.154``: hidden, but bound."""
    if not isinstance(value, str):
        return Wrong("no text")
    entries = [entry.strip() for entry in value.split(",")]
    if any(entry in _UNBOUND or not any(c in "123456789" for c in entry) for entry in entries):
        # Nothing shown, or nothing but zeros: that could be the mark for every address.
        return _comma_addresses_bind(value)
    shown = [entry for entry in entries if not _MASKED.fullmatch(entry) or "*" not in entry]
    return _addresses_bind([*shown]) if shown else True


def _given_text(value: JSONValue) -> FactValue | Wrong:
    """True for any text: that the answer holds it proves what the call needs."""
    return True if isinstance(value, str) and value.strip() else Wrong("missing or empty")


def _given_rows(value: JSONValue) -> FactValue | Wrong:
    """True for any list of objects, also an empty one: that the account's rows are shown proves
    what the call needs.
    """
    is_rows = isinstance(value, list) and all(isinstance(row, dict) for row in value)
    return True if is_rows else Wrong("no list of objects")


READERS: Mapping[str, Reader] = {
    "nothing": Reader(None, _nothing),
    "text": Reader(FactKind.TEXT, _text),
    "flag": Reader(FactKind.BOOL, _flag),
    "texts": Reader(FactKind.TEXTS, _texts),
    "unix_seconds": Reader(FactKind.TIME, partial(_unix, 1)),
    "unix_milliseconds": Reader(FactKind.TIME, partial(_unix, 1000)),
    "iso_time": Reader(FactKind.TIME, _iso),
    "addresses": Reader(FactKind.NETWORKS, _addresses),
    "comma_addresses": Reader(FactKind.NETWORKS, _comma_addresses),
    "spaced_addresses": Reader(FactKind.NETWORKS, _spaced_addresses),
    "addresses_bind": Reader(FactKind.BOOL, _addresses_bind),
    "comma_addresses_bind": Reader(FactKind.BOOL, _comma_addresses_bind),
    "spaced_addresses_bind": Reader(FactKind.BOOL, _spaced_addresses_bind),
    "masked_comma_addresses_bind": Reader(FactKind.BOOL, _masked_comma_addresses_bind),
    "given_text": Reader(FactKind.BOOL, _given_text),
    "given_rows": Reader(FactKind.BOOL, _given_rows),
}
"""Name in the catalog to reader."""


UNDOCUMENTED = "the answer shows it in an undocumented form"
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
        case FactKind.NETWORKS if source.reader.endswith("addresses"):
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
    networks = _shown_networks(value)
    if networks is None:
        return None
    read = READERS[reader].read([*networks])
    return None if isinstance(read, Wrong) else read


def _shown_networks(value: JSONValue) -> tuple[str, ...] | None:
    """Addresses of a text or of lists, however they are written; ``None`` for anything else.

    One mark for every address among them is enough. A list without a single address says nothing:
    where it plainly shows an unbound key, its catalog entry says so.
    """
    texts = _shown_texts(value)
    if texts is None:
        return None
    entries = tuple(entry for text in texts for entry in _BETWEEN.split(text) if entry)
    if _ANYWHERE.intersection(entries):
        return tuple(str(network) for network in EVERYWHERE)
    return entries or None


def _shown_texts(value: JSONValue) -> list[str] | None:
    match value:
        case str():
            return [value]
        case list():
            inner = [_shown_texts(entry) for entry in value]
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
