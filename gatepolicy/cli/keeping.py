"""The history of a command that scans: where it is, what is read from it, what is added to it.

The database libraries, and all that knows of histories, are imported when one is named, and not
before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Self

import click
from click.core import ParameterSource

from gatepolicy.cli import inputs, settings
from gatepolicy.cli.given import (
    HistoryOfProject,
    HistoryOptions,
    HistoryPlace,
    ReportingOptions,
    ReportOfScanOptions,
    UntrustedOptions,
)
from gatepolicy.cli.output import Outputs, destination
from gatepolicy.documents.load import is_there
from gatepolicy.errors import DocumentError, HistoryError, ReportError, UsageError
from gatepolicy.model.scan import Scan
from gatepolicy.reports.clean import clean
from gatepolicy.reports.json_report import render_json

if TYPE_CHECKING:
    from gatepolicy.drift.changes import Snapshot
    from gatepolicy.history.store import Store
    from gatepolicy.history.where import Where, Which
    from gatepolicy.model.trend import Trend, TrendPoint

TREND_SCANS = 30
"""So many scans are in the trend of a page."""
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


def which(given: HistoryOfProject, inventory: str | None = None) -> "Which":
    """Whose scans a question is about.

    Args:
        given: The options of a command.
        inventory: Its own name; ``None`` for all of the project, or all there are.
    """
    from gatepolicy.history.where import OfProject, name_in_history

    project = given.history_project
    if inventory is None:
        return OfProject(project) if project else None
    return name_in_history(inventory, project)


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

    def write(self, outputs: Outputs, scan: Scan, series: str) -> None:
        """Write the reports of a scan, and add it, whether or not they could be written.

        Args:
            outputs: What is to be written.
            scan: The finished scan.
            series: Name of the inventory.

        Raises:
            ReportError: A report could not be written.
            HistoryError: The scan cannot be added although it must be; else that is a warning.
        """
        trend = self._trend(scan, series) if outputs.has("html") else None
        try:
            outputs.showing(trend=trend).write(scan)
        except ReportError:
            self._add(scan, series, is_required=False)
            raise
        self._add(scan, series, is_required=self.is_required)

    def _trend(self, scan: Scan, series: str) -> "Trend | None":
        """How the inventory stood before a scan that is not stored yet, and with it.

        ``None`` without a history, with one that only an untrusted file names, and where it cannot
        be read: that is a warning.
        """
        if self.where is None or not self.may_be_compared:
            return None
        from gatepolicy.model.trend import Trend
        from gatepolicy.reports.html_trend import point_of

        point = point_of(scan)
        if self.where.file and not is_there(self.where.file):
            return Trend((point,), {}, ())
        where = self.where
        return _unless_unreadable(lambda: _trend(where, point, series))

    def _add(self, scan: Scan, series: str, *, is_required: bool) -> None:
        if self.where is None:
            return
        report = "".join(render_json(scan))
        try:
            store = open_store(self.where, create=True)
            _warn_of_others(store, series, scan)
            store.record(report, series, inputs.now())
        except (HistoryError, DocumentError) as error:
            what = f"the scan was not stored in the history: {error}"
            hint = getattr(error, "hint", "")
            if is_required:
                raise HistoryError(what, hint=hint) from None
            click.echo(clean(f"warning: {what}; {hint}".removesuffix("; ")), err=True)


def _warn_of_others(store: "Store", series: str, scan: Scan) -> None:
    from gatepolicy.history.naming import is_of_others

    if is_of_others(store, series, scan):
        what = (
            f"the last scan of {series} in the history has none of these accounts; if it is of"
            " another project, keep them apart: --history-project NAME"
        )
        click.echo(clean(f"warning: {what}"), err=True)


def trend_of_stored(given: ReportOfScanOptions, scan: Scan, content: bytes) -> "Trend | None":
    """The trend up to a stored scan: the same as when it was not stored yet.

    ``None`` without a history, for a report that is not in it, and where it cannot be read: that
    is a warning.

    Args:
        given: The options of the command.
        scan: The scan, read back.
        content: Its JSON report.
    """
    where = place(given)
    if where is None or (where.file and not is_there(where.file)):
        return None
    return _unless_unreadable(lambda: _trend_to(where, given.stored, scan, content))


def _unless_unreadable(ask: "Callable[[], Trend | None]") -> "Trend | None":
    try:
        return ask()
    except HistoryError as error:
        what = f"the page has no trend, since the history could not be read: {error}; {error.hint}"
        click.echo(clean(f"warning: {what}".removesuffix("; ")), err=True)
        return None


def _trend(where: "Where", point: "TrendPoint", series: str, before: int | None = None) -> "Trend":
    store = open_store(where, create=False)
    from gatepolicy.history import queries

    return queries.trend(store, series, point, newest=TREND_SCANS, before=before)


def _trend_to(where: "Where", named: str, scan: Scan, content: bytes) -> "Trend | None":
    store = open_store(where, create=False)
    from gatepolicy.history import queries
    from gatepolicy.reports.html_trend import point_of

    if named.isdecimal():
        stored = queries.scan_of(store, int(named))
    else:
        stored = queries.scan_of_report(store, sha256(content).hexdigest())
    if stored is None:
        return None
    return _trend(where, point_of(scan), stored.inventory, stored.id)
