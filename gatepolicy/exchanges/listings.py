"""From the data of a catalog file to the lists of other keys. Pure.

A listed key tells what its row tells, by the same words, readers and rules as the calling key.
"""

from dataclasses import replace

from gatepolicy.exchanges.build import (
    NO_WORDS,
    Data,
    call_of,
    facts_from,
    not_disclosed_of,
    own_key_of,
    permissions_of,
    structural_of,
)
from gatepolicy.exchanges.exchange import (
    Call,
    Detail,
    Exchange,
    Listing,
    OwnKey,
    Pages,
    Permissions,
    Table,
)


def with_listings(exchange: Exchange, data: Data) -> Exchange:
    """The exchange with its lists of other keys.

    Args:
        exchange: Built from the same data.
        data: What the catalog file holds.
    """
    listings = tuple(_listing(exchange, listing) for listing in data.get("listings", ()))
    return replace(exchange, listings=listings)


def _listing(exchange: Exchange, data: Data) -> Listing:
    asked = data["call"]
    if isinstance(asked, str):
        # One of the exchange's own calls: whatever it tells of the calling key, each row tells.
        call = next(call for call in exchange.calls if call.id == asked)
        own, of_rows = exchange.own_keys[asked], exchange
    else:
        call = call_of({"id": data["id"], **asked})
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
    not_told = not_disclosed_of(data.get("not_disclosed", {}))
    return replace(
        exchange,
        permissions=_permissions_of_rows(exchange.permissions, listing, data),
        facts=facts_from(_facts_of_rows(data)),
        structural={**exchange.structural, **structural_of(by_rule)},
        not_disclosed={**exchange.not_disclosed, **not_told},
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
    asked = {call.id for call in calls}
    facts = {
        name: tuple(source for source in sources if source.call in asked)
        for name, sources in exchange.facts.items()
    }
    told = {name: sources for name, sources in facts.items() if sources}
    worded = exchange.permissions.call in asked
    return replace(
        exchange,
        calls=calls,
        own_keys={},
        permissions=exchange.permissions if worded else permissions_of(NO_WORDS),
        facts=told,
        # What no word tells of the calling key, no word tells of another one.
        not_disclosed={n: why for n, why in exchange.not_disclosed.items() if n not in told},
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
