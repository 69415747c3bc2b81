"""Evidence of one or more files once all accounts were compared, as in one scan. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepolicy.correlate.accounts import correlate
from gatepolicy.correlate.keys import Uncorrelated
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import HINT, Reason
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Verdict
from gatepolicy.rules.rule import duration_in_words
from gatepolicy.scanning.evidence import CollectedFile

FRESH_DAYS = 7
"""Evidence that is more days old is warned about."""
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """Evidence of one or more files, once all accounts were compared."""

    files: Mapping[str, str]
    """Account to the file in which it stands, as the user named it."""
    collected_at: datetime
    """When the first collection began. UTC."""
    inventories: Sequence[str]
    """As the user named them, each once."""
    accounts: Sequence[Evidence]
    """In the order of the files and inventories, then keys that were found."""
    warnings: Sequence[str] = ()
    """One line each, for people."""
    narrowed_by: Sequence[str] = ()
    """The options that left accounts out which no other file has."""

    @property
    def oldest(self) -> datetime:
        """When the account was collected that was collected first."""
        times = [account.collected_at for account in self.accounts]
        return min(times, default=self.collected_at)

    def age_warnings(self, now: datetime) -> Iterator[str]:
        """That keys may have changed since, once it is old.

        Args:
            now: When it is judged. UTC.
        """
        days = (now - self.oldest).days
        if days > FRESH_DAYS:
            yield (
                f"evidence of {encode_time(self.oldest)} is {days:,} days old: what keys can do"
                " may have changed since"
            )


def compare_evidence(files: Mapping[str, CollectedFile]) -> EvidenceFile:
    """Evidence of one or more files, with all accounts compared as in one scan.

    Args:
        files: By name, at least one.

    Raises:
        DocumentError: The files do not fit each other: an account was read twice or stands
            differently in two inventories, or fingerprints have different keys.
    """
    problems = list(_misfits(files))
    if problems:
        raise DocumentError(problems)
    correlated = correlate([one.read for one in files.values()])
    options = dict.fromkeys(text for one in files.values() for text in one.narrowed_by)
    is_whole = len(files) > 1 and not correlated.left_out
    return EvidenceFile(
        files={
            account.evidence.subject.id: file
            for file, one in files.items()
            for account in one.read.accounts
            if account.is_selected
        },
        collected_at=min(one.collected_at for one in files.values()),
        inventories=tuple(dict.fromkeys(one.inventory for one in files.values())),
        accounts=correlated.accounts,
        warnings=tuple(text for one in files.values() for text in one.warnings),
        narrowed_by=() if is_whole else tuple(options),
    )


def _misfits(files: Mapping[str, CollectedFile]) -> Iterator[Problem]:
    """Why the evidence of several files cannot be compared."""
    (first, reference), *others = files.items()
    for file, one in others:
        if one.version != reference.version:
            what = f"collected by gatepolicy {one.version}, and {first} by {reference.version}"
            yield _misfit(file, "tool.version", what, "collect both with the same version")
        if not one.fingerprint_check or one.fingerprint_check != reference.fingerprint_check:
            what = f"its fingerprints have another key than those of {first}"
            fix = "collect both with the same inventory or GATEPOLICY_FINGERPRINT_KEY"
            yield _misfit(file, "fingerprint_check", what, fix)
    selected: dict[str, str] = {}
    declared: dict[str, tuple[str, Subject]] = {}
    for file, one in files.items():
        for account in one.read.accounts:
            name = account.evidence.subject.id
            if account.is_selected and selected.setdefault(name, file) != file:
                what = f"the account {name} is in {selected[name]}, too"
                yield _misfit(file, "accounts", what, "evaluate only the newer evidence of it")
        for subject in _subjects_of(one.read):
            where, before = declared.setdefault(subject.id, (file, subject))
            if before != subject:
                what = f"{where} has another account {subject.id}, or declares it differently"
                yield _misfit(file, "accounts", what, "collect both with the same inventory")


def _subjects_of(read: Uncorrelated) -> Iterator[Subject]:
    yield from (account.evidence.subject for account in read.accounts)
    yield from (other.subject for other in read.left_out)


def _misfit(file: str, path: str, what: str, fix: str) -> Problem:
    return Problem(Location(file, 1, 1), path, what, fix)


def stale_evidence(
    evidence: Sequence[Evidence],
    files: Mapping[str, str],
    rule: RuleInfo,
    *,
    as_of: datetime,
    max_age: timedelta,
) -> Iterator[Verdict]:
    """That accounts were read too long ago to say what their keys can do: one verdict for all.

    No policy decides about it: whatever it says about an unknown, the scan is incomplete.

    Args:
        evidence: Of the accounts that are judged.
        files: Account to the file in which it stands.
        rule: The one that it breaks.
        as_of: When it is judged. UTC.
        max_age: How old it may be.
    """
    old = [one for one in evidence if as_of - one.collected_at > max_age]
    if not old:
        return
    oldest = min(old, key=lambda one: one.collected_at)
    yield Verdict(
        rule=rule.id,
        name=rule.name,
        outcome=Outcome.UNKNOWN,
        severity=rule.severity,
        subject="",
        expected=f"every account was read at most {duration_in_words(max_age)} ago",
        seen=_read_longer_ago(old, len(evidence), oldest.collected_at, as_of),
        reason=Reason.STALE_EVIDENCE,
        needed=HINT[Reason.STALE_EVIDENCE],
        on_unknown=OnUnknown.INCOMPLETE,
        policy="",
        location=Location(files[oldest.subject.declared_id], 1, 1),
    )


def _read_longer_ago(
    old: Sequence[Evidence], of_accounts: int, since: datetime, as_of: datetime
) -> str:
    names = ", ".join(one.subject.id for one in old[:_SHOWN_NAMES])
    more = f" and {len(old) - _SHOWN_NAMES:,} more" if len(old) > _SHOWN_NAMES else ""
    return (
        f"{len(old):,} of {of_accounts:,} accounts were read longer ago: {names}{more};"
        f" the first on {encode_time(since)}, {(as_of - since).days:,} days ago"
    )
