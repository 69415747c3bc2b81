"""HTML: one file for people, opened from a mail or a disk. It loads nothing and sends nothing.

The page holds its style, its script and its data. A content security policy allows exactly these by
their hashes, so that nothing that an exchange or an inventory says can become code. Without
JavaScript, everything but the interactive matrix and the details of accounts is there.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepolicy import __version__
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import ATTESTED_FACTS
from gatepolicy.model.posture import AccountState, PostureCount, posture
from gatepolicy.model.scan import Drift, Scan
from gatepolicy.model.sign_offs import SignOffs
from gatepolicy.model.trend import Trend
from gatepolicy.model.verdicts import (
    Outcome,
    PostureLine,
    RuleInfo,
    Severity,
    Verdict,
    WaiverInfo,
)
from gatepolicy.reports.clean import clean
from gatepolicy.reports.html_data import (
    CELLS,
    STATE_CODE,
    controls_of,
    matrix_row,
    page_data,
)
from gatepolicy.reports.html_trend import AGES, shown_trend
from gatepolicy.reports.json_report import render_json
from gatepolicy.reports.summary import exit_sentence, interruption, left_out, summarise
from gatepolicy.rules.catalog import Framework, with_rules_of_policies

if TYPE_CHECKING:
    import jinja2

_FOLDER = Path(__file__).with_name("page")
STATIC_ROWS = 500
"""So many accounts are in the matrix without JavaScript."""
NAMED_ACCOUNTS = 12
"""So many accounts are named in the first screen."""
LISTED_ACCOUNTS = 50
"""So many accounts are listed below one problem; the matrix has all of them."""
TIMELINE_DAYS = 90
"""The timeline of waivers shows so many days."""


def render_html(
    scan: Scan,
    *,
    frameworks: Sequence[Framework],
    trend: Trend | None = None,
    sign_offs: SignOffs | None = None,
) -> Iterator[str]:
    """The whole page.

    Args:
        scan: The finished scan.
        frameworks: All of them.
        trend: How the inventory stood before; ``None`` without a history: there is no such section.
        sign_offs: What reviewers decided; ``None`` where none is given.
    """
    style, script = (_asset(name) for name in ("report.css", "report.js"))
    controls = controls_of(scan)
    context = {
        "style": style,
        "script": script,
        "csp": _content_security_policy(style, script),
        "data": page_data(scan, controls),
        "version": __version__,
        **_head(scan),
        **_posture(scan),
        "urgent": list(urgent(scan)),
        "drift": None if scan.drift is None else _drift(scan, scan.drift),
        "controls": controls,
        "rows": [matrix_row(one, controls) for one in islice(scan.accounts, STATIC_ROWS)],
        "total": len(scan.accounts),
        "listed": LISTED_ACCOUNTS,
        "most": STATIC_ROWS,
        "waivers": _waivers(scan),
        "attestations": _attestations(scan),
        "frameworks": _frameworks(scan, frameworks),
        "exchanges": list(asked_of(scan)),
        "digest": _digest(scan),
    }
    beside = {"trend": trend and shown_trend(scan, trend), "sign_offs": sign_offs}
    yield from _template().generate(context | beside)


def _digest(scan: Scan) -> str:
    """Of the JSON report, which is what people sign."""
    found = sha256()
    for piece in render_json(scan):
        found.update(piece.encode())
    return found.hexdigest()


@cache
def _template() -> "jinja2.Template":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    ages = [name for name, _ in AGES]
    environment.globals.update(marks=MARK, words=STATE_WORD, cells=CELLS, ages=ages)
    environment.filters.update(thousands="{:,}".format, time=encode_time, days=_days)
    return environment.get_template("report.html.j2")


def _days(time: timedelta) -> str:
    return f"{time / timedelta(days=1):,.1f} days"


def _printable(value: Any) -> Any:
    """What a template shows; texts of others without what does not print."""
    return clean(value) if type(value) is str else value


MARK: Mapping[str, str] = {"f": "✗", "u": "?", "n": "∅", "w": "~", "p": "✓", "-": "·"}
"""The sign of each cell: colours are never all there is."""
STATE_WORD: Mapping[str, str] = {
    "f": "violation",
    "u": "unknown",
    "n": "not verifiable",
    "w": "waived",
    "p": "pass",
    "-": "not checked",
}
"""Each cell in words."""


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _content_security_policy(style: str, script: str) -> str:
    """Nothing may be loaded or sent; only the page's own style and script count."""

    def hashed(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _head(scan: Scan) -> dict[str, Any]:
    code = scan.exit_code
    summary = summarise(scan)
    return {
        "exit_code": code.value,
        "exit_sentence": exit_sentence(scan),
        "notes": [
            *([interruption(scan)] if scan.interrupted_by else ()),
            *([left_out(scan.narrowing)] if scan.narrowing.is_any else ()),
            *scan.warnings,
        ],
        "started_at": encode_time(scan.started_at),
        "finished_at": encode_time(scan.finished_at),
        "evidence_at": encode_time(scan.evidence_at) if scan.evidence_at else "",
        "policies": scan.policies,
        "overrides": scan.overrides,
        "summary": summary,
        "violations": sum(summary.violations.values()),
        "blocking": sum(summary.blocking_unknowns.values()),
        "general": [verdict for verdict in scan.general if verdict.outcome is not Outcome.PASS],
    }


@dataclass(frozen=True, slots=True)
class Segment:
    """Accounts of one state in one line of the posture."""

    state: str
    """A character of ``CELLS``."""
    count: int
    """How many."""
    start: float
    """Where its part of the bar begins, in percent."""
    width: float
    """How wide that is, in percent."""


@dataclass(frozen=True, slots=True)
class PostureRow:
    """A line of the posture with its bar."""

    count: PostureCount
    """The numbers."""
    answer: str
    """The line in words."""
    segments: Sequence[Segment]
    """Its bar, the worst first; without accounts that were not asked."""


def _posture(scan: Scan) -> dict[str, Any]:
    found = posture(scan)
    funds = next(line for line in found.lines if line.line is PostureLine.FUNDS)
    return {
        "posture": [_posture_row(line) for line in found.lines],
        "coverage": found.coverage,
        "funds": funds,
        "leaving": list(_leaving(scan)),
        "named": NAMED_ACCOUNTS,
    }


def _posture_row(line: PostureCount) -> PostureRow:
    asked = max(line.asked, 1)
    segments, start = [], 0.0
    for state, code in STATE_CODE.items():
        count = line.of(state)
        if count and state is not AccountState.NOT_CHECKED:
            width = 100 * count / asked
            segments.append(Segment(code, count, round(start, 3), round(width, 3)))
            start += width
    return PostureRow(line, _answer(line), segments)


def _answer(line: PostureCount) -> str:
    if not line.asked:
        return "not checked by any policy"
    if line.line is PostureLine.FUNDS:
        return f"{line.bad:,} of {line.asked:,} accounts"
    return f"proved for {line.good:,} of {line.asked:,} accounts"


def _leaving(scan: Scan) -> Iterator[Subject]:
    """Accounts out of which funds can leave."""
    rules = {rule.id for rule in scan.rules if rule.posture is PostureLine.FUNDS}
    for account in scan.accounts:
        if any(v.is_violation and v.rule in rules for v in account.verdicts):
            yield account.evidence.subject


@dataclass(frozen=True, slots=True)
class Case:
    """One account with what blocks it."""

    subject: Subject
    """The account."""
    verdicts: Sequence[Verdict]
    """What is the same problem: of one rule."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The same rule broken, or left open, on one exchange: one fix for all."""

    rule: RuleInfo
    """What is wrong."""
    severity: Severity
    """How bad."""
    is_proved: bool
    """Whether it is a violation, as opposed to a blocking unknown."""
    exchange: str
    """Id of the exchange."""
    fix: str
    """What to do there; of an unknown, what would prove it."""
    cases: Sequence[Case]
    """The accounts, in the order of the inventory."""


def urgent(scan: Scan) -> Iterator[Problem]:
    """Everything that fails the scan: violations by severity, then blocking unknowns."""
    rules = {rule.id: rule for rule in scan.rules}
    groups: dict[tuple[bool, int, str, str, str], list[Case]] = {}
    for account in scan.accounts:
        subject = account.evidence.subject
        own: dict[tuple[bool, int, str, str, str], list[Verdict]] = {}
        for verdict in account.verdicts:
            if verdict.blocks:
                needed = verdict.needed if verdict.is_blocking_unknown else ""
                rank = verdict.severity.rank
                key = (not verdict.is_violation, rank, verdict.rule, subject.exchange, needed)
                own.setdefault(key, []).append(verdict)
        for key, verdicts in own.items():
            groups.setdefault(key, []).append(Case(subject, verdicts))
    for key in sorted(groups):
        is_open, rank, rule, exchange, needed = key
        fix = needed or rules[rule].fix_for(exchange)
        severity = list(Severity)[rank]
        yield Problem(rules[rule], severity, not is_open, exchange, fix, groups[key])


def _drift(scan: Scan, drift: Drift) -> dict[str, Any]:
    worse = [
        (subject, verdict, comparison)
        for subject, verdict in scan.judged()
        if (comparison := scan.compared(subject, verdict)) is not None and comparison.is_worse
    ]
    return {
        "baseline": drift.baseline,
        "worse": worse,
        "absent": drift.absent,
        "changes": drift.changes,
    }


@dataclass(frozen=True, slots=True)
class Ending:
    """A waiver on the timeline."""

    waiver: WaiverInfo
    """The waiver."""
    day: int
    """Days until its last day; 0 is the day of the scan."""


def _waivers(scan: Scan) -> dict[str, Any]:
    today = scan.finished_at.date()
    endings = [Ending(one, (one.terms.expires - today).days) for one in scan.waivers]
    soon = [one for one in endings if 0 <= one.day <= TIMELINE_DAYS]
    accepted = [
        (account.evidence.subject, verdict)
        for account in scan.accounts
        for verdict in account.verdicts
        if verdict.outcome is Outcome.WAIVED
    ]
    return {
        "all": scan.waivers,
        "soon": sorted(soon, key=lambda one: (one.day, one.waiver.terms.id)),
        "days": TIMELINE_DAYS,
        "accepted": accepted,
    }


def _attestations(scan: Scan) -> list[tuple[Subject, Verdict]]:
    """What policies require people to confirm."""
    rules = {rule.id for rule in scan.rules if not ATTESTED_FACTS.keys().isdisjoint(rule.facts)}
    return [
        (account.evidence.subject, verdict)
        for account in scan.accounts
        for verdict in account.verdicts
        if verdict.rule in rules and verdict.outcome is not Outcome.NOT_APPLICABLE
    ]


@dataclass(frozen=True, slots=True)
class ControlEvidence:
    """What a scan says about a control of a framework."""

    id: str
    """As the framework numbers it."""
    title: str
    """As the framework calls it."""
    rules: Sequence[str]
    """Names of rules that were evaluated."""
    gaps: Sequence[str]
    """Names of rules that no policy uses."""
    counts: Sequence[tuple[str, int]]
    """Characters of ``CELLS`` with how many verdicts."""


def _frameworks(scan: Scan, frameworks: Sequence[Framework]) -> list[dict[str, Any]]:
    counts: dict[str, Counter[str]] = {}
    for verdict in scan.verdicts():
        code = "n" if verdict.not_verifiable else _OUTCOME_CODE[verdict.outcome]
        counts.setdefault(verdict.name, Counter())[code] += 1
    shown, others = with_rules_of_policies(frameworks, scan.rules)
    found: list[dict[str, Any]] = [
        {
            "title": framework.title,
            "reference": framework.reference,
            "controls": [_evidence(c.id, c.title, c.rules, counts) for c in framework.controls],
        }
        for framework in shown
    ]
    if others:
        named = [_evidence(name, "", rules, counts) for name, rules in others.items()]
        found.append({"title": "Other controls", "reference": "", "controls": named})
    return found


_OUTCOME_CODE = {
    Outcome.FAIL: "f",
    Outcome.UNKNOWN: "u",
    Outcome.WAIVED: "w",
    Outcome.PASS: "p",
    Outcome.NOT_APPLICABLE: "-",
}


def _evidence(
    identifier: str, title: str, rules: Iterable[str], counts: Mapping[str, Counter[str]]
) -> ControlEvidence:
    rules = list(rules)
    total = sum((counts[rule] for rule in rules if rule in counts), Counter[str]())
    return ControlEvidence(
        identifier,
        title,
        rules=[rule for rule in rules if rule in counts],
        gaps=[rule for rule in rules if rule not in counts],
        counts=[(code, total[code]) for code in CELLS if total[code] and code != "-"],
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What was sent to one exchange, and what it does not disclose."""

    exchange: str
    """Id of the exchange."""
    accounts: int
    """How many accounts are there."""
    requests: Sequence[tuple[str, int, int]]
    """Method and URL, how often, and how often without success."""
    undisclosed: Sequence[str]
    """What is not verifiable there, each once."""


def asked_of(scan: Scan) -> Iterator[Asked]:
    """Every exchange of the scan, by id."""
    accounts: Counter[str] = Counter()
    sent: dict[str, Counter[str]] = {}
    failed: dict[str, Counter[str]] = {}
    undisclosed: dict[str, dict[str, None]] = {}
    for account in scan.accounts:
        exchange = account.evidence.subject.exchange
        accounts[exchange] += 1
        for call in account.evidence.calls:
            request = f"{call.method} {call.url}"
            sent.setdefault(exchange, Counter())[request] += 1
            failed.setdefault(exchange, Counter())[request] += bool(call.reason)
        for verdict in account.verdicts:
            if verdict.not_verifiable:
                undisclosed.setdefault(exchange, {})[f"{verdict.name}: {verdict.needed}"] = None
    for exchange in sorted(accounts):
        requests = sorted(sent.get(exchange, Counter()).items())
        yield Asked(
            exchange,
            accounts[exchange],
            [(request, count, failed[exchange][request]) for request, count in requests],
            list(undisclosed.get(exchange, ())),
        )
