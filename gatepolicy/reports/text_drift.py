"""The difference to an earlier scan, as text."""

from collections import Counter
from collections.abc import Iterator, Sequence

from gatepolicy.model.scan import Absent, BaselineState, Drift, FactChange, Finding, Gone
from gatepolicy.reports.text_layout import Line, Tone, labelled, line, paragraph, title


def drift_lines(drift: Drift, findings: Sequence[Finding], width: int) -> Iterator[Line]:
    """What is new, what is gone, and what keys can do that they could not.

    Args:
        drift: The difference.
        findings: Everything that was found today.
        width: Columns.
    """
    yield from title(f"Since {drift.baseline}")
    if drift.states or drift.absent:
        yield from paragraph(_counts(drift, findings), width)
    elif not drift.changes:
        yield from paragraph("Nothing has changed.", width)
    for state in (BaselineState.NEW, BaselineState.UPDATED):
        tone = Tone.BAD if state is BaselineState.NEW else Tone.UNSURE
        for finding in findings:
            comparison = drift.states.get(finding.question)
            if comparison is not None and comparison.state is state:
                yield from _finding(state.value, finding, finding.outcome.value, width, tone)
                for why in comparison.why:
                    yield from labelled("", why, width, indent=2)
    for absent in drift.absent:
        yield from _absent(absent, width)
    for change in sorted(drift.changes, key=lambda change: not change.is_worse):
        yield from _change(change, width)


def _counts(drift: Drift, findings: Sequence[Finding]) -> str:
    counts = Counter(drift.states[finding.question].state for finding in findings)
    parts = [f"{counts[state]:,} {state}" for state in BaselineState if counts[state]]
    if drift.absent:
        parts.append(f"{len(drift.absent):,} absent")
    return f"Findings: {', '.join(parts) or 'none'}."


def _finding(state: str, finding: Finding, now: str, width: int, tone: Tone) -> Iterator[Line]:
    subject = f" ({finding.subject})" if finding.subject else ""
    where = finding.account or "this scan"
    text = f"{where}: {finding.rule} {finding.name}{subject}: {now}"
    yield from labelled(state, text, width, indent=2, tone=tone)


def _absent(absent: Absent, width: int) -> Iterator[Line]:
    tone = Tone.GOOD if absent.gone is Gone.PASSES else Tone.UNSURE
    yield from _finding("absent", absent.finding, absent.gone.value, width, tone)
    if absent.gone is Gone.ASKED_OTHERWISE and absent.expected == absent.finding.expected:
        yield from labelled(
            "", "the policy requires the same but accepts other proof", width, indent=2
        )
    elif absent.gone is Gone.ASKED_OTHERWISE:
        yield from labelled("", "the policy changed:", width, indent=2)
        yield from labelled("before", absent.finding.expected, width)
        yield from labelled("after", absent.expected, width)


def _change(change: FactChange, width: int) -> Iterator[Line]:
    tone = Tone.BAD if change.is_worse else Tone.PLAIN
    what = f" ({change.what})" if change.what else ""
    yield line(f"  {change.account}: {change.name}{what}", tone)
    yield from labelled("before", change.before, width)
    yield from labelled("after", change.after, width)
