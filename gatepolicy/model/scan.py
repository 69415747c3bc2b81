"""A finished scan, and the exit code that follows from it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from hashlib import sha256

from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import ATTESTED_FACTS, Reason
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Severity, Verdict, WaiverInfo


class ExitCode(IntEnum):
    """What the process tells its caller. All other codes are reserved."""

    OK = 0
    """Everything selected was evaluated; nothing at or above ``--fail-on``."""
    VIOLATION = 1
    """At least one violation at or above ``--fail-on``."""
    USAGE = 2
    """Usage, configuration, schema or policy error (nothing was scanned); or a report, or a
    required history, that could not be written, or a baseline that could not be read."""
    INCOMPLETE = 3
    """No violation, but something that a policy requires is unknown, or an account could not be
    read."""
    NOTHING_EVALUATED = 4
    """No account or no rule matched, or no account could be read at all."""
    INTERNAL = 5
    """A defect of gatepolicy."""
    LOCKED = 6
    """Another scan of the same inventory holds the lock (``--lock``); nothing was scanned."""
    HUNG_UP = 129
    """SIGHUP: the terminal was closed."""
    INTERRUPTED = 130
    """SIGINT: the user pressed Ctrl-C."""
    CLOSED_PIPE = 141
    """Whoever read standard output, such as ``head``, stopped reading. As for any command that
    SIGPIPE ends: 128 and the number of the signal."""
    TERMINATED = 143
    """SIGTERM: such as ``kill``, ``timeout`` or the service manager."""


MEANING: dict[ExitCode, str] = {
    ExitCode.OK: "everything selected was evaluated, nothing at or above --fail-on",
    ExitCode.VIOLATION: "at least one violation, or blocking unknown, at or above --fail-on",
    ExitCode.USAGE: "usage, configuration, schema or policy error (nothing was scanned);"
    " or a report, or a required history, that could not be written,"
    " or a baseline that could not be read",
    ExitCode.INCOMPLETE: "no violation, but something that a policy requires is unknown,"
    " or an account could not be read",
    ExitCode.NOTHING_EVALUATED: "nothing evaluated: no account or no rule matched,"
    " or no account could be read",
    ExitCode.INTERNAL: "internal error",
    ExitCode.LOCKED: "another scan of the same inventory is running (--lock); nothing was scanned",
    ExitCode.HUNG_UP: "ended by SIGHUP; accounts that were not read are unknown",
    ExitCode.INTERRUPTED: "ended by SIGINT (Ctrl-C); accounts that were not read are unknown",
    ExitCode.CLOSED_PIPE: "standard output was closed, such as by head",
    ExitCode.TERMINATED: "ended by SIGTERM; accounts that were not read are unknown",
}


class Interruption(StrEnum):
    """A signal, by its name (POSIX, ``signal.h``)."""

    SIGHUP = "SIGHUP"
    """The terminal was closed."""
    SIGINT = "SIGINT"
    """Ctrl-C."""
    SIGTERM = "SIGTERM"
    """Whoever runs the process wants it to end."""

    @property
    def exit_code(self) -> ExitCode:
        """128 and the signal's number, as shells report it."""
        return _EXIT_CODES[self]

    @property
    def number(self) -> int:
        """The signal's number (POSIX, ``kill``)."""
        return self.exit_code - 128


_EXIT_CODES = {
    Interruption.SIGHUP: ExitCode.HUNG_UP,
    Interruption.SIGINT: ExitCode.INTERRUPTED,
    Interruption.SIGTERM: ExitCode.TERMINATED,
}


def finding_identity(rule: str, exchange: str, account: str, subject: str) -> str:
    """What makes two findings the same one: nothing that changes without the thing changing.

    Args:
        rule: Stable id.
        exchange: Id of the exchange; empty for a finding about the scan itself.
        account: Id of the account; empty for a finding about the scan itself.
        subject: What within the account.
    """
    return _digest(rule, exchange, account, subject)


def question_identity(identity: str, policy: str, expected: str) -> str:
    """What makes two verdicts the answer to the same question: two policies may ask two.

    Args:
        identity: Of the finding.
        policy: Name of the policy that asks.
        expected: What it asks for, in words.
    """
    return _digest(identity, policy, expected)


def _digest(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()


class BaselineState(StrEnum):
    """How a finding stands to an earlier scan. In SARIF: §3.27.24."""

    NEW = "new"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    """It was there, and was something else: unknown, waived, milder, of another key or policy."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a verdict stands to an earlier scan, and why."""

    state: BaselineState
    """In one word."""
    is_worse: bool
    """Whether it is a finding that is new, or that got worse: no earlier scan accepts it."""
    why: Sequence[str] = ()
    """What is not as it was, one line each; empty when nothing is to be reported."""


class Gone(StrEnum):
    """Why a finding of an earlier scan is there no more."""

    PASSES = "passes"
    ASKED_OTHERWISE = "asked otherwise"
    """It passes what the policy asks now, which is not what it asked then: that is no fix."""
    NOT_ASKED = "not asked"
    """No policy asks it any more: that is no fix."""
    NO_ACCOUNT = "no such account"
    """The account was not looked at: that is no fix."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict as it is compared. One that passes is kept too: it tells what was asked."""

    rule: str
    """Stable id."""
    name: str
    """Stable name."""
    exchange: str
    """Id of the exchange; empty for a finding about the scan itself."""
    account: str
    """Id of the account; empty for a finding about the scan itself."""
    subject: str
    """What within the account; may be empty."""
    outcome: Outcome
    """The answer; fail, unknown and waived are findings."""
    severity: str
    """How bad a fail is."""
    seen: str
    """What is the case, in words."""
    policy: str
    """Name of the policy that asks; may be empty."""
    expected: str
    """What it asks for, in words."""
    on_unknown: OnUnknown
    """What an unknown means for the exit code."""

    @property
    def is_found(self) -> bool:
        """Whether there is something to look at."""
        return self.outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED)

    @property
    def identity(self) -> str:
        """The same for the same finding of any scan."""
        return finding_identity(self.rule, self.exchange, self.account, self.subject)

    @property
    def question(self) -> str:
        """The same for the answers of any scan to the same question of the same policy."""
        return question_identity(self.identity, self.policy, self.expected)


@dataclass(frozen=True, slots=True)
class Absent:
    """A finding of an earlier scan that is there no more."""

    finding: Finding
    """As it was."""
    gone: Gone
    """Why it is not there."""
    expected: str = ""
    """What is asked now; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class FactChange:
    """Something about a key, or about its account, that is not what it was."""

    name: str
    """Stable name, such as ``permission-escalated``."""
    is_worse: bool
    """Whether the key can do more, from more places, for longer; or less is known."""
    exchange: str
    """Id of the exchange."""
    account: str
    """Id of the account."""
    what: str
    """The fact or label; may be empty."""
    before: str
    """In words; empty where there was nothing."""
    after: str
    """In words; empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that differs from an earlier scan."""

    baseline: str
    """The file of the earlier scan."""
    states: Mapping[str, Comparison]
    """Each question, to how its verdict stands; empty where the earlier file holds none."""
    absent: Sequence[Absent]
    """Findings of the earlier scan that are there no more."""
    changes: Sequence[FactChange]
    """What changed about keys and accounts; empty where the earlier file tells no facts."""


USUAL_EVIDENCE_AGE = timedelta(days=7)
"""Evidence may be so old unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class AccountResult:
    """One account with everything that was found out."""

    evidence: Evidence
    """What was collected."""
    verdicts: Sequence[Verdict]
    """All of them, not only failures, in the order of the rules."""


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy that another one is built upon."""

    name: str
    """From its metadata."""
    file: str
    """Where it was read from."""
    digest: str
    """SHA-256 of the file, hexadecimal."""


@dataclass(frozen=True, slots=True)
class Override:
    """Something inherited that a policy loosens on purpose."""

    clause: str
    """Its place, such as ``ip_binding.within`` or ``exchanges.gate.permissions.allow``."""
    because: str
    """The reason given by its author."""
    policy: str
    """Name of the policy that loosens."""
    location: Location
    """The line that says so."""


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A policy that took part in a scan."""

    name: str
    """From its metadata."""
    title: str
    """From its metadata."""
    file: str
    """Where it was read from."""
    digest: str
    """SHA-256 of the file, hexadecimal."""
    accounts: int
    """How many accounts of the whole inventory it applies to."""
    extends: Sequence[PolicySource] = ()
    """Every policy that it is built upon, nearest first."""
    overrides: Sequence[Override] = ()
    """What was loosened on purpose, there or in a policy that it extends."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """What decides the exit code."""

    fail_on: Severity = Severity.INFO
    """Violations below this do not fail the scan."""
    exit_zero: bool = False
    """End with 0 whatever was found."""
    allow_incomplete: bool = False
    """Unknowns do not fail the scan."""
    allow_empty: bool = False
    """An empty evaluation does not fail the scan."""
    fail_on_new: bool = False
    """Violations that an earlier scan had too, and that are no worse, do not fail this one, unless
    they are critical."""
    baseline_hides: frozenset[str] = frozenset()
    """Names of rules whose critical violations an earlier scan may hide too."""
    max_evidence_age: timedelta = USUAL_EVIDENCE_AGE
    """Accounts whose evidence is older make the result incomplete."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Option, such as ``--exit-zero``, to who gave it: ``command line``, or ``environment`` with
    the variable. A file cannot."""

    @property
    def softening(self) -> Mapping[str, str]:
        """Every option that softens the exit code, with its value, to who gave it."""
        days = self.max_evidence_age / timedelta(days=1)
        given = {
            "--exit-zero": self.exit_zero,
            "--allow-incomplete": self.allow_incomplete,
            "--allow-empty": self.allow_empty,
            "--fail-on-new": self.fail_on_new,
            f"--fail-on {self.fail_on}": self.fail_on is not Severity.INFO,
            f"--baseline-hides {', '.join(sorted(self.baseline_hides))}": self.baseline_hides,
            f"--max-evidence-age {days:g}d": self.max_evidence_age > USUAL_EVIDENCE_AGE,
        }
        return {
            option: self.origins.get(option.partition(" ")[0], "")
            for option, is_given in given.items()
            if is_given
        }


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What was left out of a scan because somebody asked for less."""

    options: Sequence[str] = ()
    """What asked for less, such as ``--skip-rule withdrawal-enabled``."""
    evidence_options: Sequence[str] = ()
    """The same of the command that collected the evidence."""
    accounts: int = 0
    """How many accounts were left out."""
    of_accounts: int = 0
    """How many there are."""
    rules: Sequence[str] = ()
    """Names of rules that policies ask of the accounts, and that were not asked."""
    comparisons: Sequence[str] = ()
    """Names of rules that compare accounts, and were left out of those accounts that would have to
    be compared with accounts that were not read."""

    @property
    def is_any(self) -> bool:
        """Whether anything may have been left out."""
        return bool(self.options or self.evidence_options)


NOT_NARROWED = Narrowing()
"""Everything was asked."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A finished scan."""

    started_at: datetime
    """UTC."""
    finished_at: datetime
    """UTC."""
    settings: ScanSettings
    """What decides the exit code."""
    rules: Sequence[RuleInfo]
    """Every rule of the catalog, in stable order."""
    policies: Sequence[PolicyInfo]
    """Every policy that was selected."""
    accounts: Sequence[AccountResult]
    """Every account that was selected, in the order of the inventory."""
    general: Sequence[Verdict]
    """Verdicts about the scan itself, such as a policy that covers no account."""
    warnings: Sequence[str] = ()
    """One line each, for people."""
    waivers: Sequence[WaiverInfo] = ()
    """Every waiver with its state."""
    drift: Drift | None = None
    """What differs from an earlier scan; ``None`` when there is none to compare with."""
    narrowing: Narrowing = NOT_NARROWED
    """What was left out."""
    evidence_at: datetime | None = None
    """When the oldest of the evidence was collected that is judged; ``None`` when the accounts were
    asked by this scan. UTC."""
    interrupted_by: Interruption | None = None
    """The signal that ended the scan before every account was read; ``None`` when none did."""
    has_broken_baseline: bool = False
    """Whether an earlier report was named that could not be read: nothing was compared."""
    scope: str = ""
    """A name for what was scanned: of the inventory, and of the selection where it was narrowed.
    Code scanning keeps scans of different scopes apart."""

    def verdicts(self) -> Iterable[Verdict]:
        """All verdicts, of accounts first."""
        for account in self.accounts:
            yield from account.verdicts
        yield from self.general

    @property
    def overrides(self) -> Sequence[Override]:
        """Everything that its policies loosen on purpose, each once."""
        return tuple(dict.fromkeys(o for policy in self.policies for o in policy.overrides))

    def judged(self) -> Iterable[tuple[Subject | None, Verdict]]:
        """All verdicts with the account that each is about; ``None`` for the scan itself."""
        for account in self.accounts:
            for verdict in account.verdicts:
                yield account.evidence.subject, verdict
        for verdict in self.general:
            yield None, verdict

    def as_findings(self) -> Sequence[Finding]:
        """All verdicts, as they are compared with those of another scan."""
        return [
            Finding(
                rule=verdict.rule,
                name=verdict.name,
                exchange=subject.exchange if subject else "",
                account=subject.id if subject else "",
                subject=verdict.subject,
                outcome=verdict.outcome,
                severity=verdict.severity.value,
                seen=verdict.seen,
                policy=verdict.policy,
                expected=verdict.expected,
                on_unknown=verdict.on_unknown,
            )
            for subject, verdict in self.judged()
        ]

    def compared(self, subject: Subject | None, verdict: Verdict) -> Comparison | None:
        """How a verdict stands to the earlier scan; ``None`` without one."""
        if self.drift is None:
            return None
        exchange, account = (subject.exchange, subject.id) if subject else ("", "")
        identity = finding_identity(verdict.rule, exchange, account, verdict.subject)
        question = question_identity(identity, verdict.policy, verdict.expected)
        return self.drift.states.get(question)

    def _fails(self, subject: Subject | None, verdict: Verdict) -> bool:
        if not verdict.blocks or not verdict.severity.at_least(self.settings.fail_on):
            return False
        may_hide = (
            verdict.severity is not Severity.CRITICAL
            or verdict.name in self.settings.baseline_hides
        )
        if not self.settings.fail_on_new or not may_hide:
            return True
        comparison = self.compared(subject, verdict)
        return comparison is None or comparison.is_worse

    def count(self, outcome: Outcome) -> int:
        """How many verdicts have an outcome."""
        return sum(verdict.outcome is outcome for verdict in self.verdicts())

    @property
    def exit_code(self) -> ExitCode:
        """The same for every format: a property of the result. Nothing softens an interruption."""
        if self.interrupted_by is not None:
            return self.interrupted_by.exit_code
        if self.has_broken_baseline:
            return ExitCode.USAGE
        return ExitCode.OK if self.settings.exit_zero else self._strict_exit_code()

    def _strict_exit_code(self) -> ExitCode:
        if any(self._fails(subject, verdict) for subject, verdict in self.judged()):
            return ExitCode.VIOLATION
        if not self.settings.allow_empty and not self._evaluated_anything():
            return ExitCode.NOTHING_EVALUATED
        is_incomplete = bool(self.unread) or any(v.incomplete for v in self.verdicts())
        if not self.settings.allow_incomplete and is_incomplete:
            return ExitCode.INCOMPLETE
        return ExitCode.OK

    @property
    def unread(self) -> Sequence[AccountResult]:
        """The accounts about whose keys no answer said anything: no policy softens that."""
        return tuple(account for account in self.accounts if account.evidence.unread is not None)

    def _evaluated_anything(self) -> bool:
        attested = frozenset(
            rule.id for rule in self.rules if not ATTESTED_FACTS.keys().isdisjoint(rule.facts)
        )
        return any(_was_evaluated(account, attested) for account in self.accounts)


def _was_evaluated(account: AccountResult, attested: frozenset[str]) -> bool:
    """Whether an answer about the key was judged; or what a person said, where none can be had.

    Args:
        account: The account.
        attested: Ids of the rules about what a person says.
    """
    judged = [verdict for verdict in account.verdicts if verdict.reason is not Reason.NOT_COVERED]
    if account.evidence.was_answered:
        return bool(judged)
    if account.evidence.unread is not None:
        return False
    return any(v.rule in attested and v.outcome is not Outcome.UNKNOWN for v in judged)
