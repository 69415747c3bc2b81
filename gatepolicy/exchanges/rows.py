"""Answers that list several keys: which row is the own key, and what the others are."""

from dataclasses import replace

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.answers import ABSENT, join, resolve
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
from gatepolicy.exchanges.sources import NoRow, Row

FEWEST_SHOWN = 6
"""Fewer visible characters of a masked key could be those of another key."""


def own_row(answer: JSONValue, own: OwnKey | None, api_key: str | None) -> Row | NoRow:
    """Find the row of the calling key: exactly one, or none.

    Args:
        answer: A whole answer.
        own: How to find the row; ``None`` when the whole answer is about the calling key.
        api_key: The calling key.
    """
    if own is None:
        return Row(answer, "")
    rows = rows_of(answer, own.rows)
    if isinstance(rows, NoRow):
        return rows
    if own.key:
        rows = [row for row in rows if api_key and _is_own(row, own, api_key)]
    if len(rows) != 1:
        return NoRow(f"{len(rows) or 'no'} rows of the answer are about this key, not exactly one")
    return rows[0]


def rows_of(answer: JSONValue, pointer: str) -> list[Row] | NoRow:
    """The rows of a list; one object in place of the list is a list of one.

    Args:
        answer: A whole answer.
        pointer: To the list; ``*`` in it stands for every entry of a list on the way, such as every
            pocket with its keys.
    """
    outer, star, inner = pointer.partition("/*")
    if star:
        return _nested(answer, outer, inner)
    found = resolve(answer, pointer)
    match found:
        case dict():
            return [Row(found, pointer)]
        case list():
            return [Row(row, pointer + join(index)) for index, row in enumerate(found)]
        case _:
            return NoRow("the answer has no list of keys")


def _nested(answer: JSONValue, outer: str, inner: str) -> list[Row] | NoRow:
    entries = rows_of(answer, outer)
    if isinstance(entries, NoRow):
        return entries
    rows: list[Row] = []
    for entry in entries:
        found = rows_of(entry.value, inner)
        if isinstance(found, NoRow):
            return found
        rows += [Row(row.value, entry.pointer + row.pointer) for row in found]
    return rows


def shown_key(row: Row, own: OwnKey) -> str | None:
    """The key as a row shows it, whole or masked; ``None`` when it shows none."""
    shown = resolve(row.value, own.key)
    return shown if shown is not ABSENT and isinstance(shown, str) and shown else None


def _is_own(row: Row, own: OwnKey, api_key: str) -> bool:
    places = (own.key, own.other_key) if own.other_key else (own.key,)
    shown = [resolve(row.value, place) for place in places]
    named = [one for one in shown if one is not ABSENT and one is not None and one != ""]
    if not named:
        return own.optional
    return all(isinstance(one, str) and _fits(one, own, api_key) for one in named)


def _fits(shown: str, own: OwnKey, api_key: str) -> bool:
    shown, api_key = shown.removeprefix(own.prefix), api_key.removeprefix(own.prefix)
    if own.ignore_case:
        return same_key(shown.lower(), api_key.lower(), own.mask)
    return same_key(shown, api_key, own.mask)


def same_key(shown: str, known: str, mask: str) -> bool:
    """Whether what is shown of a key fits a key.

    Args:
        shown: Whole, or with the mask in place of the characters that are hidden.
        known: The whole key.
        mask: The character that hides; empty when keys are shown whole.
    """
    if not mask or mask not in shown:
        return shown == known
    head, _, rest = shown.partition(mask)
    tail = rest.lstrip(mask)
    return (
        mask not in tail
        and len(head) + len(tail) >= FEWEST_SHOWN
        and len(known) > len(head) + len(tail)
        and known.startswith(head)
        and known.endswith(tail)
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
