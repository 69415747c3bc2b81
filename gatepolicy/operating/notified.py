"""What was reported, as text: so that the next scan tells nothing twice. Pure."""

import json
from collections.abc import Mapping

from gatepolicy.operating.news import ITEM_LEVELS, Item, Notified

_VERSION = 2
_TEXTS = ("level", "rule", "name", "exchange", "account", "subject")


def encode_notified(by_receiver: Mapping[str, Notified]) -> str:
    """As JSON, in stable order.

    Args:
        by_receiver: Name of each receiver, such as ``receiver 1 (json)``, to what it took.
    """
    items = {
        name: {key: _encode(item) for key, item in sorted(notified.items())}
        for name, notified in sorted(by_receiver.items())
    }
    return f"{json.dumps({'version': _VERSION, 'notified': items}, indent=1)}\n"


def _encode(item: Item) -> Mapping[str, object]:
    texts = {name: text for name in _TEXTS if (text := getattr(item, name))}
    return {**texts, **({"marks": sorted(item.marks)} if item.marks else {})}


def decode_notified(text: str) -> Mapping[str, Notified]:
    """Back from JSON.

    Raises:
        ValueError: It was not written by this version, or not by gatepolicy.
    """
    match json.loads(text):
        case {"version": version, "notified": dict(notified)} if version == _VERSION:
            return {name: _of_receiver(items) for name, items in notified.items()}
    raise ValueError("not of this version")


def _of_receiver(data: object) -> Notified:
    match data:
        case dict():
            return {key: _decode(item) for key, item in data.items()}
    raise ValueError("no items")


def _decode(data: object) -> Item:
    match data:
        case {"level": level, **others} if level in ITEM_LEVELS:
            texts = {name: _text(others.get(name, "")) for name in _TEXTS[1:]}
            return Item(_text(level), **texts, marks=_texts(others.get("marks", [])))
    raise ValueError("no item")


def _text(value: object) -> str:
    match value:
        case str():
            return value
    raise ValueError("no text")


def _texts(value: object) -> frozenset[str]:
    match value:
        case list():
            return frozenset(map(_text, value))
    raise ValueError("no list")
