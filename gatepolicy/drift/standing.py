"""How a verdict stands to the one of an earlier scan, and why. Pure.

A finding is unchanged only where nothing about it got worse: the key is the same one, no fact that
the rule asks about allows more, no more is seen of it, and the policy weighs it no heavier.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gatepolicy.drift.seen import names_more
from gatepolicy.model.drift import BaselineState, FactChange, Finding, Standing
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import OnUnknown, Outcome

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


def standing_of(
    before: Finding | None, after: Finding, background: Background, *, known: bool
) -> Standing:
    """How a verdict stands.

    Args:
        before: The answer of the earlier scan to the same question; ``None`` without one.
        after: The answer of today.
        background: What changed about accounts.
        known: Whether any policy asked about the same thing before.
    """
    if before is None:
        why = (f"policy {after.policy} did not ask it before",) if known and after.policy else ()
        return Standing(BaselineState.NEW, after.is_found, why if after.is_found else ())
    if not after.is_found:
        same = (before.outcome, before.severity) == (after.outcome, after.severity)
        return Standing(BaselineState.UNCHANGED if same else BaselineState.UPDATED, is_worse=False)
    if not before.is_found:
        return Standing(BaselineState.NEW, is_worse=True)
    reasons = [*_of_policy(before, after), *_of_key(before, after, background)]
    if not reasons:
        return Standing(BaselineState.UNCHANGED, is_worse=False)
    is_worse = any(worse for worse, _ in reasons)
    return Standing(BaselineState.UPDATED, is_worse, tuple(dict.fromkeys(t for _, t in reasons)))


def _of_policy(before: Finding, after: Finding) -> Iterator[_Reason]:
    if before.severity != after.severity:
        is_worse = Severity(after.severity).rank < Severity(before.severity).rank
        yield is_worse, f"severity: {before.severity} before, {after.severity} now"
    if before.outcome is after.outcome is Outcome.UNKNOWN and before.on_unknown != after.on_unknown:
        was, now = before.on_unknown, after.on_unknown
        is_worse = _WEIGHT.index(now) > _WEIGHT.index(was)
        yield is_worse, f"on_unknown: {was.value} before, {now.value} now"
    if before.expected != after.expected:
        yield False, f"asked before: {before.expected}; asked now: {after.expected}"


def _of_key(before: Finding, after: Finding, background: Background) -> Iterator[_Reason]:
    if before.outcome is not after.outcome:
        yield after.outcome is not Outcome.WAIVED, f"it was {before.outcome.value}"
    for change in background.of(after):
        yield True, f"{change.name} ({change.what})"
    if before.outcome is after.outcome and names_more(before.seen, after.seen):
        yield True, f"seen before: {before.seen or 'nothing'}; seen now: {after.seen}"
