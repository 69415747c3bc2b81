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

Not verifiable. What an exchange never discloses could never have failed, so it hides no violation,
and nobody can close an alert about it. The ``github`` profile holds one such result for each
exchange and rule, with an identity of its own, at the line of the first account that it is about.

Profiles. ``github`` holds fails and unknowns only: GitHub knows neither ``kind`` nor
``suppressions`` and would show what passes, or was waived, as an alert. ``full`` holds every
verdict.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import assert_never

from gatepolicy import __version__
from gatepolicy.model.encoding import Json, encode_time
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import (
    MEANING,
    Drift,
    ExitCode,
    Finding,
    Gone,
    Interruption,
    Scan,
    question_identity,
)
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Verdict
from gatepolicy.reports import sarif_objects as sarif
from gatepolicy.reports import summary
from gatepolicy.reports.json_report import Node, json_document
from gatepolicy.reports.sarif_objects import (
    LEVEL,
    SECURITY_SEVERITY,
    Entry,
    Profile,
    Shown,
    labelled,
    plain,
    sentences,
    shown_entries,
)
from gatepolicy.reports.summary import exit_sentence, rank, strict_exit_code

_TAG_LIMIT = 10
"""GitHub keeps ten tags, and refuses more than twenty."""


def tool(scan: Scan) -> Node:
    """gatepolicy with its rules; their help tells the fix on every exchange of the scan."""
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
            # NOTE: GitHub takes a result for one of security by this tag.
            "tags": list(dict.fromkeys(["security", *rule.tags]))[:_TAG_LIMIT],
            "precision": "very-high",
            "security-severity": str(SECURITY_SEVERITY[rule.severity]),
        },
    )


def _help(rule: RuleInfo, exchanges: Sequence[str], links: Sequence[str]) -> Json:
    """§3.49.13: why it matters, and what to do."""
    fixes = _fixes(rule, exchanges)
    text = [rule.title, rule.why, *(f"Fix on {where}: {fix}" for where, fix in fixes)]
    markdown = [
        f"**{rule.title}**",
        rule.why,
        "### How to fix it",
        *(f"**{where}**: {fix}" for where, fix in fixes),
        *(["### References", *(f"<{link}>" for link in links)] if links else []),
    ]
    return sarif.multiformat(_paragraphs(text), _paragraphs(markdown))


def _fixes(rule: RuleInfo, exchanges: Sequence[str]) -> list[tuple[str, str]]:
    """Where and how; exchanges with the same fix stand together."""
    default = rule.fix_for("")
    places: dict[str, list[str]] = {}
    for exchange in exchanges:
        places.setdefault(rule.fix_for(exchange), []).append(exchange)
    if places.keys() <= {default}:
        return [("every exchange", default)]
    return [(", ".join(where), fix) for fix, where in places.items()]


def _paragraphs(texts: Sequence[str]) -> str:
    return "\n\n".join(text.strip() for text in texts if text.strip())


def invocation(scan: Scan, *, left_out: int) -> Node:
    """How the scan went.

    It was successful only when everything was proved one way or the other, whatever the exit code
    was softened to.

    Args:
        scan: The finished scan.
        left_out: How many results found no room in the log.
    """
    is_empty = strict_exit_code(scan) is ExitCode.NOTHING_EVALUATED
    was_ended = scan.has_broken_baseline or scan.interrupted_by is not None
    is_whole = not is_empty and not was_ended and not scan.unread
    return {
        "executionSuccessful": is_whole and not any(v.incomplete for v in scan.verdicts()),
        "exitCode": scan.exit_code.value,
        "exitCodeDescription": exit_sentence(scan),
        **_exit_signal(scan.interrupted_by),
        "startTimeUtc": encode_time(scan.started_at),
        "endTimeUtc": encode_time(scan.finished_at),
        "toolExecutionNotifications": chain(
            _about_an_interruption(scan),
            _about_an_empty_scan(is_empty=is_empty),
            _about_left_out_results(left_out),
            _about_narrowing(scan),
            _about_warnings(scan.warnings),
            _about_overrides(scan),
            _about_unknowns(scan),
            _about_silence(scan),
        ),
    }


def _exit_signal(interrupted_by: Interruption | None) -> Mapping[str, Json]:
    if interrupted_by is None:
        return {}
    return {"exitSignalName": interrupted_by.value, "exitSignalNumber": interrupted_by.number}


def _about_an_interruption(scan: Scan) -> Iterator[Json]:
    if scan.interrupted_by is not None:
        yield sarif.notification("interrupted", "error", summary.interruption(scan), None)


def _about_an_empty_scan(*, is_empty: bool) -> Iterator[Json]:
    if is_empty:
        text = f"{MEANING[ExitCode.NOTHING_EVALUATED].capitalize()}."
        yield sarif.notification("nothing-evaluated", "error", text, None)


def _about_left_out_results(left_out: int) -> Iterator[Json]:
    if left_out:
        text = f"{left_out} of the mildest results were left out: GitHub accepts no more."
        yield sarif.notification("results-left-out", "warning", text, None)


def _about_narrowing(scan: Scan) -> Iterator[Json]:
    if scan.narrowing.is_any:
        text = plain(summary.left_out(scan.narrowing))
        yield sarif.notification("scan-narrowed", "note", text, None)


def _about_warnings(warnings: Sequence[str]) -> Iterator[Json]:
    for warning in warnings:
        yield sarif.notification("scan-warning", "warning", plain(warning), None)


def _about_overrides(scan: Scan) -> Iterator[Json]:
    for override in scan.overrides:
        what = f"Policy {plain(override.policy)} overrides what it inherits: {override.clause}."
        text = sentences(what, labelled("Because", override.because))
        place = override.location
        yield sarif.notification("policy-override", "note", text, place, of_policy=True)


def _about_unknowns(scan: Scan) -> Iterator[Json]:
    """One for each account and reason, not for each control: a refused key is one event."""
    for account in scan.accounts:
        subject = account.evidence.subject
        if not account.verdicts:
            text = f"Account {plain(subject.id)} on {plain(subject.exchange)}: nothing was checked."
            yield sarif.notification("nothing-asked", "warning", text, subject.location)
        entries = [Entry(subject, verdict) for verdict in account.verdicts]
        yield from _grouped([one for one in entries if not one.verdict.not_verifiable])
    for verdict in scan.general:
        yield from _grouped([Entry(None, verdict)])


def _about_silence(scan: Scan) -> Iterator[Json]:
    """One for each exchange and rule: no account is to blame for what an exchange never tells."""
    for entry in sarif.not_verifiable(scan):
        verdict = entry.verdict
        level = "error" if verdict.incomplete else "note"
        what = f"{entry.who}: {verdict.rule} {plain(verdict.name)} is not verifiable."
        text = sentences(what, labelled("Needed", verdict.needed))
        yield sarif.notification("not_verifiable", level, text, entry.place)


def _grouped(entries: Sequence[Entry]) -> Iterator[Json]:
    by_reason: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.verdict.reason is not None:
            by_reason.setdefault(entry.verdict.reason, []).append(entry)
    for reason, group in by_reason.items():
        level = "error" if any(entry.verdict.incomplete for entry in group) else "note"
        what = f"{group[0].who}: {len(group)} of {len(entries)} controls unknown ({reason})."
        text = sentences(what, labelled("Needed", group[0].verdict.needed))
        of_policy = group[0].is_of_policy
        yield sarif.notification(reason, level, text, group[0].place, of_policy=of_policy)


__all__ = ["GITHUB_RESULT_LIMIT", "Profile", "render_sarif", "sarif_left_out"]

GITHUB_RESULT_LIMIT = 25_000
"""GitHub refuses a run with more results."""
GITHUB_SIZE_LIMIT = 8_500_000
"""Bytes of results, compressed; GitHub refuses files of more than 10 MB, compressed by gzip."""


def render_sarif(
    scan: Scan,
    *,
    profile: Profile = Profile.GITHUB,
    scope: str = "accounts",
    limit: int = GITHUB_RESULT_LIMIT,
    size_limit: int = GITHUB_SIZE_LIMIT,
) -> Iterator[str]:
    """A SARIF log with one run, always complete and valid, also when nothing was found.

    Args:
        scan: The finished scan.
        profile: For whom it is written.
        scope: What was scanned. GitHub closes the alerts of a scope that a later upload of the
            same scope does not hold: scans of different accounts need different scopes.
        limit: How many results the ``github`` profile holds at most; the worst are kept.
        size_limit: How many bytes of results it holds at most, compressed.
    """
    shown = _shown(scan, profile, limit, size_limit)
    return json_document(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": tool(scan),
                    "columnKind": "unicodeCodePoints",
                    "originalUriBaseIds": _uri_bases(),
                    "automationDetails": _automation_details(scope),
                    "invocations": [invocation(scan, left_out=shown.left_out)],
                    "results": results(scan.rules, shown.entries, profile, scan.drift),
                }
            ],
        },
        levels=5,
    )


def sarif_left_out(
    scan: Scan,
    *,
    profile: Profile,
    limit: int = GITHUB_RESULT_LIMIT,
    size_limit: int = GITHUB_SIZE_LIMIT,
) -> int:
    """How many results find no room in the log."""
    return _shown(scan, profile, limit, size_limit).left_out


def _shown(scan: Scan, profile: Profile, limit: int, size_limit: int) -> Shown:
    if profile is Profile.GITHUB:
        limit = min(limit, _fitting(scan, limit, size_limit))
    return shown_entries(scan, profile, limit)


_SIZE_OF_RESULT = 250
"""Bytes of a result without its texts, compressed, at most: fingerprints, and what all share."""


def _fitting(scan: Scan, limit: int, size_limit: int) -> int:
    """How many results fit when the worst go first: by their texts, which do not compress alike."""
    entries = list(shown_entries(scan, Profile.GITHUB, limit).entries)
    entries.sort(key=lambda entry: rank(entry.verdict))
    compressor, size = zlib.compressobj(), 0
    for count, entry in enumerate(entries):
        size += _SIZE_OF_RESULT + len(compressor.compress(_texts(entry)))
        if size > size_limit:
            return count
    return limit


def _texts(entry: Entry) -> bytes:
    verdict = entry.verdict
    texts = (verdict.expected, verdict.seen, verdict.needed, verdict.policy, entry.qualified)
    places = (verdict.location.file, entry.place.file)
    return "\n".join((*texts, *places)).encode("utf-8", "backslashreplace")


def _uri_bases() -> Json:
    """§3.14.14. Without the address itself: it would tell the name of the machine's user."""
    shipped = "The policies that ship with gatepolicy, by name."
    outside = "Files outside of the repository, by name."
    return {
        sarif.SOURCE_ROOT: {"description": sarif.message("The working directory of the scan.")},
        sarif.SHIPPED_POLICIES: {"description": sarif.message(shipped)},
        sarif.OUTSIDE: {"description": sarif.message(outside)},
    }


def _automation_details(scope: str) -> Json:
    """§3.17. All before the last slash is the category; runs have no name of their own."""
    return {"id": f"gatepolicy/{scope.strip('/')}/"}


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
    compared = drift if profile is Profile.FULL else None
    there: set[str] = set()
    for entry in entries:
        index, rule = position[entry.verdict.rule]
        if compared is not None:
            there.add(entry.identity)
        yield {**_result(entry, rule, index, profile), **_baseline_state(entry, compared)}
    for absent in compared.absent if compared is not None else ():
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
    required = f"Required by [policy](1) {policy}." if _has_policy_line(entry) else ""
    return sentences(*_statement(entry, rule), required)


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
