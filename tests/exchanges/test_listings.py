"""A row of a list tells the same about a key as the key's own answer, or less."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_catalog
from gatepolicy.exchanges.exchange import Exchange, Listing
from gatepolicy.exchanges.normalise import facts_of_row, normalise
from gatepolicy.exchanges.rows import rows_of, same_key, shown_key, with_listings
from gatepolicy.exchanges.sources import NoRow, Row
from gatepolicy.model.facts import Capability, Fact, Grade, Provenance

CATALOG = load_catalog()
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
