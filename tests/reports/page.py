"""The HTML page of scans, for tests and for the bench."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path

from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.sign_offs import ShownSignOff, Signature, SignOffs
from gatepolicy.model.trend import AccountCounts, TimeToFix, Trend, TrendPoint
from gatepolicy.model.verdicts import Outcome, Severity
from gatepolicy.reports.html_report import render_html
from gatepolicy.reports.html_trend import point_of
from gatepolicy.rules.catalog import load_frameworks
from tests.reports.example_scan import example_scan

HOSTILE = (
    "</script><img src=x onerror=alert(1)>{{7*7}}<!--",
    "exe.\u202etxt",
    "x" * 10_000,
    "محفظة العميل",
    "東京の口座",
    "Überweisungskonto Größe",
)
"""Names that try to become more than text, or to break the layout."""


def page_of(scan: Scan, *, trend: Trend | None = None, sign_offs: SignOffs | None = None) -> str:
    frameworks = load_frameworks()
    return "".join(render_html(scan, frameworks=frameworks, trend=trend, sign_offs=sign_offs))


def write_page(
    scan: Scan, folder: Path, *, trend: Trend | None = None, sign_offs: SignOffs | None = None
) -> str:
    """The page as a file, and its address."""
    file = folder / "report.html"
    html = page_of(scan, trend=trend, sign_offs=sign_offs)
    file.write_text(html, encoding="utf-8", newline="\n")
    return file.as_uri()


def trend_to(scan: Scan, count: int = 30) -> Trend:
    """A month in which violations came and went; the last scan is the one that is given."""
    at = scan.started_at

    def before(days: int) -> TrendPoint:
        bad = days % 7
        return TrendPoint(
            started_at=at - timedelta(days=days),
            exit_code=1 if bad else 0,
            is_narrowed=days == 5,
            is_interrupted=days == 11,
            accounts=AccountCounts(good=10 - bad, bad=bad, open=days % 3),
            violations={level: bad if level is not Severity.INFO else 0 for level in Severity},
        )

    since = [v for v in scan.as_findings() if v.outcome is Outcome.FAIL]
    return Trend(
        points=(*(before(days) for days in range(count - 1, 0, -1)), point_of(scan)),
        violated_since={one.identity: at - timedelta(days=20) for one in since[:1]},
        times_to_fix=(
            TimeToFix(Severity.CRITICAL, 3, timedelta(days=2, hours=12), timedelta(days=1)),
            TimeToFix(Severity.HIGH, 1_200, timedelta(days=9), timedelta(days=8)),
        ),
    )


def signed_off(text: str, *, verified: bool) -> SignOffs:
    """A decision of each kind by a reviewer of that name."""

    def by(name: str) -> Signature:
        key_id = sha256(name.encode()).hexdigest()
        return Signature(key_id, f"{name}.pub.pem") if verified else Signature(text, "")

    at = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    decisions = ("rejected", "accepted with conditions", "accepted")
    return SignOffs(
        report_digest=sha256(b"the report").hexdigest(),
        signed_at=at,
        signature=by("signing"),
        decisions=[
            ShownSignOff(decision, text, text, at, by("jane"), decision != "rejected")
            for decision in decisions
        ],
    )


def named(account: AccountResult, name: str) -> AccountResult:
    """The same account under another name, with that name in every place that takes one."""
    evidence = account.evidence
    subject = replace(evidence.subject, id=name, owner=name, labels={name[:20]: name})
    return replace(account, evidence=replace(evidence, subject=subject))


def fleet(count: int) -> Scan:
    """The example's accounts again and again, each with a name of its own."""
    scan = example_scan()
    accounts = [
        named(account, f"bot-{position:05}")
        for position, account in enumerate(islice(cycle(scan.accounts), count))
    ]
    return replace(scan, accounts=accounts)


def hostile_scan() -> Scan:
    """The example, with hostile names."""
    scan = example_scan()
    accounts = [
        named(account, name) for account, name in zip(cycle(scan.accounts), HOSTILE, strict=False)
    ]
    return replace(scan, accounts=accounts, warnings=HOSTILE)
