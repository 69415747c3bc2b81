"""What all formats say alike: a scan's numbers and sentences, verdicts, identities and places."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import PurePath
from posixpath import normpath
from uuid import NAMESPACE_URL, UUID, uuid5

from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Reason, Unknown
from gatepolicy.model.scan import (
    MEANING,
    AccountResult,
    ExitCode,
    Narrowing,
    Scan,
    ScanSettings,
    finding_identity,
    question_identity,
)
from gatepolicy.model.verdicts import Outcome, RuleInfo, Severity, Verdict
from gatepolicy.reports.clean import clean
from gatepolicy.resources import shipped_policies

_AGE = "--max-evidence-age"


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a whole scan."""

    outcomes: Mapping[Outcome, int]
    """How many verdicts have each outcome, those about the scan itself included."""
    violations: Mapping[Severity, int]
    """How many verdicts are violations, by severity."""
    blocking_unknowns: Mapping[Severity, int]
    """How many are unknown and fail the scan all the same, by the severity of their rules."""
    accounts: int
    """How many accounts were selected."""
    incomplete: int
    """How many of them have an unknown that their policy does not merely warn about."""
    unread: int
    """How many of them are accounts about whose keys no answer said anything."""
    unchecked: int
    """How many of them were judged in nothing: neither passing nor failing, nor unknown."""
    not_read: int
    """How many of them were asked about and not answered; ``unread``, and those besides whose
    refusals prove something."""
    left_open: int
    """How many verdicts are unknown because of what was answered, or about the scan itself."""
    not_verifiable: int
    """How many are unknown because their exchange never discloses it."""
    of_accounts_not_read: int
    """How many are unknown because their account could not be read."""


def summarise(scan: Scan) -> Summary:
    """Count everything once."""
    outcomes = Counter(verdict.outcome for verdict in scan.verdicts())
    violations = Counter(v.severity for v in scan.verdicts() if v.is_violation)
    blocking = Counter(v.severity for v in scan.verdicts() if v.is_blocking_unknown)
    unknown = unknowns_by_source(scan)
    return Summary(
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        violations={severity: violations[severity] for severity in Severity},
        blocking_unknowns={severity: blocking[severity] for severity in Severity},
        accounts=len(scan.accounts),
        incomplete=sum(is_incomplete(account) for account in scan.accounts),
        unread=len(scan.unread),
        unchecked=sum(is_unchecked(account) for account in scan.accounts),
        not_read=sum(account.evidence.why_not_read is not None for account in scan.accounts),
        left_open=unknown[UnknownSource.LEFT_OPEN],
        not_verifiable=unknown[UnknownSource.NOT_VERIFIABLE],
        of_accounts_not_read=unknown[UnknownSource.NOT_READ],
    )


class UnknownSource(Enum):
    """Where an unknown verdict comes from."""

    LEFT_OPEN = auto()
    """From what was answered; or it is about the scan itself."""
    NOT_VERIFIABLE = auto()
    """From an exchange that never discloses it."""
    NOT_READ = auto()
    """From an account that could not be read."""


def source_of(verdict: Verdict, why_not_read: Unknown | None) -> UnknownSource:
    """Where an unknown verdict comes from.

    Args:
        verdict: The verdict.
        why_not_read: Of the account that it is about; ``None`` for the scan itself, too.
    """
    if why_not_read is not None:
        return UnknownSource.NOT_READ
    return UnknownSource.NOT_VERIFIABLE if verdict.not_verifiable else UnknownSource.LEFT_OPEN


def unknowns_by_source(scan: Scan) -> Counter[UnknownSource]:
    """How many unknown verdicts come from where."""
    found = Counter(source_of(v, None) for v in scan.general if _is_unknown(v))
    for account in scan.accounts:
        why = account.evidence.why_not_read
        found.update(source_of(v, why) for v in account.verdicts if _is_unknown(v))
    return found


def _is_unknown(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.UNKNOWN


def is_incomplete(account: AccountResult) -> bool:
    """Whether this account could not be read, or something that a policy requires is unknown."""
    unread = account.evidence.unread is not None
    return unread or any(verdict.incomplete for verdict in account.verdicts)


def is_unchecked(account: AccountResult) -> bool:
    """Whether nothing at all was judged about this account. That is not a pass."""
    return account.evidence.unread is None and all(
        verdict.outcome is Outcome.NOT_APPLICABLE for verdict in account.verdicts
    )


def passes(account: AccountResult) -> bool:
    """Whether something was proved about this account, and there is nothing else to say.

    What its exchange never discloses is no reason against it where its policies only warn about it;
    ``count_not_verifiable`` says how much that is.
    """
    if account.evidence.unread is not None:
        return False
    is_proved = any(verdict.outcome is Outcome.PASS for verdict in account.verdicts)
    return is_proved and all(_is_fine(verdict) for verdict in account.verdicts)


def _is_fine(verdict: Verdict) -> bool:
    if verdict.not_verifiable:
        return not verdict.incomplete
    return verdict.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)


ACCOUNT_WORDS = (
    "pass",
    "with violations",
    "not read",
    "with blocking unknowns",
    "incomplete",
    "with warnings or waivers only",
    "not checked",
)
"""What an account comes to, in the order in which reports list it. Each account is one of these."""


def account_word(account: AccountResult) -> str:
    """What an account comes to, as one of ``ACCOUNT_WORDS``."""
    passing, violating, unread, blocked, incomplete, minor, unchecked = ACCOUNT_WORDS
    if passes(account):
        return passing
    if is_unchecked(account):
        return unchecked
    if any(verdict.is_violation for verdict in account.verdicts):
        return violating
    if account.evidence.why_not_read is not None:
        return unread
    if any(verdict.is_blocking_unknown for verdict in account.verdicts):
        return blocked
    return incomplete if is_incomplete(account) else minor


def count_not_verifiable(account: AccountResult) -> int:
    """How many verdicts about this account its exchange never lets anybody decide."""
    return sum(verdict.not_verifiable for verdict in account.verdicts)


def strict_exit_code(scan: Scan) -> ExitCode:
    """What the exit code would be without any softening option."""
    return replace(scan, settings=ScanSettings()).exit_code


def exit_sentence(scan: Scan) -> str:
    """What the exit code says, and what it would have said without a softening option."""
    code, strict = scan.exit_code, strict_exit_code(scan)
    softening = [
        f"{option} ({origin})" if origin else option
        for option, origin in scan.settings.softening.items()
    ]
    # What old evidence would have come to without it is not known here.
    ages = [text for text in softening if text.startswith(_AGE)]
    options = ", ".join(text for text in softening if text not in ages)
    aged = f"; evidence may be older than usual: {ages[0]}" if ages else ""
    if code == strict:
        idle = f"; {options} had no effect" if options else ""
        return f"Exit code {code.value}: {MEANING[code]}{idle}{aged}."
    otherwise = f"else {strict.value}: {MEANING[strict]}"
    return f"Exit code {code.value} because of {options}; {otherwise}{aged}."


def interruption(scan: Scan) -> str:
    """How many accounts were read of a scan that a signal ended."""
    unread = sum(_was_interrupted(account) for account in scan.accounts)
    read = len(scan.accounts) - unread
    return (
        f"Interrupted by {scan.interrupted_by}: {read:,} of {len(scan.accounts):,} accounts"
        " were read; the others are unknown."
    )


def _was_interrupted(account: AccountResult) -> bool:
    why = account.evidence.facts.unknown.get("key.exists")
    return why is not None and why.reason is Reason.INTERRUPTED


def left_out(narrowing: Narrowing) -> str:
    """What was left out because somebody asked for less; empty when nothing was."""
    parts = []
    if narrowing.options:
        parts.append(f"Narrowed by {' '.join(narrowing.options)}")
    if narrowing.accounts:
        parts.append(f"left out: {narrowing.accounts:,} of {narrowing.of_accounts:,} accounts")
    if narrowing.rules:
        parts.append(f"not checked: {', '.join(narrowing.rules)}")
    if narrowing.comparisons:
        names = ", ".join(narrowing.comparisons)
        parts.append(f"not compared, because that needs accounts that were not read: {names}")
    sentences = [_sentence("; ".join(parts))] if parts else []
    if narrowing.evidence_options:
        options = " ".join(narrowing.evidence_options)
        sentences.append(f"The evidence was collected with {options}, so it has no other accounts.")
    return " ".join(sentences)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


_NAMESPACE = uuid5(NAMESPACE_URL, "urn:gatepolicy:report")


def stable_uuid(*parts: str) -> UUID:
    """A version 5 UUID (RFC 9562): the same for the same parts, in any scan and on any machine."""
    # NOTE: lone surrogates can reach us from an exchange's JSON, and are no UTF-8.
    text = "\0".join(parts).encode("utf-8", "backslashreplace").decode()
    return uuid5(_NAMESPACE, text)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with the account that it is about."""

    subject: Subject | None
    """The account; ``None`` for a verdict about the scan itself."""
    verdict: Verdict
    """What a policy says about it."""

    @property
    def account(self) -> str:
        """Id of the account; empty for the scan itself."""
        return self.subject.id if self.subject else ""

    @property
    def exchange(self) -> str:
        """Id of the exchange; empty for the scan itself."""
        return self.subject.exchange if self.subject else ""

    @property
    def owner(self) -> str:
        """Who answers for the account; may be empty."""
        return self.subject.owner if self.subject else ""

    @property
    def identity(self) -> str:
        """The same for the same finding of any scan."""
        return finding_identity(
            self.verdict.rule, self.exchange, self.account, self.verdict.subject
        )

    @property
    def question(self) -> str:
        """The same for the answers of any scan to the same question of the same policy."""
        return question_identity(self.identity, self.verdict.policy, self.verdict.expected)


def all_judged(scan: Scan) -> Iterator[Judged]:
    """Every verdict, in the order of the scan; those about the scan itself come last."""
    return (Judged(subject, verdict) for subject, verdict in scan.judged())


def unjudged(scan: Scan) -> Iterator[Subject]:
    """The accounts about which nothing was asked: no verdict tells of them."""
    return (one.evidence.subject for one in scan.accounts if not one.verdicts)


NOTHING_CHECKED = "nothing was checked"
"""What is reported of an account without any verdict."""


def rank(verdict: Verdict) -> int:
    """How much a verdict needs a person; 0 is the worst."""
    if verdict.blocks:
        base = 0
    elif verdict.outcome is Outcome.UNKNOWN:
        base = 10 if verdict.incomplete else 20
    elif verdict.outcome is Outcome.WAIVED:
        base = 30
    else:
        return 40
    return base + verdict.severity.rank


NOT_VERIFIABLE = "not_verifiable"
"""The reason of an unknown that its exchange never discloses."""


def why_unknown(verdict: Verdict) -> str:
    """The reason of an unknown as one word; what an exchange never discloses is distinguished."""
    reason = verdict.reason or Reason.NOT_DISCLOSED
    return NOT_VERIFIABLE if verdict.not_verifiable else reason.value


def fixes(scan: Scan) -> Callable[[str, str], str]:
    """How to fix a rule (by id) on an exchange."""
    rules: dict[str, RuleInfo] = {rule.id: rule for rule in scan.rules}
    return lambda rule, exchange: rules[rule].fix_for(exchange)


def repository_path(location: Location, *, of_policy: bool) -> str | None:
    """A file as the repository knows it, with slashes; ``None`` for what lies outside of it.

    Files are named relative to the working directory of the scan. A shipped policy is known by its
    name and is no file.
    """
    if of_policy and location.file in shipped_policies():
        return None
    name = location.file.encode("utf-8", "replace").decode()
    path = normpath(PurePath(name).as_posix()) if name else "."
    if path.startswith("/") or path == "." or path.split("/")[0] == "..":
        return None
    return path


def cut(text: str, limit: int) -> str:
    """A clean text of at most so many characters; an ellipsis tells that it was cut."""
    text = clean(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


@dataclass(frozen=True, slots=True)
class Room:
    """How much of what fits; made by ``room_for``."""

    places: Counter[int]
    """Rank to how many of that rank are kept, from the first on."""
    left_out: Counter[int]
    """Rank to how many are not kept."""

    @property
    def total_left_out(self) -> int:
        """How many are not kept."""
        return self.left_out.total()

    def keeps(self) -> Callable[[int], bool]:
        """A new reader: whether the next item of a rank is kept."""
        places = Counter(self.places)

        def is_kept(of_rank: int) -> bool:
            places[of_rank] -= 1
            return places[of_rank] >= 0

        return is_kept


def room_for(sizes: Iterator[tuple[int, int]], limit: int) -> Room:
    """What fits into a limit when the worst goes first.

    Args:
        sizes: Rank and size of every item.
        limit: The sum of sizes that may be kept.
    """
    by_rank: dict[int, list[int]] = {}
    for of_rank, size in sizes:
        by_rank.setdefault(of_rank, []).append(size)
    places, left_out = Counter[int](), Counter[int]()
    for of_rank in sorted(by_rank):
        for size in by_rank[of_rank]:
            limit -= size
            (places if limit >= 0 else left_out)[of_rank] += 1
    return Room(places, left_out)
