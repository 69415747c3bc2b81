"""Reading tests of policies."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import DataPath, Document, show_path
from gatepolicy.documents.load import Read, load_document
from gatepolicy.documents.schema import load_schema
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import hint_about, known_exchanges, load_exchange, load_others
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.encoding import EVERY_FACT, HOW_TO_WRITE, decode_time, written_value
from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import (
    Fact,
    Facts,
    Grade,
    Provenance,
    Reason,
    Unknown,
)
from gatepolicy.model.verdicts import Outcome
from gatepolicy.policies.custom import with_custom
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.parents import NO_NAMES, Names, UnknownParent, parent_file
from gatepolicy.policytests.case import Case, Expectation, PolicyTest
from gatepolicy.resources import schemas_directory
from gatepolicy.rules.catalog import find_rule, load_rules
from gatepolicy.rules.rule import Rule

Node = Mapping[str, Any]


def load_policy_test(
    file: str, *, names: Names = NO_NAMES, read: Read = Path.read_bytes
) -> PolicyTest:
    """The tests of one file.

    Args:
        file: As the user named it.
        names: Networks and variables of the project.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: With the problems of the file, or of the policies that it tests.
    """
    text = (schemas_directory() / "policytest.schema.json").read_text(encoding="utf-8")
    document = load_document(file, schema=load_schema(text), kind="PolicyTest", read=read)
    reader = _Reader(document)
    files = reader.policy_files()
    policies = [] if reader.problems else load_policies(files, names=names, read=read)
    custom = [one for policy in policies for one in policy.custom]
    now, cases = reader.now(), tuple(reader.cases(with_custom(load_rules(), custom)))
    if reader.problems:
        raise DocumentError(reader.problems)
    return PolicyTest(file, policies, now, cases)


class _Reader:
    def __init__(self, document: Document) -> None:
        # The schema has accepted the document, so its shape is known from here on.
        self._data: Any = document.data
        self._document = document
        self._rules: Mapping[str, Rule] = {}
        self.problems: list[Problem] = []

    def policy_files(self) -> Sequence[str]:
        files = []
        for index, reference in enumerate(self._data["policies"]):
            try:
                files.append(parent_file(reference, self._document.file))
            except UnknownParent as error:
                self._problem(("policies", index), str(error), error.fix)
        return files

    def now(self) -> datetime:
        return self._time(self._data["now"], ("now",))

    def _time(self, text: str, path: DataPath) -> datetime:
        try:
            return decode_time(text)
        except ValueError:
            self._problem(
                path, f"not a valid timestamp: {text}", "write it like 2026-11-01T00:00:00Z"
            )
            return datetime.min.replace(tzinfo=UTC)

    def cases(self, rules: Mapping[str, Rule]) -> Iterator[Case]:
        self._rules = rules
        seen: set[str] = set()
        for index, node in enumerate(self._data["cases"]):
            path: DataPath = ("cases", index)
            if node["name"] in seen:
                self._problem((*path, "name"), "duplicate case name", "choose another one")
            seen.add(node["name"])
            subject = self._subject(node, path)
            yield Case(
                name=node["name"],
                subject=subject,
                facts=self._facts(node, path, subject.exchange),
                expected=tuple(self._expected(node, path)),
            )

    def _subject(self, node: Node, path: DataPath) -> Subject:
        account = {**self._data.get("account", {}), **node.get("account", {})}
        if "exchange" not in account:
            self._problem(path, "no exchange is named", "add account: {exchange: ...}")
        elif account["exchange"] not in {*known_exchanges(), *load_others()}:
            what = f"unknown exchange {account['exchange']}"
            self._problem(path, what, hint_about(account["exchange"]))
        return Subject(
            id=account.get("id", "account"),
            exchange=account.get("exchange", ""),
            labels=account.get("labels", {}),
            owner="",
            location=self._document.at(path),
        )

    def _facts(self, node: Node, path: DataPath, exchange: str) -> Facts:
        facts = Facts.nothing(Reason.NOT_DISCLOSED)
        if "answers" in node:
            facts = self._of_answers(node, path, exchange)
        else:
            facts = self._learn(facts, self._data, ())
        return self._learn(facts, node, path)

    def _of_answers(self, node: Node, path: DataPath, exchange: str) -> Facts:
        if exchange not in known_exchanges():
            self._problem((*path, "answers"), f"no recorded answers for {exchange}", "give facts")
            return Facts.nothing(Reason.UNSUPPORTED_EXCHANGE)
        entry = load_exchange(exchange)
        calls = {call.id for call in entry.calls}
        for name in sorted(node["answers"].keys() - calls):
            what = f"{exchange} has no call {name}"
            fix = f"it has {', '.join(sorted(calls))}"
            self._problem((*path, "answers", name), what, fix)
        for name in sorted(calls - node["answers"].keys()):
            self._problem((*path, "answers"), f"no answer for {name}", "add it")
        answers = {
            name: Answer(answer.get("status", 200), answer["body"].encode())
            for name, answer in node["answers"].items()
        }
        if answers.keys() != calls:
            return Facts.nothing(Reason.NOT_DISCLOSED)
        return normalise(entry, answers, node.get("api_key"))

    def _learn(self, facts: Facts, node: Node, path: DataPath) -> Facts:
        """The facts with those that a node says; what it calls unknown is unknown."""
        grades = node.get("grades", {})
        for name, value in node.get("facts", {}).items():
            place = (*path, "facts", name)
            if name not in EVERY_FACT:
                self._problem(place, f"unknown fact {name}", f"one of {', '.join(EVERY_FACT)}")
                continue
            try:
                typed = written_value(EVERY_FACT[name].kind, value)
            except (ValueError, TypeError):
                kind = EVERY_FACT[name].kind
                self._problem(place, f"{name} is of type {kind.value}", HOW_TO_WRITE[kind])
                continue
            grade = Grade(grades.get(name, Grade.OBSERVED))
            facts = facts.learn(name, Fact(typed, Provenance(grade, "", "", "the test")))
        for name, reason in node.get("unknown", {}).items():
            facts = facts.learn(name, Unknown(Reason(reason)))
        return facts

    def _expected(self, node: Node, path: DataPath) -> Iterator[Expectation]:
        for index, expected in enumerate(node["expect"]):
            place: DataPath = (*path, "expect", index)
            rule = find_rule(self._rules, expected["rule"])
            if rule is None:
                fix = "'gatepolicy explain' lists all rules"
                self._problem((*place, "rule"), f"unknown rule {expected['rule']}", fix)
                continue
            yield Expectation(
                rule=rule.info.name,
                outcome=Outcome(expected.get("outcome", Outcome.FAIL)),
                subject=expected.get("subject", ""),
                reason=expected.get("reason", ""),
                location=self._document.at(place),
            )

    def _problem(self, path: DataPath, what: str, fix: str) -> None:
        self.problems.append(Problem(self._document.at(path), show_path(path), what, fix))
