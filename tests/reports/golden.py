"""Every report of the example scan, for eyes and for comparison.

``python -m tests.reports.golden`` writes the files anew; read what changed before it is kept.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gatepolicy import __version__
from gatepolicy.model.scan import Scan
from gatepolicy.reports.csv_report import render_csv, render_facts_csv
from gatepolicy.reports.frameworks_report import render_frameworks
from gatepolicy.reports.github_report import render_github
from gatepolicy.reports.gitlab_reports import render_codequality, render_sast
from gatepolicy.reports.json_report import render_json
from gatepolicy.reports.junit_report import render_junit
from gatepolicy.reports.markdown_report import render_markdown
from gatepolicy.reports.ocsf_report import render_ocsf
from gatepolicy.reports.oscal_report import render_oscal
from gatepolicy.reports.prometheus_report import render_prometheus
from gatepolicy.reports.sarif_report import Profile, render_sarif
from gatepolicy.reports.text_report import Style, render_text
from gatepolicy.rules.catalog import load_frameworks
from tests.reports.example_scan import example_scan

FOLDER = Path(__file__).with_name("golden")

GOLDEN: Mapping[str, Callable[[Scan], Iterator[str]]] = {
    "report.txt": lambda scan: render_text(scan, style=Style()),
    "report-narrow.txt": lambda scan: render_text(scan, style=Style(width=60)),
    "report-verbose.txt": lambda scan: render_text(scan, style=Style(width=100, verbose=1)),
    "report-colour.txt": lambda scan: render_text(scan, style=Style(colour=True)),
    "report-frameworks.txt": lambda scan: render_frameworks(
        scan, style=Style(), frameworks=load_frameworks()
    ),
    "report.json": render_json,
    "report.md": render_markdown,
    "report-github.txt": render_github,
    "report-junit.xml": render_junit,
    "report-codequality.json": render_codequality,
    "report-sast.json": render_sast,
    "report.jsonl": render_ocsf,
    "report-oscal.json": lambda scan: render_oscal(scan, frameworks=load_frameworks()),
    "report.csv": render_csv,
    "report-facts.csv": render_facts_csv,
    "report.prom": render_prometheus,
    "report-github.sarif": lambda scan: render_sarif(scan, profile=Profile.GITHUB),
    "report-full.sarif": lambda scan: render_sarif(scan, profile=Profile.FULL),
}


def rendered(name: str) -> str:
    """The text of one file, made anew."""
    # NOTE: without the version, so that a release changes no file.
    return "".join(GOLDEN[name](example_scan())).replace(__version__, "VERSION")


if __name__ == "__main__":
    for golden in GOLDEN:
        (FOLDER / golden).write_text(rendered(golden), encoding="utf-8", newline="\n")
