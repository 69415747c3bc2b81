"""From the data of a catalog file to its alternatives: what describes keys of another kind. Pure.

Some exchanges have accounts of several kinds, and their calls refuse the keys of the others by a
code of their own. An alternative is asked after such a refusal only, and in place of all other
calls.
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
from gatepolicy.exchanges.exchange import Alternative, Exchange, Permissions


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
