"""Answers as templates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.templates import TemplateContext, fill

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = SimulatedKey(
    exchange="kraken",
    api_key="an-invented-key",
    secret="not-a-real-secret",
    created_at=NOW - timedelta(days=1),
    permissions=("READ:read-only", "TRADE", "scope:read"),
    name="bot",
    allowed_ips=("203.0.113.7", "203.0.113.8"),
)
SCENE = TemplateContext(KEY, NOW, {"path": "/p"})
UNBOUND = TemplateContext(replace(KEY, allowed_ips=(), active=False), NOW, {})


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        (7, 7),
        ("$$x", "$x"),
        ("$name", "bot"),
        ("$path", "/p"),
        ("$created.s", 1769774400),
        ("$created.ms_text", "1769774400000"),
        ("$now.iso", "2026-01-31T12:00:00Z"),
        ("$now.iso_kst", "2026-01-31T21:00:00+09:00"),
        ("$now.date", "2026-01-31"),
        ("$words", ["READ", "TRADE", "scope:read"]),
        ({"a": ["$name", {"b": "$caller"}]}, {"a": ["bot", {"b": "203.0.113.10"}]}),
        ({"$join": ",", "of": "$ips"}, "203.0.113.7,203.0.113.8"),
        ({"$granted": "TRADE"}, True),
        ({"$granted": "WITHDRAW"}, False),
        ({"$granted": "READ", "access": "read-write", "then": 1, "else": 0}, 0),
        ({"$granted": "TRADE", "access": "read-write", "then": 1, "else": 0}, 1),
        ({"$each": "$ips", "as": {"ip": "$item"}}, [{"ip": "203.0.113.7"}, {"ip": "203.0.113.8"}]),
        ({"$map": "$words", "to": {"TRADE": 2}}, ["READ", 2, "scope:read"]),
        ({"$choose": "$words", "first": [["WITHDRAW", 3], ["TRADE", 2]], "else": 1}, 2),
        ({"$choose": "$ips", "first": [["WITHDRAW", 3]], "else": 1}, 1),
        ({"$mask": "$api_key", "show": 4, "with": "****"}, "an-i****"),
        ({"$mask": "$api_key", "show": 4, "with": "*", "show_last": 3}, "an-i*key"),
        ({"$lower": "Ab"}, "ab"),
        ({"$text": {"$granted": "TRADE"}}, "true"),
        ({"a": {"$if": "expires", "then": 1}, "b": 2}, {"b": 2}),
        ({"a": "$expires.ms", "b": 2}, {"b": 2}),
        ({"a": {"$if": "bound", "then": "$ips"}}, {"a": ["203.0.113.7", "203.0.113.8"]}),
    ],
)
def test_values(template: object, value: object) -> None:
    assert fill(template, SCENE) == value


def test_conditions_of_another_key() -> None:
    template = {
        "ips": {"$if": "bound", "then": "$ips"},
        "on": {"$if": "active", "then": 1, "else": 0},
    }
    assert fill(template, UNBOUND) == {"on": 0}


@pytest.mark.parametrize(
    "template",
    [
        "$nothing",
        "$created.fortnights",
        {"$if": "lucky", "then": 1},
        {"$sum": [1, 2]},
        {"$join": ",", "of": "$name"},
    ],
)
def test_what_there_is_not_is_refused(template: object) -> None:
    with pytest.raises(ValueError, match=r"^no "):
        fill(template, SCENE)
