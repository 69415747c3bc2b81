"""What changed about one account, by name. Pure.

A table says for each fact how its change is called. When a key was last used changes with every
scan, and is reported nowhere.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from ipaddress import ip_network

from gatepolicy.evaluate.predicates import lies_within
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import (
    FACTS,
    Access,
    Fact,
    Facts,
    FactValue,
    Grant,
    Network,
    Never,
    Reason,
)
from gatepolicy.model.scan import (
    BaselineState,
    Comparison,
    FactChange,
    Finding,
    Scan,
    question_identity,
)
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity
from gatepolicy.rules.expressions import LEFT_OUT


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a scan."""

    exchange: str
    """Id of the exchange."""
    id: str
    """Id of the account."""
    labels: Mapping[str, str]
    """As the inventory says them."""
    owner: str
    """As declared in the inventory; may be empty."""
    facts: Facts
    """What was proved about its key."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be compared."""

    file: str
    """Where it was read from; empty for the scan that runs."""
    accounts: Mapping[tuple[str, str], Account]
    """By exchange and id."""
    judged: Sequence[Finding] | None
    """Every verdict; ``None`` for evidence, which nobody has judged."""
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Id of a rule, to the facts that it asks about; a rule of which nobody knows is not in it."""
    narrowed_by: Sequence[Sequence[str]] = ()
    """The options that narrowed it, such as ``--account mm-*``: of the command that collected, and
    of the one that judged. All of them hold."""
    left_out: Set[str] = frozenset()
    """Names of rules that it was not to check, or could not ask without the other accounts."""


def snapshot_of(scan: Scan) -> Snapshot:
    """A scan that just ended."""
    narrowing = scan.narrowing
    return Snapshot(
        file="",
        accounts=accounts_of([account.evidence for account in scan.accounts]),
        judged=scan.as_findings(),
        asked={rule.id: rule.facts for rule in scan.rules},
        narrowed_by=(narrowing.options, narrowing.evidence_options),
        left_out={*narrowing.rules, *narrowing.comparisons},
    )


def accounts_of(evidence: Sequence[Evidence]) -> dict[tuple[str, str], Account]:
    """Accounts by exchange and id."""
    accounts = [
        Account(e.subject.exchange, e.subject.id, e.subject.labels, e.subject.owner, e.facts)
        for e in evidence
    ]
    return {(account.exchange, account.id): account for account in accounts}


_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?: \((?:[^()]* ago|in [^()]*)\))?")
_COUNT = re.compile(r"\b(\d+) (?:entry|entries|keys?)\b")
_BETWEEN = re.compile(r"[\s,;()]+")


def names_more(before: str, after: str) -> bool:
    """Whether something is reported that was not reported before.

    Args:
        before: What was seen by an earlier scan, in words.
        after: What is seen now.
    """
    if before == after:
        return False
    was, now = _TIME.sub("", before), _TIME.sub("", after)
    if max(_counts(now), default=0) > max(_counts(was), default=0):
        return True
    old, new = _things(was), _things(now)
    networks = tuple(network for text in old if (network := _network(text)) is not None)
    return any(not _is_known(text, old, networks) for text in new)


def _counts(text: str) -> list[int]:
    return [int(number) for number in _COUNT.findall(text)]


def _things(text: str) -> set[str]:
    return {part for part in _BETWEEN.split(_COUNT.sub("", text)) if part}


def _is_known(text: str, old: set[str], networks: tuple[Network, ...]) -> bool:
    network = _network(text)
    return text in old or (network is not None and lies_within(network, networks))


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


_REPLACED = "key-replaced"
_LOST = "fact-lost"
_WORDS = "permissions.native"
_WEIGHT = (OnUnknown.WARN, OnUnknown.INCOMPLETE, OnUnknown.BLOCK)
_Reason = tuple[bool, str]
"""Whether it is worse, and one line."""


class Background:
    """What changed about accounts, and what of it concerns a rule."""

    def __init__(self, changes: Iterable[FactChange], asked: Mapping[str, Sequence[str]]) -> None:
        """Keep the changes by account.

        Args:
            changes: All of them.
            asked: Id of a rule, to the facts that it asks about.
        """
        self._asked = asked
        self._changes: dict[tuple[str, str], list[FactChange]] = {}
        for change in changes:
            if change.is_worse or change.name == _REPLACED:
                self._changes.setdefault((change.exchange, change.account), []).append(change)

    def of(self, finding: Finding) -> Iterator[FactChange]:
        """Changes for the worse of what a finding is about; of an unknown rule, all."""
        templates = self._asked.get(finding.rule)
        facts = {text.replace("{item}", finding.subject) for text in templates or ()}
        for change in self._changes.get((finding.exchange, finding.account), ()):
            concerns = templates is None or (
                change.what in facts and _is_about_word(change, finding)
            )
            if change.name == _REPLACED or concerns:
                yield change


def _is_about_word(change: FactChange, finding: Finding) -> bool:
    """Of the words of an exchange, a rule with a subject asks about one only."""
    if change.what != _WORDS or not finding.subject or change.name == _LOST:
        return True
    return f"{change.after} ".startswith(f"{finding.subject} ")


def comparison_of(
    before: Finding | None, after: Finding, background: Background, *, known: bool
) -> Comparison:
    """How a verdict stands.

    Args:
        before: The answer of the earlier scan to the same question; ``None`` without one.
        after: The answer of today.
        background: What changed about accounts.
        known: Whether any policy asked about the same thing before.
    """
    if before is None:
        why = (f"policy {after.policy} did not check it before",) if known and after.policy else ()
        return Comparison(BaselineState.NEW, after.is_found, why if after.is_found else ())
    if not after.is_found:
        same = (before.outcome, before.severity) == (after.outcome, after.severity)
        return Comparison(
            BaselineState.UNCHANGED if same else BaselineState.UPDATED, is_worse=False
        )
    if not before.is_found:
        return Comparison(BaselineState.NEW, is_worse=True)
    reasons = [*_of_policy(before, after), *_of_key(before, after, background)]
    if not reasons:
        return Comparison(BaselineState.UNCHANGED, is_worse=False)
    is_worse = any(worse for worse, _ in reasons)
    return Comparison(BaselineState.UPDATED, is_worse, tuple(dict.fromkeys(t for _, t in reasons)))


def _of_policy(before: Finding, after: Finding) -> Iterator[_Reason]:
    if before.severity != after.severity:
        is_worse = Severity(after.severity).rank < Severity(before.severity).rank
        yield is_worse, f"severity: {before.severity} before, {after.severity} now"
    if before.outcome is after.outcome is Outcome.UNKNOWN and before.on_unknown != after.on_unknown:
        was, now = before.on_unknown, after.on_unknown
        is_worse = _WEIGHT.index(now) > _WEIGHT.index(was)
        yield is_worse, f"on_unknown: {was.value} before, {now.value} now"
    if before.expected != after.expected:
        yield False, f"required before: {before.expected}; required now: {after.expected}"


def _of_key(before: Finding, after: Finding, background: Background) -> Iterator[_Reason]:
    if before.outcome is not after.outcome:
        yield after.outcome is not Outcome.WAIVED, f"it was {before.outcome.value}"
    for change in background.of(after):
        yield True, f"{change.name} ({change.what})"
    if before.outcome is after.outcome and names_more(before.seen, after.seen):
        yield True, f"seen before: {before.seen or 'nothing'}; seen now: {after.seen}"


_WORST_FIRST = (
    Outcome.FAIL,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.NOT_APPLICABLE,
    Outcome.PASS,
)


class Questions:
    """What a scan was asked, with the worst answer to each question."""

    def __init__(self, judged: Iterable[Finding], *, one_policy: bool) -> None:
        """Take all verdicts of the scan.

        Args:
            judged: All of them.
            one_policy: Whether one policy takes the place of another one, whatever its name.
        """
        self.answers: dict[str, Finding] = {}
        self._one_policy = one_policy
        self._about: dict[str, list[str]] = {}
        for one in judged:
            question = self._question(one)
            other = self.answers.get(question)
            if other is None:
                self._about.setdefault(one.identity, []).append(question)
            if other is None or _badness(one) < _badness(other):
                self.answers[question] = one

    def _question(self, one: Finding) -> str:
        policy = "" if self._one_policy else one.policy
        return question_identity(one.identity, policy, one.expected)

    def knows(self, one: Finding) -> bool:
        """Whether any policy asked about the same thing."""
        return one.identity in self._about

    def mildest_like(self, one: Finding, others: "Questions") -> Finding | None:
        """The answer here to a question of another scan.

        The same question of the same policy comes first. Else it is what the policy asked about
        the same thing in other words, or what another policy asked in the same words: one of them
        was renamed, or both ask it.

        Args:
            one: An answer of the other scan.
            others: All answers of the other scan.
        """
        same_policy, same_words = self._like(one, others)
        # What was milder is known to have been no worse; what others asked was known at its worst.
        return max(same_policy, key=_badness, default=None) or min(
            same_words, key=_badness, default=None
        )

    def worst_like(self, one: Finding, others: "Questions") -> Finding | None:
        """Like ``mildest_like``, where several answers may be meant the worst one."""
        same_policy, same_words = self._like(one, others)
        return min(same_policy or same_words, key=_badness, default=None)

    def _like(self, one: Finding, others: "Questions") -> tuple[Sequence[Finding], list[Finding]]:
        question = self._question(one)
        if question in self.answers:
            return [self.answers[question]], []
        about = self._about.get(one.identity, ())
        found = [(question, self.answers[question]) for question in about]
        # A question that the other scan has word for word is no other question in new words.
        same_policy = [
            answer
            for question, answer in found
            if (self._one_policy or answer.policy == one.policy) and question not in others.answers
        ]
        return same_policy, [answer for _, answer in found if answer.expected == one.expected]


def _badness(one: Finding) -> tuple[int, int]:
    """Smaller is worse."""
    return _WORST_FIRST.index(one.outcome), Severity(one.severity).rank


_PERMISSION = "permission."
_SHARED = "ip.shared_across"
_Change = tuple[str, bool, str, str]
"""Name, whether it is worse, before and after."""
_Changes = Callable[[FactValue, FactValue], Iterator[_Change]]


def account_changes(before: Account, after: Account) -> Iterator[FactChange]:
    """Everything that is not what it was, in the order of the facts."""
    for name in FACTS:
        if _is_left_out(name, before) or _is_left_out(name, after):
            continue
        old, new = before.facts.known.get(name), after.facts.known.get(name)
        for change in _of_fact(name, old, new, after):
            title, is_worse, was, is_now = change
            yield FactChange(title, is_worse, after.exchange, after.id, name, was, is_now)
    yield from _of_labels(before, after)


def _is_left_out(name: str, account: Account) -> bool:
    """Whether a narrowed scan did not look at the accounts that would tell."""
    why = account.facts.unknown.get(name)
    if why is not None:
        return why.reason is Reason.NOT_SELECTED
    entries = _texts(account.facts.known[name].value) if name in account.facts.known else ()
    return name == _SHARED and any(LEFT_OUT in entry.partition("=")[0] for entry in entries)


def _of_fact(name: str, old: Fact | None, new: Fact | None, after: Account) -> Iterator[_Change]:
    changes = _how(name)
    if changes is None or (old is None and new is None):
        return
    if new is None:
        assert old is not None
        why = after.facts.unknown[name].reason.value if name in after.facts.unknown else ""
        yield "fact-lost", True, _text(old.value), f"unknown: {why}" if why else "unknown"
    elif old is None:
        yield "fact-learned", False, "unknown", _text(new.value)
    elif old.value != new.value:
        yield from changes(old.value, new.value)


def _how(name: str) -> _Changes | None:
    return _of_permission if name.startswith(_PERMISSION) else _HOW.get(name)


def _of_permission(old: FactValue, new: FactValue) -> Iterator[_Change]:
    name = "permission-escalated" if new is True else "permission-reduced"
    yield name, new is True, _text(old), _text(new)


def _of_words(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = _grants(old), _grants(new)
    for word, access in after.items():
        if word not in before:
            yield "word-granted", True, "", f"{word} {access.value}"
        elif before[word] is not access:
            is_worse = access is not Access.READ_ONLY
            yield "word-changed", is_worse, f"{word} {before[word].value}", f"{word} {access.value}"
    for word, access in before.items():
        if word not in after:
            yield "word-revoked", False, f"{word} {access.value}", ""


def _of_binding(old: FactValue, new: FactValue) -> Iterator[_Change]:
    name = "ip-binding-strengthened" if new is True else "ip-binding-weakened"
    yield name, new is not True, _text(old), _text(new)


def _of_networks(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = _networks(old), _networks(new)
    # An empty list means that all addresses may use the key: ip.restricted tells that.
    if before and after:
        is_wider = not all(lies_within(network, before) for network in after)
        name = "ip-binding-weakened" if is_wider else "ip-binding-strengthened"
        yield name, is_wider, _joined(before), _joined(after)


def _of_creation(old: FactValue, new: FactValue) -> Iterator[_Change]:
    yield "key-replaced", False, _text(old), _text(new)


def _of_fingerprint(old: FactValue, new: FactValue) -> Iterator[_Change]:
    # NOTE: with another GATEPOLICY_FINGERPRINT_KEY all hashes differ, and the last characters stay.
    if str(old)[-5:] != str(new)[-5:] or ":" not in str(new):
        yield "key-replaced", False, _text(old), _text(new)


def _of_expiry(old: FactValue, new: FactValue) -> Iterator[_Change]:
    later = new is Never.NEVER or (
        isinstance(old, datetime) and isinstance(new, datetime) and new > old
    )
    name = "expiry-extended" if later else "expiry-shortened"
    yield name, later, _text(old), _text(new)


def _of_pairs(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = set(_texts(old)), set(_texts(new))
    # No list means all pairs.
    is_wider = not after or (bool(before) and bool(after - before))
    name = "trading-pairs-widened" if is_wider else "trading-pairs-narrowed"
    yield name, is_wider, _text(old) or "all", _text(new) or "all"


def _of_neighbours(old: FactValue, new: FactValue) -> Iterator[_Change]:
    before, after = _others(old), _others(new)
    if before != after:
        is_worse = bool(set(after) - set(before))
        values = (", ".join(before) or "none", ", ".join(after) or "none")
        yield ("ip-sharing-changed", is_worse, *values)


def _others(value: FactValue) -> list[str]:
    # Labels of the account itself stand there, too: their changes have a name of their own.
    return [entry for entry in _texts(value) if "=" in entry or ":" not in entry]


def _grown(name: str, old: FactValue, new: FactValue) -> Iterator[_Change]:
    """Worse only where something is new in the list."""
    is_worse = bool(set(_texts(new)) - set(_texts(old)))
    yield name, is_worse, _text(old), _text(new)


def _named(name: str, old: FactValue, new: FactValue) -> Iterator[_Change]:
    yield name, False, _text(old), _text(new)


_HOW: Mapping[str, _Changes] = {
    "permissions.native": _of_words,
    "permissions.unrecognised": partial(_grown, "words-unrecognised"),
    "ip.restricted": _of_binding,
    "ip.allowlist": _of_networks,
    "key.name": partial(_named, "key-renamed"),
    "key.created_at": _of_creation,
    "key.expires_at": _of_expiry,
    "key.active": partial(_named, "key-switched"),
    "key.subaccount": partial(_named, "key-moved"),
    "key.trading_pairs": _of_pairs,
    "key.fingerprint": _of_fingerprint,
    "key.exists": partial(_named, "key-presence-changed"),
    "key.declared": partial(_named, "key-declaration-changed"),
    "key.shared_with": partial(_grown, "key-sharing-changed"),
    "ip.shared_across": _of_neighbours,
    "account.sandbox": partial(_named, "sandbox-changed"),
    "account.keys": partial(_grown, "keys-of-account-changed"),
}


def _of_labels(before: Account, after: Account) -> Iterator[FactChange]:
    for label in sorted({*before.labels, *after.labels}):
        was, is_now = before.labels.get(label, ""), after.labels.get(label, "")
        if was != is_now:
            yield _about(after, "label-changed", label, was, is_now)
    if before.owner != after.owner:
        yield _about(after, "owner-changed", "owner", before.owner, after.owner)


def _about(account: Account, name: str, what: str, was: str, is_now: str) -> FactChange:
    return FactChange(
        name=name,
        is_worse=False,
        exchange=account.exchange,
        account=account.id,
        what=what,
        before=was,
        after=is_now,
    )


def _grants(value: FactValue) -> dict[str, Access]:
    items = value if isinstance(value, tuple) else ()
    return {item.word: item.access for item in items if isinstance(item, Grant)}


def _networks(value: FactValue) -> tuple[Network, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if not isinstance(item, str | Grant))


def _texts(value: FactValue) -> tuple[str, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item for item in items if isinstance(item, str))


def _joined(networks: tuple[Network, ...]) -> str:
    return ", ".join(str(network) for network in networks)


def _text(value: FactValue) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Never() | str():
            return str(value)
        case datetime():
            return encode_time(value)
        case _:
            return ", ".join(
                f"{item.word} {item.access}" if isinstance(item, Grant) else str(item)
                for item in value
            )
