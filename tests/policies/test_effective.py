"""The effective policy: every value that holds, and the line that says so."""

from collections.abc import Mapping
from pathlib import Path

from gatepolicy.policies.effective import EffectiveValue, effective_values
from gatepolicy.policies.load import load_policy
from gatepolicy.rules.catalog import load_rules

HEAD = "apiVersion: gatepolicy/v1\nkind: Policy\nmetadata: {name: NAME, title: Title}\n"
FIRM = HEAD.replace("NAME", "firm") + (
    "networks: {egress: [203.0.113.0/28]}\n"
    "permissions: {forbid: [withdraw]}\n"
    "ip_binding: {required: true, within: [$egress]}\n"
    "evidence: {accept: [observed]}\n"
    "on_unknown: {default: incomplete}\n"
)
DESK = HEAD.replace("NAME", "desk") + (
    "extends: [firm.yaml]\n"
    "permissions: {forbid: [transfer]}\n"
    "key: {max_age: 36h, name: '-', must_expire: false}\n"
    "severity: {GP020: high}\n"
    "exchanges: {gate: {permissions: {allow: {spot: read-only}}}}\n"
)
FILES: Mapping[str, str] = {"firm.yaml": FIRM, "desk.yaml": DESK}


def told(exchange: str) -> list[str]:
    policy = load_policy("desk.yaml", read=lambda path: FILES[Path(path).name].encode())
    return [line(value) for value in effective_values(policy.at(exchange), load_rules())]


def line(value: EffectiveValue) -> str:
    text = value.text or f"through {value.through}"
    return f"{value.place} {text} {value.location or 'the rule'}"


def test_every_value_has_its_origin() -> None:
    assert [line for line in told("okx") if not line.startswith(("severity", "on_"))] == [
        "permissions.forbid transfer desk.yaml:5:24",
        "permissions.forbid withdraw firm.yaml:5:24",
        "key.max_age 36 hours desk.yaml:6:7",
        "key.name - desk.yaml:6:21",
        "ip_binding.required true firm.yaml:6:14",
        "ip_binding.within 203.0.113.0/28 firm.yaml:6:30",
        "ip_binding.within through networks.egress firm.yaml:4:12",
        "evidence.accept observed firm.yaml:7:12",
    ]


def test_words_of_an_exchange_stand_in_their_own_lines() -> None:
    assert "permissions.allow spot: read-only desk.yaml:8:42" in told("gate")


def test_what_no_policy_says_the_rule_does() -> None:
    lines = told("okx")
    assert "severity.key-too-old high desk.yaml:7:12" in lines
    assert "severity.withdrawal-enabled critical the rule" in lines
    assert "on_unknown.ip-unbound incomplete firm.yaml:8:14" in lines
    assert "on_unknown.key-too-old incomplete firm.yaml:8:14" in lines


def test_what_is_not_asked_has_no_severity() -> None:
    assert not any("key-idle" in line for line in told("okx"))


def test_grades_that_nobody_names_are_not_listed() -> None:
    text = FIRM.replace("evidence: {accept: [observed]}\n", "")
    policy = load_policy("firm.yaml", read=lambda _: text.encode())
    values = effective_values(policy.general, load_rules())
    assert "evidence.accept" not in {value.place for value in values}
