"""A scan that nobody watches: what is done before, around and after it."""

import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TextIO, cast

import click
from click.core import ParameterSource

from gatepolicy import __version__
from gatepolicy.cli import inputs, settings
from gatepolicy.cli.boundary import Boundary
from gatepolicy.cli.given import OperatingOptions, ScanOptions
from gatepolicy.cli.keeping import LAST
from gatepolicy.cli.output import Outputs, destination
from gatepolicy.errors import UsageError
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.scan import MEANING, ExitCode, Scan
from gatepolicy.operating.changes import is_changed
from gatepolicy.operating.heartbeat import beat, call, url_at_end, url_at_start
from gatepolicy.operating.log import Log
from gatepolicy.reports.clean import clean
from gatepolicy.reports.write import Destination

STATE_FOLDER = ".gatepolicy"
"""Name of the folder beside an inventory."""


def warn(text: str) -> None:
    """Tell a problem that changes nothing."""
    click.echo(f"warning: {clean(text)}", err=True)


def _note(text: str) -> None:
    click.echo(f"note: {clean(text)}", err=True)


@dataclass(frozen=True, slots=True)
class Run:
    """What a scan tells while it runs."""

    log: Log
    """Its events."""

    def read(self, evidence: Evidence) -> None:
        """One account was read, or could not be."""
        why, subject = evidence.why_not_read, evidence.subject
        cause = {} if why is None else {"reason": why.reason.value}
        self.log.event(
            "account",
            account=clean(subject.id),
            exchange=clean(subject.exchange),
            read=why is None,
            **cause,
        )

    def wrote(self, outputs: Outputs) -> None:
        """The reports were written."""
        for output in outputs.outputs:
            path = clean(output.destination.path)
            self.log.event("report", format=output.format, path=path)


def wanted(given: OperatingOptions, outputs: Outputs, scan: Scan) -> Outputs:
    """The outputs of a scan: files only where nothing changed, and somebody wants changes only."""
    is_silent = given.only_changes and not is_changed(scan)
    return outputs.files_only() if is_silent else outputs


Body = Callable[[ScanOptions, Run], ExitCode]


def operated(
    given: ScanOptions, scan: Body, tell_failure: Callable[[ScanOptions, ExitCode], None]
) -> ExitCode:
    """Scan, with all that is done around a scan that nobody watches.

    Args:
        given: The options.
        scan: Scans; its exit code, and any error, are those of the command.
        tell_failure: Tells somebody that it did not get to its end.
    """
    steps, started = _Steps(), time.monotonic()
    with _logging(given) as log:
        inventory = clean(given.inventory_file)
        log.event("start", version=__version__, pid=os.getpid(), inventory=inventory)
        code = steps.run(lambda: _delayed(given))
        if code is ExitCode.OK:
            _beat(given, url_at_start)
            code = steps.run(lambda: _alone(given, scan, Run(log)))
            if steps.has_error:
                tell_failure(given, code)
            _beat(given, lambda url: url_at_end(url, code))
        seconds = round(time.monotonic() - started, 3)
        log.event("end", exit_code=code.value, meaning=MEANING[code], seconds=seconds)
    if steps.has_error:
        sys.exit(code)
    return code


class _Steps:
    """Runs one step after the other; an error is reported at once, and becomes an exit code."""

    def __init__(self) -> None:
        self.has_error = False

    def run(self, step: Callable[[], ExitCode]) -> ExitCode:
        try:
            with Boundary(sys.stderr):
                return _with_line_after_interrupt(step)
        except SystemExit as ended:
            self.has_error = True
            return ExitCode(int(str(ended.code)))


def _with_line_after_interrupt(step: Callable[[], ExitCode]) -> ExitCode:
    """As click has it: the ^C that a terminal shows ends no line."""
    try:
        return step()
    except KeyboardInterrupt:
        click.echo(err=True)
        raise


@contextmanager
def _logging(given: OperatingOptions) -> Iterator[Log]:
    """Everything on standard error as JSON lines, if somebody wants that."""
    if given.log_format != "json":
        yield Log(None, inputs.now)
        return
    log = Log(sys.stderr, inputs.now)
    with redirect_stderr(cast("TextIO", log)):
        yield log


def delay(jitter: timedelta, part: float) -> float:
    """How long to wait before a scan, in seconds.

    Args:
        jitter: At most so long.
        part: Chance, from 0 to 1.
    """
    return jitter.total_seconds() * part


def _delayed(given: OperatingOptions) -> ExitCode:
    if given.jitter is not None:
        time.sleep(delay(given.jitter, random.random()))  # noqa: S311 - no secret
    return ExitCode.OK


def _beat(given: OperatingOptions, of: Callable[[str], str]) -> None:
    if given.heartbeat is not None:
        beat(given.heartbeat, of, send=call, sleep=time.sleep, warn=warn)


def _alone(given: ScanOptions, scan: Body, run: Run) -> ExitCode:
    given = compared(given)
    with ExitStack() as stack:
        if given.lock or given.wait is not None:
            wait = given.wait.total_seconds() if given.wait else 0.0
            what = f"a scan of {given.inventory_file}"
            stack.enter_context(locked(state_file(given, "scan", "lock"), what, wait))
        return scan(given, run)


def compared(given: ScanOptions) -> ScanOptions:
    """The options, with the last scan of the history as a baseline where changes are wanted.

    Raises:
        UsageError: Nothing is there to compare with, and nothing but changes shall be printed.
    """
    if given.baseline_file or given.baseline_if_exists:
        return given
    is_of_file = settings.source_of("history_url") is ParameterSource.DEFAULT_MAP
    has_history = bool(given.history_url) and not (given.untrusted and is_of_file)
    if given.only_changes and not has_history:
        hint = "name it: --baseline-if-exists report.json, or --history .gatepolicy/history.db"
        raise UsageError("--only-changes: there is no earlier scan to compare with", hint=hint)
    wants = given.only_changes or given.notify_urls or given.notify_file
    return replace(given, baseline_if_exists=LAST) if wants and has_history else given


def state_file(given: ScanOptions, name: str, suffix: str) -> Destination:
    """A file of the state folder, of the inventory that is scanned.

    Raises:
        UsageError: It lies where this command may not write, or there is no such folder and none
            can be made.
    """
    from gatepolicy.operating.lock import make_folder

    inventory = os.path.realpath(given.inventory_file)
    default = str(Path(given.inventory_file).parent / STATE_FOLDER)
    folder = given.state_folder or default
    digest = sha256(os.fsencode(inventory)).hexdigest()[:12]
    within = settings.project_folder() if given.untrusted else ""
    file = str(Path(folder) / f"{name}-{digest}.{suffix}")
    place = destination(file, within, f"--state {folder}")
    make_folder(Path(folder))
    return place


def locked(place: Destination, what: str, wait: float) -> AbstractContextManager[None]:
    """Holds a lock, by this process.

    Args:
        place: The lock file.
        what: What may be done once at a time.
        wait: Seconds.
    """
    from gatepolicy.operating.lock import Holder, Patience, held

    holder = Holder(os.getpid(), socket.gethostname(), inputs.now())
    patience = Patience(wait, time.monotonic, time.sleep, _note)
    return held(place.folder / place.name, what, holder, patience)
