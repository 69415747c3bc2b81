"""The run of a SARIF log: when it was, how it ended, and what it could not find out (§3.20)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from gatepolicy.model.encoding import Json, encode_time
from gatepolicy.model.exit_codes import MEANING, ExitCode
from gatepolicy.model.interruption import Interruption
from gatepolicy.model.scan import Scan
from gatepolicy.reports import sarif_objects as sarif
from gatepolicy.reports import summary
from gatepolicy.reports.json_stream import Node
from gatepolicy.reports.sarif_entries import Entry
from gatepolicy.reports.sarif_text import labelled, plain, sentences
from gatepolicy.reports.summary import exit_sentence, strict_exit_code


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
        text = f"{left_out} results are left out, the mildest ones: GitHub takes no more."
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
        what = f"Policy {plain(override.policy)} loosens what it inherits: {override.clause}."
        text = sentences(what, labelled("Because", override.because))
        yield sarif.notification("policy-override", "note", text, override.location)


def _about_unknowns(scan: Scan) -> Iterator[Json]:
    """One for each account and reason, not for each control: a refused key is one event."""
    for account in scan.accounts:
        subject = account.evidence.subject
        if not account.verdicts:
            text = f"Account {plain(subject.id)} on {plain(subject.exchange)}: nothing was asked."
            yield sarif.notification("nothing-asked", "warning", text, subject.location)
        yield from _grouped([Entry(subject, verdict) for verdict in account.verdicts])
    for verdict in scan.general:
        yield from _grouped([Entry(None, verdict)])


def _grouped(entries: Sequence[Entry]) -> Iterator[Json]:
    by_reason: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.verdict.reason is not None:
            by_reason.setdefault(entry.verdict.reason, []).append(entry)
    for reason, group in by_reason.items():
        level = "error" if any(entry.verdict.incomplete for entry in group) else "note"
        what = f"{group[0].who}: {len(group)} of {len(entries)} controls unknown ({reason})."
        text = sentences(what, labelled("Needed", group[0].verdict.needed))
        yield sarif.notification(reason, level, text, group[0].place)
