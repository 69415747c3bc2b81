"""Where reports go: from ``-o FORMAT[=PATH]`` to written files."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from gatepolicy.cli import settings
from gatepolicy.cli.given import (
    EvaluateOptions,
    InventoryOptions,
    OutputOptions,
    ReportingOptions,
    ReportOfScanOptions,
)
from gatepolicy.documents.load import (
    is_document,
    is_folder,
    is_of_repository,
    is_really_below,
    is_there,
    link_below,
    relative_below,
)
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import Scan
from gatepolicy.reports.clean import clean
from gatepolicy.reports.formats import FORMATS, ReportOptions
from gatepolicy.reports.sarif_report import Profile
from gatepolicy.reports.text_report import Style
from gatepolicy.reports.write import STANDARD_OUTPUT, Destination, Report, write_reports

if TYPE_CHECKING:
    from gatepolicy.model.sign_offs import SignOffs
    from gatepolicy.model.trend import Trend

_NARROW, _WIDE = 80, 100


@dataclass(frozen=True, slots=True)
class Output:
    """One report to write."""

    format: str
    """Name in the table of formats."""
    destination: Destination
    """A file, or ``-`` for standard output."""

    @property
    def option(self) -> str:
        """As it stands on the command line."""
        return f"-o {self.format}={self.destination.path}"

    def report(self, scan: Scan, options: ReportOptions) -> Report:
        """The text that is to be written.

        Args:
            scan: The finished scan.
            options: How reports look.
        """
        form = FORMATS[self.format]
        if form.continued:
            options = replace(options, former=self.destination.former_text())
        return Report(form.render(scan, options), self.destination, is_private=form.is_private)


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
    def parse(cls, given: OutputOptions) -> Self:
        """From the options of a command.

        Raises:
            UsageError: An unknown format, an empty path, two reports for one place, a file that
                the scan reads, or a folder that is not there: better said before a long scan than
                after it.
        """
        texts = given.output_texts or ["text"]
        within = settings.output_folder(given, "output_texts")
        outputs = tuple(_output(text, within) for text in texts)
        _refuse_two_in_one_place(outputs)
        _refuse_missing_folders(outputs)
        options = ReportOptions(
            style=style(
                no_color=given.no_color,
                verbose=given.verbose,
                audit_waivers=given.audit_waivers,
            ),
            sarif_profile=Profile(given.sarif_profile),
            sarif_scope=given.sarif_scope,
        )
        parsed = cls(outputs, options, given.quiet)
        parsed.refuse_overwriting(_sources(given))
        return parsed

    @classmethod
    def for_demo(cls, folder: Path, names: Iterable[str], *, no_color: bool) -> Self:
        """Text for the terminal, and files to open, whose suffixes tell the formats."""
        outputs = (
            Output("text", Destination(STANDARD_OUTPUT)),
            *(Output(Path(name).suffix[1:], Destination(str(folder / name))) for name in names),
        )
        options = ReportOptions(style=style(no_color=no_color, verbose=0))
        return cls(outputs, options, quiet=False)

    def files_only(self) -> Self:
        """The same, but nothing is printed: no report, and no warning that reports hold, too."""
        files = tuple(o for o in self.outputs if o.destination.path != STANDARD_OUTPUT)
        return replace(self, outputs=files, quiet=True)

    def refuse_overwriting(self, sources: Iterable[str]) -> None:
        """Refuse to write over what is read.

        Args:
            sources: Files that are read.

        Raises:
            UsageError: A report would take the place of one of them.
        """
        read = list(sources)
        for output in self.outputs:
            refuse_overwriting(output.destination.path, output.option, read)

    def has(self, name: str) -> bool:
        """Whether a report of this format is to be written."""
        return any(output.format == name for output in self.outputs)

    def showing(self, *, trend: "Trend | None" = None, sign_offs: "SignOffs | None" = None) -> Self:
        """The same reports, with what only some formats show.

        Args:
            trend: How the inventory stood before; ``None`` without a history.
            sign_offs: What reviewers decided; ``None`` where none is given.
        """
        return replace(self, options=replace(self.options, trend=trend, sign_offs=sign_offs))

    def write(self, scan: Scan) -> None:
        """Write every report that can be written; warnings go to standard error.

        Args:
            scan: The finished scan; an option may give its scope another name.

        Raises:
            ReportError: One of them, or several, could not be written; the others were.
        """
        scope = self.options.sarif_scope or scan.scope or "accounts"
        scan, options = replace(scan, scope=scope), replace(self.options, sarif_scope=scope)
        try:
            write_reports([output.report(scan, options) for output in self.outputs])
        finally:
            if not self.quiet:
                for warning in (*scan.warnings, *self._about_left_out(scan, options)):
                    click.echo(f"warning: {clean(warning)}", err=True)

    def _about_left_out(self, scan: Scan, options: ReportOptions) -> Iterator[str]:
        for output in self.outputs:
            missing = FORMATS[output.format].left_out(scan, options)
            if missing:
                what = f"{missing:,} of the mildest results were left out"
                yield f"{output.option}: {what}, since readers of this format accept no more"


def _output(text: str, within: str) -> Output:
    name, equals, path = text.partition("=")
    if name not in FORMATS:
        raise UsageError(
            f"-o {text}: unknown report format {name}",
            hint=f"there are {', '.join(FORMATS)}; for a file write FORMAT=PATH",
        )
    if equals and not path:
        raise UsageError(f"-o {text}: the path is empty", hint=f"such as -o {name}=report.{name}")
    return Output(name, destination(path or STANDARD_OUTPUT, within, f"-o {text}"))


def destination(path: str, within: str, option: str) -> Destination:
    """Where an output goes.

    Args:
        path: A file, or ``-`` for standard output.
        within: The folder below which it must lie; empty when it may go anywhere.
        option: The option that names it.

    Raises:
        UsageError: It lies elsewhere, behind a link, or where the version control keeps its own;
            or, where it may go anywhere, a link of the project leads out of the project.
    """
    if path == STANDARD_OUTPUT:
        return Destination(path)
    if not within:
        _refuse_leading_out(path, option)
        return Destination(path)
    below = relative_below(path, within)
    if below is None or is_of_repository(below):
        hint = (
            "choose a file there; only -o on the command line without --untrusted may go elsewhere"
        )
        raise UsageError(f"{option}: outside the project folder {within}", hint=hint)
    link = link_below(within, below)
    if link is not None:
        what = f"{option}: {link} is a symbolic link"
        raise UsageError(what, hint="remove the link, or choose another file")
    return Destination(path, os.path.abspath(within), below)  # noqa: PTH100


def _refuse_leading_out(path: str, option: str) -> None:
    """Refuse a link within a project that leads out of it: whoever edits its files made it."""
    folder = settings.project_folder()
    below = relative_below(path, folder)
    if below is not None and not is_of_repository(below) and not is_really_below(path, folder):
        link = link_below(folder, below) or path
        what = f"{option}: the symbolic link {link} points outside the project folder"
        raise UsageError(what, hint="remove the link, or name its target")


def _refuse_two_in_one_place(outputs: tuple[Output, ...]) -> None:
    places: dict[str, str] = {}
    for output in outputs:
        path = output.destination.path
        is_stream = path == STANDARD_OUTPUT
        place = path if is_stream else os.path.realpath(path)
        if place in places:
            name = "standard output" if is_stream else path
            raise UsageError(
                f"two reports would go to {name}", hint="give each its own path: -o FORMAT=PATH"
            )
        places[place] = path


def _refuse_missing_folders(outputs: tuple[Output, ...]) -> None:
    for output in outputs:
        folder = Path(output.destination.path).parent
        if not is_folder(folder):
            raise UsageError(
                f"{output.option}: no such folder: {folder}", hint=f"create {folder} first"
            )


def _sources(given: OutputOptions) -> Iterator[str]:
    """Files that a scan reads; without the baseline, whose place the next report may take."""
    if isinstance(given, EvaluateOptions):
        yield from given.evidence_files
    if isinstance(given, ReportOfScanOptions):
        yield from (given.report_file, given.sign_off_file, *given.keys, *given.reviewer_keys)
    if isinstance(given, InventoryOptions):
        yield given.inventory_file
    if isinstance(given, ReportingOptions):
        yield from (*given.policy_files, *given.waiver_files, *given.attestation_files)


def refuse_overwriting(
    path: str, option: str, sources: Iterable[str], *, force: bool = False
) -> None:
    """Refuse to write over what is read, or what somebody wrote by hand.

    Args:
        path: Where a report is to be written.
        option: The option that says so.
        sources: Files that are read; the project file is always one of them.
        force: Whether what is not read may be overwritten, whatever it is.

    Raises:
        UsageError: One of them is the same file, under whatever name; or it is a document, such as
            a policy, that this command does not even read.
    """
    target = Path(path)
    if path == STANDARD_OUTPUT or not is_there(target):
        return
    for source in dict.fromkeys((*sources, settings.current_project().file)):
        if source and is_there(source) and target.samefile(source):
            raise UsageError(f"{option} would overwrite {source}", hint="choose another file")
    if not force and is_document(path):
        what = f"{option} would overwrite {path}, which is a project file, not a report"
        raise UsageError(what, hint="choose another file")


def refuse_existing(paths: Iterable[str | Path], *, force: bool) -> None:
    """Refuse to write over files that somebody may have written.

    Args:
        paths: What is to be written; ``-`` is standard output.
        force: Whether the user wants it all the same.

    Raises:
        UsageError: With all that is there.
    """
    there = [str(path) for path in paths if str(path) != STANDARD_OUTPUT and lexists(path)]
    if there and not force:
        what = f"already exists: {', '.join(there)}"
        raise UsageError(what, hint="choose another file, or overwrite it with --force")


def make_folder(folder: Path) -> None:
    """Create the folder of ``--out``, and those above it; one that is there is fine.

    Raises:
        UsageError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"--out {folder}: cannot create this folder ({error.strerror})"
        raise UsageError(what, hint="choose another folder") from None


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
