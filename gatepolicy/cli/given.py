"""The options of commands as typed values, in groups that several commands share.

A command declares its options with the decorators of ``options`` and receives them as one value:
``@typed(ScanOptions)``. A function takes the group that it needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import TypeVar

from gatepolicy.model.scan import ExitCode
from gatepolicy.model.secret import Secret

T = TypeVar("T")


def typed(
    options: Callable[..., T],
) -> Callable[[Callable[[T], ExitCode]], Callable[..., ExitCode]]:
    """Hand a command its options as one value.

    Args:
        options: A dataclass with a field for each option and argument of the command.
    """

    def decorate(command: Callable[[T], ExitCode]) -> Callable[..., ExitCode]:
        @wraps(command)
        def call(**given: object) -> ExitCode:
            return command(options(**given))

        return call

    return decorate


@dataclass(frozen=True, kw_only=True)
class PolicyOptions:
    """Which policies."""

    policy_files: tuple[str, ...]
    """Files, or names of shipped policies; empty for the shipped baseline."""


@dataclass(frozen=True, kw_only=True)
class InventoryOptions:
    """Which accounts there are."""

    inventory_file: str
    """The inventory."""


@dataclass(frozen=True, kw_only=True)
class OptionalInventoryOptions:
    """Which accounts there are, for commands that can do without."""

    inventory_file: str | None
    """The inventory; ``None`` for the usual file, if it exists."""


@dataclass(frozen=True, kw_only=True)
class AccountSelection:
    """Which accounts are read."""

    accounts: tuple[str, ...]
    """Globs of ids; empty for all."""
    labels: tuple[str, ...]
    """``KEY=VALUE``; empty for all."""


@dataclass(frozen=True, kw_only=True)
class RuleSelection(AccountSelection):
    """Which accounts are evaluated, by which rules."""

    rules: tuple[str, ...]
    """Globs of ids or names; empty for all."""
    skip_rules: tuple[str, ...]
    """Globs of ids or names."""


@dataclass(frozen=True, kw_only=True)
class AttestationOptions:
    """What people confirm."""

    attestation_files: tuple[str, ...]
    """Files of attestations."""


@dataclass(frozen=True, kw_only=True)
class WaiverFileOptions:
    """What people accept."""

    waiver_files: tuple[str, ...]
    """Files of waivers."""


@dataclass(frozen=True, kw_only=True)
class WaiverOptions(WaiverFileOptions, AttestationOptions):
    """How waivers are applied and shown."""

    no_waivers: bool
    """Whether none is applied."""
    expiring_within: int
    """Days within which a waiver counts as expiring."""


@dataclass(frozen=True, kw_only=True)
class BaselineOptions:
    """The earlier scan to compare with."""

    baseline_file: str | None
    """A report or evidence, which must exist."""
    baseline_if_exists: str | None
    """The same, which may be missing."""
    fail_on_new: bool
    """Whether known violations do not fail the scan."""
    baseline_hides: tuple[str, ...]
    """Rules whose known critical violations do not fail it either."""


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """What decides the exit code."""

    fail_on: str
    """A severity; violations below do not fail the scan."""
    exit_zero: bool
    """Whether the exit code is 0 regardless of findings."""
    allow_incomplete: bool
    """Whether unknowns do not fail the scan."""
    allow_empty: bool
    """Whether an empty evaluation does not fail the scan."""


@dataclass(frozen=True, kw_only=True)
class EvidenceAgeOptions:
    """How old evidence may be."""

    max_evidence_age: timedelta
    """Evidence that is older makes the result incomplete."""


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where reports go, and how they look."""

    audit_waivers: bool
    """Whether the text report lists every waiver."""

    output_texts: tuple[str, ...]
    """``FORMAT[=PATH]``; empty for text on standard output."""
    sarif_profile: str
    """Name of the profile."""
    sarif_scope: str
    """Name of the category; empty for one from the inventory and the selection."""
    verbose: int
    """How much more than usual is shown."""
    quiet: bool
    """Whether nothing but the reports is written."""
    no_color: bool
    """Whether colour is disabled."""


@dataclass(frozen=True, kw_only=True)
class UntrustedOptions:
    """Whether the files are trusted."""

    untrusted: bool
    """Whether they may be those of a stranger, as in a pull request."""


@dataclass(frozen=True, kw_only=True)
class TrustOptions(UntrustedOptions):
    """What files may lead to."""

    allow_hosts: tuple[str, ...]
    """Hosts beyond those of the catalog and loopback."""


@dataclass(frozen=True, kw_only=True)
class EdgeOptions:
    """How accounts are read."""

    jobs: int
    """Accounts read at the same time."""
    max_rate: float | None
    """Requests per second to one exchange from one egress; ``None`` for the documented limit."""
    attempts: int
    """Maximum attempts on transient errors."""
    show_references: bool
    """Whether a line tells of every reference that is read."""


@dataclass(frozen=True, kw_only=True)
class HistoryPlace:
    """Where the history is."""

    history_url: str | None
    """A file or a URL, which may hold a password; ``None`` for no history."""


@dataclass(frozen=True, kw_only=True)
class HistoryOfProject(HistoryPlace):
    """Whose scans in it are meant."""

    history_project: str
    """Name of this project in it; empty where it is the only one."""


@dataclass(frozen=True, kw_only=True)
class HistoryOptions(HistoryOfProject):
    """Whether scans are kept."""

    history_required: bool
    """Whether a scan that cannot be stored ends with an error."""


@dataclass(frozen=True, kw_only=True)
class KeepOptions:
    """How long scans are kept."""

    keep: timedelta | None
    """Scans and fixed findings that are older can be removed."""


@dataclass(frozen=True, kw_only=True)
class ReportingOptions(
    PolicyOptions,
    RuleSelection,
    WaiverOptions,
    BaselineOptions,
    HistoryOptions,
    GateOptions,
    OutputOptions,
    UntrustedOptions,
):
    """Of every command that evaluates and reports."""


@dataclass(frozen=True, kw_only=True)
class OperatingOptions:
    """Of a scan that nobody watches."""

    lock: bool
    """Whether it is the only scan of its inventory."""
    wait: timedelta | None
    """How long it waits for another one; ``None`` for a lock only if ``lock`` says so."""
    jitter: timedelta | None
    """It starts by chance up to so much later."""
    state_folder: str | None
    """Where the lock and what was reported are kept; ``None`` for the usual folder."""
    only_changes: bool
    """Whether nothing is printed if nothing changed."""
    log_format: str
    """``text`` or ``json``."""
    heartbeat: Secret | None
    """The URL that is called."""
    notify_urls: tuple[Secret, ...]
    """Receivers of news."""
    notify_file: str | None
    """A file with more of them."""
    notify_when: str
    """``changes`` or ``always``."""

    @property
    def is_unattended(self) -> bool:
        """Whether any of them asks for something."""
        asked = (self.lock, self.only_changes, self.heartbeat, self.notify_urls, self.notify_file)
        is_timed = self.wait is not None or self.jitter is not None
        return any(asked) or is_timed or self.log_format != "text"


@dataclass(frozen=True, kw_only=True)
class JournalOptions:
    """Where accounts are kept as soon as they are read."""

    journal_file: str
    """A new journal; empty for none."""
    resumed_file: str
    """A journal of an earlier run, whose accounts are not read again; empty for none."""
    retries: bool
    """Whether those are, that could not be read for a passing reason."""


@dataclass(frozen=True, kw_only=True)
class ScanOptions(
    ReportingOptions, InventoryOptions, EdgeOptions, TrustOptions, OperatingOptions, JournalOptions
):
    """Of ``gatepolicy scan``."""

    only_plan: bool
    """Whether nothing is sent."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(ReportingOptions, EvidenceAgeOptions):
    """Of ``gatepolicy evaluate``."""

    evidence_files: tuple[str, ...]
    """What was collected."""
    as_of: str | None
    """The time of the evaluation; ``None`` for now."""


@dataclass(frozen=True, kw_only=True)
class ConfigOptions(
    ReportingOptions,
    InventoryOptions,
    EdgeOptions,
    TrustOptions,
    EvidenceAgeOptions,
    KeepOptions,
    OperatingOptions,
):
    """Of ``gatepolicy config``."""


@dataclass(frozen=True, kw_only=True)
class CollectOptions(InventoryOptions, AccountSelection, EdgeOptions, TrustOptions, JournalOptions):
    """Of ``gatepolicy collect``."""

    path: str
    """Where the evidence goes."""
    egress: str
    """Only the accounts of this egress; empty for all."""
    shard: tuple[int, int]
    """Only this shard of them, and how many there are."""
    quiet: bool
    """Whether nothing else is written."""


@dataclass(frozen=True, kw_only=True)
class MergeOptions:
    """Of ``gatepolicy merge``."""

    evidence_files: tuple[str, ...]
    """What was collected in parts."""
    path: str
    """Where the evidence goes."""
    quiet: bool
    """Whether nothing else is written."""


@dataclass(frozen=True, kw_only=True)
class ReportOfScanOptions(OutputOptions, HistoryOfProject):
    """Of ``gatepolicy report``."""

    report_file: str
    """A JSON report; empty for a scan of the history."""
    stored: str
    """A scan of the history: an id, or ``last``; empty for a report."""
    exit_code: bool
    """Whether the exit code is that of the scan."""
    sign_off_file: str
    """Sign-offs that the HTML page shows; empty for none."""
    keys: tuple[str, ...]
    """Files of public keys, one of which signed the report; empty to verify no signature of it."""
    reviewer_keys: tuple[str, ...]
    """The same of reviewers; empty to verify no sign-off."""


@dataclass(frozen=True, kw_only=True)
class CheckOptions(
    PolicyOptions, OptionalInventoryOptions, WaiverFileOptions, AttestationOptions, TrustOptions
):
    """Of ``gatepolicy check``."""

    catalog: bool
    """Whether the exchange catalog is checked, too."""
    secrets: bool
    """Whether every credential reference is read."""
    show_references: bool
    """Whether a line tells of each of them."""
    quiet: bool
    """Whether only problems are written."""


@dataclass(frozen=True, kw_only=True)
class TestOptions(UntrustedOptions):
    """Of ``gatepolicy test``."""

    paths: tuple[str, ...]
    """Files, or folders that are searched; empty for the working directory."""
    name: str
    """Part of the names of the cases that run."""
    junit_file: str | None
    """Where the results go as JUnit XML."""
    min_coverage: float | None
    """Percent of the clauses that must be tested both ways."""
    verbose: bool
    """Whether passing cases and untested clauses are listed."""
    quiet: bool
    """Whether nothing is written if all is as expected."""


@dataclass(frozen=True, kw_only=True)
class DiffOptions:
    """Of ``gatepolicy diff``."""

    old: str
    """What it was: a report or evidence, or a policy."""
    new: str
    """What it is."""
    policies: bool
    """Whether both are policies."""
    evidence_file: str | None
    """Evidence that both policies are evaluated on."""
    form: str
    """``text`` or ``json``."""
    exit_code: bool
    """Whether the exit code is 1 if anything got worse."""
    no_color: bool
    """Whether colour is disabled."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """Of ``gatepolicy demo``."""

    out: str
    """The folder to write to."""
    everything: bool
    """Whether every exchange of the simulator is scanned."""
    force: bool
    """Whether files in that folder are overwritten."""
    no_color: bool
    """Whether colour is disabled."""


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """Of ``gatepolicy simulator``."""

    exchange: tuple[str, ...]
    """Exchanges; empty for all."""
    port: int
    """The first port; 0 takes free ones."""
    out: str
    """The folder to write to."""
    force: bool
    """Whether files in that folder are overwritten."""


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(PolicyOptions, InventoryOptions):
    """Of ``gatepolicy explain``."""

    rule: str | None
    """Its id or name; ``None`` for a list of all."""
    exchange: str | None
    """The exchange whose fix is shown."""
    account: str | None
    """The account whose effective policies are shown instead."""


@dataclass(frozen=True, kw_only=True)
class InitOptions:
    """Of ``gatepolicy init``."""

    exchange: tuple[str, ...]
    """Exchanges; empty to be asked."""
    egress: tuple[str, ...]
    """Networks from which bots trade; empty to be asked."""
    runs_on: tuple[str, ...]
    """Where the project is scanned; empty to be asked."""
    source: str
    """A bot's configuration to take accounts from; empty for none."""
    folder: str
    """The folder to write to."""


@dataclass(frozen=True, kw_only=True)
class AttestOptions(AttestationOptions, OptionalInventoryOptions):
    """Of ``gatepolicy attest``."""

    control: str | None
    """What was checked; ``None`` to be asked."""
    account: tuple[str, ...]
    """Accounts; empty to be asked."""
    by: str
    """Who confirms it; empty to be asked."""
    day: str | None
    """When; ``None`` for today."""
    evidence: str
    """Reference to the proof; may be empty."""


@dataclass(frozen=True, kw_only=True)
class WaiveOptions(WaiverFileOptions, PolicyOptions, OptionalInventoryOptions):
    """Of ``gatepolicy waive``."""

    waiver_id: str | None
    """Its id; ``None`` for the next free one."""
    rule: str
    """The rule whose finding is accepted; empty to be asked."""
    account: tuple[str, ...]
    """Accounts; empty to be asked."""
    subject: str
    """What within the account; may be empty."""
    only_unknown: bool
    """Whether only an unknown is accepted."""
    owner: str
    """Who answers for it; empty to be asked."""
    justification: str
    """Why it is accepted; empty to be asked."""
    ticket: str
    """Where it was discussed; may be empty."""
    approved_by: str
    """Who agreed; may be empty."""
    expires: str
    """Last day, or days from today; empty to be asked."""


@dataclass(frozen=True, kw_only=True)
class HistoryQuery(HistoryOfProject):
    """What every ``gatepolicy history`` command takes that answers a question."""

    inventory: str | None
    """Only what was scanned by this inventory; ``None`` for all."""
    form: str
    """``text`` or ``json``."""


@dataclass(frozen=True, kw_only=True)
class HistoryListOptions(HistoryQuery):
    """Of ``gatepolicy history list`` and ``trend``."""

    newest: int
    """Only so many scans; 0 for all."""


@dataclass(frozen=True, kw_only=True)
class HistoryFindingsOptions(HistoryQuery):
    """Of ``gatepolicy history findings``."""

    unknowns: bool
    """Whether what was never proved to fail is listed, too."""
    fixed: bool
    """Whether the fixed ones are listed instead."""


@dataclass(frozen=True, kw_only=True)
class HistoryShowOptions(HistoryOfProject):
    """Of ``gatepolicy history show``."""

    scan: str
    """An id, or ``last``."""
    report: bool
    """Whether the JSON report is printed."""


@dataclass(frozen=True, kw_only=True)
class HistoryExportOptions(HistoryPlace):
    """Of ``gatepolicy history export``."""

    file: str
    """The SQLite file to write."""
    force: bool
    """Whether files that are there are overwritten."""


@dataclass(frozen=True, kw_only=True)
class HistoryRenameOptions(HistoryPlace):
    """Of ``gatepolicy history rename``."""

    old: str
    """The inventory as the history calls it."""
    new: str
    """Its name from now on."""


@dataclass(frozen=True, kw_only=True)
class HistoryPruneOptions(HistoryOfProject, KeepOptions):
    """Of ``gatepolicy history prune``."""

    dry_run: bool
    """Whether nothing is removed."""


@dataclass(frozen=True, kw_only=True)
class KeygenOptions:
    """Of ``gatepolicy keygen``."""

    file: str
    """Where the private key goes."""


@dataclass(frozen=True, kw_only=True)
class SignOptions:
    """Of ``gatepolicy sign``."""

    report: str
    """A JSON report."""
    key: str
    """File of the private key."""
    evidence: tuple[str, ...]
    """Files of evidence that the report is about."""
    path: str | None
    """Where the envelope goes; ``None`` for beside the report."""
    force: bool
    """Whether an envelope that is there is overwritten."""


@dataclass(frozen=True, kw_only=True)
class SignedFiles:
    """Where what was signed lies."""

    envelope: str
    """The envelope."""
    report: str | None
    """The report; ``None`` for beside the envelope."""
    evidence: tuple[str, ...]
    """Files of evidence; those that are not named lie beside the envelope."""


@dataclass(frozen=True, kw_only=True)
class SignOffOptions(SignedFiles):
    """Of ``gatepolicy sign-off``."""

    key: str
    """File of the reviewer's private key."""
    signers: tuple[str, ...]
    """Files of public keys, one of which signed the report."""
    decision: str
    """One of three."""
    reviewer: str
    """Who decides."""
    comment: str
    """Why; may be empty."""


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(SignedFiles):
    """Of ``gatepolicy verify``."""

    keys: tuple[str, ...]
    """Files of public keys, one of which signed the report."""
    reviewer_keys: tuple[str, ...]
    """The same of reviewers; empty to verify no sign-off."""
    max_age: timedelta | None
    """What was collected earlier is refused."""
    accepted: bool
    """Whether a sign-off must accept it."""
    unchanged: bool
    """Whether policies and catalog must be as they were."""
