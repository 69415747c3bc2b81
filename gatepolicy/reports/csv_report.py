r"""CSV for spreadsheets: the verdicts of a scan, or the facts about its keys (RFC 4180, UTF-8).

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and a
formula can send the other cells away. The name of a key is such a cell and its owner chose it, so
an apostrophe is put before each of these: https://owasp.org/www-community/attacks/CSV_Injection.
Tabs and line breaks stand as escapes such as ``\x0a``. A row is one line.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from gatepolicy.model.encoding import encode_time, encode_value
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import FACTS, Access, Fact, FactValue, Grant
from gatepolicy.model.scan import Scan
from gatepolicy.reports.clean import clean
from gatepolicy.reports.summary import NOTHING_CHECKED, Judged, all_judged, unjudged, why_unknown

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What begins a formula, or does where a spreadsheet takes wide characters for plain ones."""

_UNCHECKED = "not_checked"


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, and no reader for two lines."""
    text = clean(text)
    return f"'{text}" if text.lstrip(" '\"").startswith(_FORMULA) else text


VERDICT_COLUMNS = (
    "scanned_at",
    "account",
    "exchange",
    "owner",
    "rule",
    "name",
    "subject",
    "verdict",
    "severity",
    "on_unknown",
    "reason",
    "expected",
    "seen",
    "needed",
    "policy",
    "policy_file",
    "policy_line",
    "waiver",
    "waived_by",
    "waived_until",
    "inventory_file",
    "inventory_line",
    "finding",
)
"""In this order; later versions add columns at the end."""


def render_csv(scan: Scan) -> Iterator[str]:
    """A heading and a row for each verdict; one for each account about which nothing was asked."""
    moment = encode_time(scan.finished_at)
    yield _row(VERDICT_COLUMNS)
    for one in all_judged(scan):
        yield _row([moment, *_verdict(one)])
    for subject in unjudged(scan):
        known = {
            "scanned_at": moment,
            "account": subject.id,
            "exchange": subject.exchange,
            "owner": subject.owner,
            "verdict": _UNCHECKED,
            "needed": NOTHING_CHECKED,
            "inventory_file": subject.location.file,
            "inventory_line": str(subject.location.line),
        }
        yield _row([known.get(column, "") for column in VERDICT_COLUMNS])


def _verdict(one: Judged) -> Iterator[str]:
    verdict = one.verdict
    yield from (one.account, one.exchange, one.owner)
    yield from (verdict.rule, verdict.name, verdict.subject)
    yield from (verdict.outcome, verdict.severity, verdict.on_unknown)
    yield why_unknown(verdict) if verdict.reason else ""
    yield from (verdict.expected, verdict.seen, verdict.needed)
    yield from (verdict.policy, verdict.location.file, str(verdict.location.line))
    terms = verdict.waived.terms if verdict.waived else None
    yield from (terms.id, terms.owner, terms.expires.isoformat()) if terms else ("", "", "")
    place = one.subject.location if one.subject else None
    yield from (place.file, str(place.line)) if place else ("", "")
    yield one.identity


FACT_COLUMNS = (
    "collected_at",
    "account",
    "exchange",
    "owner",
    "fact",
    "known",
    "value",
    "grade",
    "reason",
    "detail",
    "call",
    "pointer",
    "reference",
    "scanned_at",
)
"""In this order; later versions add columns at the end."""


def render_facts_csv(scan: Scan) -> Iterator[str]:
    """A heading and a row for each account and fact, known or unknown."""
    moment = encode_time(scan.finished_at)
    yield _row(FACT_COLUMNS)
    for account in scan.accounts:
        for row in _facts(account.evidence):
            yield _row([*row, moment])


def _facts(evidence: Evidence) -> Iterator[Sequence[str]]:
    subject = evidence.subject
    head = (encode_time(evidence.collected_at), subject.id, subject.exchange, subject.owner)
    for name in FACTS:
        if name in evidence.facts.known:
            yield *head, name, *_known(evidence.facts.known[name])
        elif name in evidence.facts.unknown:
            why = evidence.facts.unknown[name]
            yield *head, name, "unknown", "", "", why.reason, why.detail, "", "", ""


def _known(fact: Fact) -> Iterator[str]:
    source = fact.provenance
    yield from ("known", _value(fact.value), source.grade, "", "")
    yield from (source.call, source.pointer, source.reference)


def _value(value: FactValue) -> str:
    """A value as people read it in a cell; the items of a list stand between semicolons."""
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return "; ".join(_item(item) for item in value)
        case _:
            return str(encode_value(value))


def _item(item: object) -> str:
    if isinstance(item, Grant):
        return item.word if item.access is Access.GRANTED else f"{item.word} ({item.access})"
    return str(item)


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()
