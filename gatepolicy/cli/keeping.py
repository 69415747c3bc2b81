"""The history of a command that scans: where it is, what is read from it, what is added to it.

The database libraries, and all that knows of histories, are imported when one is named, and not
before.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import click
from click.core import ParameterSource

from gatepolicy.cli import inputs, settings
from gatepolicy.cli.given import HistoryOptions, HistoryPlace, ReportingOptions, UntrustedOptions
from gatepolicy.cli.output import destination
from gatepolicy.documents.load import is_there
from gatepolicy.errors import DocumentError, HistoryError, ReportError, UsageError
from gatepolicy.model.scan import Scan
from gatepolicy.reports.clean import clean
from gatepolicy.reports.json_report import render_json

if TYPE_CHECKING:
    from gatepolicy.drift.changes import Snapshot
    from gatepolicy.history.store import Store
    from gatepolicy.history.where import Where

LAST = "last"
"""As a baseline: the last scan of the history."""


def place(given: HistoryPlace) -> "Where | None":
    """Where the history is; ``None`` when nobody named one.

    Raises:
        UsageError: It is no path and no URL; or a file where this command may not write.
    """
    if not given.history_url:
        return None
    from gatepolicy.history.where import parse_where

    where = parse_where(given.history_url)
    if where.file:
        is_untrusted = isinstance(given, UntrustedOptions) and given.untrusted
        is_of_file = settings.source_of("history_url") is ParameterSource.DEFAULT_MAP
        within = settings.project_folder() if is_untrusted or is_of_file else ""
        destination(where.file, within, f"--history {where.file}")
    return where


def named_place(given: HistoryPlace) -> "Where":
    """Where the history is, for commands that need one.

    Raises:
        UsageError: Nobody named one.
    """
    where = place(given)
    if where is None:
        raise UsageError("no history is named", hint="name it: --history .gatepolicy/history.db")
    return where


def open_store(where: "Where", *, create: bool) -> "Store":
    """An open history.

    Raises:
        HistoryError: It cannot be opened, or the libraries for it are not installed.
    """
    try:
        from gatepolicy.history.store import Store
    except ImportError as error:
        what = f"a history needs SQLAlchemy and Alembic; {error.name} is not installed"
        raise HistoryError(what, hint="pip install sqlalchemy alembic") from None
    return Store.open(where, create=create)


@dataclass(frozen=True, slots=True)
class History:
    """The history of a scan."""

    where: "Where | None"
    """Its place; ``None`` for none."""
    is_required: bool
    """Whether a scan that cannot be stored ends with an error."""
    may_be_compared: bool
    """Whether a person named it: else its file may be one of a stranger."""

    @classmethod
    def of(cls, given: ReportingOptions) -> Self:
        """From the options of a command.

        Raises:
            UsageError: The place is no place, or it is missing although it is required.
        """
        options: HistoryOptions = given
        if options.history_required and not options.history_url:
            hint = "name it: --history .gatepolicy/history.db"
            raise UsageError("--history-required: no history is named", hint=hint)
        is_of_file = settings.source_of("history_url") is ParameterSource.DEFAULT_MAP
        return cls(place(given), options.history_required, not (given.untrusted and is_of_file))

    @property
    def files(self) -> Sequence[str]:
        """The file that no report may take the place of."""
        return (self.where.file,) if self.where is not None and self.where.file else ()

    def last(self, series: str) -> "Snapshot | None":
        """The last scan of an inventory, to compare with; ``None`` when there is none.

        Args:
            series: Name of the inventory. A whole scan comes before one that options narrowed, and
                that before one that was interrupted.

        Raises:
            UsageError: There is no history, or only an untrusted file names it.
            HistoryError: It cannot be read.
            DocumentError: It holds what is no report.
        """
        if self.where is None:
            hint = f"name it with --history; for a file of that name write --baseline ./{LAST}"
            raise UsageError(f"--baseline {LAST} needs a history", hint=hint)
        if not self.may_be_compared:
            hint = "name it with --history or GATEPOLICY_HISTORY if you trust it"
            what = f"--untrusted: --baseline {LAST} would read the history that the project names"
            raise UsageError(what, hint=hint)
        if self.where.file and not is_there(self.where.file):
            return None
        store = open_store(self.where, create=False)
        from gatepolicy.drift.load import parse_snapshot
        from gatepolicy.history.queries import best_baseline
        from gatepolicy.history.store import load_report_text

        found = best_baseline(store, series)
        if found is None:
            return None
        text = load_report_text(store, str(found))
        return parse_snapshot(text, f"{self.where.name}, scan {found}")

    @contextmanager
    def keeping(self, scan: Scan, series: str) -> Iterator[None]:
        """Add a scan, after its reports were written, or could not be written.

        Args:
            scan: The finished scan.
            series: Name of the inventory.

        Raises:
            HistoryError: It cannot be added although it must be; else that is a warning.
        """
        try:
            yield
        except ReportError:
            self._add(scan, series, is_required=False)
            raise
        self._add(scan, series, is_required=self.is_required)

    def _add(self, scan: Scan, series: str, *, is_required: bool) -> None:
        if self.where is None:
            return
        report = "".join(render_json(scan))
        try:
            open_store(self.where, create=True).record(report, series, inputs.now())
        except (HistoryError, DocumentError) as error:
            what = f"the scan was not stored in the history: {error}"
            hint = getattr(error, "hint", "")
            if is_required:
                raise HistoryError(what, hint=hint) from None
            click.echo(clean(f"warning: {what}; {hint}".removesuffix("; ")), err=True)
