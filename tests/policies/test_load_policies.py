"""From files to typed policies."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path

import pytest

from gatepolicy.errors import DocumentError
from gatepolicy.model.facts import Access, Grade, Grant
from gatepolicy.model.verdicts import OnUnknown, Severity
from gatepolicy.policies.load import load_policies, load_policy
from gatepolicy.policies.parents import CLAUSES, policy_file, read_file
from gatepolicy.policies.policy import AppliesTo, capabilities
from gatepolicy.resources import shipped_policies
from tests.policies.example_exchange import HEAD, policy_of

WHOLE = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata:
  name: desk
  title: The desk
  description: Bots.
  owner: desk@example.com
  references: [https://example.com/guide]
applies_to: {exchanges: [gate, okx], accounts: ['gate-*'], labels: {desk: mm}}
permissions:
  allow: [read, trade.spot]
  forbid: [withdraw]
  require: [read]
  separate_duties: true
ip_binding:
  required: true
  within: [203.0.113.4, 203.0.113.5]
  widest: 32
  at_most: 2
  separate_by: [desk]
key:
  max_age: 2w
  max_idle: 36h
  min_days_to_expiry: 14
  must_expire: true
  name: '^ICG-'
  trading_pairs: none
  active: true
  exists: true
  declared: true
  unique: true
account:
  production: true
  max_keys: 5
  two_factor: {attested_within: 180d}
  secret_storage: {attested_within: 180d}
  settings: {attested_within: 180d}
  review: {attested_within: 180d}
on_unknown: {default: warn, GP001: block}
severity: {GP020: low, key-idle: high}
evidence: {accept: [observed]}
exchanges:
  gate:
    permissions:
      allow: {spot: read-write, account: read-only}
    key: {trading_pairs: {within: [BTC_USDT]}}
  okx:
    permissions: {allow: [read_only, trade]}
"""


def giving(texts: dict[str, str]) -> Callable[[Path], bytes]:
    return lambda path: texts[str(path)].encode()


def test_metadata() -> None:
    policy = policy_of(WHOLE, head="")
    assert policy.name == "desk"
    assert policy.title == "The desk"
    assert policy.description == "Bots."
    assert policy.owner == "desk@example.com"
    assert policy.references == ("https://example.com/guide",)
    assert str(policy.location) == "desk.yaml:4:9"
    assert policy.digest == sha256(WHOLE.encode()).hexdigest()
    assert policy.applies_to == AppliesTo(frozenset({"gate", "okx"}), ("gate-*",), {"desk": "mm"})


def test_what_is_not_said_is_empty() -> None:
    policy = policy_of("key: {max_age: 1d}")
    assert (policy.description, policy.owner, policy.references) == ("", "", ())
    assert policy.applies_to == AppliesTo(frozenset(), (), {})
    assert policy.exchanges == {}
    assert policy.general.accepted is None


def test_every_clause_is_typed() -> None:
    clauses = policy_of(WHOLE, head="").general.clauses
    assert {place: clause.value for place, clause in clauses.items()} == {
        "permissions.allow": ("read", "trade.spot"),
        "permissions.forbid": ("withdraw",),
        "permissions.require": ("read",),
        "permissions.separate_duties": True,
        "ip_binding.required": True,
        "ip_binding.within": (ip_network("203.0.113.4/31"),),
        "ip_binding.widest": 32,
        "ip_binding.at_most": 2,
        "ip_binding.separate_by": ("desk",),
        "key.max_age": timedelta(weeks=2),
        "key.max_idle": timedelta(hours=36),
        "key.min_days_to_expiry": 14,
        "key.must_expire": True,
        "key.name": "^ICG-",
        "key.trading_pairs": "none",
        "key.active": True,
        "key.exists": True,
        "key.declared": True,
        "key.unique": True,
        "account.production": True,
        "account.max_keys": 5,
        "account.two_factor.attested_within": timedelta(days=180),
        "account.secret_storage.attested_within": timedelta(days=180),
        "account.settings.attested_within": timedelta(days=180),
        "account.review.attested_within": timedelta(days=180),
    }
    assert {*clauses, "key.trading_pairs.within"} == set(CLAUSES)


def test_places_of_clauses_and_items() -> None:
    clauses = policy_of(WHOLE, head="").general.clauses
    assert str(clauses["permissions.allow"].location) == "desk.yaml:11:3"
    assert {key: str(place) for key, place in clauses["permissions.allow"].items.items()} == {
        "read": "desk.yaml:11:11",
        "trade.spot": "desk.yaml:11:17",
    }
    assert str(clauses["ip_binding.widest"].location) == "desk.yaml:18:3"


def test_tables_are_by_name() -> None:
    general = policy_of(WHOLE, head="").general
    meanings = {name: meaning.value for name, meaning in general.on_unknown.items()}
    assert meanings == {
        "default": OnUnknown.WARN,
        "withdrawal-enabled": OnUnknown.BLOCK,
    }
    assert general.severity == {"key-too-old": Severity.LOW, "key-idle": Severity.HIGH}
    assert general.accepted == frozenset({Grade.OBSERVED})
    assert general.words is None


def test_words_of_exchanges() -> None:
    policy = policy_of(WHOLE, head="")
    gate, okx = policy.exchanges["gate"], policy.exchanges["okx"]
    assert gate.words is not None
    assert gate.words.words == {
        "spot": Grant("spot", Access.READ_WRITE),
        "account": Grant("account", Access.READ_ONLY),
    }
    assert {word: str(place) for word, place in gate.words.items.items()} == {
        "spot": "desk.yaml:45:15",
        "account": "desk.yaml:45:33",
    }
    assert str(gate.words.location) == "desk.yaml:45:7"
    assert gate.clauses["key.trading_pairs.within"].value == ("BTC_USDT",)
    assert okx.words is not None
    assert okx.words.words == {
        "read_only": Grant("read_only", Access.READ_WRITE),
        "trade": Grant("trade", Access.READ_WRITE),
    }
    assert str(okx.words.items["trade"]) == "desk.yaml:48:38"


def test_a_list_of_pairs_replaces_the_word_none_there() -> None:
    at_gate = policy_of(WHOLE, head="").at("gate").clauses
    assert "key.trading_pairs" not in at_gate
    assert at_gate["key.max_age"].value == timedelta(weeks=2)


def test_an_exchange_that_is_not_named_has_the_general_section() -> None:
    policy = policy_of(WHOLE, head="")
    assert policy.at("binance") is policy.general


def test_no_clause_no_capabilities() -> None:
    clauses = policy_of("key: {max_age: 1d}").general.clauses
    assert capabilities(clauses.get("permissions.allow")) == ()
    assert capabilities(clauses["key.max_age"]) == ()


def test_policies_come_in_the_order_of_their_files() -> None:
    texts = {
        name: f"{HEAD.replace('desk', name[0])}key: {{max_age: 1d}}\n"
        for name in ("b.yaml", "a.yaml")
    }
    policies = load_policies(["b.yaml", "a.yaml"], read=giving(texts))
    assert [policy.name for policy in policies] == ["b", "a"]
    assert load_policies([]) == ()


def problems(files: list[str], texts: dict[str, str]) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_policies(files, read=giving(texts))
    return [str(problem) for problem in caught.value.problems]


def test_two_policies_of_one_name() -> None:
    text = f"{HEAD}key: {{max_age: 1d}}\n"
    assert problems(["a.yaml", "b.yaml"], {"a.yaml": text, "b.yaml": f"\n{text}"}) == [
        "b.yaml:4:18: metadata.name: the name desk is already used by a.yaml:3:18; choose another name"  # noqa: E501
    ]


def test_one_file_twice() -> None:
    text = f"{HEAD}key: {{max_age: 1d}}\n"
    assert problems(["a.yaml", "a.yaml"], {"a.yaml": text}) == [
        "a.yaml:3:18: metadata.name: duplicate file; list it once"
    ]


def test_broken_files_and_names_are_told_together() -> None:
    text = f"{HEAD}key: {{max_age: 1d}}\n"
    found = problems(["a.yaml", "b.yaml", "c.yaml"], {"a.yaml": text, "b.yaml": "", "c.yaml": text})
    assert [line.partition(":")[0] for line in found] == ["b.yaml", "c.yaml"]


def test_a_file_on_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(f"{HEAD}key: {{max_age: 1d}}\n")
    assert load_policy(str(file)).location.file == str(file)
    with pytest.raises(DocumentError, match=r"gone.yaml:1:1: no such file; check the path"):
        load_policy(str(tmp_path / "gone.yaml"))


def test_a_shipped_policy_is_named_and_not_the_folder_of_the_installation() -> None:
    policy = load_policy(policy_file("strict"))
    assert policy.location.file == "strict"
    assert {source.file for source in policy.extends} <= set(shipped_policies())
    clauses = policy.general.clauses.values()
    assert {clause.location.file for clause in clauses} <= set(shipped_policies())
    assert Path(read_file("strict")).is_file()


def test_the_same_file_under_a_path_of_the_user_keeps_its_name(tmp_path: Path) -> None:
    file = tmp_path / "strict.yaml"
    file.write_bytes(Path(read_file("strict")).read_bytes())
    assert load_policy(str(file)).location.file == str(file)
    assert read_file(str(file)) == str(file)
    assert read_file("no-such-policy") == "no-such-policy"
