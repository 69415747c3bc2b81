"""The formats of reports, by name. Each is imported when it is asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepolicy.model.scan import Scan
from gatepolicy.reports.sarif_report import Profile
from gatepolicy.reports.text_report import Style

if TYPE_CHECKING:
    from gatepolicy.model.sign_offs import SignOffs
    from gatepolicy.model.trend import Trend


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What formats take. Each takes what concerns it."""

    style: Style = field(default_factory=Style)
    """How text looks."""
    sarif_profile: Profile = Profile.GITHUB
    """For whom SARIF is written."""
    sarif_scope: str = "accounts"
    """What was scanned; a scan of other accounts needs another one."""
    former: str = ""
    """The text of the file that the report replaces, where its format is ``continued``."""
    trend: "Trend | None" = None
    """How the inventory stood before, for the HTML page; ``None`` without a history."""
    sign_offs: "SignOffs | None" = None
    """What reviewers decided about this scan, for the HTML page; ``None`` where none is given."""


@dataclass(frozen=True, slots=True)
class Format:
    """A report format."""

    render: Callable[[Scan, ReportOptions], Iterator[str]]
    """Pure: from a scan to pieces of text."""
    suffix: str
    """Of a file in this format, with the dot."""
    description: str
    """One line for people."""
    left_out: Callable[[Scan, ReportOptions], int] = field(default=lambda *_: 0)
    """How much of a scan found no room, where a consumer limits what it takes; pure."""
    continued: bool = False
    """Whether it carries something over from the file that it replaces."""
    is_private: bool = True
    """Whether nobody but its owner may read a new file."""


def _text(scan: Scan, options: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.text_report import render_text

    return render_text(scan, style=options.style)


def _json(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.json_report import render_json

    return render_json(scan)


def _sarif(scan: Scan, options: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.sarif_report import render_sarif

    return render_sarif(scan, profile=options.sarif_profile, scope=options.sarif_scope)


def _sarif_left_out(scan: Scan, options: ReportOptions) -> int:
    from gatepolicy.reports.sarif_report import sarif_left_out

    return sarif_left_out(scan, profile=options.sarif_profile)


def _frameworks(scan: Scan, options: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.frameworks_report import render_frameworks
    from gatepolicy.rules.catalog import load_frameworks

    return render_frameworks(scan, style=options.style, frameworks=load_frameworks())


def _html(scan: Scan, options: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.html_report import render_html
    from gatepolicy.rules.catalog import load_frameworks

    return render_html(
        scan,
        frameworks=load_frameworks(),
        trend=options.trend,
        sign_offs=options.sign_offs,
    )


def _markdown(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.markdown_report import render_markdown

    return render_markdown(scan)


def _github(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.github_report import render_github

    return render_github(scan)


def _junit(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.junit_report import render_junit

    return render_junit(scan)


def _junit_left_out(scan: Scan, _: ReportOptions) -> int:
    from gatepolicy.reports.junit_report import junit_left_out

    return junit_left_out(scan)


def _csv(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.csv_report import render_csv

    return render_csv(scan)


def _csv_facts(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.csv_report import render_facts_csv

    return render_facts_csv(scan)


def _codequality(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.gitlab_reports import render_codequality

    return render_codequality(scan)


def _sast(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.gitlab_reports import render_sast

    return render_sast(scan)


def _ocsf(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.ocsf_report import render_ocsf

    return render_ocsf(scan)


def _oscal(scan: Scan, _: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.oscal_report import render_oscal
    from gatepolicy.rules.catalog import load_frameworks

    return render_oscal(scan, frameworks=load_frameworks())


def _prometheus(scan: Scan, options: ReportOptions) -> Iterator[str]:
    from gatepolicy.reports.prometheus_report import render_prometheus

    return render_prometheus(scan, former=options.former)


FORMATS: Mapping[str, Format] = {
    "text": Format(_text, ".txt", "a table, findings with their fixes, and a summary"),
    "html": Format(_html, ".html", "one page for reviewers, to open in a browser and to print"),
    "json": Format(_json, ".json", "every account, fact and verdict, for programs"),
    "sarif": Format(_sarif, ".sarif", "SARIF 2.1.0 for code scanning", left_out=_sarif_left_out),
    "markdown": Format(_markdown, ".md", "a summary for a pull request or a step of a workflow"),
    "github": Format(_github, ".txt", "annotations of a GitHub workflow, the ten worst"),
    "junit": Format(
        _junit, ".xml", "a test case for each account and control", left_out=_junit_left_out
    ),
    "csv": Format(_csv, ".csv", "a row for each verdict, for spreadsheets"),
    "csv-facts": Format(_csv_facts, ".csv", "a row for each fact about each key"),
    "gitlab-codequality": Format(_codequality, ".json", "findings for GitLab's Code Quality"),
    "gitlab-sast": Format(_sast, ".json", "findings for GitLab's security dashboard"),
    "ocsf": Format(_ocsf, ".jsonl", "OCSF compliance findings, for a SIEM"),
    "oscal": Format(_oscal, ".json", "OSCAL assessment results, for auditors' tools"),
    "prometheus": Format(
        _prometheus, ".prom", "gauges for a textfile collector", continued=True, is_private=False
    ),
    "frameworks": Format(_frameworks, ".txt", "verdicts under controls of CCSS, SOC 2, ..."),
}
"""Name to format."""
