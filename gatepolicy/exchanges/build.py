"""From the data of a catalog file to an exchange. Pure.

The data has the shape of ``schemas/exchange.schema.json``: catalog files ship with gatepolicy, and
its tests check them.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from typing import Any, TypeAlias

from gatepolicy.exchanges.exchange import (
    Call,
    Detail,
    Documented,
    ErrorPattern,
    Exchange,
    FactSource,
    FromAnswer,
    FromCredential,
    FromRow,
    Level,
    Listing,
    Meaning,
    OwnKey,
    Pages,
    Parameter,
    Permissions,
    PermissionShape,
    RateLimit,
    SeenLive,
    Site,
    Success,
    Table,
    Unlisted,
    When,
    Where,
    Word,
)
from gatepolicy.model.facts import (
    FACTS,
    Access,
    Capability,
    Fact,
    FactKind,
    FactValue,
    Grade,
    Never,
    Provenance,
    Reason,
    Unknown,
)

Data: TypeAlias = Mapping[str, Any]


NO_WORDS: Data = {"call": "", "pointer": "", "shape": "word_list", "words": {}}
"""Of an exchange none of whose answers lists permissions."""


def build(data: Data) -> Exchange:
    """An exchange.

    Args:
        data: What the catalog file holds.

    Raises:
        ValueError: A meaning is not of the kind of its fact.
    """
    errors = data["errors"]
    return Exchange(
        id=data["id"],
        title=data["title"],
        ccxt_id=data["ccxt_id"],
        reference=data["reference"],
        credentials=tuple(data["credentials"]),
        hosts=frozenset(data["hosts"]),
        sandbox_hosts=frozenset(data.get("sandbox_hosts", ())),
        rate_limit=RateLimit(**data["rate_limit"]),
        calls=tuple(call_of(call) for call in data["calls"]),
        success=_success(data.get("success")),
        error_code=errors["code"],
        error_text=errors["text"],
        errors=tuple(_error(pattern) for pattern in errors["patterns"]),
        own_keys={call: own_key_of(own) for call, own in data.get("own_keys", {}).items()},
        permissions=permissions_of(data.get("permissions", NO_WORDS)),
        facts=facts_from(data["facts"]),
        structural=structural_of(data.get("structural", {})),
        not_disclosed=not_disclosed_of(data.get("not_disclosed", {})),
        menu=data["menu"],
        fixes=data["fixes"],
        named_by="apiKey" if _named_by_wallet(data) else data.get("named_by", "apiKey"),
        named_by_wallet=_named_by_wallet(data),
        documents_read=day_of(data.get("documents_read")),
        seen=tuple(
            SeenLive(date.fromisoformat(one["date"]), one["source"]) for one in data.get("seen", ())
        ),
        credentials_note=data.get("credentials_note", ""),
        sites=tuple(Site(**site) for site in data.get("sites", ())),
    )


def day_of(text: str | None) -> date | None:
    """A day such as ``2026-11-23``; ``None`` where none is written."""
    return None if text is None else date.fromisoformat(text)


def _named_by_wallet(data: Data) -> bool:
    return bool(data.get("named_by") == "privateKey")


def facts_from(data: Data) -> Mapping[str, tuple[FactSource, ...]]:
    """Facts with the places that tell them."""
    return {
        name: tuple(_source(name, source) for source in sources) for name, sources in data.items()
    }


def structural_of(data: Data) -> Mapping[str, Fact]:
    """Facts by rule, each with its document."""
    return {
        name: Fact(
            value_of(name, fact["value"]), Provenance(Grade.STRUCTURAL, "", "", fact["reference"])
        )
        for name, fact in data.items()
    }


def not_disclosed_of(data: Data) -> Mapping[str, Unknown]:
    """Facts that nothing tells, each with the line that says so."""
    return {name: Unknown(Reason.NOT_DISCLOSED, why) for name, why in data.items()}


def call_of(data: Data) -> Call:
    """A declared read."""
    return Call(
        id=data["id"],
        ccxt_method=data.get("ccxt_method", ""),
        http_method=data["http_method"],
        path=data["path"],
        params={name: _parameter(value) for name, value in data.get("params", {}).items()},
        reads=data.get("reads", ""),
        body=data.get("body", {}),
        permission=data.get("permission", ""),
        reference=data["reference"],
        unlisted=Unlisted(**data["unlisted"]) if "unlisted" in data else None,
        weight=data.get("weight", 1),
    )


def _parameter(data: Any) -> Parameter:
    match data:
        case {"row": str(pointer)}:
            return FromRow(pointer)
        case {"credential": str(credential)}:
            return FromCredential(credential)
        case {"call": str(call), "pointer": str(pointer)}:
            return FromAnswer(call, pointer)
        case int(number):
            return number
        case _:
            return str(data)


def _success(data: Data | None) -> Success:
    if data is None:
        return Success("", None)
    return Success(data["pointer"], data["equals"], data.get("or_equals"))


def _error(data: Data) -> ErrorPattern:
    return ErrorPattern(
        reason=Reason(data["reason"]),
        status=data.get("status"),
        code=data.get("code"),
        text=data.get("text"),
        detail=data.get("detail", ""),
        proves=data.get("proves", {}),
        call=data.get("call", ""),
        beside=data.get("beside", ""),
        where=Where(**data["where"]) if "where" in data else None,
        ask_instead=data.get("ask_instead", ""),
    )


def own_key_of(data: Data) -> OwnKey:
    """How to find a key in a list."""
    return OwnKey(
        rows=data["rows"],
        key=data.get("key", ""),
        mask=data.get("mask", ""),
        ignore_case=data.get("ignore_case", False),
        other_key=data.get("other_key", ""),
        optional=data.get("optional", False),
        prefix=data.get("prefix", ""),
    )


def permissions_of(data: Data) -> Permissions:
    """Where permissions stand, and what their words mean."""
    inferred = data.get("inferred_absence", {"capabilities": [], "reference": ""})
    return Permissions(
        call=data["call"],
        pointer=data["pointer"],
        shape=PermissionShape(data["shape"]),
        separator=data.get("separator", ","),
        name_pointer=data.get("name", ""),
        read_pointer=data.get("read", ""),
        write_pointer=data.get("write", ""),
        complete=data.get("complete", False),
        read_only_pointer=data.get("read_only", {}).get("pointer", ""),
        read_only_marks=tuple(
            Meaning(mark["equals"], mark["means"])
            for mark in data.get("read_only", {}).get("marks", ())
        ),
        other_fields=frozenset(data.get("other_fields", ())),
        levels=tuple(_level(level) for level in data.get("levels", ())),
        ignore_case=data.get("ignore_case", False),
        words={name: _word(name, word) for name, word in data["words"].items()},
        wordless={Capability(name): why for name, why in data.get("wordless", {}).items()},
        inferred_absence=frozenset(Capability(name) for name in inferred["capabilities"]),
        inferred_reference=inferred["reference"],
        may_be_none=data.get("may_be_none", False),
        or_list=data.get("or_list", ""),
    )


def _level(data: Data) -> Level:
    means = data["means"]
    return Level(data["equals"], None if means == "none" else Access(means))


def _word(name: str, data: Data) -> Word:
    return Word(
        word=name,
        title=data["title"],
        grants=frozenset(Capability(capability) for capability in data.get("grants", ())),
        unclear=frozenset(Capability(capability) for capability in data.get("unclear", ())),
        note=data.get("note", ""),
        optional=data.get("optional", False),
        despite_read_only=data.get("despite_read_only", False),
    )


def _source(name: str, data: Data) -> FactSource:
    return FactSource(
        call=data["call"],
        pointer=data["pointer"],
        reader=data.get("reader", "nothing"),
        meanings=tuple(
            Meaning(
                meaning["equals"],
                value_of(name, meaning["means"]),
                apparent=meaning.get("apparent", False),
            )
            for meaning in data.get("meanings", ())
        ),
        when=tuple(
            When(
                pointer=condition["pointer"],
                applies_if=_documented(condition, "applies_if"),
                skipped_if=_documented(condition, "skipped_if"),
                skipped_if_absent=condition.get("skipped_if_absent", False),
            )
            for condition in data.get("when", ())
        ),
        other_pointer=data.get("other_pointer", ""),
        optional=data.get("optional", False),
        missing=value_of(name, data["missing"]) if "missing" in data else None,
        fact=name,
    )


def _documented(condition: Data, name: str) -> Documented:
    return Documented(tuple(condition.get(name, ())), condition.get(f"{name}_any", ""))


def value_of(fact: str, value: Any) -> FactValue:
    """A fact's value as catalog files write it.

    Raises:
        ValueError: It is not of the fact's kind.
    """
    match FACTS[fact].kind, value:
        case FactKind.BOOL, bool(flag):
            return flag
        case FactKind.TEXT, str(text):
            return text
        case FactKind.TIME, "never":
            return Never.NEVER
        case FactKind.TEXTS, list():
            return tuple(str(entry) for entry in value)
        case FactKind.NETWORKS, list():
            return tuple(ip_network(str(entry)) for entry in value)
        case _:
            raise ValueError(f"{value!r} is no value of {fact}")


def with_listings(exchange: Exchange, data: Data) -> Exchange:
    """The exchange with its lists of other keys.

    Args:
        exchange: Built from the same data.
        data: What the catalog file holds.
    """
    listings = tuple(_listing(exchange, listing) for listing in data.get("listings", ()))
    return replace(exchange, listings=listings)


def _listing(exchange: Exchange, data: Data) -> Listing:
    call_data = data["call"]
    if isinstance(call_data, str):
        # One of the exchange's own calls: whatever it tells of the calling key, each row tells.
        call = next(call for call in exchange.calls if call.id == call_data)
        own, of_rows = exchange.own_keys[call_data], exchange
    else:
        call = call_of({"id": data["id"], **call_data})
        own, of_rows = own_key_of(data), _of_rows(exchange, data, call)
    details = tuple(_detail(detail) for detail in data.get("details", ()))
    return Listing(
        id=data["id"],
        title=data["title"],
        of_account=data["of"] == "account",
        permission=data.get("permission", call.permission),
        each=_table(data["each"]) if "each" in data else None,
        keys=Table(call, own.rows, _pages(data.get("pages")), data.get("total", "")),
        own=own,
        view=_only(of_rows, (call, *(detail.call for detail in details))),
        details=details,
        partial=data.get("partial", ""),
    )


def _detail(data: Data) -> Detail:
    own = OwnKey(rows="", key=data["key"], mask="") if "key" in data else None
    return Detail(call_of(data), own)


def _of_rows(exchange: Exchange, data: Data, call: Call) -> Exchange:
    """The exchange, as the rows of a list of their own describe keys."""
    listing = data["id"]
    of_subaccounts = {"key.subaccount": {"value": True, "reference": call.reference}}
    by_rule = {
        **(of_subaccounts if data["of"] == "subaccounts" else {}),
        **data.get("structural", {}),
    }
    undisclosed = not_disclosed_of(data.get("not_disclosed", {}))
    return replace(
        exchange,
        permissions=_permissions_of_rows(exchange.permissions, listing, data),
        facts=facts_from(_facts_of_rows(data)),
        structural={**exchange.structural, **structural_of(by_rule)},
        not_disclosed={**exchange.not_disclosed, **undisclosed},
    )


def _facts_of_rows(data: Data) -> Data:
    """Facts with their places in the rows of a list, and in the details about each."""
    places: dict[str, list[Data]] = {}
    for of in (data, *data.get("details", ())):
        for name, sources in of.get("facts", {}).items():
            places.setdefault(name, []).extend({**source, "call": of["id"]} for source in sources)
    return places


def _permissions_of_rows(permissions: Permissions, listing: str, data: Data) -> Permissions:
    """Permissions as rows list them: with the words of the exchange, unless they say otherwise."""
    said = data.get("permissions")
    if said is None:
        return permissions_of(NO_WORDS)
    own = permissions_of({"words": {}, **said, "call": listing})
    if own.words:
        return own
    strangers = frozenset(said.get("without", ()))
    return replace(
        own,
        words={name: word for name, word in permissions.words.items() if name not in strangers},
        wordless=permissions.wordless,
        inferred_absence=permissions.inferred_absence,
        inferred_reference=permissions.inferred_reference,
    )


def _only(exchange: Exchange, calls: tuple[Call, ...]) -> Exchange:
    """What these calls tell; nothing else is asked of a key that is only listed."""
    requested = {call.id for call in calls}
    facts = {
        name: tuple(source for source in sources if source.call in requested)
        for name, sources in exchange.facts.items()
    }
    disclosed = {name: sources for name, sources in facts.items() if sources}
    worded = exchange.permissions.call in requested
    return replace(
        exchange,
        calls=calls,
        own_keys={},
        permissions=exchange.permissions if worded else permissions_of(NO_WORDS),
        facts=disclosed,
        # What no word tells of the calling key, no word tells of another one.
        not_disclosed={n: why for n, why in exchange.not_disclosed.items() if n not in disclosed},
    )


def _table(data: Data) -> Table:
    return Table(call_of(data), data["rows"], _pages(data.get("pages")), data.get("total", ""))


def _pages(data: Data | None) -> Pages | None:
    if data is None:
        return None
    return Pages(
        parameter=data["parameter"],
        first=data.get("first"),
        step=data.get("step", 1),
        size=data.get("size", 0),
        next=data.get("next", ""),
        number=data.get("number", False),
        last=tuple(data.get("last", ())),
        last_if_absent=data.get("last_if_absent", False),
        last_if_empty=data.get("last_if_empty", False),
    )
