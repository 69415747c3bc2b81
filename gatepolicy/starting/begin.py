"""A whole new project, with policies that fit what each exchange discloses.

Reads shipped files and writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from gatepolicy.documents.load import Read
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import FACTS, Fact, Facts, Grade, Provenance, Reason
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policy
from gatepolicy.policies.parents import Names
from gatepolicy.policies.policy import Control, Policy
from gatepolicy.rules.rule import Rule
from gatepolicy.scanning.evidence import CollectedFile, dump_evidence, uncompared
from gatepolicy.scanning.project import load_project
from gatepolicy.starting.policytest import policy_test
from gatepolicy.starting.project import (
    Choice,
    RunsOn,
    Unproved,
    policy_path,
    policy_text,
    project_files,
    project_text,
)
from gatepolicy.starting.synthetic import failing, meeting
from gatepolicy.starting.undisclosed import never_proved

EVIDENCE = "policies/tests/evidence.json"
"""Where the synthetic evidence stands, on which changes of policies are shown."""


def new_project(
    choices: Sequence[Choice],
    egress: Sequence[str],
    rules: Mapping[str, Rule],
    now: datetime,
    runs_on: Collection[RunsOn],
) -> dict[str, str]:
    """Path to text of every file.

    Args:
        choices: The exchanges.
        egress: The networks from which bots trade.
        rules: By id.
        now: The time of the tests. UTC.
        runs_on: Where it is scanned.
    """
    texts = {"gatepolicy.yaml": project_text(choices, egress)}
    names = load_project("gatepolicy.yaml", read=_reader(texts)).names
    unproved = {choice.id: _unproved(choice, names, rules, now) for choice in choices}
    files = project_files(choices, egress, unproved, runs_on)
    evidence: list[Evidence] = []
    for choice in choices:
        text = files[policy_path(choice)]
        controls = _controls(choice, _policy(choice, text, names), rules)
        title = choice.exchange.title
        files[f"policies/tests/{choice.id}.test.yaml"] = policy_test(
            choice.id, title, controls, now
        )
        evidence.append(_evidence(choice, controls, now))
    file = CollectedFile(now, "accounts.yaml", uncompared(evidence))
    return {**files, EVIDENCE: "".join(dump_evidence(file))}


def _unproved(
    choice: Choice, names: Names, rules: Mapping[str, Rule], now: datetime
) -> Sequence[Unproved]:
    controls = _controls(choice, _policy(choice, policy_text(choice, ()), names), rules)
    parent = _policy(choice, _only_parent(choice), names)
    inherited = {control.name for control in _controls(choice, parent, rules)}
    return [Unproved(name, name in inherited) for name in never_proved(controls, choice.entry, now)]


def _only_parent(choice: Choice) -> str:
    return (
        "apiVersion: gatepolicy/v1\nkind: Policy\n"
        "metadata: {name: parent, title: What is inherited}\n"
        f"extends: [{choice.parent}]\n"
    )


def _policy(choice: Choice, text: str, names: Names) -> Policy:
    file = policy_path(choice)
    return load_policy(file, names=names, read=_reader({file: text}))


def _controls(choice: Choice, policy: Policy, rules: Mapping[str, Rule]) -> Sequence[Control]:
    return compile_policy(policy, choice.id, choice.entry, rules)


def _evidence(choice: Choice, controls: Sequence[Control], now: datetime) -> Evidence:
    """A synthetic key that fails every rule: whatever a policy asks no more is seen to be gone."""
    known = {**meeting(controls, now), **failing(controls, now)}
    facts = Facts.nothing(Reason.NOT_DISCLOSED).learn_all(
        {
            name: Fact(value, Provenance(Grade.OBSERVED, "", "", "synthetic"))
            for name, value in known.items()
            if name in FACTS
        }
    )
    subject = Subject(choice.account, choice.id, {}, "", Location("accounts.yaml", 1, 1))
    return Evidence(subject, now, facts, ())


def _reader(texts: Mapping[str, str]) -> Read:
    """Reads texts that are not written yet, and shipped files."""

    def read(path: Path) -> bytes:
        text = texts.get(path.as_posix())
        return path.read_bytes() if text is None else text.encode()

    return read
