"""Values of the model as JSON and back, and as policies write them. Pure.

Encoding gives plain JSON values in a stable order. Decoding is its exact inverse: it takes only
what encoding would have written, so that a value which was changed by hand is refused and never
read as something near it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, TypeAlias, TypeVar, assert_never

from gatepolicy.model.evidence import CallRecord, Location, Subject
from gatepolicy.model.facts import (
    ATTESTED_FACTS,
    FACTS,
    Access,
    Fact,
    FactKind,
    Facts,
    FactValue,
    Grade,
    Grant,
    Network,
    Never,
    Provenance,
    Reason,
    Unknown,
)

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

T = TypeVar("T")

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z")


def encode_time(moment: datetime) -> str:
    """A UTC time such as ``2026-11-23T16:00:00Z``; microseconds only where there are any.

    Raises:
        ValueError: The time has no zone, so nobody can know which moment it means.
    """
    if moment.utcoffset() is None:
        raise ValueError("a time without a zone cannot be encoded")
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def decode_time(text: str) -> datetime:
    """The inverse of ``encode_time``.

    Raises:
        ValueError: The text is not such a time, or no such day exists.
    """
    if not _TIME.fullmatch(text):
        raise ValueError("not a valid timestamp, such as 2026-11-23T16:00:00Z")
    moment = datetime.fromisoformat(text)
    if encode_time(moment) != text:
        raise ValueError("a time with needless zeros")
    return moment


def encode_value(value: FactValue) -> Json:
    """The value of a fact as JSON."""
    match value:
        case bool():
            return value
        case Never() | str():
            return str(value)
        case datetime():
            return encode_time(value)
        case tuple():
            return [_encode_item(item) for item in value]
        case _:
            assert_never(value)


def _encode_item(item: str | Network | Grant) -> Json:
    match item:
        case Grant():
            return {"word": item.word, "access": item.access.value}
        case _:
            return str(item)


def decode_value(kind: FactKind, data: object) -> FactValue:
    """The value of a fact of a kind.

    Raises:
        ValueError: The data is not what ``encode_value`` writes for this kind.
    """
    match kind:
        case FactKind.BOOL:
            return _typed(bool, data)
        case FactKind.TEXT:
            return _typed(str, data)
        case FactKind.TIME:
            return Never.NEVER if data == Never.NEVER else decode_time(_typed(str, data))
        case FactKind.TEXTS:
            return _items(lambda item: _typed(str, item), data)
        case FactKind.NETWORKS:
            return decode_networks(data)
        case FactKind.GRANTS:
            return _items(_decode_grant, data)
        case _:
            assert_never(kind)


def _typed(expected: type[T], data: object) -> T:
    if not isinstance(data, expected):
        raise ValueError(f"not of type {expected.__name__}")  # noqa: TRY004 - data, no defect
    return data


def _items(decode: Callable[[object], T], data: object) -> tuple[T, ...]:
    items: list[object] = _typed(list, data)
    return tuple(decode(item) for item in items)


def decode_networks(data: object) -> tuple[Network, ...]:
    """Networks.

    Raises:
        ValueError: The data is not what ``encode_value`` writes for them.
    """
    return _items(_decode_network, data)


def _decode_network(data: object) -> Network:
    text = _typed(str, data)
    network = ip_network(text)
    if str(network) != text:
        raise ValueError("a network that is usually written in another way")
    return network


def _decode_grant(data: object) -> Grant:
    grant: dict[str, object] = _typed(dict, data)
    return Grant(_typed(str, grant.get("word")), Access(_typed(str, grant.get("access"))))


def encode_facts(facts: Facts) -> dict[str, Json]:
    """Facts as three members: ``facts``, ``unknown`` and ``unknown_details``.

    ``facts`` maps a name to ``{value, grade, source}``; ``unknown`` maps a name to its reason;
    ``unknown_details`` holds the line for people of those unknown facts that have one. A fact
    stands in ``facts`` or in ``unknown``, never in both. All in the order of ``FACTS``.
    """
    known = {name: facts.known[name] for name in FACTS if name in facts.known}
    unknown = {name: facts.unknown[name] for name in FACTS if name in facts.unknown}
    return {
        "facts": {name: _encode_fact(fact) for name, fact in known.items()},
        "unknown": {name: why.reason.value for name, why in unknown.items()},
        "unknown_details": {name: why.detail for name, why in unknown.items() if why.detail},
    }


def _encode_fact(fact: Fact) -> Json:
    source = fact.provenance
    places = {"call": source.call, "pointer": source.pointer, "reference": source.reference}
    return {
        "value": encode_value(fact.value),
        "grade": source.grade.value,
        "source": {name: text for name, text in places.items() if text},
    }


def decode_fact(name: str, data: Mapping[str, Any]) -> Fact:
    """One fact.

    Args:
        name: Its name, which decides the type of its value.
        data: As ``encode_facts`` writes it; its shape was checked by a schema.

    Raises:
        ValueError: The value is not of the fact's kind.
    """
    source: Mapping[str, str] = data["source"]
    return Fact(
        decode_value(FACTS[name].kind, data["value"]),
        Provenance(
            grade=Grade(data["grade"]),
            call=source.get("call", ""),
            pointer=source.get("pointer", ""),
            reference=source.get("reference", ""),
        ),
    )


def decode_unknown(name: str, data: Mapping[str, Any]) -> Unknown:
    """Why one fact is unknown.

    Args:
        name: The name of the fact.
        data: The three members of ``encode_facts``; their shape was checked by a schema.
    """
    return Unknown(Reason(data["unknown"][name]), data["unknown_details"].get(name, ""))


def encode_skew(skew: timedelta | None) -> dict[str, Json]:
    """How far the exchange's clock was ahead, in seconds; nothing where it was not.

    Only where there is something to tell: then an older gatepolicy, which would judge ages all the
    same, refuses it.
    """
    return {} if skew is None else {"clock_skew_seconds": round(skew.total_seconds())}


def decode_skew(data: Mapping[str, Any]) -> timedelta | None:
    """The inverse of ``encode_skew``; the shape was checked by a schema."""
    seconds = data.get("clock_skew_seconds")
    return None if seconds is None else timedelta(seconds=int(seconds))


def encode_location(location: Location) -> Json:
    """A place in a file."""
    return {"file": location.file, "line": location.line, "column": location.column}


def encode_subject(subject: Subject) -> dict[str, Json]:
    """An account as the inventory declares it."""
    return {
        "id": subject.id,
        "exchange": subject.exchange,
        "labels": dict(sorted(subject.labels.items())),
        "owner": subject.owner,
        "found_by": subject.found_by,
        "location": encode_location(subject.location),
    }


def decode_subject(data: Mapping[str, Any]) -> Subject:
    """The inverse of ``encode_subject``; the shape was checked by a schema."""
    return Subject(
        id=data["id"],
        exchange=data["exchange"],
        labels=dict(data["labels"]),
        owner=data["owner"],
        location=_decode_location(data["location"]),
        found_by=data["found_by"],
    )


def _decode_location(data: Mapping[str, Any]) -> Location:
    # NOTE: JSON Schema takes 3.0 for an integer, and Python reads it as another type.
    return Location(data["file"], int(data["line"]), int(data["column"]))


def encode_call(call: CallRecord) -> Json:
    """A call that was made, without anything secret."""
    return {
        "call": call.call,
        "method": call.method,
        "url": call.url,
        "status": call.status,
        "reason": call.reason,
        "attempts": call.attempts,
        "answer": call.answer,
    }


def decode_call(data: Mapping[str, Any]) -> CallRecord:
    """The inverse of ``encode_call``; the shape was checked by a schema."""
    status = data["status"]
    numbers = {"status": None if status is None else int(status), "attempts": int(data["attempts"])}
    return CallRecord(**{**data, **numbers})


EVERY_FACT = {**FACTS, **ATTESTED_FACTS}
"""By name."""

HOW_TO_WRITE: Mapping[FactKind, str] = {
    FactKind.BOOL: "write true or false",
    FactKind.TEXT: "write a string",
    FactKind.TIME: "write a time such as 2026-11-01T00:00:00Z, or never",
    FactKind.TEXTS: "write a list of strings",
    FactKind.NETWORKS: "write a list of networks such as 203.0.113.0/28",
    FactKind.GRANTS: "write permissions with their access, such as {spot: read-only}",
}
"""What to tell somebody who wrote something else."""


def written_value(kind: FactKind, value: Any) -> FactValue:
    """The value of a fact.

    Raises:
        ValueError: It is not of this kind.
        TypeError: It is not of this kind.
    """
    if kind is FactKind.NETWORKS:
        if not isinstance(value, list):
            raise TypeError("not a list")
        return tuple(ip_network(item) for item in value)
    if kind is FactKind.GRANTS:
        words = dict(value)
        value = [{"word": word, "access": access} for word, access in words.items()]
    return decode_value(kind, value)
