"""Where reports go: from ``-o FORMAT[=PATH]`` to written files."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import click

from gatepolicy.documents.source import is_folder, is_there
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import Scan
from gatepolicy.reports.clean import clean
from gatepolicy.reports.formats import FORMATS, ReportOptions
from gatepolicy.reports.sarif_report import Profile
from gatepolicy.reports.text_report import Style
from gatepolicy.reports.write import STANDARD_OUTPUT, write_report

_NARROW, _WIDE = 80, 100


@dataclass(frozen=True, slots=True)
class Output:
    """One report to write."""

    format: str
    """Name in the table of formats."""
    path: str
    """A file, or ``-`` for standard output."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """All reports of a scan."""

    outputs: tuple[Output, ...]
    """In the order in which they were asked for."""
    options: ReportOptions
    """How they look."""
    quiet: bool
    """Whether nothing but the reports is written."""

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """From the options of a command.

        Raises:
            UsageError: An unknown format, an empty path, two reports for one place, a file that
                the scan reads, or a folder that is not there: better told before a long scan than
                after it.
        """
        texts: Sequence[str] = given["output_texts"] or ["text"]
        outputs = tuple(_output(text) for text in texts)
        _refuse_two_in_one_place(outputs)
        _refuse_missing_folders(outputs)
        for output in outputs:
            option = f"-o {output.format}={output.path}"
            refuse_overwriting(output.path, option, _sources(given))
        options = ReportOptions(
            style=style(
                no_color=given["no_color"],
                verbose=given["verbose"],
                audit_waivers=given["audit_waivers"],
            ),
            sarif_profile=Profile(given["sarif_profile"]),
            sarif_scope=given["sarif_scope"],
        )
        return cls(outputs, options, given["quiet"])

    @classmethod
    def for_demo(cls, folder: Path, *, no_color: bool) -> Self:
        """Text for the terminal, and files to open."""
        outputs = (
            Output("text", STANDARD_OUTPUT),
            Output("json", str(folder / "report.json")),
            Output("sarif", str(folder / "report.sarif")),
        )
        options = ReportOptions(style=style(no_color=no_color, verbose=0))
        return cls(outputs, options, quiet=False)

    def write(self, scan: Scan, *, scope: str = "accounts") -> None:
        """Write every report; warnings go to standard error.

        Args:
            scan: The finished scan.
            scope: What was scanned, for SARIF, unless an option says so.

        Raises:
            ReportError: One of them could not be written.
        """
        options = replace(self.options, sarif_scope=self.options.sarif_scope or scope)
        for output in self.outputs:
            write_report(FORMATS[output.format].render(scan, options), output.path)
        if not self.quiet:
            for warning in scan.warnings:
                click.echo(f"warning: {clean(warning)}", err=True)


def _output(text: str) -> Output:
    name, equals, path = text.partition("=")
    if name not in FORMATS:
        raise UsageError(
            f"-o {text}: there is no report format {name}",
            hint=f"there are {', '.join(FORMATS)}; for a file write FORMAT=PATH",
        )
    if equals and not path:
        raise UsageError(f"-o {text}: the path is empty", hint=f"such as -o {name}=report.{name}")
    return Output(name, path or STANDARD_OUTPUT)


def _refuse_two_in_one_place(outputs: tuple[Output, ...]) -> None:
    paths = [output.path for output in outputs]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        place = "standard output" if twice == STANDARD_OUTPUT else twice
        raise UsageError(
            f"two reports would go to {place}", hint="give each a place: -o FORMAT=PATH"
        )


def _refuse_missing_folders(outputs: tuple[Output, ...]) -> None:
    for output in outputs:
        folder = Path(output.path).parent
        if not is_folder(folder):
            raise UsageError(
                f"-o {output.format}={output.path}: there is no folder {folder}",
                hint=f"make {folder} first",
            )


def _sources(given: Mapping[str, Any]) -> Iterator[str]:
    """Files that a scan reads; without the baseline, whose place the next report may take."""
    for name in ("evidence_file", "inventory_file"):
        if name in given:
            yield given[name]
    for name in ("policy_files", "waiver_files", "attestation_files"):
        yield from given.get(name, ())


def refuse_overwriting(path: str, option: str, sources: Iterable[str]) -> None:
    """Refuse to write over what is read.

    Args:
        path: Where something is to be written.
        option: The option that says so.
        sources: Files that are read.

    Raises:
        UsageError: One of them is the same file, under whatever name.
    """
    target = Path(path)
    if path == STANDARD_OUTPUT or not is_there(target):
        return
    for source in sources:
        if is_there(source) and target.samefile(source):
            raise UsageError(f"{option} would overwrite {source}", hint="name another file")


def style(*, no_color: bool, verbose: int, audit_waivers: bool = False) -> Style:
    """How text looks on this standard output."""
    # There is no standard output at all when the caller closed it.
    terminal = sys.stdout is not None and sys.stdout.isatty()
    plain = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    width = min(max(shutil.get_terminal_size().columns, _NARROW), _WIDE) if terminal else _NARROW
    return Style(
        width=width,
        colour=terminal and not plain,
        verbose=verbose,
        audit_waivers=audit_waivers,
    )
