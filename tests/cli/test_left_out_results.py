"""What a format has no room for is told on standard error, too."""

from pathlib import Path

import pytest

from gatepolicy.cli.output import Output, Outputs
from gatepolicy.model.facts import Facts
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import Outcome
from gatepolicy.reports.formats import ReportOptions
from gatepolicy.reports.write import Destination
from tests.reports.example_scan import BAD_NAME, account, example_scan, scan_of, subject, verdict


def written(scan: Scan, folder: Path, *names: str, quiet: bool = False) -> None:
    outputs = [Output(name, Destination(str(folder / name))) for name in names]
    Outputs(tuple(outputs), ReportOptions(), quiet=quiet).write(scan)


@pytest.mark.no_cover
def test_results_that_github_would_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low = verdict(BAD_NAME, Outcome.FAIL, "a", "b")
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), [low] * 25_003))
    written(scan, tmp_path, "sarif")
    assert capsys.readouterr().err == (
        f"warning: -o sarif={tmp_path}/sarif: 3 of the mildest results were left out,"
        " since readers of this format accept no more\n"
    )
    written(scan, tmp_path, "sarif", quiet=True)
    assert capsys.readouterr().err == ""


def test_nothing_is_told_where_nothing_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(scan_of(*example_scan().accounts), tmp_path, "sarif", "csv", "junit")
    assert capsys.readouterr().err == ""
