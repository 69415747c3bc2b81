"""The shipped rules: ids, texts, and that what they ask can be asked."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import jsonschema
import pytest
import yaml

from gatepolicy.evaluate.predicates import PREDICATES
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.facts import (
    ATTESTED_FACTS,
    FACTS,
    Access,
    Capability,
    FactKind,
    FactValue,
    Grant,
    Never,
)
from gatepolicy.model.verdicts import OnUnknown, Severity
from gatepolicy.policies.parents import CLAUSES
from gatepolicy.resources import rules_file, schemas_directory
from gatepolicy.rules.catalog import find_rule, load_rules, with_fixes
from gatepolicy.rules.rule import AllOf, AnyOf, Argument, Ask, Condition, Each, Rule, fill_condition
from gatepolicy.rules.rule import Test as Check
from tests.whole_catalog import CATALOG

RULES = load_rules()
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ASKS = [(rule, ask) for rule in RULES.values() for ask in rule.asks]

IDS = {
    "GP001": "withdrawal-enabled",
    "GP002": "transfer-enabled",
    "GP003": "permission-forbidden",
    "GP004": "permission-not-allowed",
    "GP005": "permission-missing",
    "GP006": "permission-unrecognised",
    "GP007": "duties-not-separated",
    "GP010": "ip-unbound",
    "GP011": "ip-outside-allowlist",
    "GP012": "ip-range-too-wide",
    "GP013": "ip-list-too-long",
    "GP014": "address-shared",
    "GP020": "key-too-old",
    "GP021": "key-idle",
    "GP022": "key-expiring",
    "GP023": "key-expired",
    "GP024": "key-never-expires",
    "GP025": "key-name-mismatch",
    "GP026": "trading-pairs-restricted",
    "GP027": "trading-pairs-outside-list",
    "GP028": "key-inactive",
    "GP029": "shared-key",
    "GP030": "account-without-policy",
    "GP031": "policy-without-accounts",
    "GP032": "undeclared-key",
    "GP033": "dead-key",
    "GP034": "sandbox-account",
    "GP035": "too-many-keys",
    "GP036": "evidence-too-old",
    "GP040": "waiver-expired",
    "GP041": "waiver-unused",
    "GP042": "waiver-over-broad",
    "GP043": "waiver-not-allowed",
    "GP044": "waiver-invalid",
    "GP050": "two-factor-unattested",
    "GP051": "secret-storage-unattested",
    "GP052": "settings-unattested",
    "GP053": "review-overdue",
}
"""For ever: whoever suppresses a finding names it so."""


def checks(condition: Condition) -> Iterator[Check]:
    match condition:
        case Check():
            yield condition
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from checks(part)


def test_ids_and_names_are_stable() -> None:
    assert {rule_id: rule.info.name for rule_id, rule in RULES.items()} == IDS
    assert list(RULES) == sorted(RULES)
    assert len({rule.info.name for rule in RULES.values()}) == len(RULES)


def test_the_withdrawal_is_the_worst_and_must_be_proved() -> None:
    worst = [rule for rule in RULES.values() if rule.info.severity is Severity.CRITICAL]
    assert [rule.info.id for rule in worst] == ["GP001"]
    blocking = [rule.info.id for rule in RULES.values() if rule.on_unknown is OnUnknown.BLOCK]
    assert blocking == ["GP001", "GP010"]


def test_only_rules_about_the_scan_itself_ask_nothing() -> None:
    assert [rule.info.id for rule in RULES.values() if not rule.asks] == [
        "GP030", "GP031", "GP036", "GP040", "GP041", "GP042", "GP043", "GP044",
    ]  # fmt: skip


def test_every_clause_of_a_policy_is_asked() -> None:
    asked = {clause for _, ask in ASKS for clause in ask.clauses}
    assert asked == set(CLAUSES)


def test_the_file_is_of_its_schema_by_another_validator() -> None:
    schema = json.loads((schemas_directory() / "rules.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = yaml.safe_load(rules_file().read_text(encoding="utf-8"))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []


def test_the_schema_names_the_predicates() -> None:
    schema: Any = json.loads((schemas_directory() / "rules.schema.json").read_text("utf-8"))
    named = schema["$defs"]["condition"]["properties"]["predicate"]["enum"]
    assert sorted(named) == sorted(PREDICATES)
    assert schema["$defs"]["ask"]["properties"]["each"]["enum"] == [each.value for each in Each]


VALUES: dict[FactKind, FactValue] = {
    FactKind.BOOL: True,
    FactKind.TEXT: "ICG-MM",
    FactKind.TIME: NOW - timedelta(days=3),
    FactKind.TEXTS: ("BTC_USDT", "desk:mm"),
    FactKind.NETWORKS: (ip_network("203.0.113.5"),),
    FactKind.GRANTS: (Grant("spot", Access.READ_WRITE),),
}
ARGUMENTS: dict[str, Argument] = {
    "ip_binding.within": (ip_network("203.0.113.0/28"),),
    "ip_binding.widest": 32,
    "ip_binding.at_most": 1,
    "ip_binding.separate_by": ("desk",),
    "account.max_keys": 1,
    "key.max_age": timedelta(days=90),
    "key.max_idle": timedelta(days=90),
    "key.min_days_to_expiry": 14,
    "key.name": "^ICG",
    "key.trading_pairs.within": ("BTC_USDT",),
    "permissions.allow": ("spot", "none"),
    "account.two_factor.attested_within": timedelta(days=90),
    "account.secret_storage.attested_within": timedelta(days=90),
    "account.settings.attested_within": timedelta(days=90),
    "account.review.attested_within": timedelta(days=90),
}


@pytest.mark.parametrize(("rule", "ask"), ASKS, ids=[f"{r.info.id}-{a.each}" for r, a in ASKS])
def test_what_a_rule_asks_can_be_answered(rule: Rule, ask: Ask) -> None:
    """Fact, predicate and argument are of kinds that fit; else every answer would be unknown."""
    argument = ARGUMENTS.get(ask.clauses[0])
    filled = fill_condition(ask.condition, "earn", argument)
    for check in checks(filled):
        value = VALUES[{**FACTS, **ATTESTED_FACTS}[check.fact].kind]
        assert PREDICATES[check.predicate](value, check.argument, NOW) is not None, check


@pytest.mark.parametrize("clause", ["permissions.forbid", "permissions.require"])
def test_every_listed_capability_is_asked_exactly_once(clause: str) -> None:
    for capability in Capability:
        asking = [
            rule.info.id
            for rule, ask in ASKS
            if clause in ask.clauses and ask.each is Each.ITEM and ask.takes(capability)
        ]
        assert len(asking) == 1, capability


def test_every_capability_beyond_is_asked_exactly_once() -> None:
    for capability in Capability:
        asking = [
            rule.info.id
            for rule, ask in ASKS
            if ask.each is Each.CAPABILITY_BEYOND and ask.takes(capability)
        ]
        assert len(asking) == 1, capability


def test_placeholders_are_known() -> None:
    for rule, ask in ASKS:
        texts = [ask.expected, *(check.fact for check in checks(ask.condition))]
        texts += [c.argument for c in checks(ask.condition) if isinstance(c.argument, str)]
        placeholders = set(re.findall(r"\{.*?\}", " ".join(texts)))
        assert placeholders <= {"{what}", "{value}", "{item}"}, rule.info.id


def test_titles_say_the_bad_thing_and_texts_are_sentences() -> None:
    for rule in RULES.values():
        info = rule.info
        assert not info.title.endswith(".")
        assert info.why.endswith(".")
        assert info.fix["default"].endswith(".")
        assert all(reference.startswith("https://") for reference in info.references)


def test_fixes_of_the_catalog_are_for_rules_that_exist() -> None:
    for exchange in CATALOG.values():
        assert set(exchange.fixes) <= set(IDS.values()), exchange.id


def test_fixes_of_exchanges_stand_beside_the_default() -> None:
    gate = load_exchange("gate")
    told = load_rules([gate])["GP001"].info
    assert told.fix_for("gate") == gate.fixes["withdrawal-enabled"]
    assert "untick Withdraw" in told.fix_for("gate")
    assert told.fix_for("okx") == RULES["GP001"].info.fix["default"]


def test_where_an_exchange_has_no_fix_the_default_names_its_menu() -> None:
    gate = load_exchange("gate")
    assert "key-expired" not in gate.fixes
    info = with_fixes(RULES["GP023"], [gate]).info
    assert info.fix["default"] == RULES["GP023"].info.fix["default"]
    assert info.fix_for("gate") == (
        "Delete the key, and create a new one if bots still need it."
        " On Gate: profile icon → API Management → Edit."
    )


@pytest.mark.parametrize("rule", ["GP003", "GP004", "GP005", "GP011", "GP012"])
@pytest.mark.parametrize("exchange", ["bingx", "mexc", "lbank", "xt", "coinbase", "okx"])
def test_every_fix_of_permissions_and_addresses_tells_where(rule: str, exchange: str) -> None:
    fix = load_rules([load_exchange(exchange)])[rule].info.fix_for(exchange)
    assert "→" in fix
    assert fix != RULES[rule].info.fix["default"]


def test_fixes_elsewhere_name_no_menu_of_keys() -> None:
    """In the inventory, in policies, in waivers, and on the page of the second factor."""
    told = load_rules([load_exchange("gate")])
    elsewhere = {id_ for id_, rule in told.items() if "gate" not in rule.info.fix}
    assert elsewhere == {
        "GP030", "GP031", "GP033", "GP034", "GP036", "GP040", "GP041", "GP042", "GP043", "GP044",
        "GP050", "GP051",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["GP010", "gp010", "ip-unbound", "IP-Unbound"])
def test_rules_are_found_by_id_or_name(text: str) -> None:
    found = find_rule(RULES, text)
    assert found is not None
    assert found.info.id == "GP010"


@pytest.mark.parametrize("text", ["GP999", "ip", "", "GP01"])
def test_what_is_no_rule_is_not_found(text: str) -> None:
    assert find_rule(RULES, text) is None


def test_a_key_that_never_ends_fails_only_where_it_must_end() -> None:
    judged = {
        rule.info.id: PREDICATES[check.predicate](Never.NEVER, argument, NOW)
        for rule, ask in ASKS
        for argument in [ARGUMENTS.get(ask.clauses[0])]
        for check in checks(fill_condition(ask.condition, "", argument))
        if check.fact == "key.expires_at"
    }
    assert judged == {"GP022": True, "GP023": True, "GP024": False}
