"""The policy that is learnt from a key is one that the key meets, on every exchange."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, FactValue, Grade, Never, Provenance, Reason
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policy
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.evidence import CollectedFile, dump_evidence, uncompared
from gatepolicy.starting.learn import learnt_policy
from tests.cli.conftest import Run

DOCUMENTED = Path(__file__).parents[1] / "exchanges" / "documented"
CASES = [path for path in sorted(DOCUMENTED.glob("*.yaml")) if "_error_" not in path.name]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
OBSERVED = Provenance(Grade.OBSERVED, "config", "/x")


def judged(facts: Facts, exchange: str) -> tuple[str, list[Verdict]]:
    subject = Subject("My_Desk.1", exchange, {}, "", Location("a.yaml", 3, 5))
    entry = load_exchange(exchange)
    text = learnt_policy(Evidence(subject, NOW, facts, ()), entry, NOW)
    if not text:
        return text, []
    policy = load_policy("learnt.yaml", read=lambda _: text.encode())
    return text, list(evaluate(compile_policy(policy, exchange, entry, load_rules()), facts, NOW))


def facts_of(case: dict[str, Any]) -> Facts:
    answers = {
        call: Answer(answer["status"], answer["body"].encode())
        for call, answer in case["answers"].items()
    }
    return normalise(load_exchange(case["exchange"]), answers, case["api_key"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_key_of_a_documented_answer_meets_what_is_learnt_from_it(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    facts = facts_of(case)
    text, verdicts = judged(facts, case["exchange"])
    found = {(v.name, v.outcome) for v in verdicts if v.outcome is not Outcome.PASS}
    assert found <= {("permission-unrecognised", Outcome.UNKNOWN)}
    told = [fact for fact in facts.known.values() if fact.provenance.grade is not Grade.INFERRED]
    assert bool(text) or len(told) <= 2


@pytest.mark.no_cover
def test_most_keys_teach_something() -> None:
    texts = [
        judged(facts_of(case), case["exchange"])[0]
        for case in (yaml.safe_load(path.read_text(encoding="utf-8")) for path in CASES)
    ]
    assert sum(bool(text) for text in texts) > 0.8 * len(texts)


def okx(**more: FactValue) -> Facts:
    known: dict[str, FactValue] = {
        "permission.withdraw": False,
        "permission.read": True,
        "permissions.unrecognised": (),
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return Facts({name: Fact(value, OBSERVED) for name, value in known.items()})


def test_what_is_learnt() -> None:
    text, verdicts = judged(
        okx(
            key__created_at=NOW - timedelta(days=400),
            key__last_used_at=NOW - timedelta(days=2),
            key__expires_at=NOW + timedelta(days=20),
            key__active=True,
            key__exists=True,
            key__declared=True,
            key__shared_with=(),
            key__trading_pairs=(),
            key__name="desk",
        ),
        "okx",
    )
    for line in ("max_age: 401d", "max_idle: 30d", "must_expire: true", "active: true",
                 "exists: true", "declared: true", "unique: true", "trading_pairs: none",
                 "name: '\\S'", "forbid: [withdraw]", "require: [read]"):  # fmt: skip
        assert f"  {line}\n" in text
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASS}


def test_what_the_key_does_not_meet_is_not_learnt() -> None:
    text, _ = judged(
        okx(
            ip__restricted=False,
            key__created_at=NOW + timedelta(days=1),
            key__last_used_at=Never.NEVER,
            key__expires_at=Never.NEVER,
            key__name=" ",
            key__trading_pairs=("BTC_USDT",),
            key__active=False,
            key__shared_with=("other",),
        ),
        "okx",
    )
    assert "ip_binding" not in text
    assert "key:" not in text


def test_what_is_only_inferred_is_not_asked() -> None:
    inferred = Fact(value=False, provenance=Provenance(Grade.INFERRED, "config", "/x"))
    text, _ = judged(okx().learn("permission.transfer", inferred), "okx")
    assert "transfer]" not in text
    assert "#   permission.transfer: only inferred" in text


def test_the_command(run: Run, tmp_path: Path) -> None:
    subject = Subject("mm", "okx", {}, "", Location("a.yaml", 3, 5))
    strange = Subject("xx", "moonex", {}, "", Location("a.yaml", 9, 5))
    case = yaml.safe_load(CASES[[c.name.startswith("okx_") for c in CASES].index(True)].read_text())
    facts = facts_of(case)
    evidence = CollectedFile(
        NOW,
        "accounts.yaml",
        uncompared([Evidence(subject, NOW, facts, ()), Evidence(strange, NOW, facts, ())]),
    )
    (tmp_path / "e.json").write_text("".join(dump_evidence(evidence)), encoding="utf-8")
    assert run("learn", "e.json", "--account", "mm", "-o", "mm.yaml").code == 0
    assert run("check", "-p", "mm.yaml").code == 0
    empty = CollectedFile(
        NOW,
        "accounts.yaml",
        uncompared([Evidence(subject, NOW, Facts.nothing(Reason.TIMEOUT), ())]),
    )
    (tmp_path / "none.json").write_text("".join(dump_evidence(empty)), encoding="utf-8")
    assert "nothing is known" in run("learn", "none.json", "--account", "mm").err
    assert "has no account nobody" in run("learn", "e.json", "--account", "nobody").err
    assert "unknown exchange moonex" in run("learn", "e.json", "--account", "xx").err
