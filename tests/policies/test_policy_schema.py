"""The schema of policies: strict, explained, and one with vocabulary, rules and catalog."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gatepolicy.exchanges.catalog import known_exchanges
from gatepolicy.exchanges.exchange import PermissionShape
from gatepolicy.model.facts import Capability
from gatepolicy.model.verdicts import OnUnknown, Severity
from gatepolicy.policies.parents import CLAUSES
from gatepolicy.policies.policy import ACCEPTABLE
from gatepolicy.policies.schema_words import as_text, refresh, rewrite
from gatepolicy.resources import policies_directory, schemas_directory
from gatepolicy.rules.catalog import load_rules
from tests.whole_catalog import CATALOG

FILE = schemas_directory() / "policy.schema.json"
SCHEMA: Any = json.loads(FILE.read_text(encoding="utf-8"))


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for key, part in node.items():
            if key not in ("examples", "const", "enum"):
                yield from nodes(part)
    if isinstance(node, list):
        for part in node:
            yield from nodes(part)


def test_the_shipped_schema_is_what_the_generator_makes() -> None:
    """When this fails, run ``python -m gatepolicy.policies.schema_words``."""
    assert FILE.read_text(encoding="utf-8") == as_text(
        refresh(SCHEMA, CATALOG.values(), load_rules())
    )


def test_the_generator_writes_the_file_anew(tmp_path: Path) -> None:
    stale = tmp_path / "policy.schema.json"
    stale.write_text(json.dumps({**SCHEMA, "$defs": {**SCHEMA["$defs"], "exchange_gone": {}}}))
    rewrite(stale)
    assert stale.read_text(encoding="utf-8") == FILE.read_text(encoding="utf-8")


def test_the_generator_forgets_exchanges_that_are_gone() -> None:
    left = refresh(SCHEMA, [CATALOG["gate"]], load_rules())
    assert [name for name in left["$defs"] if name.startswith("exchange_")] == ["exchange_gate"]
    assert list(left["$defs"]["exchanges"]["properties"]) == ["gate"]


def test_valid_against_the_metaschema() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_property_has_title_description_and_valid_examples() -> None:
    seen = 0
    for node in nodes(SCHEMA):
        for key, part in node.get("properties", {}).items():
            if "contains" in part:
                continue
            assert {"title", "description", "examples"} <= part.keys(), key
            validator = jsonschema.Draft202012Validator({**part, "$defs": SCHEMA["$defs"]})
            for example in part["examples"]:
                assert list(validator.iter_errors(example)) == [], (key, example)
                seen += 1
    assert seen > 100


def test_every_object_refuses_what_it_does_not_know() -> None:
    for node in nodes(SCHEMA):
        if "object" in node.get("type", ()):
            assert "additionalProperties" in node, node.get("title")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("capability", Capability),
        ("level", Severity),
        # What is only apparent fails rules without being accepted, and never passes one.
        ("grade", ACCEPTABLE),
        ("meaning", OnUnknown),
    ],
)
def test_vocabularies(name: str, words: Any) -> None:
    assert SCHEMA["$defs"][name]["enum"] == [word.value for word in words]


def test_access_has_two_levels() -> None:
    assert SCHEMA["$defs"]["access"]["enum"] == ["read-only", "read-write"]


def test_every_exchange_with_its_own_words() -> None:
    assert sorted(SCHEMA["$defs"]["exchanges"]["properties"]) == sorted(known_exchanges())
    for exchange in CATALOG.values():
        properties = SCHEMA["$defs"][f"exchange_{exchange.id}"]["properties"]
        assert ("permissions" in properties) is bool(exchange.permissions.words)
        if not exchange.permissions.words:
            continue
        allow = properties["permissions"]["properties"]["allow"]
        assert allow["items"]["enum"] == list(exchange.words)
        splits = exchange.splits
        assert ("object" in allow["type"]) is splits
        assert list(allow.get("properties", ())) == (list(exchange.words) if splits else [])


def test_gate_splits_reading_from_writing_and_binance_does_not() -> None:
    assert CATALOG["gate"].permissions.shape is PermissionShape.NAMED_GRANTS
    gate = SCHEMA["$defs"]["exchange_gate"]["properties"]["permissions"]["properties"]["allow"]
    assert gate["properties"]["spot"]["title"] == "spot"
    assert gate["properties"]["spot"]["description"] == (
        "Spot/Margin Trade: read balances, orders and settings; place and cancel spot orders;"
        " borrow, repay and trade on margin."
    )
    binance = SCHEMA["$defs"]["exchange_binance"]["properties"]["permissions"]
    assert "properties" not in binance["properties"]["allow"]


def test_rules_stand_by_id_and_by_name() -> None:
    asking = [rule.info for rule in load_rules().values() if rule.asks]
    severities = SCHEMA["$defs"]["severity"]["properties"]
    assert set(severities) == {text for info in asking for text in (info.id, info.name)}
    groups = {"default", "permissions", "withdraw", "transfer", "ip_binding", "key", "account"}
    assert set(SCHEMA["$defs"]["on_unknown"]["properties"]) == {*severities, *groups}


def test_groups_are_those_of_the_rules() -> None:
    named = {group for rule in load_rules().values() for group in rule.groups}
    assert {*named, "default"} == {
        "default", "permissions", "withdraw", "transfer", "ip_binding", "key",
        "account",
    }  # fmt: skip


def test_every_clause_of_the_schema_is_read() -> None:
    places = {
        f"{section}.{name}"
        for section, node in (
            ("permissions", SCHEMA["properties"]["permissions"]),
            ("ip_binding", SCHEMA["$defs"]["ip_binding"]),
            ("key", SCHEMA["$defs"]["key"]),
        )
        for name in node["properties"]
    }
    account = {
        f"account.{name}{part}"
        for name, node in SCHEMA["$defs"]["account"]["properties"].items()
        for part in ([f".{said}" for said in node["properties"]] if "properties" in node else [""])
    }
    assert {*places, *account, "key.trading_pairs.within"} == set(CLAUSES)


@pytest.mark.parametrize("file", sorted(policies_directory().glob("*.yaml")), ids=lambda f: f.stem)
def test_shipped_policies_tell_editors_their_schema(file: Any) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    reference = first.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / reference).resolve() == FILE.resolve()
