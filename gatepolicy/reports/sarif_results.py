"""The results of a SARIF log: one for each verdict that is shown (§3.27)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from gatepolicy.model.encoding import Json
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import Drift, Finding, Gone, question_identity
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Verdict
from gatepolicy.reports import sarif_objects as sarif
from gatepolicy.reports.sarif_objects import (
    LEVEL,
    SECURITY_SEVERITY,
    Entry,
    Profile,
    labelled,
    plain,
    sentences,
)


def results(
    rules: Sequence[RuleInfo],
    entries: Iterable[Entry],
    profile: Profile,
    drift: Drift | None = None,
) -> Iterator[Json]:
    """A result for each entry, and in ``full`` for each that an earlier scan had.

    Args:
        rules: Those that the log describes, in the same order.
        entries: What is shown.
        profile: For whom the log is written.
        drift: The difference to an earlier scan.
    """
    position = {rule.id: (index, rule) for index, rule in enumerate(rules)}
    told = drift if profile is Profile.FULL else None
    there: set[str] = set()
    for entry in entries:
        index, rule = position[entry.verdict.rule]
        if told is not None:
            there.add(entry.identity)
        yield {**_result(entry, rule, index, profile), **_baseline_state(entry, told)}
    for absent in told.absent if told is not None else ():
        # What passes now is there as such, and says that it is updated.
        if absent.finding.identity not in there:
            there.add(absent.finding.identity)
            yield _absent(absent.finding, absent.gone)


def _baseline_state(entry: Entry, drift: Drift | None) -> dict[str, Json]:
    """§3.27.24: all results of a run say it, or none."""
    if drift is None or not drift.states:
        return {}
    verdict = entry.verdict
    question = question_identity(entry.identity, verdict.policy, verdict.expected)
    return {"baselineState": drift.states[question].state.value}


def _absent(finding: Finding, gone: Gone) -> Json:
    """A result of an earlier scan that is there no more (§3.27.24)."""
    about = f"Account {plain(finding.account)}" if finding.account else "This scan"
    where = "/".join(p for p in (finding.exchange, finding.account, finding.subject) if p)
    return {
        "ruleId": finding.rule,
        "kind": "notApplicable",
        "level": "none",
        "baselineState": "absent",
        "message": sarif.message(f"{about}: {plain(finding.name)} is gone: {gone.value}."),
        "locations": [{"logicalLocations": [sarif.logical_location(finding.name, where)]}],
        "partialFingerprints": _fingerprints(finding.identity),
    }


def _result(entry: Entry, rule: RuleInfo, index: int, profile: Profile) -> dict[str, Json]:
    verdict = entry.verdict
    return {
        "ruleId": verdict.rule,
        "ruleIndex": index,
        **_judgement(verdict, profile),
        "message": sarif.message(_message(entry, rule)),
        "locations": [
            sarif.location(
                entry.place,
                sarif.logical_location(entry.name, entry.qualified),
                of_policy=entry.is_of_policy,
            )
        ],
        **_related(entry),
        "partialFingerprints": _fingerprints(entry.identity),
        **_suppressions(verdict),
        "properties": _properties(entry),
    }


_UNKNOWN_LEVEL = {
    OnUnknown.BLOCK: "error",
    OnUnknown.INCOMPLETE: "warning",
    OnUnknown.WARN: "note",
}
"""Tells a blocking unknown from a mere incomplete."""


def _judgement(verdict: Verdict, profile: Profile) -> dict[str, Json]:
    """Kind (§3.27.9), level (§3.27.10) and rank (§3.27.25)."""
    match verdict.outcome:
        case Outcome.PASS:
            return {"kind": "pass", "level": "none"}
        case Outcome.NOT_APPLICABLE:
            return {"kind": "notApplicable", "level": "none"}
        case Outcome.UNKNOWN if profile is Profile.FULL:
            return {"kind": "open", "level": "none"}
        case Outcome.UNKNOWN:
            level = _UNKNOWN_LEVEL[verdict.on_unknown]
        case Outcome.FAIL | Outcome.WAIVED:
            level = LEVEL[verdict.severity]
        case _:
            assert_never(verdict.outcome)
    return {"kind": "fail", "level": level, "rank": SECURITY_SEVERITY[verdict.severity] * 10}


def _message(entry: Entry, rule: RuleInfo) -> str:
    policy = plain(entry.verdict.policy)
    asked = f"Required by [policy](1) {policy}." if _has_policy_line(entry) else ""
    return sentences(*_statement(entry, rule), asked)


def _statement(entry: Entry, rule: RuleInfo) -> tuple[str, ...]:
    """The first sentence is what a list of alerts shows (§3.11.3)."""
    verdict = entry.verdict
    is_named = verdict.subject and not entry.stands_for_all
    subject = f" ({plain(verdict.subject)})" if is_named else ""
    title = f"{plain(rule.title.rstrip('.'))}{subject}."
    expected = labelled("Expected", verdict.expected)
    seen = labelled("Seen", verdict.seen)
    match verdict.outcome:
        case Outcome.PASS:
            return f"{entry.who}: as expected{subject}.", expected, seen
        case Outcome.FAIL:
            return f"{entry.who}: {title}", expected, seen
        case Outcome.WAIVED:
            return f"{entry.who}, waived: {title}", expected, seen
        case Outcome.NOT_APPLICABLE:
            return f"{entry.who}, not applicable: {title}", expected
        case Outcome.UNKNOWN:
            reason = labelled("Reason", str(verdict.reason or ""))
            needed = labelled("Needed", verdict.needed)
            if entry.stands_for_all:
                return (
                    f"{entry.who}, not verifiable: {title}",
                    "The exchange never discloses it.",
                    expected,
                    needed,
                )
            # NOTE: that nothing covers something is certain; what it would have shown is not.
            doubt = "" if verdict.reason is Reason.NOT_COVERED else ", neither proved nor disproved"
            return f"{entry.who}{doubt}: {title}", reason, expected, seen, needed
        case _:
            assert_never(verdict.outcome)


def _has_policy_line(entry: Entry) -> bool:
    return entry.subject is not None and bool(entry.verdict.policy)


def _related(entry: Entry) -> dict[str, Json]:
    """§3.27.22: the line of the policy that asks."""
    if not _has_policy_line(entry):
        return {}
    text = f"policy {plain(entry.verdict.policy)}"
    return {"relatedLocations": [sarif.related_location(1, entry.verdict.location, text)]}


def _fingerprints(digest: str) -> Json:
    """§3.27.17. GitHub uses the second alone, and expects an occurrence after a colon."""
    return {"gatepolicy/v1": digest, "primaryLocationLineHash": f"{digest[:16]}:1"}


def _suppressions(verdict: Verdict) -> dict[str, Json]:
    """§3.35. A suppressed result is still there; a missing one would look like a fixed one."""
    if verdict.outcome is not Outcome.WAIVED:
        return {}
    suppression: dict[str, Json] = {"kind": "external", "status": "accepted"}
    if verdict.waived is not None:
        terms = verdict.waived.terms
        suppression["justification"] = sentences(
            f"{plain(terms.justification.rstrip('.'))}.",
            labelled("Owner", terms.owner),
            labelled("Approved by", terms.approved_by),
            labelled("Ticket", terms.ticket),
            f"Until {terms.expires}.",
        )
        suppression["location"] = {"physicalLocation": sarif.physical_location(terms.location)}
        suppression["properties"] = {
            "waiver": terms.id,
            "owner": terms.owner,
            "created": terms.created.isoformat(),
            "expires": terms.expires.isoformat(),
            "underneath": verdict.waived.underneath.value,
        }
    return {"suppressions": [suppression]}


def _properties(entry: Entry) -> Json:
    """§3.8: the same as in the message, for programs."""
    verdict = entry.verdict
    members = {
        "account": entry.subject.id if entry.subject and not entry.stands_for_all else "",
        "accounts": str(entry.accounts or ""),
        "exchange": entry.subject.exchange if entry.subject else "",
        "verdict": verdict.outcome.value,
        "severity": verdict.severity.value,
        "expected": verdict.expected,
        "seen": verdict.seen,
        "reason": verdict.reason.value if verdict.reason else "",
        "not_verifiable": "true" if verdict.not_verifiable else "",
        "needed": verdict.needed,
        "policy": verdict.policy,
    }
    return {name: text for name, text in members.items() if text}
