"""Evidence of one or more files once all accounts were compared, as in one scan. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatepolicy.accounts.egress import Part
from gatepolicy.correlate.accounts import correlate
from gatepolicy.correlate.keys import AccountTraits, LeftOut, Uncompared, Uncorrelated
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import HINT, Facts, Reason
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Verdict
from gatepolicy.rules.rule import duration_in_words
from gatepolicy.scanning.evidence import CollectedFile, collections_of

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

    Accounts of a part that is in no file are unknown: no user has left them out.

    Args:
        files: By name, at least one.

    Raises:
        DocumentError: The files do not fit each other: an account was read twice or stands
            differently in two inventories, fingerprints have different keys, or parts are of
            different inventories.
    """
    refuse_misfits(files)
    files = _named_alike(files)
    missing = missing_accounts(files.values())
    first = min(one.collected_at for one in files.values())
    correlated = correlate(
        [
            _with_missing(each, missing, first)
            for one in files.values()
            for each in collections_of(one)
        ],
        by_place=all(one.parts for one in files.values()),
    )
    options = dict.fromkeys(text for one in files.values() for text in one.narrowed_by)
    is_whole = len(files) > 1 and not correlated.left_out
    return EvidenceFile(
        files=_file_of_each(files, missing),
        collected_at=first,
        inventories=tuple(dict.fromkeys(one.inventory for one in files.values())),
        accounts=tuple(_as_missing(one, missing) for one in correlated.accounts),
        warnings=(
            *(text for one in files.values() for text in one.warnings),
            *missing_warnings(missing.values()),
        ),
        narrowed_by=() if is_whole else tuple(options),
    )


def _file_of_each(
    files: Mapping[str, CollectedFile], missing: Mapping[str, LeftOut]
) -> dict[str, str]:
    found = {
        account.evidence.subject.id: file
        for file, one in files.items()
        for account in one.read.accounts
        if account.is_selected
    }
    parts = next((file for file, one in files.items() if one.parts), "")
    return found | dict.fromkeys(missing, parts)


def _named_alike(files: Mapping[str, CollectedFile]) -> Mapping[str, CollectedFile]:
    """Parts of one inventory, which each machine names by its own path, under one name."""
    name = next((one.inventory for one in files.values() if one.parts), "")
    return {file: renamed(one, name) if one.parts else one for file, one in files.items()}


def renamed(one: CollectedFile, inventory: str) -> CollectedFile:
    """Evidence of an inventory that has another path elsewhere.

    Args:
        one: The evidence.
        inventory: The path by which it is named from here on.
    """
    if one.inventory == inventory:
        return one

    def there(subject: Subject) -> Subject:
        return replace(subject, location=replace(subject.location, file=inventory))

    accounts = [
        replace(a, evidence=replace(a.evidence, subject=there(a.evidence.subject)))
        for a in one.read.accounts
    ]
    left_out = [replace(other, subject=there(other.subject)) for other in one.read.left_out]
    return replace(one, inventory=inventory, read=Uncorrelated(accounts, left_out))


def missing_accounts(files: Iterable[CollectedFile]) -> Mapping[str, LeftOut]:
    """Accounts of a part that is in no file, by id.

    Each file names all accounts of its inventory, and which part reads those that it left out.

    Args:
        files: All that there are.
    """
    files = tuple(files)
    read = {account.evidence.subject.id for one in files for account in one.read.accounts}
    missing: dict[str, LeftOut] = {}
    for other in (other for one in files if one.parts for other in one.read.left_out):
        known = missing.get(other.subject.id)
        # A part of the same egress knows the shard, too.
        is_better = known is None or len(other.read_by) > len(known.read_by)
        if other.subject.id not in read and is_better:
            missing[other.subject.id] = other
    return missing


def missing_warnings(missing: Iterable[LeftOut]) -> Iterator[str]:
    """One line for each part that is missing.

    Args:
        missing: Its accounts, and those of the others.
    """
    for part, count in sorted(Counter(other.read_by for other in missing).items()):
        are = "account is" if count == 1 else "accounts are"
        yield f"{part} is missing: {count:,} {are} unknown; {HINT[Reason.NOT_COLLECTED]}"


def _with_missing(
    read: Uncorrelated, missing: Mapping[str, LeftOut], when: datetime
) -> Uncorrelated:
    """What one part read, and what is missing: nothing is known of it but what it left out."""
    stay = [other for other in read.left_out if missing.get(other.subject.id) is not other]
    gone = [
        Uncompared(
            Evidence(other.subject, when, Facts.nothing(Reason.NOT_COLLECTED), ()),
            _traits_of_missing(other),
        )
        for other in read.left_out
        if missing.get(other.subject.id) is other
    ]
    return Uncorrelated((*read.accounts, *gone), stay) if gone else read


def _traits_of_missing(other: LeftOut) -> AccountTraits:
    return AccountTraits(
        key=other.key,
        # It may work from other addresses, too.
        egress=(),
        sandbox="",
        is_usable=False,
        is_checked=False,
        audited_by="",
        discover=False,
        listing="",
        is_distinct=False,
        listed=None,
    )


def _as_missing(evidence: Evidence, missing: Mapping[str, LeftOut]) -> Evidence:
    """Nothing about an account that is missing was proved, by comparisons either."""
    other = missing.get(evidence.subject.id)
    if other is None:
        return evidence
    facts = Facts.nothing(Reason.NOT_COLLECTED, f"{other.read_by} is missing")
    return replace(evidence, facts=facts)


def refuse_misfits(files: Mapping[str, CollectedFile]) -> None:
    """Refuse files that do not fit each other.

    Args:
        files: By name, at least one.

    Raises:
        DocumentError: With every reason.
    """
    problems = list(_misfits(files)) or list(_misfits_of_parts(files))
    # Where parts do not fit, each of their accounts would be a problem.
    problems = problems or list(_misfits_of_accounts(_named_alike(files)))
    if problems:
        raise DocumentError(problems)


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


def _misfits_of_parts(files: Mapping[str, CollectedFile]) -> Iterator[Problem]:
    """Why parts are not those of one inventory."""
    parts = [(file, one) for file, one in files.items() if one.parts]
    for file, one in parts[1:]:
        first, reference = parts[0]
        if one.inventory_digest != reference.inventory_digest:
            what = f"a part of another inventory than {first}, or of other egresses"
            fix = "collect all parts with the same inventory and the same project file"
            yield _misfit(file, "inventory_digest", what, fix)
        if one.catalog_digest != reference.catalog_digest:
            what = f"read with another exchange catalog than {first}"
            yield _misfit(file, "catalog_digest", what, "collect all parts with the same catalog")
    seen: dict[Part, str] = {}
    counts: dict[str, tuple[int, str]] = {}
    for file, part in ((file, part) for file, one in parts for part in one.parts):
        if part in seen:
            what = f"{part} is in {seen[part]}, too"
            yield _misfit(file, "parts", what, "keep only the newer evidence of it")
        elif counts.get(part.egress, (part.of, ""))[0] != part.of:
            of, other = counts[part.egress]
            what = f"{part} does not fit {other}, which has a shard of {of}"
            yield _misfit(file, "parts", what, "collect all shards with the same count")
        seen.setdefault(part, file)
        counts.setdefault(part.egress, (part.of, file))


def _misfits_of_accounts(files: Mapping[str, CollectedFile]) -> Iterator[Problem]:
    """Accounts that are in two files, or that two files declare differently."""
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


def merge_evidence(files: Mapping[str, CollectedFile]) -> CollectedFile:
    """The evidence of several parts as one file, in any order; accounts are compared later.

    What each part knew of the keys of others is kept apart: keys that are known in part were
    compared within it alone.

    Args:
        files: By name, at least one.

    Raises:
        DocumentError: They do not fit each other, or one is no part.
    """
    problems = [_no_part(file) for file, one in files.items() if not one.parts]
    if problems:
        raise DocumentError(problems)
    refuse_misfits(files)
    ordered = sorted(_named_alike(files).values(), key=lambda one: min(map(_order, one.parts)))
    parts = sorted((part for one in ordered for part in one.parts), key=_order)
    numbers = {part: number for number, part in enumerate(parts)}
    missing = missing_accounts(ordered)
    accounts, left_out = list[Uncompared](), list[LeftOut]()
    for one in ordered:
        there = [numbers[part] for part in one.parts]
        accounts += [replace(account, part=there[account.part]) for account in one.read.accounts]
        left_out += [
            replace(other, part=there[other.part])
            for other in one.read.left_out
            if other.key.is_known or missing.get(other.subject.id) is other
        ]
    return replace(
        ordered[0],
        collected_at=min(one.collected_at for one in ordered),
        read=Uncorrelated(
            tuple(sorted(accounts, key=lambda account: account.evidence.subject.location)),
            tuple(sorted(left_out, key=lambda other: (other.part, other.subject.location))),
        ),
        warnings=tuple(text for one in ordered for text in one.warnings),
        parts=tuple(parts),
    )


def _order(part: Part) -> tuple[str, int]:
    return part.egress, part.shard


def _no_part(file: str) -> Problem:
    what = "this evidence was collected without --egress and --shard, so it is no part"
    fix = "gatepolicy evaluate takes the evidence of several inventories: name all files there"
    return _misfit(file, "parts", what, fix)
