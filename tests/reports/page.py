"""The HTML page of scans, for tests and for the bench."""

from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.reports.html_report import render_html
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


def page_of(scan: Scan) -> str:
    return "".join(render_html(scan, frameworks=load_frameworks()))


def write_page(scan: Scan, folder: Path) -> str:
    """The page as a file, and its address."""
    file = folder / "report.html"
    file.write_text(page_of(scan), encoding="utf-8", newline="\n")
    return file.as_uri()


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
