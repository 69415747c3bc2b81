"""The catalog is complete and consistent, exchange by exchange."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jsonschema_rs import Draft202012Validator

from gatepolicy.errors import InternalError
from gatepolicy.exchanges.catalog import (
    Discloses,
    Disclosure,
    disclosure,
    known_exchanges,
    load_catalog,
    load_exchange,
    load_others,
)
from gatepolicy.exchanges.consistency import catalog_problems
from gatepolicy.exchanges.exchange import Exchange, FactSource, FromAnswer, PermissionShape
from gatepolicy.exchanges.interpret import PUBLIC_CREDENTIALS
from gatepolicy.exchanges.readers import EVERYWHERE, READERS
from gatepolicy.model.facts import FACTS, OF_THE_SCAN, Capability, Fact, Grade, Provenance, Reason
from gatepolicy.resources import catalog_directory, schemas_directory
from gatepolicy.rules.catalog import load_rules
from tests.whole_catalog import CATALOG

every_exchange = pytest.mark.parametrize("exchange", CATALOG.values(), ids=CATALOG.keys())
VIEWS: Mapping[str, Exchange] = {
    **CATALOG,
    **{
        f"{exchange.id}-{other.id}": other.view
        for exchange in CATALOG.values()
        for other in exchange.alternatives
    },
}
every_view = pytest.mark.parametrize("exchange", VIEWS.values(), ids=VIEWS.keys())


def sources(exchange: Exchange) -> list[tuple[str, FactSource]]:
    return [(name, source) for name, all_of in exchange.facts.items() for source in all_of]


def test_every_file_is_of_the_schema() -> None:
    assert catalog_problems({rule.info.name for rule in load_rules().values()}) == ()
    assert tuple(load_catalog()) == known_exchanges()
    assert {"gate", "binance", "bybit", "okx", "kucoin"} <= set(known_exchanges())


@pytest.mark.parametrize(
    ("path", "refused"),
    [("/v1/exchange/orders", False), ("/v1/change/orders", True), ("/v1/apikeys/Change", True)],
)
def test_an_exchange_is_no_change(path: str, refused: bool) -> None:
    text = (schemas_directory() / "exchange.schema.json").read_text(encoding="utf-8")
    words = json.loads(text)["$defs"]["call"]["properties"]["path"]["not"]["pattern"]
    assert bool(re.search(words, path)) is refused


@every_exchange
def test_the_file_is_named_after_the_exchange(exchange: Exchange) -> None:
    assert load_exchange(exchange.id) == exchange


def denies(exchange: Exchange, fact: str) -> bool:
    """Whether a place of an answer can say that a fact is not so."""
    return any(
        READERS[source.reader].kind is not None
        or source.missing is not None
        or any(meaning.means is not True for meaning in source.meanings)
        for source in exchange.facts.get(fact, ())
    )


@every_view
def test_every_capability_is_told_in_exactly_one_way(exchange: Exchange) -> None:
    permissions = exchange.permissions
    for capability in Capability:
        worded = any(
            capability in word.grants | word.unclear for word in permissions.words.values()
        )
        if worded:
            # Beside a word, a place of its own may only say that the key can do it.
            assert not denies(exchange, capability.fact), capability
        ways = [
            worded,
            capability in permissions.wordless,
            capability.fact in exchange.facts and not worded,
            capability.fact in exchange.structural,
            capability.fact in exchange.not_disclosed,
        ]
        assert sum(ways) == 1, capability


@every_view
def test_every_other_fact_is_told_in_exactly_one_way(exchange: Exchange) -> None:
    of_permissions = {c.fact for c in Capability} | {
        "permissions.native",
        "permissions.unrecognised",
    }
    for name in FACTS.keys() - of_permissions - OF_THE_SCAN:
        ways = [name in exchange.facts, name in exchange.structural, name in exchange.not_disclosed]
        assert sum(ways) == 1, name
    for name in ("permissions.native", "permissions.unrecognised"):
        assert (name in exchange.not_disclosed) is not bool(exchange.permissions.words)


@every_view
def test_every_call_that_is_named_is_declared_and_used(exchange: Exchange) -> None:
    declared = {call.id for call in exchange.calls}
    used = {exchange.permissions.call} | {source.call for _, source in sources(exchange)}
    parameters = [p for call in exchange.calls for p in call.params.values()]
    used |= {p.call for p in parameters if isinstance(p, FromAnswer)}
    # Where nothing about the key is disclosed, a call still tells whether the key is refused.
    assert used - {""} == declared or (used == {""} and len(declared) == 1)
    assert set(exchange.own_keys) <= declared


@every_exchange
def test_the_credential_that_names_the_key_is_a_public_one(exchange: Exchange) -> None:
    if exchange.named_by_wallet:
        assert "privateKey" in exchange.credentials
        return
    assert exchange.named_by in PUBLIC_CREDENTIALS
    assert exchange.named_by in exchange.credentials
    # An audited account's key is compared with listed ones as it is written.
    assert not any(listing.own.ignore_case for listing in exchange.listings)


@every_view
def test_readers_give_the_kind_of_their_fact(exchange: Exchange) -> None:
    for name, source in sources(exchange):
        assert READERS[source.reader].kind in (None, FACTS[name].kind), name


@every_view
def test_the_word_for_withdrawals_is_known(exchange: Exchange) -> None:
    words = exchange.permissions.words.values()
    # Beside the word, a place of its own may say that the key can withdraw, and nothing else.
    places = set(exchange.facts) if denies(exchange, "permission.withdraw") else set()
    told = places | {*exchange.structural, *exchange.not_disclosed}
    told |= {capability.fact for capability in exchange.permissions.wordless}
    worded = any(Capability.WITHDRAW in word.grants for word in words)
    assert worded or "permission.withdraw" in told | set(exchange.facts)
    assert not (worded and "permission.withdraw" in told)


@every_view
def test_only_read_only_calls_are_declared(exchange: Exchange) -> None:
    for call in exchange.calls:
        if call.unlisted is None:
            assert f"_{call.http_method.lower()}_" in call.ccxt_method
        else:
            assert not call.ccxt_method
            assert call.path.endswith(call.unlisted.path)
        assert bool(call.reads) is (call.http_method == "POST")


@every_view
def test_what_is_missing_never_helps_a_key_to_pass(exchange: Exchange) -> None:
    for name, sources in exchange.facts.items():
        for source in sources:
            if source.missing is not None:
                harmless = {"ip.restricted": False, "ip.allowlist": EVERYWHERE}
                assert source.missing == harmless[name]


@every_exchange
def test_a_proof_by_refusal_needs_a_code_or_a_value_with_words(exchange: Exchange) -> None:
    for pattern in exchange.errors:
        exact = pattern.code is not None or (pattern.where is not None and pattern.text)
        assert exact or not pattern.proves
        assert set(pattern.proves) <= {"ip.restricted", "permission.read", "permission.withdraw"}


@every_exchange
def test_a_refusal_proves_of_a_permission_only_that_the_one_call_lacks_it(
    exchange: Exchange,
) -> None:
    calls = {call.id for call in exchange.sendable}
    for pattern in exchange.errors:
        assert {pattern.call, pattern.beside} - {""} <= calls
        assert not pattern.call or pattern.call != pattern.beside
        for name in pattern.proves.keys() - {"ip.restricted"}:
            assert pattern.proves[name] is False
            assert pattern.call
            # What helps a key to pass must not rest on a refusal of the whole key.
            assert pattern.beside or name == "permission.read"


@every_exchange
def test_alternatives_are_asked_after_a_refusal_that_tells_nothing(exchange: Exchange) -> None:
    named = {pattern.ask_instead: pattern for pattern in exchange.errors if pattern.ask_instead}
    assert named.keys() == {other.id for other in exchange.alternatives}
    for pattern in named.values():
        assert pattern.code is not None
        assert not pattern.proves
        # After most other reasons, nothing more is sent.
        assert pattern.reason is Reason.PERMISSION_DENIED


@every_exchange
def test_calls_and_words_are_the_same_in_every_alternative(exchange: Exchange) -> None:
    calls = [call.id for call in exchange.sendable]
    assert len(set(calls)) == len(calls)
    for other in exchange.alternatives:
        assert not other.view.alternatives
        assert not other.view.listings
        for name, word in other.view.permissions.words.items():
            assert exchange.words[name] == exchange.permissions.words.get(name, word)


@every_view
def test_no_read_only_mark_explains_away_a_listed_danger(exchange: Exchange) -> None:
    """A word that may withdraw is believed, where one mark of the whole key says otherwise."""
    permissions = exchange.permissions
    if permissions.read_only_pointer and permissions.shape is PermissionShape.WORD_LIST:
        for word in permissions.words.values():
            assert word.despite_read_only is (Capability.WITHDRAW in word.grants)


@every_exchange
def test_the_sites_of_a_family_name_each_other(exchange: Exchange) -> None:
    sites = exchange.sites
    assert bool(sites) is bool(exchange.sister_sites)
    if not sites:
        return
    assert [site.exchange for site in sites].count(exchange.id) == 1
    for site in exchange.sister_sites:
        # A site that cannot be declared says what to do.
        assert bool(site.exchange) is not bool(site.note)
        if site.exchange in CATALOG:
            assert exchange.id in {other.exchange for other in CATALOG[site.exchange].sites}
        elif site.exchange:
            assert site.exchange in load_others()


@every_exchange
def test_a_site_of_its_own_has_sisters(exchange: Exchange) -> None:
    """An entry on the hosts of another one describes the same keys; else it has keys of its own."""
    data = yaml.safe_load((catalog_directory() / f"{exchange.id}.yaml").read_text(encoding="utf-8"))
    base = CATALOG.get(data.get("based_on", ""))
    if base is not None and not exchange.hosts & base.hosts:
        assert base.id in {site.exchange for site in exchange.sister_sites}


@every_view
def test_an_answer_proves_only_that_a_key_exists(exchange: Exchange) -> None:
    """That it is gone, no answer to the key itself can tell."""
    told = {name: sources for name, sources in exchange.facts.items() if name in OF_THE_SCAN}
    assert told.keys() <= {"key.exists"}
    for source in told.get("key.exists", ()):
        assert source.reader == "nothing"
        assert all(meaning.means is True for meaning in source.meanings)
    # Any other fact proves it as well.
    others = exchange.facts.keys() - OF_THE_SCAN
    assert not told or not (others or exchange.permissions.words)


@every_exchange
def test_fixes_are_for_rules_that_exist(exchange: Exchange) -> None:
    names = {rule.info.name for rule in load_rules().values()}
    assert exchange.fixes.keys() <= names
    assert {"withdrawal-enabled", "ip-unbound"} <= exchange.fixes.keys()


@every_view
def test_disclosure_tells_every_fact_and_where(exchange: Exchange) -> None:
    told = disclosure(exchange)
    assert list(told) == list(FACTS)
    assert all(one.where for one in told.values())


def test_an_entry_can_be_based_on_another(tmp_path: Path) -> None:
    for file in catalog_directory().glob("okx.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "okxmoon.yaml").write_text(
        "id: okxmoon\nbased_on: okx\ntitle: OKX Moon\nhosts: [moon.example.com]\n", encoding="utf-8"
    )
    moon, okx = load_exchange("okxmoon", tmp_path), load_exchange("okx", tmp_path)
    assert moon.hosts == {"moon.example.com"}
    assert moon.calls == okx.calls
    assert moon.permissions == okx.permissions


def test_a_broken_file_is_a_defect_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "moon.yaml").write_text("id: moon\n", encoding="utf-8")
    with pytest.raises(InternalError) as caught:
        load_exchange("moon", tmp_path)
    assert str(caught.value) == (
        "moon.yaml of the exchange catalog cannot be read (KeyError: 'errors')"
    )
    assert caught.value.hint == "install gatepolicy again"


def test_a_fact_by_rule_is_told_as_such() -> None:
    structural = {
        "ip.restricted": Fact(
            value=False, provenance=Provenance(Grade.STRUCTURAL, "", "", "the documents")
        )
    }
    told = disclosure(replace(CATALOG["okx"], structural=structural))["ip.restricted"]
    assert told == Disclosure(Discloses.STRUCTURAL, "the documents")


def test_disclosure_of_each_kind() -> None:
    gate, binance = disclosure(CATALOG["gate"]), disclosure(CATALOG["binance"])
    assert gate["permission.withdraw"].how is Discloses.INFERRED
    assert gate["permission.trade.spot"].how is Discloses.OBSERVED
    assert gate["key.expires_at"].how is Discloses.NOT_DISCLOSED
    assert gate["ip.allowlist"].where == "main_keys /ip_whitelist, detail /ip_whitelist"
    assert binance["ip.allowlist"].how is Discloses.NOT_DISCLOSED
    assert binance["key.created_at"].where == "restrictions /createTime"


CHANGING = ("create", "delete", "cancel", "withdraw", "transfer", "send", "enable")


def declares(**changes: object) -> bool:
    """Whether the schema takes Indodax with these changes of its second call."""
    text = (schemas_directory() / "exchange.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    checker = Draft202012Validator({**schema["$defs"]["call"], "$defs": schema["$defs"]})
    data = yaml.safe_load((catalog_directory() / "indodax.yaml").read_text(encoding="utf-8"))
    [call] = [one for one in data["calls"] if one["id"] == "withdraw_fee"]
    changed = {name: value for name, value in {**call, **changes}.items() if value is not None}
    return bool(checker.is_valid(changed))


def test_one_call_alone_may_name_what_would_change_something() -> None:
    named = {
        (exchange.id, call.ccxt_method)
        for exchange in CATALOG.values()
        for call in exchange.calls
        if any(
            word in text.lower()
            for text in (call.ccxt_method, call.path, *call.body.values())
            for word in CHANGING
        )
    }
    assert named == {("indodax", "private_post_withdrawfee")}
    assert declares()


@pytest.mark.parametrize(
    "changes",
    [
        {"ccxt_method": "private_post_withdrawcoin"},
        {"ccxt_method": "private_post_withdraw"},
        {"ccxt_method": "private_post_withdrawfees"},
        {"ccxt_method": "sapi_private_post_withdrawfee"},
        {"ccxt_method": "private_get_withdrawfee"},
        {"body": None},
        {"body": {"method": "withdrawFee"}},
        {"body": {"currency": "btc"}},
        {"body": {"method": "withdrawCoin", "currency": "btc"}},
        {"body": {"method": "openOrders", "currency": "btc"}},
        {"body": {"method": "withdrawFee", "currency": "withdrawCoin"}},
        {"params": {"currency": "btc", "method": "withdrawCoin"}},
        {"path": "/tapi/withdraw"},
        {"path": "/other"},
        {"http_method": "GET"},
        {"reads": None},
    ],
    ids=str,
)
def test_nothing_near_that_call_is_taken(changes: dict[str, object]) -> None:
    assert not declares(**changes)


def test_a_body_that_changes_something_is_refused_under_any_name() -> None:
    harmless = {"ccxt_method": "private_post_openorders", "params": None}
    assert declares(**harmless, body={"method": "openOrders"})
    for method in ("withdrawCoin", "cancelOrder", "createVoucher", "Withdraw"):
        assert not declares(**harmless, body={"method": method})
