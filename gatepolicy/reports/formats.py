"""The table of report formats: the one place that knows them all."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gatepolicy.model.scan import Scan
from gatepolicy.reports.frameworks_report import render_frameworks
from gatepolicy.reports.json_report import render_json
from gatepolicy.reports.sarif_report import Profile, render_sarif
from gatepolicy.reports.text_report import Style, render_text
from gatepolicy.rules.frameworks import load_frameworks


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What formats can be told. Each takes what concerns it."""

    style: Style = field(default_factory=Style)
    """How text looks."""
    sarif_profile: Profile = Profile.GITHUB
    """For whom SARIF is written."""
    sarif_scope: str = "accounts"
    """What was scanned; a scan of other accounts needs another one."""


@dataclass(frozen=True, slots=True)
class Format:
    """A report format."""

    render: Callable[[Scan, ReportOptions], Iterator[str]]
    """Pure: from a scan to pieces of text."""
    suffix: str
    """Of a file in this format, with the dot."""
    description: str
    """One line for people."""


def _text(scan: Scan, options: ReportOptions) -> Iterator[str]:
    return render_text(scan, style=options.style)


def _json(scan: Scan, _: ReportOptions) -> Iterator[str]:
    return render_json(scan)


def _sarif(scan: Scan, options: ReportOptions) -> Iterator[str]:
    return render_sarif(scan, profile=options.sarif_profile, scope=options.sarif_scope)


def _frameworks(scan: Scan, options: ReportOptions) -> Iterator[str]:
    return render_frameworks(scan, style=options.style, frameworks=load_frameworks())


FORMATS: Mapping[str, Format] = {
    "text": Format(_text, ".txt", "a table, findings with their fixes, and a summary"),
    "json": Format(_json, ".json", "every account, fact and verdict, for programs"),
    "sarif": Format(_sarif, ".sarif", "SARIF 2.1.0 for code scanning"),
    "frameworks": Format(_frameworks, ".txt", "verdicts under controls of CCSS, SOC 2, ..."),
}
"""Name to format."""
