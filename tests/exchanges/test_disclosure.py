"""How far an exchange discloses a fact, and where: of an exchange made by hand."""

from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.exchanges.build import build
from gatepolicy.exchanges.catalog import Discloses, Disclosure, disclosure, never_disclosed
from gatepolicy.exchanges.exchange import Alternative, Listing, OwnKey, Table
from gatepolicy.model.facts import FACTS, OF_THE_SCAN

PAGE = "https://example.com/docs"
DATA: dict[str, Any] = {
    "id": "moon",
    "title": "Moon",
    "ccxt_id": "moonex",
    "reference": PAGE,
    "credentials": ["apiKey"],
    "hosts": ["api.example.com"],
    "rate_limit": {"calls": 1, "seconds": 1},
    "calls": [
        {"id": name, "http_method": "GET", "path": f"/{name}", "reference": PAGE}
        for name in ("key", "more")
    ],
    "errors": {"code": "/code", "text": "/msg", "patterns": []},
    "permissions": {
        "call": "key",
        "pointer": "/perms",
        "shape": "word_list",
        "words": {
            "trade": {"title": "Trade", "grants": ["trade.spot"], "unclear": ["convert"]},
            "pay": {"title": "Pay", "grants": ["withdraw", "transfer"]},
        },
        "inferred_absence": {"capabilities": ["withdraw"], "reference": "no document says so"},
    },
    "facts": {
        # Beside a word, a place of its own only confirms it.
        "permission.transfer": [{"call": "more", "pointer": "/canMove"}],
        "permission.convert": [{"call": "more", "pointer": "/canConvert"}],
        # No word tells it.
        "permission.read": [{"call": "more", "pointer": "/canRead"}],
        "ip.allowlist": [
            {"call": "key", "pointer": "/ips", "other_pointer": "/IPs"},
            {"call": "more", "pointer": "/ips"},
            {"call": "more", "pointer": "/ips"},
        ],
        # The whole answer.
        "key.name": [{"call": "key", "pointer": ""}],
    },
    "structural": {"key.subaccount": {"value": False, "reference": "the manual"}},
    "not_disclosed": {"key.expires_at": "no call tells"},
    "menu": "",
    "fixes": {},
}
MOON = build(DATA)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("permission.withdraw", Disclosure(Discloses.INFERRED, "key /perms; no document says so")),
        ("permission.transfer", Disclosure(Discloses.OBSERVED, "key /perms")),
        ("permission.convert", Disclosure(Discloses.OBSERVED, "key /perms")),
        ("permission.read", Disclosure(Discloses.OBSERVED, "more /canRead")),
        ("permissions.native", Disclosure(Discloses.OBSERVED, "key /perms")),
        ("ip.allowlist", Disclosure(Discloses.OBSERVED, "key /ips, key /IPs, more /ips")),
        ("key.name", Disclosure(Discloses.OBSERVED, "key")),
        ("key.subaccount", Disclosure(Discloses.STRUCTURAL, "the manual")),
        ("key.expires_at", Disclosure(Discloses.NOT_DISCLOSED, "no call tells")),
        (
            "key.fingerprint",
            Disclosure(Discloses.BY_SCAN, "computed from the key itself"),
        ),
    ],
)
def test_one_fact(fact: str, expected: Disclosure) -> None:
    assert disclosure(MOON)[fact] == expected


def test_words_that_are_the_whole_answer_stand_at_their_call() -> None:
    whole = replace(MOON, permissions=replace(MOON.permissions, pointer=""))
    assert disclosure(whole)["permission.transfer"].where == "key"
    assert disclosure(whole)["permission.withdraw"].where == "key; no document says so"


def test_every_fact_in_the_order_of_the_vocabulary() -> None:
    told = disclosure(MOON)
    assert list(told) == list(FACTS)
    assert {name for name, one in told.items() if one.how is Discloses.BY_SCAN} == OF_THE_SCAN


HIDDEN = {"key.expires_at": "no call tells", "key.name": "no call tells"}


def test_what_a_list_or_other_calls_tell_is_not_hidden() -> None:
    moon = build({**DATA, "not_disclosed": HIDDEN})
    silent = replace(moon, facts={})
    assert never_disclosed(moon) == {"key.expires_at", "key.name"}
    view = build({**DATA, "not_disclosed": {"key.name": "no call tells"}})
    other = Alternative("other", "other keys", view)
    assert never_disclosed(replace(silent, alternatives=(other,))) == {"key.name"}
    listing = Listing(
        id="keys",
        title="all keys",
        of_account=True,
        permission="",
        each=None,
        keys=Table(moon.calls[0], "", None),
        own=OwnKey("", "/key", ""),
        view=view,
    )
    assert never_disclosed(replace(silent, listings=(listing,))) == {"key.name"}
