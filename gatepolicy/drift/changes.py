"""What changed about one account, by name. Pure.

A table says for each fact how its change is called. When a key was last used changes with every
scan, and is told nowhere.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from gatepolicy.drift.snapshot import Account
from gatepolicy.evaluate.measures import lies_within
from gatepolicy.model.drift import FactChange
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.facts import (
    FACTS,
    Access,
    Fact,
    FactValue,
    Grant,
    Network,
    Never,
)
from gatepolicy.model.reasons import Reason
from gatepolicy.rules.doubts import LEFT_OUT

_PERMISSION = "permission."
_SHARED = "ip.shared_across"
_Change = tuple[str, bool, str, str]
"""Name, whether it is worse, before and after."""
_Changes = Callable[[FactValue, FactValue], Iterator[_Change]]


def account_changes(before: Account, after: Account) -> Iterator[FactChange]:
    """Everything that is not what it was, in the order of the facts."""
    for name in FACTS:
        if _is_left_out(name, before) or _is_left_out(name, after):
            continue
        old, new = before.facts.known.get(name), after.facts.known.get(name)
        for change in _of_fact(name, old, new, after):
            title, is_worse, was, is_now = change
            yield FactChange(title, is_worse, after.exchange, after.id, name, was, is_now)
    yield from _of_labels(before, after)


def _is_left_out(name: str, account: Account) -> bool:
    """Whether a narrowed scan did not look at the accounts that would tell."""
    why = account.facts.unknown.get(name)
    if why is not None:
        return why.reason is Reason.NOT_SELECTED
    entries = _texts(account.facts.known[name].value) if name in account.facts.known else ()
    return name == _SHARED and any(LEFT_OUT in entry.partition("=")[0] for entry in entries)


def _of_fact(name: str, old: Fact | None, new: Fact | None, after: Account) -> Iterator[_Change]:
    changes = _how(name)
    if changes is None or (old is None and new is None):
        return
    if new is None:
        assert old is not None
        why = after.facts.unknown[name].reason.value if name in after.facts.unknown else ""
        yield "fact-lost", True, _text(old.value), f"unknown: {why}" if why else "unknown"
    elif old is None:
        yield "fact-learned", False, "unknown", _text(new.value)
    elif old.value != new.value:
        yield from changes(old.value, new.value)


def _how(name: str) -> _Changes | None:
    return _of_permission if name.startswith(_PERMISSION) else _HOW.get(name)


def _of_permission(old: FactValue, new: FactValue) -> Iterator[_Change]:
    name = "permission-escalated" if new is True else "permission-reduced"
    yield name, new is True, _text(old), _text(new)


def _of_words(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = _grants(old), _grants(new)
    for word, access in after.items():
        if word not in before:
            yield "word-granted", True, "", f"{word} {access.value}"
        elif before[word] is not access:
            is_worse = access is not Access.READ_ONLY
            yield "word-changed", is_worse, f"{word} {before[word].value}", f"{word} {access.value}"
    for word, access in before.items():
        if word not in after:
            yield "word-revoked", False, f"{word} {access.value}", ""


def _of_binding(old: FactValue, new: FactValue) -> Iterator[_Change]:
    name = "ip-binding-strengthened" if new is True else "ip-binding-weakened"
    yield name, new is not True, _text(old), _text(new)


def _of_networks(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = _networks(old), _networks(new)
    # An empty list means that all addresses may use the key: ip.restricted tells that.
    if before and after:
        is_wider = not all(lies_within(network, before) for network in after)
        name = "ip-binding-weakened" if is_wider else "ip-binding-strengthened"
        yield name, is_wider, _joined(before), _joined(after)


def _of_creation(old: FactValue, new: FactValue) -> Iterator[_Change]:
    yield "key-replaced", False, _text(old), _text(new)


def _of_fingerprint(old: FactValue, new: FactValue) -> Iterator[_Change]:
    # NOTE: with another GATEPOLICY_FINGERPRINT_KEY all hashes differ, and the last characters stay.
    if str(old)[-5:] != str(new)[-5:] or ":" not in str(new):
        yield "key-replaced", False, _text(old), _text(new)


def _of_expiry(old: FactValue, new: FactValue) -> Iterator[_Change]:
    later = new is Never.NEVER or (
        isinstance(old, datetime) and isinstance(new, datetime) and new > old
    )
    name = "expiry-extended" if later else "expiry-shortened"
    yield name, later, _text(old), _text(new)


def _of_pairs(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = set(_texts(old)), set(_texts(new))
    # No list means all pairs.
    is_wider = not after or (bool(before) and not after <= before)
    name = "trading-pairs-widened" if is_wider else "trading-pairs-narrowed"
    yield name, is_wider, _text(old) or "all", _text(new) or "all"


def _of_neighbours(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = _others(old), _others(new)
    if before != after:
        is_worse = not set(after) <= set(before)
        told = (", ".join(before) or "none", ", ".join(after) or "none")
        yield ("ip-sharing-changed", is_worse, *told)


def _others(value: FactValue) -> list[str]:
    # Labels of the account itself stand there, too: their changes have a name of their own.
    return [entry for entry in _texts(value) if "=" in entry or ":" not in entry]


def _grown(name: str) -> _Changes:
    """Worse only where something is new in the list."""

    def changes(old: FactValue, new: FactValue) -> Iterator[_Change]:
        is_worse = not set(_texts(new)) <= set(_texts(old))
        yield name, is_worse, _text(old), _text(new)

    return changes


def _named(name: str) -> _Changes:
    def changes(old: FactValue, new: FactValue) -> Iterator[_Change]:
        yield name, False, _text(old), _text(new)

    return changes


_HOW: Mapping[str, _Changes] = {
    "permissions.native": _of_words,
    "permissions.unrecognised": _grown("words-unrecognised"),
    "ip.restricted": _of_binding,
    "ip.allowlist": _of_networks,
    "key.name": _named("key-renamed"),
    "key.created_at": _of_creation,
    "key.expires_at": _of_expiry,
    "key.active": _named("key-switched"),
    "key.subaccount": _named("key-moved"),
    "key.trading_pairs": _of_pairs,
    "key.fingerprint": _of_fingerprint,
    "key.exists": _named("key-presence-changed"),
    "key.declared": _named("key-declaration-changed"),
    "key.shared_with": _grown("key-sharing-changed"),
    "ip.shared_across": _of_neighbours,
    "account.sandbox": _named("sandbox-changed"),
    "account.keys": _grown("keys-of-account-changed"),
}


def _of_labels(before: Account, after: Account) -> Iterator[FactChange]:
    for label in sorted({*before.labels, *after.labels}):
        was, is_now = before.labels.get(label, ""), after.labels.get(label, "")
        if was != is_now:
            yield _about(after, "label-changed", label, was, is_now)
    if before.owner != after.owner:
        yield _about(after, "owner-changed", "owner", before.owner, after.owner)


def _about(account: Account, name: str, what: str, was: str, is_now: str) -> FactChange:
    return FactChange(
        name=name,
        is_worse=False,
        exchange=account.exchange,
        account=account.id,
        what=what,
        before=was,
        after=is_now,
    )


def _grants(value: FactValue) -> dict[str, Access]:
    items = value if isinstance(value, tuple) else ()
    return {item.word: item.access for item in items if isinstance(item, Grant)}


def _networks(value: FactValue) -> tuple[Network, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if not isinstance(item, str | Grant))


def _texts(value: FactValue) -> tuple[str, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if isinstance(item, str))


def _joined(networks: tuple[Network, ...]) -> str:
    return ", ".join(str(network) for network in networks)


def _text(value: FactValue) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Never() | str():
            return str(value)
        case datetime():
            return encode_time(value)
        case _:
            return ", ".join(
                f"{item.word} {item.access}" if isinstance(item, Grant) else str(item)
                for item in value
            )
