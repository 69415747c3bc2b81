"""Text for auditors: the verdicts of a scan under the controls of frameworks.

A control about which no verdict says anything is listed as such. None is ever said to be met: rules
give evidence about a part of it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from gatepolicy.model.posture import AccountState, state_of
from gatepolicy.model.scan import Scan
from gatepolicy.reports.summary import exit_sentence, left_out
from gatepolicy.reports.text_layout import (
    Line,
    Tone,
    labelled,
    line,
    paint,
    paragraph,
    scan_head,
    title,
)
from gatepolicy.reports.text_report import Style
from gatepolicy.rules.catalog import (
    Compared,
    Framework,
    FrameworkControl,
    with_rules_of_policies,
)

_WORDS = {
    AccountState.BAD: "failed",
    AccountState.UNKNOWN: "unknown",
    AccountState.WAIVED: "waived",
    AccountState.NOT_VERIFIABLE: "not verifiable",
    AccountState.GOOD: "passed",
}

_TONES = {
    AccountState.BAD: Tone.BAD,
    AccountState.UNKNOWN: Tone.UNSURE,
    AccountState.WAIVED: Tone.UNSURE,
    AccountState.NOT_VERIFIABLE: Tone.UNSURE,
}
_Counts: TypeAlias = dict[str, Counter[AccountState]]
"""Name of a rule to how many of its verdicts stand how."""

_COMPARED = {
    Compared.TEXT: "with its own text",
    Compared.COPY: "with a copy of its text by others",
    Compared.QUOTED: "with what others quote of its text",
    Compared.TITLE: "by its number and title, not with its requirements",
}


def render_frameworks(
    scan: Scan, *, style: Style, frameworks: Sequence[Framework]
) -> Iterator[str]:
    """Every framework with every control that rules give evidence about.

    Args:
        scan: The finished scan.
        style: How text looks.
        frameworks: All of them.
    """
    return paint(_report(scan, max(60, style.width), frameworks), colour=style.colour)


def _report(scan: Scan, width: int, frameworks: Sequence[Framework]) -> Iterator[Line]:
    yield from scan_head(scan, width)
    if scan.narrowing.is_any:
        yield from paragraph(left_out(scan.narrowing), width)
    if scan.settings.softening:
        yield from paragraph(exit_sentence(scan), width)
    counts: _Counts = {}
    for verdict in scan.verdicts():
        counts.setdefault(verdict.name, Counter())[state_of(verdict)] += 1
    shown, others = with_rules_of_policies(frameworks, scan.rules)
    for framework in shown:
        yield from title(framework.title)
        yield from labelled("source", framework.reference, width, indent=0)
        yield from labelled("compared", framework.checked, width, indent=0)
        for source in framework.sources:
            yield from labelled("read", f"{source.document}: {source.read}", width, indent=0)
        for control in framework.controls:
            yield from _control(control, counts, width)
    yield from _others(others, counts, width)
    yield line()
    text = "Evidence about parts of controls; only an auditor can say whether a control is met."
    yield from paragraph(text, width)


def _control(control: FrameworkControl, counts: _Counts, width: int) -> Iterator[Line]:
    asked = [rule for rule in control.rules if rule in counts]
    yield line()
    yield line(f"  {control.id} {control.title}", Tone.TITLE)
    yield from _evidence(asked, counts, width)
    yield from labelled("about", control.why, width)
    yield from labelled("compared", _COMPARED[control.compared], width)
    yield from labelled("rules", ", ".join(asked), width)
    missing = [rule for rule in control.rules if rule not in counts]
    yield from labelled("unasked", ", ".join(missing), width)


def _others(others: dict[str, list[str]], counts: _Counts, width: int) -> Iterator[Line]:
    if not others:
        return
    yield from title("Other controls that policies name")
    for control, rules in others.items():
        yield line()
        yield line(f"  {control}", Tone.TITLE)
        yield from _evidence([rule for rule in rules if rule in counts], counts, width)
        yield from labelled("compared", "unknown to gatepolicy", width)
        yield from labelled("rules", ", ".join(rules), width)


def _evidence(asked: list[str], counts: _Counts, width: int) -> Iterator[Line]:
    total = sum((counts[rule] for rule in asked), Counter[AccountState]())
    tone = next((_TONES[state] for state in _TONES if total[state]), Tone.GOOD)
    numbers = ", ".join(f"{total[o]:,} {word}" for o, word in _WORDS.items() if total[o])
    evidence = numbers or "none: no policy uses its rules"
    yield from labelled("evidence", evidence, width, tone=tone if numbers else Tone.UNSURE)
