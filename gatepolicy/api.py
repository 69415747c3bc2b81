"""The public Python API: a program checks keys by the policies of a project.

It does what ``gatepolicy scan`` does, by the same code, and decides the same: ``passed`` is exit
code 0. What differs: nothing is written, no option comes from the environment, and signals are
left to the caller's program. ``docs/python.md`` is its manual.
"""

import asyncio
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Literal

from gatepolicy.accounts.account import Trust, host_of, salt_of
from gatepolicy.attestations.attestation import load_attestations
from gatepolicy.collect.run import CollectSettings, SecondsLeft, Stop
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.collect.signer import import_ccxt
from gatepolicy.documents.load import is_there
from gatepolicy.errors import GatepolicyError, InternalError, UsageError
from gatepolicy.model.evidence import Subject
from gatepolicy.model.scan import MEANING, Scan, ScanSettings
from gatepolicy.model.verdicts import Outcome, Severity, Verdict
from gatepolicy.policies.parents import policy_file
from gatepolicy.reports.clean import clean
from gatepolicy.reports.formats import FORMATS, ReportOptions
from gatepolicy.reports.summary import fixes, why_unknown
from gatepolicy.scanning.live import prepare, scan_live
from gatepolicy.scanning.plan import Selection, scope_of
from gatepolicy.scanning.project import Project, is_of_others, load_project
from gatepolicy.scanning.scan import Waiving
from gatepolicy.scanning.workspace import load_workspace
from gatepolicy.waivers.waiver import load_waivers

__all__ = ["Finding", "GatepolicyError", "ScanResult", "scan", "scan_async"]

Threshold = Literal["critical", "high", "medium", "low", "info"]
"""The severities, from worst to least."""
Accounts = str | list[str] | tuple[str, ...] | None
"""Which accounts: an id, or ids, or globs of them; all with ``None``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation, or something unknown. No text holds a credential or a control character."""

    account: str
    """Id of the account; empty for a finding about the scan itself."""
    exchange: str
    """Id of the exchange; empty for a finding about the scan itself."""
    rule: str
    """Stable id of the rule, such as ``GP001``."""
    name: str
    """Stable name of the rule, such as ``withdrawal-enabled``."""
    severity: str
    """``critical``, ``high``, ``medium``, ``low`` or ``info``."""
    subject: str
    """What within the account, such as ``withdraw``; may be empty."""
    policy: str
    """Name of the policy that asks."""
    expected: str
    """What the policy requires, in words."""
    seen: str
    """What is the case, in words; empty when unknown."""
    reason: str
    """Why it is unknown, from the fixed list of ``docs/reports.md``; empty for a violation."""
    needed: str
    """What would be needed to know it; empty for a violation."""
    fix: str
    """What to do about it."""
    blocks: bool
    """Whether the policy counts it as a violation: so it does every violation, and an unknown
    under ``on_unknown: block``."""

    def __str__(self) -> str:
        what = f"unknown ({self.reason}): {self.needed}" if self.reason else self.seen
        subject = f" {self.subject}" if self.subject else ""
        about = self.account or "this scan"
        return f"{about}: {self.severity} {self.rule} {self.name}{subject}: {what}"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found. It is true in a condition exactly when it passed."""

    exit_code: int
    """That of ``gatepolicy scan``: 0, 1, 3 or 4."""
    violations: tuple[Finding, ...]
    """Everything that was proved to be wrong, at any severity."""
    unknowns: tuple[Finding, ...]
    """Everything that was not proved either way, also where the policy only warns about it."""
    warnings: tuple[str, ...]
    """One line each, for people."""
    _scan: Scan = field(repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Whether everything selected was evaluated, and nothing stands against it."""
        return self.exit_code == 0

    @property
    def meaning(self) -> str:
        """What the exit code means, in words."""
        return MEANING[self._scan.exit_code].replace("--fail-on", "fail_on")

    def report(self, format: str = "text") -> str:  # noqa: A002 - as the option -o calls it
        """The whole report, as ``gatepolicy scan -o FORMAT`` writes it.

        Args:
            format: Such as ``text``, ``json``, ``sarif`` or ``markdown``.

        Raises:
            UsageError: There is no such format.
        """
        if format not in FORMATS:
            hint = f"there are {', '.join(FORMATS)}"
            raise UsageError(f"unknown report format {format}", hint=hint)
        options = ReportOptions(sarif_scope=self._scan.scope)
        return "".join(FORMATS[format].render(self._scan, options))

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True, slots=True)
class _Request:
    """What a caller asks for."""

    project: str
    account: Accounts
    fail_on: str
    allow_hosts: Sequence[str]


def scan(
    project: str | PathLike[str],
    *,
    account: Accounts = None,
    fail_on: Threshold = "info",
    allow_hosts: Sequence[str] = (),
) -> ScanResult:
    """Read keys and check them by the policies of a project. Sends declared reads only.

    Args:
        project: The project file (``gatepolicy.yaml``): policies, inventory, waivers, attestations
            and how fast to ask. Its outputs and its history are not used.
        account: Id, or ids, or globs of them; ``None`` for all. It must match something.
        fail_on: Violations below this severity do not count against ``passed``.
        allow_hosts: Hosts to which a ``base_url`` or a ``proxy`` of the inventory may lead, beside
            those of the catalog and this machine.

    Returns: What was found. An account that could not be read is no error: it is unknown.

    Raises:
        UsageError: Nothing matches ``account``, or it is called while an event loop runs in this
            thread, which it would block: there, await ``scan_async``.
        DocumentError: Files with problems, each with its place; nothing was sent.
        InternalError: A defect of gatepolicy.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        hint = "await gatepolicy.scan_async(...), with the same arguments"
        raise UsageError("scan() would block the event loop that runs in this thread", hint=hint)
    work = _Work(_Request(os.fspath(project), account, fail_on, allow_hosts))
    try:
        return work.future.result()
    finally:
        work.stop()


async def scan_async(
    project: str | PathLike[str],
    *,
    account: Accounts = None,
    fail_on: Threshold = "info",
    allow_hosts: Sequence[str] = (),
) -> ScanResult:
    """As ``scan``, in a running event loop, which goes on meanwhile.

    The scan has a thread and an event loop of its own. Cancelled, it sends nothing more.
    """
    work = _Work(_Request(os.fspath(project), account, fail_on, allow_hosts))
    try:
        return await asyncio.wrap_future(work.future)
    finally:
        work.stop()


class _Work:
    """A scan in a thread of its own, so that the caller's loop and signals stay the caller's."""

    def __init__(self, request: _Request) -> None:
        self._request = request
        self._is_stopped = False
        self._stop_reading: Stop | None = None
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gatepolicy")
        self.future: Future[ScanResult] = pool.submit(self._run)
        pool.shutdown(wait=False)

    def stop(self) -> None:
        """Send nothing more; no effect once the scan has ended."""
        self._is_stopped = True
        if self._stop_reading is not None:
            self._stop_reading()

    def _run(self) -> ScanResult:
        with _OwnErrors():
            return _Prepared.of(self._request).scanned(self._begin)

    def _begin(self, stop: Stop) -> None:
        # In this order: whoever stops it meanwhile is heard by one of the two.
        self._stop_reading = stop
        if self._is_stopped:
            stop()


class _OwnErrors:
    """Lets errors of gatepolicy pass and replaces all others.

    The text of an unforeseen error may hold what an exchange answered, or a URL with a signature.
    """

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, GatepolicyError):
            if error.hint:
                error.add_note(f"hint: {error.hint}")
            raise error
        if isinstance(error, Exception):
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.name} in {last.filename}:{last.lineno}"
            what = f"{type(error).__name__} at {where}; this scan proves nothing"
            raise InternalError(what, hint="please report this") from None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A scan that is ready to start."""

    request: _Request
    project: Project
    inventory: str
    settings: ScanSettings

    @classmethod
    def of(cls, request: _Request) -> "_Prepared":
        project = load_project(request.project)
        inventory = _inventory(project)
        if request.fail_on not in list(Severity):
            hint = f"there are {', '.join(Severity)}"
            raise UsageError(f"fail_on: unknown severity {request.fail_on}", hint=hint)
        origins = {"--fail-on": "fail_on, by the program"}
        settings = ScanSettings(fail_on=Severity(request.fail_on), origins=origins)
        return cls(request, project, inventory, settings)

    def scanned(self, on_begin: Callable[[Stop], None]) -> ScanResult:
        """Read and judge."""
        import_ccxt()
        project, selection = self.project, Selection(_globs(self.request.account))
        workspace = load_workspace(
            _files(project, "policies") or [policy_file("baseline")],
            self.inventory,
            names=project.names,
            egresses=project.egresses,
        )
        waivers = load_waivers(_files(project, "waivers"), workspace.rules)
        prepared = prepare(
            workspace,
            selection,
            Waiving(waivers),
            load_attestations(_files(project, "attestations")),
            Trust(hosts=frozenset(map(_host, self.request.allow_hosts))),
        )
        collecting = replace(self._collecting(), on_begin=on_begin)
        scan = scan_live(prepared, collecting, self.settings, advance=_ignore)
        scope = scope_of(PurePath(self.inventory).name, selection.accounts, (), (), ())
        return _result(replace(scan, scope=scope))

    def _collecting(self) -> CollectSettings:
        given = {name: setting.value for name, setting in self.project.settings.items()}
        jobs, rate, attempts = given.get("jobs"), given.get("max_rate"), given.get("attempts")
        own_key = os.environ.get("GATEPOLICY_FINGERPRINT_KEY", "").encode()
        return CollectSettings(
            jobs=jobs if isinstance(jobs, int) else 64,
            max_rate=float(rate) if isinstance(rate, int | float) else None,
            attempts=attempts if isinstance(attempts, int) else 3,
            pepper=own_key or salt_of(self.inventory),
            keep_answers=False,
            sources=SecretSources.real(self.inventory),
        )


def _ignore(left: SecondsLeft) -> None:
    del left


def _files(project: Project, name: str) -> Sequence[str]:
    setting = project.settings.get(name)
    if setting is None:
        return ()
    assert isinstance(setting.value, list)
    return setting.value


def _inventory(project: Project) -> str:
    """The named inventory, or the usual file beside the project file."""
    setting = project.settings.get("inventory")
    if setting is not None:
        return str(setting.value)
    file = str(Path(project.file).with_name("accounts.yaml"))
    if is_there(file) and is_of_others(Path(file)):
        what = f"the inventory {file} belongs to another user"
        raise UsageError(what, hint="if you trust it, name it in the project file")
    return file


def _globs(account: Accounts) -> Sequence[str]:
    if account is None:
        return ()
    # Whatever a program without type checks hands over.
    globs: list[Any] = list(account) if isinstance(account, list | tuple) else [account]
    if not globs or not all(isinstance(glob, str) and glob for glob in globs):
        # NOTE: not all accounts: a bot whose setting is missing means none of them.
        what = "account: neither an id nor a list of ids"
        raise UsageError(what, hint="None selects all accounts")
    return globs


def _host(text: str) -> str:
    host = host_of(text)
    if host is None:
        what = f"allow_hosts: {text!r} is not a host"
        raise UsageError(what, hint="write a name or an address, such as proxy.example.com")
    return host


def _result(scan: Scan) -> ScanResult:
    found = list(_findings(scan))
    return ScanResult(
        exit_code=scan.exit_code,
        violations=tuple(finding for finding in found if not finding.reason),
        unknowns=tuple(finding for finding in found if finding.reason),
        warnings=tuple(map(clean, scan.warnings)),
        _scan=scan,
    )


def _findings(scan: Scan) -> Iterator[Finding]:
    fix = fixes(scan)
    for subject, verdict in scan.judged():
        if verdict.outcome in (Outcome.FAIL, Outcome.UNKNOWN):
            yield _finding(subject, verdict, fix(verdict.rule, subject.exchange if subject else ""))


def _finding(subject: Subject | None, verdict: Verdict, fix: str) -> Finding:
    is_unknown = verdict.outcome is Outcome.UNKNOWN
    return Finding(
        account=clean(subject.id) if subject else "",
        exchange=clean(subject.exchange) if subject else "",
        rule=verdict.rule,
        name=verdict.name,
        severity=verdict.severity.value,
        subject=clean(verdict.subject),
        policy=clean(verdict.policy),
        expected=clean(verdict.expected),
        seen=clean(verdict.seen),
        reason=why_unknown(verdict) if is_unknown else "",
        needed=clean(verdict.needed) if is_unknown else "",
        fix=clean(fix),
        blocks=verdict.blocks,
    )
