"""The data of the HTML page: every account with its verdicts, facts and calls, each text once.

Fleets repeat themselves: the same policy checks the same for every account, and most answers are
alike. So texts, verdicts, facts and calls are in tables, and accounts refer to them by position.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gatepolicy.model.encoding import encode_time, encode_value
from gatepolicy.model.evidence import CallRecord, Location, Subject
from gatepolicy.model.facts import FACTS, Fact, Unknown
from gatepolicy.model.posture import LINE_TITLE, AccountState, account_states, lines_of
from gatepolicy.model.scan import AccountResult, BaselineState, Scan
from gatepolicy.model.verdicts import Outcome, PostureLine, RuleInfo, Severity, Verdict
from gatepolicy.reports.clean import clean
from gatepolicy.reports.summary import is_incomplete, is_unchecked, passes

Row = tuple[object, ...]
T = TypeVar("T")

FAIL, UNKNOWN, NOT_VERIFIABLE, WAIVED, PASS, NOT_CHECKED = "funwp-"
"""How a cell of the matrix stands, the worst first."""
CELLS = FAIL + UNKNOWN + NOT_VERIFIABLE + WAIVED + PASS + NOT_CHECKED
_CELL = {
    Outcome.FAIL: FAIL,
    Outcome.UNKNOWN: UNKNOWN,
    Outcome.WAIVED: WAIVED,
    Outcome.PASS: PASS,
    Outcome.NOT_APPLICABLE: NOT_CHECKED,
}
STATE_CODE: Mapping[AccountState, str] = {
    AccountState.BAD: FAIL,
    AccountState.UNKNOWN: UNKNOWN,
    AccountState.NOT_VERIFIABLE: NOT_VERIFIABLE,
    AccountState.WAIVED: WAIVED,
    AccountState.GOOD: PASS,
    AccountState.NOT_CHECKED: NOT_CHECKED,
}
"""A state of the posture as a cell shows it."""
VERDICTS = ("violation", "blocking", "incomplete", "unchecked", "warning", "pass")
"""How a whole account stands, the worst first."""


@dataclass(slots=True)
class Table:
    """Rows, each once, in the order in which they were first seen."""

    positions: dict[object, int] = field(default_factory=dict)
    """Row to its position."""

    def at(self, row: object) -> int:
        """The position of a row, which is added where it is not there yet."""
        return self.positions.setdefault(row, len(self.positions))

    @property
    def rows(self) -> list[object]:
        """All rows."""
        return list(self.positions)


@dataclass(frozen=True, slots=True)
class Control:
    """A column of the matrix."""

    id: str
    """Stable id of the rule."""
    name: str
    """Stable name of the rule."""
    title: str
    """The bad thing as a short sentence."""
    line: str
    """The line of the posture that it belongs to, in words; may be empty."""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """An account in the matrix."""

    subject: Subject
    """The account."""
    verdict: str
    """One of ``VERDICTS``."""
    severity: Severity | None
    """Of its worst violation or blocking unknown; ``None`` without any."""
    cells: str
    """A character of ``CELLS`` for each control."""


def controls_of(scan: Scan) -> Sequence[Control]:
    """Every rule that was evaluated for any account, by lines of the posture."""
    asked = {verdict.rule for account in scan.accounts for verdict in account.verdicts}
    order = {line: position for position, line in enumerate(PostureLine)}
    rules = [rule for rule in scan.rules if rule.id in asked]
    rules.sort(key=lambda rule: len(order) if rule.posture is None else order[rule.posture])
    return [
        Control(rule.id, rule.name, rule.title, LINE_TITLE[rule.posture] if rule.posture else "")
        for rule in rules
    ]


def matrix_row(account: AccountResult, controls: Sequence[Control]) -> MatrixRow:
    """How one account stands in each control."""
    worst: dict[str, str] = {}
    for verdict in account.verdicts:
        cell = NOT_VERIFIABLE if verdict.not_verifiable else _CELL[verdict.outcome]
        worst[verdict.rule] = min(worst.get(verdict.rule, NOT_CHECKED), cell, key=CELLS.index)
    blocking = [verdict.severity for verdict in account.verdicts if verdict.blocks]
    return MatrixRow(
        account.evidence.subject,
        _verdict_of(account),
        min(blocking, key=lambda severity: severity.rank) if blocking else None,
        "".join(worst.get(control.id, NOT_CHECKED) for control in controls),
    )


def _verdict_of(account: AccountResult) -> str:
    if any(verdict.is_violation for verdict in account.verdicts):
        return "violation"
    if any(verdict.is_blocking_unknown for verdict in account.verdicts):
        return "blocking"
    if is_incomplete(account):
        return "incomplete"
    if is_unchecked(account):
        return "unchecked"
    return "pass" if passes(account) else "warning"


def page_data(scan: Scan, controls: Sequence[Control]) -> Iterator[str]:
    """Everything that the page's script shows: a JSON object, piece by piece.

    Accounts come one by one, so that no more than their tables is held; it cannot end the element
    that it stands in.
    """
    tables = _Tables(scan, {rule.id: rule for rule in scan.rules}, lines_of(scan.rules))
    head = {
        "controls": [[one.id, one.name, one.title, one.line] for one in controls],
        "lines": [[line.value, LINE_TITLE[line]] for line in PostureLine],
        "severities": [severity.value for severity in Severity],
        "verdict_states": list(VERDICTS),
    }
    yield "{"
    for name, value in head.items():
        yield f'"{name}":{_embedded(value)},'
    yield '"accounts":['
    for position, account in enumerate(scan.accounts):
        yield "," * bool(position) + _embedded(tables.account(account, controls))
    yield f'],"verdicts":{_embedded(tables.verdicts.rows)},"facts":{_embedded(tables.facts.rows)}'
    # Texts are last, since the other tables add to them.
    yield f',"calls":{_embedded(tables.calls.rows)},"texts":{_embedded(tables.texts.rows)}}}'


def _embedded(data: object) -> str:
    """JSON without the characters of HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


@dataclass(frozen=True, slots=True)
class _Tables:
    """What accounts refer to."""

    scan: Scan
    rules: Mapping[str, RuleInfo]
    by_rule: Mapping[str, PostureLine]
    texts: Table = field(default_factory=Table)
    verdicts: Table = field(default_factory=Table)
    facts: Table = field(default_factory=Table)
    calls: Table = field(default_factory=Table)

    def account(self, account: AccountResult, controls: Sequence[Control]) -> list[object]:
        row = matrix_row(account, controls)
        subject, evidence = row.subject, account.evidence
        states = account_states(account, self.by_rule)
        return [
            clean(subject.id),
            self._text(subject.exchange),
            self._text(subject.owner),
            [
                [self._text(name), self._text(subject.labels[name])]
                for name in sorted(subject.labels)
            ],
            self._text(_place(subject.location)),
            self._text(encode_time(evidence.collected_at)),
            VERDICTS.index(row.verdict),
            -1 if row.severity is None else row.severity.rank,
            row.cells,
            "".join(STATE_CODE[states[line]] for line in PostureLine),
            [self.verdicts.at(self._verdict(subject, verdict)) for verdict in account.verdicts],
            [
                self.facts.at(self._fact(name, fact))
                for name, fact in _in_order(evidence.facts.known)
            ],
            [
                self.facts.at(self._gap(name, why))
                for name, why in _in_order(evidence.facts.unknown)
            ],
            [self.calls.at(self._call(call)) for call in evidence.calls],
        ]

    def _text(self, text: str) -> int:
        return self.texts.at(clean(text))

    def _verdict(self, subject: Subject, verdict: Verdict) -> Row:
        text = self._text
        return (
            text(f"{verdict.rule} {verdict.name}"),
            NOT_VERIFIABLE if verdict.not_verifiable else _CELL[verdict.outcome],
            verdict.severity.rank,
            text(verdict.subject),
            text(verdict.expected),
            text(verdict.seen),
            text(verdict.reason.value if verdict.reason else ""),
            text(verdict.needed),
            text(verdict.on_unknown.value if verdict.outcome is Outcome.UNKNOWN else ""),
            text(f"{verdict.policy} ({_place(verdict.location)})"),
            text(self.rules[verdict.rule].fix_for(subject.exchange) if verdict.blocks else ""),
            text(_waiver(verdict)),
            text(self._since(subject, verdict)),
        )

    def _since(self, subject: Subject, verdict: Verdict) -> str:
        comparison = self.scan.compared(subject, verdict)
        if comparison is None or comparison.state is BaselineState.UNCHANGED:
            return ""
        return "; ".join([comparison.state.value, *comparison.why])

    def _fact(self, name: str, fact: Fact) -> Row:
        text, proof = self._text, fact.provenance
        source = proof.reference or f"{proof.call}{proof.pointer and ' ' + proof.pointer}"
        return (
            text(name),
            text(FACTS[name].meaning),
            text(value_in_words(fact)),
            text(proof.grade.value),
            text(source),
        )

    def _gap(self, name: str, why: Unknown) -> Row:
        text = self._text
        return (text(name), text(FACTS[name].meaning), text(why.reason.value), text(why.detail))

    def _call(self, call: CallRecord) -> Row:
        answered = "no answer" if call.status is None else f"HTTP {call.status}"
        what = f"{answered}, {call.reason}" if call.reason else answered
        text = self._text
        return (text(call.call), text(call.method), text(call.url), text(what))


def _in_order(facts: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    return ((name, facts[name]) for name in FACTS if name in facts)


def value_in_words(fact: Fact) -> str:
    """The value of a fact, as a cell of a table shows it."""
    value = encode_value(fact.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, list):
        return str(value)
    items = (
        f"{item['word']} ({item['access']})" if isinstance(item, Mapping) else str(item)
        for item in value
    )
    return ", ".join(items) or "none"


def _waiver(verdict: Verdict) -> str:
    if verdict.waived is None:
        return ""
    terms = verdict.waived.terms
    return f"{terms.owner} until {terms.expires} ({terms.id}): {terms.justification}"


def _place(location: Location) -> str:
    return f"{location.file}:{location.line}" if location.file else ""
