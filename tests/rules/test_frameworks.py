"""Frameworks: every rule that they name exists, and every rule that finds something is named."""

import json

import jsonschema
import yaml

from gatepolicy.resources import frameworks_file, schemas_directory
from gatepolicy.rules.catalog import find_rule, load_rules
from gatepolicy.rules.explain import explain_rule
from gatepolicy.rules.frameworks import controls_of, load_frameworks

FRAMEWORKS = load_frameworks()
RULES = load_rules()
NAMED = {rule for f in FRAMEWORKS for control in f.controls for rule in control.rules}


def test_the_frameworks_that_firms_are_asked_about_are_there() -> None:
    assert [framework.id for framework in FRAMEWORKS] == [
        "nist-800-53", "dora", "iso-27001", "soc2", "ccss",
    ]  # fmt: skip


def test_every_named_rule_exists_and_asks_something() -> None:
    assert {rule.info.name for rule in RULES.values() if rule.asks} >= NAMED


def test_rules_about_security_give_evidence_somewhere() -> None:
    silent = {
        rule.info.name
        for rule in RULES.values()
        if rule.asks and "security" in rule.info.tags and rule.info.name not in NAMED
    }
    assert silent == {"settings-unattested"}


def test_controls_have_ids_of_their_own() -> None:
    for framework in FRAMEWORKS:
        ids = [control.id for control in framework.controls]
        assert len(set(ids)) == len(ids)


def test_explain_lists_the_controls_of_a_rule() -> None:
    rule = find_rule(RULES, "withdrawal-enabled")
    assert rule is not None
    text = explain_rule(rule, None)
    assert "NIST SP 800-53 Rev. 5: AC-6 Least Privilege" in text
    assert "SOC 2, Trust Services Criteria CC6: CC6.1" in text
    assert controls_of("policy-without-accounts", FRAMEWORKS) == ()


def test_the_file_is_of_its_schema_by_another_validator() -> None:
    schema = json.loads((schemas_directory() / "frameworks.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = yaml.safe_load(frameworks_file().read_text(encoding="utf-8"))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []
