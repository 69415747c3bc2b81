"""How an inventory stood from scan to scan, up to one scan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepolicy.model.verdicts import Severity


@dataclass(frozen=True, slots=True)
class AccountCounts:
    """How many accounts of a scan stand how. Each counts once."""

    good: int
    """Accounts that pass: something was proved about them, and there is nothing else to say."""
    bad: int
    """Accounts with a violation."""
    open: int
    """The others: of which something is unknown, waived, or not checked at all."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One scan in numbers."""

    started_at: datetime
    """UTC."""
    exit_code: int
    """Of the scan."""
    is_narrowed: bool
    """Whether options left something out."""
    is_interrupted: bool
    """Whether a signal ended it early."""
    accounts: AccountCounts
    """Those that were selected."""
    violations: Mapping[Severity, int]
    """Verdicts that are fail, by severity."""


@dataclass(frozen=True, slots=True)
class TimeToFix:
    """How long violations of a severity lasted that were fixed."""

    severity: Severity
    """Of the violations."""
    fixed: int
    """How many were fixed."""
    mean: timedelta
    """From the first scan that proved the violation to the one that proved the pass."""
    middle: timedelta
    """The median of the same."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What a history tells beside a scan."""

    points: Sequence[TrendPoint]
    """Scans of the same inventory, the oldest first; the last one is the scan itself."""
    violated_since: Mapping[str, datetime]
    """Finding (``finding_identity``) to when it was first proved to fail, of those that were not
    fixed when the scan began. UTC."""
    times_to_fix: Sequence[TimeToFix]
    """Of violations that were fixed before the scan began, by severity."""
