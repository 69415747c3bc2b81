"""What of a scan is news: compared with an earlier one, and with what was reported already. Pure.

Nothing is reported twice. A finding is reported when it is new, and again when it is worse than was
ever reported; once it is proved to pass it is reported as fixed, and would be new again. What only
looks better, such as a violation that became unknown, is no news and no fix.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from gatepolicy.drift.changes import Questions
from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import (
    BaselineState,
    Comparison,
    FactChange,
    Finding,
    Gone,
    Scan,
    finding_identity,
    question_identity,
)
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict, WaiverState


class Kind(StrEnum):
    """Why something is reported; in this order."""

    NEW = "new"
    WORSE = "worse"
    FIXED = "fixed"
    """The same question was proved to pass."""
    NOT_CHECKED = "no longer checked"
    """It is no finding any more, and that is no fix."""
    EXPIRING = "expiring"


LEVELS = (*(severity.value for severity in Severity), "blocking unknown", "unknown")
"""How bad a finding is, from the worst on. A proved violation is worse than any unknown."""
_EXPIRING = "expiring"
_CHANGED = "changed"
ITEM_LEVELS = frozenset({*LEVELS, _EXPIRING, _CHANGED})
"""All that the level of an item can be."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be reported: a finding, a change of a key, or an end that is near."""

    level: str
    """One of ``LEVELS``; ``expiring`` or ``changed`` for what is no finding."""
    rule: str
    """Id of the rule; empty for what is no finding."""
    name: str
    """Name of the rule, or what it is about."""
    exchange: str
    """Id of the exchange; may be empty."""
    account: str
    """Id of the account; empty for what is about none."""
    subject: str = ""
    """What within the account; may be empty."""
    marks: frozenset[str] = frozenset()
    """Digests of what was reported to have got worse."""

    @property
    def identity(self) -> str:
        """The same for the same finding of any scan."""
        return finding_identity(self.rule, self.exchange, self.account, self.subject)

    @property
    def rank(self) -> int:
        """0 is the worst; what is no finding comes last."""
        return LEVELS.index(self.level) if self.level in LEVELS else len(LEVELS)


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell."""

    kind: Kind
    """Why."""
    key: str
    """The same for the same thing, of any scan."""
    item: Item
    """What."""
    until: date | None = None
    """When it expires; only of what does."""


Notified = Mapping[str, Item]
"""What was reported, and is not over: by a digest."""


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What a scan has to tell."""

    news: Sequence[News]
    """Everything that was not reported yet."""
    delivered: Notified
    """What is known once it was delivered."""
    kept: Notified
    """What is known if it was not: so that it is reported the next time."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of something."""

    what: str
    """What ends, such as ``waiver RISK-7``."""
    exchange: str
    """Id of the exchange; empty for what is about no account."""
    account: str
    """Id of the account; may be empty."""
    until: date
    """Its last day. UTC."""


def bulletin(scan: Scan, notified: Notified | None, deadlines: Sequence[Deadline] = ()) -> Bulletin:
    """What there is to tell of a scan.

    Args:
        scan: The finished scan, compared with an earlier one or not.
        notified: What was reported before; ``None`` when nothing ever was: then what the earlier
            scan has is known.
        deadlines: What ends soon.
    """
    found = dict(_findings(scan))
    before = notified if notified is not None else dict(_known(found))
    answers = Questions(scan.as_findings(), one_policy=False).answers
    moved = {o.identity: o for key, o in before.items() if o.rule and key not in answers}
    news: list[News] = []
    after: dict[str, Item] = {}
    for key, (item, comparison) in found.items():
        former = before.get(key) or moved.get(item.identity)
        kind, after[key] = _news_and_item(item, comparison, former)
        if kind is not None:
            news.append(News(kind, key, item))
    news += _absent(scan) if notified is None else _over(scan, before, answers, after)
    news += _others(scan, before, after, deadlines)
    ranked = sorted(news, key=lambda one: (list(Kind).index(one.kind), one.item.rank))
    undelivered = {
        one.key: replace(one.item, marks=_UNDELIVERED) for one in news if one.item.level == _CHANGED
    }
    return Bulletin(tuple(ranked), after, {**before, **undelivered})


_NOT_SEEN = (Reason.INTERRUPTED, Reason.NOT_SELECTED)
"""Reasons that tell about a scan, and nothing about a key."""
_Found = tuple[Item, Comparison | None]


def _findings(scan: Scan) -> Iterator[tuple[str, _Found]]:
    """Each question with a finding, and how that stands to the earlier scan: the worst of each."""
    worst: dict[str, _Found] = {}
    for subject, verdict in scan.judged():
        level = _level(verdict)
        if level is None:
            continue
        item = _item(subject, verdict, level)
        key = question_identity(item.identity, verdict.policy, verdict.expected)
        if key not in worst or item.rank < worst[key][0].rank:
            worst[key] = item, scan.compared(subject, verdict)
    yield from worst.items()


def _level(verdict: Verdict) -> str | None:
    """How bad it is; ``None`` for what is no finding, or only of this scan."""
    if verdict.is_violation:
        return verdict.severity.value
    if verdict.incomplete and verdict.reason not in _NOT_SEEN:
        return LEVELS[-2] if verdict.is_blocking_unknown else LEVELS[-1]
    return None


def _item(subject: Subject | None, verdict: Verdict, level: str) -> Item:
    exchange, account = (subject.exchange, subject.id) if subject else ("", "")
    return Item(level, verdict.rule, verdict.name, exchange, account, verdict.subject)


def _known(found: Mapping[str, _Found]) -> Iterator[tuple[str, Item]]:
    """What the earlier scan has as well, and as bad."""
    for key, (item, comparison) in found.items():
        is_there = comparison is not None and comparison.state is not BaselineState.NEW
        if is_there and comparison is not None and not comparison.is_worse:
            yield key, item


def _news_and_item(
    item: Item, comparison: Comparison | None, former: Item | None
) -> tuple[Kind | None, Item]:
    """Why a finding is reported, if it is; and what is known about it then."""
    marks = frozenset(_marks(comparison))
    if former is None:
        was_there = comparison is not None and comparison.state is BaselineState.UPDATED
        is_worse = was_there and comparison is not None and comparison.is_worse
        return Kind.WORSE if is_worse else Kind.NEW, replace(item, marks=marks)
    worst = min(item, former, key=lambda one: one.rank)
    known = replace(item, level=worst.level, marks=former.marks | marks)
    is_worse = item.rank < former.rank or not marks <= former.marks
    return Kind.WORSE if is_worse else None, known


_AGE = re.compile(r"\d{4}-\d{2}-\d{2}(?: \([^()]*\))?")
_BY_LEVEL = ("it was ", "severity: ", "on_unknown: ")


def _marks(comparison: Comparison | None) -> Iterator[str]:
    """Digests of what got worse, but for what the level tells; an age grows by itself."""
    if comparison is not None and comparison.is_worse:
        for why in comparison.why:
            if not why.startswith(_BY_LEVEL):
                yield _digest(_AGE.sub("", why))


def _over(
    scan: Scan, before: Notified, answers: Mapping[str, Finding], after: dict[str, Item]
) -> Iterator[News]:
    """What was reported and is no finding now. What this scan did not look at stays as it was."""
    still = {item.identity for item in after.values()}
    for key, item in before.items():
        if not item.rule or key in after:
            continue
        outcome = answers[key].outcome if key in answers else None
        if outcome is Outcome.PASS:
            yield News(Kind.FIXED, key, item)
        elif outcome is Outcome.UNKNOWN or (outcome is None and not _is_whole(scan)):
            after[key] = item
        elif outcome is not Outcome.WAIVED and item.identity not in still:
            yield News(Kind.NOT_CHECKED, key, item)


def _is_whole(scan: Scan) -> bool:
    """Whether it looked at everything."""
    return not scan.narrowing.is_any and scan.interrupted_by is None


def _absent(scan: Scan) -> Iterator[News]:
    """The same by the earlier scan, as long as nothing was reported."""
    for one in scan.drift.absent if scan.drift else ():
        was = one.finding
        level = _level_of(was)
        if level is not None:
            kind = Kind.FIXED if one.gone is Gone.PASSES else Kind.NOT_CHECKED
            item = Item(level, was.rule, was.name, was.exchange, was.account, was.subject)
            yield News(kind, was.question, item)


def _level_of(finding: Finding) -> str | None:
    if finding.outcome is Outcome.FAIL:
        return finding.severity
    if finding.outcome is Outcome.UNKNOWN and finding.on_unknown is not OnUnknown.WARN:
        return LEVELS[-2] if finding.on_unknown is OnUnknown.BLOCK else LEVELS[-1]
    return None


_UNDELIVERED = frozenset({"undelivered"})
"""The mark of a change that nobody could be notified of: the next scan does not see it any more."""


def _others(
    scan: Scan, before: Notified, after: dict[str, Item], deadlines: Sequence[Deadline]
) -> Iterator[News]:
    """Keys that changed for the worse, and ends that are near: each once."""
    seen = dict(_changes(scan))
    late = {key: one for key, one in before.items() if one.marks == _UNDELIVERED}
    for key, item in {**late, **seen}.items():
        after[key] = replace(item, marks=frozenset())
        if key in late or key not in before:
            yield News(Kind.WORSE, key, after[key])
    for end in deadlines:
        item = Item(_EXPIRING, "", end.what, end.exchange, end.account)
        key = _digest(_EXPIRING, end.what, end.exchange, end.account, end.until.isoformat())
        after[key] = item
        if key not in before:
            yield News(Kind.EXPIRING, key, item, end.until)
    if not _is_whole(scan):
        for key, item in before.items():
            if not item.rule:
                after.setdefault(key, item)


def _changes(scan: Scan) -> Iterator[tuple[str, Item]]:
    for one in scan.drift.changes if scan.drift else ():
        # What is no longer known is reported by the verdicts that needed it.
        if one.is_worse and one.name != "fact-lost":
            item = Item(_CHANGED, "", one.name, one.exchange, one.account, one.what)
            yield _change_key(one), item


def _change_key(change: FactChange) -> str:
    return _digest(
        _CHANGED, change.name, change.exchange, change.account, change.what, change.before,
        change.after,
    )  # fmt: skip


def _digest(*parts: str) -> str:
    # NOTE: lone surrogates can reach us from an exchange's JSON.
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def deadlines(
    scan: Scan, attested_within: Mapping[tuple[str, str], Mapping[str, timedelta]], within: int
) -> Sequence[Deadline]:
    """What ends within so many days: waivers, attestations and keys.

    Args:
        scan: The finished scan.
        attested_within: Exchange and id of an account, to fact to how long an attestation counts,
            as its policies ask.
        within: Days.
    """
    now = scan.finished_at
    found = list(_waivers(scan))
    for account in scan.accounts:
        evidence = account.evidence
        about = evidence.subject.exchange, evidence.subject.id
        none = timedelta()
        ends = {"key.expires_at": none, **attested_within.get(about, {})}
        for name, age in ends.items():
            fact = evidence.facts.known.get(name)
            if fact is not None and isinstance(fact.value, datetime):
                found.append(Deadline(_what(name), *about, (fact.value + age).date()))
    last = (now + timedelta(days=within)).date()
    return [one for one in found if now.date() <= one.until <= last]


def _what(fact: str) -> str:
    return f"attestation of {name}" if (name := fact.removeprefix("attested.")) != fact else "key"


def _waivers(scan: Scan) -> Iterator[Deadline]:
    for waiver in scan.waivers:
        if waiver.state in (WaiverState.ACTIVE, WaiverState.EXPIRING):
            yield Deadline(f"waiver {waiver.terms.id}", "", "", waiver.terms.expires)
