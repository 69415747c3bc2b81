"""A row of a list tells the same about a key as the key's own answer, or less."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.build import with_listings
from gatepolicy.exchanges.exchange import (
    Call,
    Detail,
    Exchange,
    FromRow,
    Listing,
    OwnKey,
    Pages,
    Table,
)
from gatepolicy.exchanges.normalise import facts_of_row, normalise
from gatepolicy.exchanges.sources import NoRow, Row, rows_of, same_key, shown_key
from gatepolicy.model.facts import Capability, Fact, Grade, Provenance
from tests.whole_catalog import CATALOG

CASES = [
    yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_name("documented").glob("*.yaml"))
]
LISTINGS = [(e, listing) for e in CATALOG.values() for listing in e.listings]


def named(value: object) -> str:
    return value.id if isinstance(value, Exchange | Listing) else ""


def same_path(exchange: Exchange, listing: Listing) -> str | None:
    """The call about the own key whose answers have the same rows."""
    calls = [call.id for call in exchange.calls if call.path == listing.keys.call.path]
    return calls[0] if calls else None


OWN = [
    (exchange, listing, case)
    for exchange, listing in LISTINGS
    for case in CASES
    if case["exchange"] == exchange.id
    and (call := same_path(exchange, listing)) is not None
    and case["answers"][call]["status"] == 200
    and "all_else_unknown" not in case
    and not isinstance(rows_of(json.loads(case["answers"][call]["body"]), listing.keys.rows), NoRow)
]


def plain(fact: Fact) -> Fact:
    """A fact without its place, which differs."""
    return Fact(fact.value, Provenance(fact.provenance.grade, "", ""))


@pytest.mark.parametrize(("exchange", "listing", "case"), OWN, ids=named)
def test_a_row_never_tells_more_than_the_own_answer(
    exchange: Exchange, listing: Listing, case: dict[str, Any]
) -> None:
    call = same_path(exchange, listing)
    assert call is not None
    answers = {
        name: Answer(answer["status"], answer["body"].encode())
        for name, answer in case["answers"].items()
    }
    own = normalise(exchange, answers, case["api_key"])
    rows = rows_of(json.loads(case["answers"][call]["body"]), listing.keys.rows)
    assert not isinstance(rows, NoRow)
    fitting = [
        row
        for row in rows
        if (shown := shown_key(row, listing.own)) is not None
        and same_key(shown, case["api_key"], listing.own.mask)
    ]
    for row in fitting if len(fitting) == 1 else []:
        told = facts_of_row(listing.view, row)
        disagreeing = {
            name
            for name, fact in told.known.items()
            if name in own.known and plain(own.known[name]) != plain(fact)
        }
        assert disagreeing == set()
        contradicted = {
            name
            for name in told.known.keys() - own.known.keys() - listing.view.structural.keys()
            if own.unknown[name].detail != "two fields of the answers contradict each other"
        }
        assert contradicted == set()


@pytest.mark.parametrize(("exchange", "listing"), LISTINGS, ids=named)
def test_what_no_word_tells_is_not_denied(exchange: Exchange, listing: Listing) -> None:
    """Words deny a capability only where a document says so, as for the own key."""
    view = listing.view
    if not view.permissions.words:
        return
    words = view.permissions.words.values()
    told = {c for word in words for c in word.grants | word.unclear} | set(
        view.permissions.wordless
    )
    for capability in set(Capability) - told:
        assert capability.fact in {*view.not_disclosed, *view.structural, *view.facts}
    assert {f for f in exchange.not_disclosed if f.startswith("permission.")} <= {
        *view.not_disclosed,
        *view.facts,
        *view.structural,
    }


def test_masters_and_accounts_are_both_there() -> None:
    by_exchange = {exchange.id: [lst.id for lst in exchange.listings] for exchange, _ in LISTINGS}
    assert by_exchange["gate"] == ["account_keys", "sub_account_keys"]
    assert by_exchange["okxus"] == ["sub_account_keys"]
    assert len(by_exchange) >= 15
    assert all(
        listing.view.structural["key.subaccount"].provenance.grade is Grade.STRUCTURAL
        for _, listing in LISTINGS
        if listing.id == "sub_account_keys"
    )


def test_a_list_may_have_words_of_its_own_or_none() -> None:
    data: dict[str, Any] = {
        "id": "others",
        "title": "other keys",
        "of": "account",
        "call": {
            "ccxt_method": "private_get_others",
            "http_method": "GET",
            "path": "/others",
            "reference": "https://example.com",
        },
        "rows": "",
        "key": "/key",
    }
    words = {"ALL": {"title": "Everything", "grants": ["withdraw"]}}
    own = {**data, "permissions": {"pointer": "/p", "shape": "word_list", "words": words}}
    gate = CATALOG["gate"]
    [worded] = with_listings(gate, {"listings": [own]}).listings
    [wordless] = with_listings(gate, {"listings": [data]}).listings
    row = Row({"key": "k", "p": ["ALL"]}, "/0")
    assert facts_of_row(worded.view, row).known["permission.withdraw"].value is True
    assert "permission.withdraw" not in facts_of_row(wordless.view, row).known


ONE_CALL: dict[str, Any] = {
    "http_method": "GET",
    "path": "/keys",
    "ccxt_method": "private_get_keys",
    "permission": "Read",
    "reference": "https://example.com/keys",
}
"""How the list of an invented catalog file is asked for."""
SHORTEST: dict[str, Any] = {
    "id": "keys",
    "title": "all keys",
    "of": "account",
    "call": ONE_CALL,
    "rows": "/data",
    "key": "/key",
}


def declared(name: str, path: str, method: str, **params: Any) -> Call:
    reference = f"https://example.com{path}"
    permission = "Read" if name == "keys" else ""
    return Call(name, method, "GET", path, params, "", {}, permission, reference)


def listing_of(**said: Any) -> Listing:
    [listing] = with_listings(CATALOG["gate"], {"listings": [{**SHORTEST, **said}]}).listings
    return listing


def test_a_list_that_says_as_little_as_possible() -> None:
    keys = declared("keys", "/keys", "private_get_keys")
    assert replace(listing_of(), view=CATALOG["gate"]) == Listing(
        id="keys",
        title="all keys",
        of_account=True,
        permission="Read",
        each=None,
        keys=Table(keys, "/data", None, ""),
        own=OwnKey("/data", "/key", ""),
        view=CATALOG["gate"],
        details=(),
        partial="",
    )


def test_a_list_that_says_everything() -> None:
    listing = listing_of(
        of="subaccounts",
        permission="Sub-accounts",
        each={
            **ONE_CALL,
            "id": "accounts",
            "path": "/accounts",
            "permission": "",
            "reference": "https://example.com/accounts",
            "rows": "/list",
            "pages": {"parameter": "page", "first": 1, "size": 50, "step": 2, "number": True},
            "total": "/count",
        },
        pages={
            "parameter": "cursor",
            "next": "/next",
            "last": ["", None],
            "last_if_absent": True,
            "last_if_empty": True,
        },
        total="/total",
        details=[
            {
                **ONE_CALL,
                "id": "detail",
                "path": "/detail",
                "permission": "",
                "reference": "https://example.com/detail",
                "params": {"key": {"row": "/key"}},
                "key": "/shown",
            },
            {
                **ONE_CALL,
                "id": "more",
                "path": "/more",
                "permission": "",
                "reference": "https://example.com/more",
            },
        ],
        partial="closed accounts",
    )
    method = "private_get_keys"
    shown = OwnKey("", "/shown", "")
    assert replace(listing, view=CATALOG["gate"]) == Listing(
        id="keys",
        title="all keys",
        of_account=False,
        permission="Sub-accounts",
        each=Table(
            declared("accounts", "/accounts", method),
            "/list",
            Pages("page", 1, 2, 50, "", number=True),
            "/count",
        ),
        keys=Table(
            declared("keys", "/keys", method),
            "/data",
            Pages(
                "cursor", None, 1, 0, "/next", False, ("", None), last_if_absent=True,
                last_if_empty=True,
            ),
            "/total",
        ),
        own=OwnKey("/data", "/key", ""),
        view=CATALOG["gate"],
        details=(
            Detail(declared("detail", "/detail", method, key=FromRow("/key")), shown),
            Detail(declared("more", "/more", method), None),
        ),
        partial="closed accounts",
    )  # fmt: skip


def test_pages_of_a_list_before_that_says_little() -> None:
    each = {**ONE_CALL, "id": "accounts", "rows": "", "pages": {"parameter": "p", "first": 0}}
    before = listing_of(each=each).each
    assert before is not None
    assert (before.pages, before.total) == (Pages("p", 0, 1, 0, ""), "")
    alone = listing_of(each={**ONE_CALL, "id": "accounts", "rows": ""}).each
    assert alone is not None
    assert alone.pages is None


def test_what_is_said_of_sub_accounts_alone() -> None:
    mains, subs = listing_of(), listing_of(of="subaccounts")
    told = subs.view.structural["key.subaccount"]
    assert told == Fact(True, Provenance(Grade.STRUCTURAL, "", "", "https://example.com/keys"))
    assert mains.view.structural.get("key.subaccount") != told
    said = {"key.subaccount": {"value": False, "reference": "https://example.com/said"}}
    own = listing_of(of="subaccounts", structural=said).view.structural["key.subaccount"]
    assert (own.value, own.provenance.reference) == (False, "https://example.com/said")


def test_a_view_tells_what_its_calls_tell_and_nothing_else() -> None:
    view = listing_of(
        facts={"key.name": [{"pointer": "/name", "reader": "text"}]},
        details=[
            {
                **ONE_CALL,
                "id": "detail",
                "facts": {
                    "key.name": [{"pointer": "/n", "reader": "text"}],
                    "key.active": [{"pointer": "/on", "reader": "boolean"}],
                },
            }
        ],
        not_disclosed={"key.created_at": "no list says it", "key.name": "overruled"},
    ).view
    assert {name: [s.call for s in sources] for name, sources in view.facts.items()} == {
        "key.name": ["keys", "detail"],
        "key.active": ["detail"],
    }
    assert [call.id for call in view.calls] == ["keys", "detail"]
    assert view.own_keys == {}
    assert view.permissions.words == {}
    assert view.not_disclosed["key.created_at"].detail == "no list says it"
    assert "key.name" not in view.not_disclosed


def test_rows_have_the_words_of_the_exchange_but_for_strangers() -> None:
    gate = CATALOG["gate"]
    said = {"pointer": "/perms", "shape": "word_list"}
    view = listing_of(permissions={**said, "without": ["wallet"]}).view
    assert "wallet" in gate.permissions.words
    assert view.permissions.words == {
        name: word for name, word in gate.permissions.words.items() if name != "wallet"
    }
    assert view.permissions.call == "keys"
    more = replace(
        gate.permissions,
        wordless={Capability.WITHDRAW: "no word"},
        inferred_absence=frozenset({Capability.TRANSFER}),
        inferred_reference="a document",
    )
    listed = {"listings": [{**SHORTEST, "permissions": said}]}
    [listing] = with_listings(replace(gate, permissions=more), listed).listings
    whole = listing.view.permissions
    assert whole.words == gate.permissions.words
    assert whole.wordless == more.wordless
    assert whole.inferred_absence == more.inferred_absence
    assert whole.inferred_reference == "a document"


def test_a_list_that_is_a_call_of_the_exchange_tells_what_that_call_tells() -> None:
    gate = CATALOG["gate"]
    said = {"id": "keys", "title": "all keys", "of": "account", "call": "main_keys"}
    [listing] = with_listings(gate, {"listings": [said]}).listings
    elsewhere = replace(gate, permissions=replace(gate.permissions, call="detail"))
    [wordless] = with_listings(elsewhere, {"listings": [said]}).listings
    assert wordless.view.permissions.words == {}
    own = gate.own_keys["main_keys"]
    assert (listing.own, listing.keys.rows) == (own, own.rows)
    assert [call.id for call in listing.calls] == ["main_keys"]
    assert listing.view.permissions == gate.permissions
    assert {source.call for sources in listing.view.facts.values() for source in sources} == {
        "main_keys"
    }
