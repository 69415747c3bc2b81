"""Objects of SARIF 2.1.0 that several parts of a log share."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePath
from urllib.parse import quote

from gatepolicy.model.encoding import Json
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.scan import Scan, finding_identity
from gatepolicy.model.verdicts import Outcome, Severity, Verdict
from gatepolicy.reports.clean import clean
from gatepolicy.reports.summary import repository_path
from gatepolicy.resources import shipped_policies

LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
"""Level of a result (§3.27.10)."""

SECURITY_SEVERITY = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 3.0,
    Severity.INFO: 0.0,
}
"""On the scale of CVSS. GitHub: over 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low;
0.0 is no security severity."""


def plain(text: str) -> str:
    """A text that came from outside, fit to be a part of a message.

    Braces are doubled, since single ones mark placeholders (§3.11.5). A bracket that would begin
    the target of a link (§3.11.6) is moved away, so that the name of a key cannot become a link.
    """
    return clean(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def labelled(label: str, text: str) -> str:
    """A sentence such as ``Seen: it can.``; nothing when there is nothing to say."""
    return f"{label}: {plain(text.rstrip('.'))}." if text else ""


def sentences(*parts: str) -> str:
    """One text of several sentences, empty ones left out."""
    return " ".join(part for part in parts if part)


SOURCE_ROOT = "%SRCROOT%"
SHIPPED_POLICIES = "SHIPPED_POLICIES"
"""Base of the policies that ship with gatepolicy: no file of the repository, and none that a
consumer could open."""
OUTSIDE = "OUTSIDE_OF_REPOSITORY"
"""Base of files that lie outside of the repository."""
_NAME_LIMIT = 255
_DESCRIPTION_LIMIT = 1024


def message(text: str) -> Json:
    """§3.11: plain text; its first sentence is what a list of alerts shows."""
    return {"text": text}


def multiformat(text: str, markdown: str) -> Json:
    """§3.12: the same text for plain and for rich display."""
    return {"text": text, "markdown": markdown}


def artifact_location(place: Location) -> dict[str, Json]:
    """§3.4: a file, relative to the root of the sources; one outside of it by its name only.

    An address of it would tell where things lie on this machine, and no consumer could open it.
    Slashes lean forward on every system, and everything else is percent-encoded (§3.10).
    """
    path = repository_path(place, of_policy=False)
    if path is None:
        return {"uri": quote(_plain_name(place)), "uriBaseId": OUTSIDE}
    return {"uri": quote(path), "uriBaseId": SOURCE_ROOT}


def _plain_name(place: Location) -> str:
    return PurePath(place.file.encode("utf-8", "replace").decode()).name or "unnamed"


def physical_location(place: Location, *, of_policy: bool = False) -> Json:
    """§3.29 and §3.30: one character of a file; never a piece of its text.

    The inventory names owners and references to credentials: no snippet of it leaves.

    Args:
        place: The place.
        of_policy: Whether it is one of a policy; a shipped one is known by its name.
    """
    # NOTE: a file whose name is not UTF-8 is named with lone surrogates, which no URI can hold.
    name = place.file.encode("utf-8", "replace").decode()
    shipped = {"uri": name, "uriBaseId": SHIPPED_POLICIES}
    is_shipped = of_policy and name in shipped_policies()
    return {
        "artifactLocation": shipped if is_shipped else artifact_location(place),
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.line,
            "endColumn": place.column + 1,
        },
    }


def location(place: Location, logical: Json, *, of_policy: bool) -> Json:
    """§3.28: where a result is, in a file and in the world."""
    physical = physical_location(place, of_policy=of_policy)
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def related_location(number: int, place: Location, text: str) -> Json:
    """§3.28 with an id (§3.28.2), to which a message can link: the line of a policy."""
    return {
        "id": number,
        "physicalLocation": physical_location(place, of_policy=True),
        "message": message(text),
    }


def logical_location(name: str, qualified: str) -> Json:
    """§3.33: the thing itself, such as ``gate/mm-gate/withdraw``."""
    return {"name": name, "fullyQualifiedName": qualified, "kind": "resource"}


def rule_descriptor(
    *,
    rule: str,
    name: str,
    title: str,
    why: str,
    level: str,
    help_text: Json,
    help_uri: str,
    properties: Mapping[str, Json],
) -> Json:
    """§3.49: what a rule means.

    Args:
        rule: Stable id.
        name: Stable name.
        title: One sentence.
        why: Why it matters; may be empty.
        level: Level of a result unless that says otherwise (§3.50.3).
        help_text: How to fix it (§3.49.13).
        help_uri: Where to read on (§3.49.12); may be empty.
        properties: Property bag (§3.8).
    """
    return {
        "id": rule,
        "name": _cut(name, _NAME_LIMIT),
        "shortDescription": message(_cut(title, _DESCRIPTION_LIMIT)),
        "fullDescription": message(_cut(why or title, _DESCRIPTION_LIMIT)),
        "help": help_text,
        **({"helpUri": help_uri} if help_uri else {}),
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }


def notification(
    descriptor: str, level: str, text: str, place: Location | None, *, of_policy: bool = False
) -> Json:
    """§3.58: something about the run itself.

    One of level ``error`` means that the run is not complete (§3.20.21). Its descriptor is
    described nowhere in the file (§3.58.2): GitHub would demand a help text of it.
    """
    where: list[Json] = []
    if place is not None:
        where.append({"physicalLocation": physical_location(place, of_policy=of_policy)})
    return {
        "descriptor": {"id": descriptor},
        "level": level,
        "message": message(text),
        "locations": where,
    }


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class Profile(StrEnum):
    """For whom a SARIF file is written."""

    GITHUB = "github"
    """Alerts only: fails and unknowns, no more than GitHub takes."""
    FULL = "full"
    """Every verdict."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A verdict with the account that it is about."""

    subject: Subject | None
    """The account; ``None`` for a verdict about the scan itself."""
    verdict: Verdict
    """What a policy says about it."""
    accounts: int = 0
    """For how many accounts of the exchange it stands; 0 where it is about one account, or none."""

    @property
    def stands_for_all(self) -> bool:
        """Whether it says once for an exchange what no answer of it tells about any key."""
        return self.accounts > 0

    @property
    def place(self) -> Location:
        """The line of the inventory; of the policy where there is no account."""
        return self.subject.location if self.subject else self.verdict.location

    @property
    def is_of_policy(self) -> bool:
        """Whether its place is one of a policy."""
        return self.subject is None and bool(self.verdict.policy)

    @property
    def identity(self) -> str:
        """The same for the same finding of any scan; one of its own where it stands for all."""
        exchange, account = (self.subject.exchange, self.subject.id) if self.subject else ("", "")
        if self.stands_for_all:
            return finding_identity(self.verdict.rule, exchange, "", "")
        return finding_identity(self.verdict.rule, exchange, account, self.verdict.subject)

    @property
    def who(self) -> str:
        """The beginning of a sentence about it."""
        if self.subject is None:
            return f"Policy {plain(self.verdict.policy)}" if self.verdict.policy else "This scan"
        exchange = plain(self.subject.exchange)
        if self.stands_for_all:
            return f"{self.accounts:,} account{'s' * (self.accounts != 1)} on {exchange}"
        return f"Account {plain(self.subject.id)} on {exchange}"

    @property
    def name(self) -> str:
        """The thing that was judged."""
        if self.subject is not None and self.stands_for_all:
            return self.subject.exchange
        owner = self.subject.id if self.subject else self.verdict.policy
        return self.verdict.subject or owner

    @property
    def qualified(self) -> str:
        """The thing that was judged, as a path."""
        if self.subject is not None and self.stands_for_all:
            return f"{self.subject.exchange}/{self.verdict.name}"
        account = (self.subject.exchange, self.subject.id) if self.subject else ("policy",)
        return "/".join(part for part in (*account, self.verdict.subject) if part)


@dataclass(frozen=True, slots=True)
class Shown:
    """The verdicts of a scan that a log holds."""

    entries: Iterator[Entry]
    """In the order of the scan; made while they are read."""
    left_out: int
    """How many found no room."""


def shown_entries(scan: Scan, profile: Profile, limit: int) -> Shown:
    """The verdicts that a profile shows.

    Args:
        scan: The finished scan.
        profile: For whom the log is written.
        limit: How many the ``github`` profile holds at most; the worst are kept.
    """
    ranks = Counter(_rank(entry.verdict) for entry in _entries(scan, profile))
    room = min(limit, ranks.total()) if profile is Profile.GITHUB else ranks.total()
    return Shown(_worst(_entries(scan, profile), ranks, room), ranks.total() - room)


def _entries(scan: Scan, profile: Profile) -> Iterator[Entry]:
    is_for_all = profile is Profile.GITHUB
    for account in scan.accounts:
        for verdict in account.verdicts:
            if _is_shown(verdict, profile) and not (is_for_all and verdict.not_verifiable):
                yield Entry(account.evidence.subject, verdict)
    yield from not_verifiable(scan) if is_for_all else ()
    for verdict in scan.general:
        if _is_shown(verdict, profile):
            yield Entry(None, verdict)


def not_verifiable(scan: Scan) -> Iterator[Entry]:
    """One entry for each rule that an exchange never lets anybody verify: the worst of them.

    Nothing that such a result replaces could ever have been a violation: it hides none.
    """
    found: dict[tuple[str, str], Entry] = {}
    for account in scan.accounts:
        subject, counted = account.evidence.subject, set[str]()
        for verdict in account.verdicts:
            if verdict.not_verifiable:
                key = (subject.exchange, verdict.rule)
                before = found.get(key, Entry(subject, verdict))
                worst = min(before.verdict, verdict, key=_rank)
                more = verdict.rule not in counted
                found[key] = replace(before, verdict=worst, accounts=before.accounts + more)
                counted.add(verdict.rule)
    yield from found.values()


def _is_shown(verdict: Verdict, profile: Profile) -> bool:
    return profile is Profile.FULL or verdict.outcome in (Outcome.FAIL, Outcome.UNKNOWN)


_Rank = tuple[bool, bool, int]


def _rank(verdict: Verdict) -> _Rank:
    """Smaller is worse."""
    return (not verdict.blocks, not verdict.incomplete, verdict.severity.rank)


def _worst(entries: Iterator[Entry], ranks: Counter[_Rank], room: int) -> Iterator[Entry]:
    """The worst entries, in their order; counted before, so that no list of all is made."""
    places: dict[_Rank, int] = {}
    for rank in sorted(ranks):
        places[rank] = min(room, ranks[rank])
        room -= places[rank]
    for entry in entries:
        rank = _rank(entry.verdict)
        if places[rank] > 0:
            places[rank] -= 1
            yield entry
