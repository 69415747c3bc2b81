"""Frameworks: every rule that they name exists, and every rule that finds something is named."""

import json
import re

import jsonschema
import yaml

from gatepolicy.resources import frameworks_file, schemas_directory
from gatepolicy.rules.catalog import Compared, controls_of, find_rule, load_frameworks, load_rules
from gatepolicy.rules.explain import explain_rule

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
    assert silent == set()


def test_controls_have_ids_of_their_own() -> None:
    for framework in FRAMEWORKS:
        ids = [control.id for control in framework.controls]
        assert len(set(ids)) == len(ids)


def test_a_control_that_was_not_read_whole_is_marked() -> None:
    """What nobody could compare with its text must not look as if somebody had."""
    compared = {f.id: {control.compared for control in f.controls} for f in FRAMEWORKS}
    assert compared == {
        "nist-800-53": {Compared.TEXT},
        "dora": {Compared.COPY},
        "iso-27001": {Compared.QUOTED},
        "soc2": {Compared.COPY},
        "ccss": {Compared.QUOTED, Compared.TITLE},
    }


def test_every_source_says_where_it_was_read() -> None:
    reads = [source.read for framework in FRAMEWORKS for source in framework.sources]
    pinned = re.compile(r"https://\S+|[\w.-]+/[\w.-]+ \S+( \S+)? at [0-9a-f]{40}")
    assert [read for read in reads if not pinned.fullmatch(read)] == []
    assert all(framework.sources for framework in FRAMEWORKS)


def test_controls_about_passwords_and_hardware_are_not_claimed() -> None:
    """IA-5(1) is about passwords, CM-8 about hardware and software: no key is either."""
    nist = {control.id for f in FRAMEWORKS if f.id == "nist-800-53" for control in f.controls}
    assert not nist & {"IA-5(1)", "CM-8", "SC-7", "CA-7"}
    assert nist >= {"AC-2", "AC-6", "IA-5"}


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
