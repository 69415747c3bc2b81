"""What the formats for machines share: verdicts with their accounts, identities and places."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from posixpath import normpath
from uuid import NAMESPACE_URL, UUID, uuid5

from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import Scan, finding_identity, question_identity
from gatepolicy.model.verdicts import Outcome, RuleInfo, Verdict
from gatepolicy.reports.clean import clean
from gatepolicy.resources import shipped_policies

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
"""What is told of an account without any verdict."""


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
    """The reason of an unknown as one word; what an exchange never discloses is told apart."""
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
