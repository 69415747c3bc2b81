"""A finished scan: the one value that every report is made from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatepolicy.model.exit_codes import ExitCode
from gatepolicy.model.facts import Facts
from gatepolicy.model.location import Location
from gatepolicy.model.reasons import Reason
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.model.waivers import WaiverInfo


@dataclass(frozen=True, slots=True)
class Subject:
    """An account as the inventory declares it, without its credentials."""

    id: str
    """Unique within the inventory and the keys that were found."""
    exchange: str
    """Id of the exchange in the catalog."""
    labels: Mapping[str, str]
    """What selectors match on."""
    owner: str
    """Who answers for the account; may be empty."""
    location: Location
    """Where the inventory declares it, or the account that listed it."""
    found_by: str = ""
    """Id of the account that listed this key, where the inventory does not name it."""

    @property
    def declared_id(self) -> str:
        """The id that the inventory knows: what selectors match on."""
        return self.found_by or self.id


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was made for an account, without anything secret."""

    call: str
    """The catalog's name of the call."""
    method: str
    """HTTP method."""
    url: str
    """Scheme, host and path; never the query."""
    status: int | None
    """HTTP status of the last attempt; ``None`` when there was no answer."""
    reason: str
    """Why it failed, from the enumerated set; empty when it succeeded."""
    attempts: int
    """How often it was sent."""
    answer: str
    """The redacted answer; empty when there was none."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was collected about one account: no secret, enough to evaluate again."""

    subject: Subject
    """Whose key."""
    collected_at: datetime
    """UTC."""
    facts: Facts
    """What the answers prove."""
    calls: Sequence[CallRecord]
    """What was sent and answered."""


@dataclass(frozen=True, slots=True)
class AccountResult:
    """One account with everything that was found out."""

    evidence: Evidence
    """What was collected."""
    verdicts: Sequence[Verdict]
    """All of them, not only failures, in the order of the rules."""


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What reports say about a rule."""

    id: str
    """Stable id."""
    name: str
    """Stable name."""
    title: str
    """The bad thing as a short sentence."""
    severity: Severity
    """By default; a policy may override it."""
    why: str
    """Why it matters."""
    fix: Mapping[str, str]
    """Exchange id to the fix there; ``default`` for all others."""
    references: Sequence[str]
    """Addresses to read on."""
    tags: Sequence[str]
    """Short words for consumers to group by."""

    def fix_for(self, exchange: str) -> str:
        """The fix on one exchange."""
        return self.fix.get(exchange) or self.fix["default"]


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
    """Why, in the words of its author."""
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
    """Evaluating nothing does not fail the scan."""


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

    def verdicts(self) -> Iterable[Verdict]:
        """All verdicts, of accounts first."""
        for account in self.accounts:
            yield from account.verdicts
        yield from self.general

    @property
    def overrides(self) -> Sequence[Override]:
        """Everything that its policies loosen on purpose, each once."""
        return tuple(dict.fromkeys(o for policy in self.policies for o in policy.overrides))

    def count(self, outcome: Outcome) -> int:
        """How many verdicts have an outcome."""
        return sum(verdict.outcome is outcome for verdict in self.verdicts())

    @property
    def exit_code(self) -> ExitCode:
        """The same for every format: a property of the result."""
        return ExitCode.OK if self.settings.exit_zero else self._strict_exit_code()

    def _strict_exit_code(self) -> ExitCode:
        verdicts = list(self.verdicts())
        if any(v.violates and v.severity.at_least(self.settings.fail_on) for v in verdicts):
            return ExitCode.VIOLATION
        if not self.settings.allow_empty and not self._evaluated_anything():
            return ExitCode.NOTHING_EVALUATED
        if not self.settings.allow_incomplete and any(v.incomplete for v in verdicts):
            return ExitCode.INCOMPLETE
        return ExitCode.OK

    def _evaluated_anything(self) -> bool:
        return any(
            verdict.reason is not Reason.NOT_COVERED
            for account in self.accounts
            for verdict in account.verdicts
        )
