"""Every bad example is refused, with all its problems and their places."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatepolicy.errors import DocumentError
from gatepolicy.policies.load import load_policies
from gatepolicy.resources import policies_directory, schemas_directory

BAD = Path(__file__).parent / "bad"

SYNTAX: dict[str, list[str]] = {
    "another-kind": ["2:7: kind: this is kind Inventory, Policy was expected; choose another file"],
    "another-version": [
        "1:13: apiVersion: this is apiVersion gatepolicy/v2, gatepolicy/v1 was expected;"
        " choose another file"
    ],
    "duplicate-key": [
        "6:1: ip_binding: duplicate key; first defined on line 4",
    ],
    "empty": ["1:1: the file is empty; add the content"],
    "not-utf-8": ["4:6: not UTF-8 text; save the file as UTF-8"],
    "second-document": ["5:1: a second document starts here; keep one document per file"],
    "tab": ["5:1: tabs are not allowed here; indent with spaces"],
}
"""What is no document of this kind at all."""

SHAPE: dict[str, list[str]] = {
    "bad-metadata": [
        '4:9: metadata.name: does not match the expected pattern; for example "market-making"',
        '5:10: metadata.title: empty or too short; for example "Market-making bots"',
        "6:16: metadata.references[0]: does not match the expected pattern",
        "7:3: metadata.version: unknown key; one of description, name, owner, references, title",
    ],
    "bad-trading-pairs": [
        '4:22: key.trading_pairs: does not match the expected pattern; for example "none"',
        "6:31: exchanges.gate.key.trading_pairs: within is missing; add it",
    ],
    "empty-lists": [
        '4:25: applies_to.exchanges: empty or too short; for example ["gate", "okx"]',
        "5:22: permissions.allow: empty or too short; for example"
        ' ["read", "trade.spot", "trade.margin"]',
        '5:34: permissions.forbid: duplicate entry; for example ["withdraw", "transfer"]',
        "6:6: key: empty or too short; for example"
        ' {"max_age": "90d", "max_idle": "30d", "name": "^(ICG-|MM )"}',
    ],
    "forbid-on-one-exchange": [
        "6:19: exchanges.gate.permissions.forbid: unknown key; one of allow"
    ],
    "inferred-without-because": ["5:11: evidence: because is missing; add it"],
    "no-metadata": ["1:1: metadata is missing; add it"],
    "out-of-range": [
        "4:22: ip_binding.widest: more than 32; for example 32",
        "4:35: ip_binding.at_most: less than 1; for example 4",
        "5:27: key.min_days_to_expiry: less than 1; for example 14",
        "5:39: key.max_age: no duration; write a whole number with h, d or w, such as 90d",
        "5:58: key.max_idle: no duration; write a whole number with h, d or w, such as 90d",
    ],
    "unknown-capability": [
        "4:24: permissions.forbid[0]: not one of the allowed values; did you mean withdraw?",
        "4:36: permissions.forbid[1]: not one of the allowed values; did you mean transfer?",
        "4:46: permissions.forbid[2]: not one of the allowed values; one of read, trade.spot,"
        " trade.margin, trade.futures, trade.options, withdraw, transfer, convert …",
    ],
    "unknown-exchange": ["5:3: exchanges.gaet: unknown key; did you mean gate?"],
    "unknown-keys": [
        "4:1: permisions: unknown key; did you mean permissions?",
        "5:14: ip_binding.require: unknown key; did you mean required?",
        "7:3: key.max_ag: unknown key; did you mean max_age?",
    ],
    "unknown-rule": [
        "5:12: severity.key-to-old: unknown key; did you mean key-too-old?",
        "5:36: severity.GP001: not one of the allowed values; one of critical, high, medium, low,"
        " info",
        "6:14: on_unknown.withdrawal: unknown key; did you mean withdraw?",
        "6:42: on_unknown.default: not one of the allowed values; one of block, incomplete, warn",
    ],
    "unknown-word": [
        "8:9: exchanges.gate.permissions.allow.sopt: unknown key; did you mean spot?",
        "9:18: exchanges.gate.permissions.allow.account: not one of the allowed values; did you"
        " mean read-only?",
        "11:27: exchanges.okx.permissions.allow[0]: not one of the allowed values; did you mean"
        " trade?",
    ],
    "words-without-access": [
        "7:14: exchanges.okx.permissions.allow: expected a list, found a mapping; for example"
        ' ["read_only"]'
    ],
    "wrong-types": [
        "4:23: permissions.forbid: expected a list, found a string; for example"
        ' ["withdraw", "transfer"]',
        "5:24: ip_binding.required: expected a boolean, found a string; for example true",
        "5:37: ip_binding.widest: expected an integer, or the $name of a variable; for example 32",
        "5:52: ip_binding.at_most: expected an integer or a string, found a number; for example 4",
        '6:16: key.max_age: expected a string, found a number; for example "90d"',
        '6:26: key.name: expected a string, found a number; for example "^(ICG-|MM )"',
        "6:37: key.active: expected a boolean, found null; for example true",
    ],
}
"""What the schema refuses, so that an editor shows it too."""

SENSE: dict[str, list[str]] = {
    "allowed-and-forbidden": [
        "6:12: permissions.forbid[0]: earn is allowed as well; remove one of the two",
        "6:18: permissions.forbid[1]: withdraw is allowed as well; remove one of the two",
    ],
    "asks-nothing": [
        "3:18: the policy requires nothing; add permissions, ip_binding or key",
    ],
    "exchange-left-out": [
        "7:3: exchanges.okx: applies_to.exchanges does not include this exchange; add it there, or"
        " remove this"
    ],
    "no-networks": [
        "7:7: ip_binding.within[1]: host bits are set; write 203.0.113.0/28 or 203.0.113.5/32",
        "8:7: ip_binding.within[2]: not a valid network in CIDR notation; write it like 203.0.113.0/28",  # noqa: E501
        "9:7: ip_binding.within[3]: not a valid network in CIDR notation; write it like 203.0.113.0/28",  # noqa: E501
        "10:7: ip_binding.within[4]: host bits are set; write 2001:db8::/64 or 2001:db8::1/128",
        "11:7: ip_binding.within[5]: a zone index (%) is not allowed; remove it",
    ],
    "no-pattern": [
        "4:13: key.name: not a valid regular expression: missing ): ^(ICG; use the syntax of RE2,"
        " without lookarounds and back references; see https://github.com/google/re2/wiki/Syntax"
    ],
    "required-and-forbidden": [
        "6:19: permissions.require[1]: withdraw is forbidden as well; remove one of the two"
    ],
    "required-and-not-allowed": [
        "6:19: permissions.require[1]: trade.spot is required, but not allowed; add it to"
        " permissions.allow"
    ],
    "required-word-not-allowed": [
        "8:7: exchanges.gate.permissions.allow: permissions.require asks for trade.futures, which"
        " no allowed word grants; allow futures or delivery or crossx or quant"
    ],
    "required-word-read-only": [
        "8:7: exchanges.gate.permissions.allow: permissions.require asks for earn, which no allowed"
        " word grants; allow earn"
    ],
    "rule-by-id-and-name": [
        "7:10: severity.GP020: key-too-old is listed twice, by id and by name; remove one",
        "10:16: on_unknown.key-too-old: key-too-old is listed twice, by id and by name; remove one",
    ],
    "word-against-forbid": [
        "10:9: exchanges.gate.permissions.allow: wallet means transfer too, which"
        " permissions.forbid forbids; remove one of the two"
    ],
    "word-against-forbidden-reading": [
        "8:15: exchanges.gate.permissions.allow: account means read too, which permissions.forbid"
        " forbids; remove one of the two"
    ],
    "zero-duration": [
        "5:12: key.max_age: a zero duration; write at least 1h",
        "6:13: key.max_idle: a zero duration; write at least 1h",
    ],
}
"""What only makes no sense. (That a text is a regular expression, editors show as well.)"""

ALL = {**SYNTAX, **SHAPE, **SENSE}


def file_of(name: str) -> str:
    return str(BAD / f"{name}.yaml")


def lines(*names: str) -> list[str]:
    return [f"{file_of(name)}:{line}" for name in names for line in ALL[name]]


def test_every_bad_example_stands_in_one_table() -> None:
    assert len(ALL) == len(SYNTAX) + len(SHAPE) + len(SENSE)
    assert sorted(ALL) == sorted(file.stem for file in BAD.glob("*.yaml"))


@pytest.mark.parametrize("name", sorted(ALL))
def test_refused(name: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load_policies([file_of(name)])
    assert [str(problem) for problem in caught.value.problems] == lines(name)


def test_the_problems_of_all_files_are_told_at_once() -> None:
    names = ["tab", "wrong-types", "asks-nothing"]
    with pytest.raises(DocumentError) as caught:
        load_policies([file_of(name) for name in names])
    assert [str(problem) for problem in caught.value.problems] == lines(*names)


def check_jsonschema(files: list[str]) -> tuple[int, set[str]]:
    """Exit code of a validator that knows nothing of gatepolicy, and the files that it refuses."""
    ended = subprocess.run(
        [
            sys.executable, "-m", "check_jsonschema", "-o", "json",
            "--schemafile", str(schemas_directory() / "policy.schema.json"), *files,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    answer = json.loads(ended.stdout)
    problems = [*answer.get("errors", ()), *answer.get("parse_errors", ())]
    return ended.returncode, {Path(problem["filename"]).stem for problem in problems}


def test_another_validator_accepts_the_shipped_policies() -> None:
    files = [str(file) for file in policies_directory().glob("*.yaml")]
    assert len(files) >= 2
    assert check_jsonschema(files) == (0, set())


def test_another_validator_refuses_what_the_schema_refuses() -> None:
    wrong_by_schema = {*SHAPE, "another-kind", "another-version"}
    code, refused = check_jsonschema([file_of(name) for name in wrong_by_schema])
    assert code == 1
    assert refused == wrong_by_schema
