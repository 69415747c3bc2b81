"""A scan that nobody watches, with its news for receivers, and what is remembered of them.

All that makes and sends news is imported when a receiver is named, and not before.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gatepolicy.cli import operating, settings
from gatepolicy.cli.given import ScanOptions
from gatepolicy.cli.keeping import History
from gatepolicy.cli.operating import Run, locked, state_file, warn
from gatepolicy.cli.output import Outputs
from gatepolicy.documents.load import is_really_below, is_there, relative_below
from gatepolicy.errors import LockedError, ReportError, UsageError
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.scan import ExitCode, Interruption, Scan
from gatepolicy.reports.write import Destination, Report, write_reports
from gatepolicy.scanning.plan import Plan

if TYPE_CHECKING:
    from gatepolicy.operating.news import News, Notified
    from gatepolicy.operating.receivers import Receiver

_WAIT_SECONDS = 60.0
_BY_SIGNAL = frozenset(by.exit_code for by in Interruption)


@dataclass(frozen=True, slots=True)
class Notifier:
    """Tells receivers what is new."""

    receivers: "tuple[Receiver, ...]"
    """To whom; empty when nobody was named."""
    given: ScanOptions
    """The options of the scan."""

    @classmethod
    def of(cls, given: ScanOptions) -> Self:
        """From the options of a scan.

        Raises:
            UsageError: apprise is missing, or does not know a URL; or their file cannot be read,
                or must not be.
        """
        _refuse_unreviewed(given)
        if not given.notify_urls and given.notify_file is None:
            return cls((), given)
        from gatepolicy.operating.receivers import receivers_of, urls_of

        return cls(tuple(receivers_of(urls_of(given.notify_urls, given.notify_file))), given)

    def tell(self, scan: Scan, plan: Plan, run: Run) -> None:
        """Tell what of a scan is news, and remember it. Whatever fails is a warning.

        Args:
            scan: The finished scan.
            plan: What it asked.
            run: Takes the event.
        """
        if not self.receivers:
            return
        from gatepolicy.operating.attested import attested_within
        from gatepolicy.operating.news import bulletin, deadlines

        with _memory(self.given) as place:
            ends = deadlines(scan, attested_within(plan), self.given.expiring_within)
            after = dict[str, "Notified"]()
            for known, receivers in _alike(self.receivers, _remembered(place)):
                found = bulletin(scan, known, ends)
                takers = self._sent(scan, found.news, receivers, run)
                for one in receivers:
                    after[one.name] = found.delivered if one.name in takers else found.kept
            _remember(place, after)

    def _sent(
        self, scan: Scan, news: "Sequence[News]", receivers: "Sequence[Receiver]", run: Run
    ) -> frozenset[str]:
        """Send news, and name the receivers that have it then; what is no news, all have."""
        from gatepolicy.operating.message import message_of
        from gatepolicy.operating.receivers import send

        if not news and self.given.notify_when != "always":
            return frozenset(one.name for one in receivers)
        takers = send(message_of(scan, news), receivers, sleep=time.sleep, warn=warn)
        run.log.event("notified", receivers=len(receivers), received=len(takers), news=len(news))
        return takers


def _alike(
    receivers: "Sequence[Receiver]", before: "Mapping[str, Notified] | None"
) -> "Iterator[tuple[Notified | None, Sequence[Receiver]]]":
    """Receivers that took the same so far, together: nearly always, that is all of them."""
    groups: list[tuple[Notified | None, list[Receiver]]] = []
    for one in receivers:
        known = None if before is None else before.get(one.name, {} if not before else None)
        group = next((members for same, members in groups if same == known), None)
        if group is None:
            groups.append((known, [one]))
        else:
            group.append(one)
    yield from groups


@dataclass(frozen=True, slots=True)
class Unattended:
    """What a scan that nobody watches does as it goes on."""

    given: ScanOptions
    """Its options."""
    run: Run
    """Takes its events."""
    notifier: Notifier
    """Tells its news."""

    def read(self, evidence: Evidence) -> None:
        """One account was read, or could not be."""
        self.run.read(evidence)

    def write(
        self, history: History, outputs: Outputs, scan: Scan, series: str, plan: Plan
    ) -> None:
        """Write what is wanted of the outputs, and tell receivers whether or not that went well.

        Args:
            history: Takes the scan.
            outputs: What was asked for.
            scan: The finished scan.
            series: Name of its inventory in the history.
            plan: What it asked.

        Raises:
            ReportError: A report could not be written.
            HistoryError: The scan cannot be added although it must be.
        """
        wanted = operating.wanted(self.given, outputs, scan)
        try:
            history.write(wanted, scan, series)
            self.run.wrote(wanted)
        finally:
            self.notifier.tell(scan, plan, self.run)


def operated(given: ScanOptions, scan: Callable[[ScanOptions, Unattended], ExitCode]) -> ExitCode:
    """Scan, with all that is done around a scan that nobody watches.

    Args:
        given: The options.
        scan: Scans.
    """

    def scanned(given: ScanOptions, run: Run) -> ExitCode:
        return scan(given, Unattended(given, run, Notifier.of(given)))

    return operating.operated(given, scanned, tell_failure)


def _refuse_unreviewed(given: ScanOptions) -> None:
    """Refuse a file of receivers that may be a stranger's, who would be sent everything."""
    file, folder = given.notify_file, settings.project_folder()
    if not given.untrusted or not file:
        return
    if relative_below(file, folder) is not None or is_really_below(file, folder):
        what = f"--untrusted: --notify-file {file} lies in the project folder"
        raise UsageError(what, hint="name a file elsewhere, or set GATEPOLICY_NOTIFY")


def tell_failure(given: ScanOptions, code: ExitCode) -> None:
    """Tell receivers that a scan did not get to its end; a person who stopped it knows.

    Args:
        given: Its options.
        code: Its exit code.
    """
    if code in _BY_SIGNAL or code is ExitCode.CLOSED_PIPE:
        return
    try:
        receivers = Notifier.of(given).receivers
    except UsageError:
        # What is wrong with them was reported.
        return
    if not receivers:
        return
    from gatepolicy.operating.message import message_of_failure
    from gatepolicy.operating.receivers import send

    message = message_of_failure(given.inventory_file, code)
    send(message, receivers, sleep=time.sleep, warn=warn)


@contextmanager
def _memory(given: ScanOptions) -> Iterator[Destination | None]:
    """The file of what was reported, for nobody else meanwhile; ``None`` when it cannot be used.

    Whoever edits the files of an untrusted project could write there that everything was reported.
    """
    if given.untrusted:
        yield None
        return
    with ExitStack() as stack:
        place = None
        try:
            place = state_file(given, "notified", "json")
            lock = state_file(given, "notified", "lock")
            stack.enter_context(locked(lock, "a notification", _WAIT_SECONDS))
        except (UsageError, LockedError) as error:
            warn(f"the next scan may tell the same again: {error}")
        yield place


def _remembered(place: Destination | None) -> "Mapping[str, Notified] | None":
    """What each receiver took; what cannot be read, none did."""
    if place is None or not is_there(place.path):
        return None
    from gatepolicy.operating.notified import decode_notified

    try:
        return decode_notified(Path(place.path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is damaged"
        warn(
            f"{place.path}: what was sent before cannot be read, so everything is sent again: {why}"
        )
        return {}


def _remember(place: Destination | None, found: "Mapping[str, Notified]") -> None:
    if place is None:
        return
    from gatepolicy.operating.notified import encode_notified

    try:
        write_reports([Report([encode_notified(found)], place)])
    except ReportError as error:
        warn(f"the next scan may tell the same again: {error}")
