"""A first test of a policy: keys that meet it, fail it, and are not known at all. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.model.encoding import encode_time, encode_value
from gatepolicy.model.facts import Fact, Facts, FactValue, Grade, Grant, Provenance, Reason
from gatepolicy.model.verdicts import Outcome
from gatepolicy.policies.policy import Control
from gatepolicy.starting.synthetic import Known, failing, meeting

_BY_TEST = Provenance(Grade.OBSERVED, "", "", "the test")
_FINDINGS = (Outcome.FAIL, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Case:
    """One synthetic key."""

    name: str
    """What it is like."""
    known: Known
    """All that is known about it."""
    changes: str
    """The lines that say what differs from the file's facts."""


def policy_test(exchange: str, title: str, controls: Sequence[Control], now: datetime) -> str:
    """The text of a test that sees every control pass and find something.

    Args:
        exchange: Id of the exchange; the policy stands in ``../ID.yaml``.
        title: Its name for people.
        controls: All that the policy asks.
        now: The time of the test. UTC.
    """
    now = now.replace(microsecond=0)
    good = meeting(controls, now)
    cases = "".join(_written_case(case, controls, now) for case in _cases(good, controls, now))
    return (
        f"# What the policy of {title} finds. 'gatepolicy schema policytest' describes this file.\n"
        "apiVersion: gatepolicy/v1\nkind: PolicyTest\n"
        f"policies: [../{exchange}.yaml]\n"
        f"now: {encode_time(now)}\n"
        f"account: {{exchange: {exchange}}}\n"
        "# A key that meets the policy; a case changes single facts.\n"
        f"{_written('facts', good, '')}"
        f"cases:\n{cases}"
    )


def _cases(good: Known, controls: Sequence[Control], now: datetime) -> Iterator[_Case]:
    yield _Case("a key that meets the policy", good, "")
    single: Mapping[str, Known] = {
        "a key that can withdraw": {"permission.withdraw": True},
        "a key without an IP allowlist": {"ip.restricted": False},
    }
    for name, differs in single.items():
        if differs.keys() <= good.keys():
            yield _Case(name, {**good, **differs}, _written("facts", differs, "    "))
    bad = failing(controls, now)
    yield _Case("a key that fails everything", {**good, **bad}, _written("facts", bad, "    "))
    hidden = "".join(f"      {name}: not_disclosed\n" for name in good)
    yield _Case("a key about which nothing is known", {}, f"    unknown:\n{hidden}")


def _written_case(case: _Case, controls: Sequence[Control], now: datetime) -> str:
    facts = Facts.nothing(Reason.NOT_DISCLOSED).learn_all(
        {name: Fact(value, _BY_TEST) for name, value in case.known.items()}
    )
    found = {
        (verdict.name, verdict.outcome): None
        for verdict in evaluate(controls, facts, now)
        if verdict.outcome in _FINDINGS
    }
    expected = "".join(
        f"      - {{rule: {name}{'' if outcome is Outcome.FAIL else ', outcome: unknown'}}}\n"
        for name, outcome in found
    )
    listed = f"    expect:\n{expected}" if found else "    expect: []\n"
    return f"  - name: {case.name}\n{case.changes}{listed}"


def _written(key: str, known: Known, indent: str) -> str:
    lines = "".join(f"{indent}  {name}: {_value(value)}\n" for name, value in known.items())
    return f"{indent}{key}:\n{lines}"


def _value(value: FactValue) -> str:
    """As a file of tests says it, in JSON, which is YAML too; a moment as a plain text."""
    if isinstance(value, tuple) and any(isinstance(item, Grant) for item in value):
        words = [item for item in value if isinstance(item, Grant)]
        return json.dumps({grant.word: grant.access.value for grant in words})
    return json.dumps(encode_value(value), ensure_ascii=False)
