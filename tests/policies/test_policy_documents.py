"""The pages about policies say what is so."""

import re
from pathlib import Path

import pytest

from gatepolicy.model.facts import FACTS, Capability, Grade
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.catalog import load_rules

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGE = (DOCS / "policies.md").read_text(encoding="utf-8")
ATTESTATIONS = (DOCS / "attestations.md").read_text(encoding="utf-8")
WAIVERS = (DOCS / "waivers.md").read_text(encoding="utf-8")
GATE = (DOCS / "gate.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", LANGUAGE, re.DOTALL | re.MULTILINE)
RULES = load_rules()


def policy_of(block: str) -> Policy:
    def read(path: Path) -> bytes:
        return block.encode() if path == Path("docs/policies.md") else path.read_bytes()

    (policy,) = load_policies(["docs/policies.md"], read=read)
    return policy


def test_every_section_has_an_example() -> None:
    assert len(BLOCKS) == 14
    assert len(re.findall(r"^## ", LANGUAGE, re.MULTILINE)) == 12


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.findall(r"name: ([\w-]+)", block)[0])
def test_every_example_is_a_policy(block: str) -> None:
    assert policy_of(block).name in block


def test_examples_have_names_of_their_own() -> None:
    assert len({policy_of(block).name for block in BLOCKS}) == len(BLOCKS)


def test_every_capability_grade_and_asking_rule_is_named() -> None:
    for word in (*Capability, *Grade):
        assert f"`{word.value}`" in LANGUAGE
    for rule in RULES.values():
        assert rule.info.id in LANGUAGE + WAIVERS + ATTESTATIONS


@pytest.mark.parametrize(
    "text",
    [LANGUAGE, GATE, WAIVERS, ATTESTATIONS],
    ids=["policies", "gate", "waivers", "attestations"],
)
def test_rules_and_facts_exist(text: str) -> None:
    assert set(re.findall(r"GP\d{3}", text)) <= set(RULES)
    for rule_id, name in re.findall(r"(GP\d{3}) `([a-z-]+)`", text):
        assert RULES[rule_id].info.name == name
    named = re.findall(r"`((?:permissions?|ip|key)\.[a-z_.]+)`", GATE)
    assert set(named) <= set(FACTS)


def test_the_guide_has_its_eleven_disabled_lines() -> None:
    lines = re.findall(r"^\| Leave disabled: \**(\w[\w ]*\w)\b", GATE, re.MULTILINE)
    assert lines == [
        "Perpetual Contract", "Delivery Contract", "Earn", "Wallet", "Custody", "Withdraw",
        "Option", "Subaccount", "Commission Details", "P2P", "Enable trading pairs allowlist",
    ]  # fmt: skip
