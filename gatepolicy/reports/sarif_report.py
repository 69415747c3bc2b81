"""SARIF 2.1.0, for GitHub code scanning and for everything else that reads it.

Anchors. An account has no source code, so a result is anchored at the line of the inventory that
declares the account; the line of the policy that asks is a related location, linked in the
message. A fabricated file or line would be worse than none.

Identity. GitHub matches alerts by ``primaryLocationLineHash``. It is made of rule, exchange,
account and subject, and of nothing that changes without the thing itself changing: not of line,
time, severity or verdict. When two policies ask the same, their two results have one identity:
one alert, which closes when both policies are content.

Unknowns. An absent result closes an alert. An exchange that was unreachable would so "fix" every
violation on it. Therefore an unknown is a result too, of the *same* rule and with the *same*
fingerprints as the fail that it could be hiding: an open alert stays open, its message now says
that nothing was proved, and when the exchange answers again it is still the same alert. A rule of
its own for unknowns would close the first alert and open a second one. Its level is ``warning``,
or ``note`` where the policy merely warns: that one is still written, for the same reason, and is
the mildest thing that keeps an alert open. In the ``github`` profile an unknown has the kind
``fail``, since any other kind has no level (§3.27.10) and readers that ignore kinds would take it
for a problem or for nothing as they please. The ``full`` profile says ``open``, as §3.27.9 has it.

Profiles. ``github`` holds fails and unknowns only: GitHub knows neither ``kind`` nor
``suppressions`` and would show what passes, or was waived, as an alert. ``full`` holds every
verdict.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import chain
from typing import assert_never

from gatepolicy import __version__
from gatepolicy.model.encoding import Json, encode_time
from gatepolicy.model.location import Location
from gatepolicy.model.scan import RuleInfo, Scan, Subject
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.reports import sarif_objects as sarif
from gatepolicy.reports.json_stream import Node, json_document
from gatepolicy.reports.sarif_objects import plain
from gatepolicy.reports.summary import exit_sentence


class Profile(StrEnum):
    """For whom a SARIF file is written."""

    GITHUB = "github"
    """Alerts only: fails and unknowns, no more than GitHub takes."""
    FULL = "full"
    """Every verdict."""


GITHUB_RESULT_LIMIT = 25_000
"""GitHub refuses a run with more results."""

LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SECURITY_SEVERITY = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 3.0,
    Severity.INFO: 0.0,
}
"""On the scale of CVSS. GitHub: over 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low;
0.0 is no security severity."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A verdict with the account that it is about; ``None`` for one about the scan itself."""

    subject: Subject | None
    verdict: Verdict

    @property
    def place(self) -> Location:
        return self.subject.location if self.subject else self.verdict.location

    @property
    def who(self) -> str:
        """The beginning of a sentence about it."""
        if self.subject is None:
            return f"Policy {plain(self.verdict.policy)}" if self.verdict.policy else "This scan"
        return f"Account {plain(self.subject.id)} on {plain(self.subject.exchange)}"

    @property
    def qualified(self) -> str:
        """The thing that was judged, as a path."""
        account = (self.subject.exchange, self.subject.id) if self.subject else ("policy",)
        return "/".join(part for part in (*account, self.verdict.subject) if part)


def render_sarif(
    scan: Scan,
    *,
    profile: Profile = Profile.GITHUB,
    scope: str = "accounts",
    limit: int = GITHUB_RESULT_LIMIT,
) -> Iterator[str]:
    """A SARIF log with one run, always complete and valid, also when nothing was found.

    Args:
        scan: The finished scan.
        profile: For whom it is written.
        scope: What was scanned. GitHub closes the alerts of a scope that a later upload of the
            same scope does not hold: scans of different accounts need different scopes.
        limit: How many results the ``github`` profile holds at most; the worst are kept.
    """

    def entries() -> Iterator[_Entry]:
        return (entry for entry in _entries(scan) if _is_shown(entry.verdict, profile))

    ranks = Counter(_rank(entry.verdict) for entry in entries())
    room = limit if profile is Profile.GITHUB else ranks.total()
    return json_document(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": _tool(scan),
                    "columnKind": "unicodeCodePoints",
                    "originalUriBaseIds": _uri_bases(),
                    "automationDetails": _automation_details(scope),
                    "invocations": [_invocation(scan, left_out=max(0, ranks.total() - room))],
                    "results": _results(scan.rules, _worst(entries, ranks, room), profile),
                }
            ],
        },
        levels=5,
    )


def _entries(scan: Scan) -> Iterator[_Entry]:
    for account in scan.accounts:
        for verdict in account.verdicts:
            yield _Entry(account.evidence.subject, verdict)
    for verdict in scan.general:
        yield _Entry(None, verdict)


def _is_shown(verdict: Verdict, profile: Profile) -> bool:
    return profile is Profile.FULL or verdict.outcome in (Outcome.FAIL, Outcome.UNKNOWN)


def _rank(verdict: Verdict) -> tuple[bool, bool, int]:
    """Smaller is worse."""
    return (not verdict.violates, not verdict.incomplete, verdict.severity.rank)


def _worst(
    entries: Callable[[], Iterator[_Entry]], ranks: Counter[tuple[bool, bool, int]], room: int
) -> Iterator[_Entry]:
    """The worst entries, in their order; two passes instead of a list of all."""
    places: dict[tuple[bool, bool, int], int] = {}
    for rank in sorted(ranks):
        places[rank] = min(room, ranks[rank])
        room -= places[rank]
    for entry in entries():
        rank = _rank(entry.verdict)
        if places[rank] > 0:
            places[rank] -= 1
            yield entry


def _tool(scan: Scan) -> Node:
    """§3.18 and §3.19. All rules in stable order: a change of rules is no change of results."""
    exchanges = sorted({account.evidence.subject.exchange for account in scan.accounts})
    return {
        "driver": {
            "name": "gatepolicy",
            "version": __version__,
            "semanticVersion": __version__,
            "rules": (_rule(rule, exchanges) for rule in scan.rules),
        }
    }


def _rule(rule: RuleInfo, exchanges: Sequence[str]) -> Json:
    links = [reference for reference in rule.references if reference.startswith("https://")]
    return sarif.rule_descriptor(
        rule=rule.id,
        name=rule.name,
        title=rule.title,
        why=rule.why,
        level=LEVEL[rule.severity],
        help_text=_help(rule, exchanges, links),
        help_uri=links[0] if links else "",
        properties={
            # NOTE: GitHub shows ten tags, and takes a result for one of security by this one.
            "tags": list(dict.fromkeys(["security", *rule.tags]))[:10],
            "precision": "very-high",
            "security-severity": str(SECURITY_SEVERITY[rule.severity]),
        },
    )


def _help(rule: RuleInfo, exchanges: Sequence[str], links: Sequence[str]) -> Json:
    """§3.49.13: why it matters, and what to do on every exchange of the scan."""
    places: dict[str, list[str]] = {}
    for exchange in exchanges:
        places.setdefault(rule.fix_for(exchange), []).append(exchange)
    fixes = [(fix, ", ".join(where)) for fix, where in places.items()]
    fixes = fixes or [(rule.fix_for(""), "every exchange")]
    text = [rule.title, rule.why, *(f"Fix on {where}: {fix}" for fix, where in fixes)]
    markdown = [
        f"**{rule.title}**",
        rule.why,
        "### How to fix it",
        *(f"**{where}**: {fix}" for fix, where in fixes),
        *(["### Read on", *(f"<{link}>" for link in links)] if links else []),
    ]
    return sarif.multiformat(_paragraphs(text), _paragraphs(markdown))


def _paragraphs(texts: Sequence[str]) -> str:
    return "\n\n".join(text.strip() for text in texts if text.strip())


def _uri_bases() -> Json:
    """§3.14.14. Without the address itself: it would tell the name of the machine's user."""
    return {
        sarif.SOURCE_ROOT: {"description": sarif.message("The folder in which the scan was run.")}
    }


def _automation_details(scope: str) -> Json:
    """§3.17. All before the last slash is the category; runs have no name of their own."""
    return {"id": f"gatepolicy/{scope.strip('/')}/"}


def _invocation(scan: Scan, *, left_out: int) -> Node:
    """§3.20."""
    return {
        "executionSuccessful": not any(verdict.incomplete for verdict in scan.verdicts()),
        "exitCode": scan.exit_code.value,
        "exitCodeDescription": exit_sentence(scan),
        "startTimeUtc": encode_time(scan.started_at),
        "endTimeUtc": encode_time(scan.finished_at),
        "toolExecutionNotifications": chain(
            _left_out_notification(left_out),
            _warning_notifications(scan.warnings),
            _unknown_notifications(scan),
        ),
    }


def _left_out_notification(left_out: int) -> Iterator[Json]:
    if left_out:
        text = f"{left_out} results are left out, the mildest ones: GitHub takes no more."
        yield sarif.notification("results-left-out", "warning", text, None)


def _warning_notifications(warnings: Sequence[str]) -> Iterator[Json]:
    for warning in warnings:
        yield sarif.notification("scan-warning", "warning", plain(warning), None)


def _unknown_notifications(scan: Scan) -> Iterator[Json]:
    """One for each account and reason, not for each control: a refused key is one event."""
    for account in scan.accounts:
        subject = account.evidence.subject
        yield from _grouped([_Entry(subject, verdict) for verdict in account.verdicts])
    for verdict in scan.general:
        yield from _grouped([_Entry(None, verdict)])


def _grouped(entries: Sequence[_Entry]) -> Iterator[Json]:
    by_reason: dict[str, list[_Entry]] = {}
    for entry in entries:
        if entry.verdict.reason is not None:
            by_reason.setdefault(entry.verdict.reason, []).append(entry)
    for reason, group in by_reason.items():
        level = "error" if any(entry.verdict.incomplete for entry in group) else "note"
        what = f"{group[0].who}: {len(group)} of {len(entries)} controls unknown ({reason})."
        text = _joined(what, _labelled("Needed", group[0].verdict.needed))
        yield sarif.notification(reason, level, text, group[0].place)


def _results(
    rules: Sequence[RuleInfo], entries: Iterator[_Entry], profile: Profile
) -> Iterator[Json]:
    position = {rule.id: (index, rule) for index, rule in enumerate(rules)}
    for entry in entries:
        index, rule = position[entry.verdict.rule]
        yield _result(entry, rule, index, profile)


def _result(entry: _Entry, rule: RuleInfo, index: int, profile: Profile) -> Json:
    """§3.27."""
    verdict = entry.verdict
    logical = sarif.logical_location(
        verdict.subject or (entry.subject.id if entry.subject else verdict.policy),
        entry.qualified,
    )
    return {
        "ruleId": verdict.rule,
        "ruleIndex": index,
        **_judgement(verdict, profile),
        "message": sarif.message(_message(entry, rule)),
        "locations": [sarif.location(entry.place, logical)],
        **_related(entry),
        "partialFingerprints": _fingerprints(entry),
        **_suppressions(verdict),
        "properties": _properties(entry),
    }


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
            level = "note" if verdict.on_unknown is OnUnknown.WARN else "warning"
        case Outcome.FAIL | Outcome.WAIVED:
            level = LEVEL[verdict.severity]
        case _:
            assert_never(verdict.outcome)
    return {"kind": "fail", "level": level, "rank": SECURITY_SEVERITY[verdict.severity] * 10}


def _message(entry: _Entry, rule: RuleInfo) -> str:
    policy = plain(entry.verdict.policy)
    asked = f"Asked by [policy](1) {policy}." if _has_policy_line(entry) else ""
    return _joined(*_sentences(entry, rule), asked)


def _sentences(entry: _Entry, rule: RuleInfo) -> tuple[str, ...]:
    """The first one is what a list of alerts shows (§3.11.3)."""
    verdict = entry.verdict
    subject = f" ({plain(verdict.subject)})" if verdict.subject else ""
    title = f"{plain(rule.title.rstrip('.'))}{subject}."
    expected = _labelled("Expected", verdict.expected)
    seen = _labelled("Seen", verdict.seen)
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
            reason = _labelled("Reason", str(verdict.reason or ""))
            needed = _labelled("Needed", verdict.needed)
            return f"{entry.who}, not proved either way: {title}", reason, expected, seen, needed
        case _:
            assert_never(verdict.outcome)


def _labelled(label: str, text: str) -> str:
    return f"{label}: {plain(text.rstrip('.'))}." if text else ""


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _has_policy_line(entry: _Entry) -> bool:
    return entry.subject is not None and bool(entry.verdict.policy)


def _related(entry: _Entry) -> dict[str, Json]:
    """§3.27.22: the line of the policy that asks."""
    if not _has_policy_line(entry):
        return {}
    text = f"policy {plain(entry.verdict.policy)}"
    return {"relatedLocations": [sarif.related_location(1, entry.verdict.location, text)]}


def _fingerprints(entry: _Entry) -> Json:
    """§3.27.17. GitHub uses the second alone, and expects an occurrence after a colon."""
    account = (entry.subject.exchange, entry.subject.id) if entry.subject else ("", "")
    identity = [entry.verdict.rule, *account, entry.verdict.subject]
    digest = sha256(json.dumps(identity).encode()).hexdigest()
    return {"gatepolicy/v1": digest, "primaryLocationLineHash": f"{digest[:16]}:1"}


def _suppressions(verdict: Verdict) -> dict[str, Json]:
    """§3.35. A suppressed result is still there; a missing one would look like a fixed one."""
    if verdict.outcome is not Outcome.WAIVED:
        return {}
    return {"suppressions": [{"kind": "external", "status": "accepted"}]}


def _properties(entry: _Entry) -> Json:
    """§3.8: the same as in the message, for programs."""
    verdict = entry.verdict
    members = {
        "account": entry.subject.id if entry.subject else "",
        "exchange": entry.subject.exchange if entry.subject else "",
        "verdict": verdict.outcome.value,
        "severity": verdict.severity.value,
        "expected": verdict.expected,
        "seen": verdict.seen,
        "reason": verdict.reason.value if verdict.reason else "",
        "needed": verdict.needed,
        "policy": verdict.policy,
    }
    return {name: text for name, text in members.items() if text}
