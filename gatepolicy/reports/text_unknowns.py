"""The unknowns of a text report: what was not proved, and what would be needed.

A gap is told once for all accounts of an exchange that have it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatepolicy.model.evidence import Subject
from gatepolicy.model.scan import AccountResult
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.reports.text_layout import Line, Tone, labelled, line, paragraph
from gatepolicy.reports.text_parts import of, place, title
from gatepolicy.reports.text_table import MARK

NAMES_LIMIT = 12
"""So many accounts with the same gap are named."""
SUBJECTS_LIMIT = 4
"""So many capabilities or words that one rule leaves open are named; the JSON report has all."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """What was not proved for one reason: the same for many accounts, told once."""

    reason: str
    exchange: str
    controls: tuple[tuple[str, str], ...]
    """What an unknown does, and the controls of which it does so; the worst first."""
    needed: tuple[str, ...]


def unknowns(accounts: Iterable[AccountResult], width: int, verbose: int) -> Iterator[Line]:
    """Every gap; those that count as a violation first."""
    gaps: dict[_Gap, list[Subject]] = {}
    for account in accounts:
        subject = account.evidence.subject
        for verdicts in _by_reason(of(account, Outcome.UNKNOWN)):
            gaps.setdefault(_gap(subject.exchange, verdicts), []).append(subject)
    if gaps:
        yield from title("Not proved")
    effects = list(_EFFECT.values())
    for gap in sorted(gaps, key=lambda gap: effects.index(gap.controls[0][0])):
        yield line()
        what = f"{MARK[Outcome.UNKNOWN]} {gap.reason} on {gap.exchange}"
        yield from paragraph(what, width, tone=Tone.UNSURE)
        yield from labelled("accounts", _who(gaps[gap], verbose), width, indent=2)
        for effect, controls in gap.controls:
            yield from labelled(effect, controls, width, indent=2)
        for needed in gap.needed:
            yield from labelled("needed", needed, width, indent=2)


def _gap(exchange: str, verdicts: Sequence[Verdict]) -> _Gap:
    told = (
        (label, ", ".join(_controls(v for v in verdicts if v.on_unknown is on_unknown)))
        for on_unknown, label in _EFFECT.items()
    )
    return _Gap(
        reason=str(verdicts[0].reason),
        exchange=exchange,
        controls=tuple((label, controls) for label, controls in told if controls),
        needed=tuple(dict.fromkeys(verdict.needed for verdict in verdicts)),
    )


def _who(subjects: Sequence[Subject], verbose: int) -> str:
    if len(subjects) == 1:
        return f"{subjects[0].id} ({place(subjects[0].location)})"
    shown = subjects if verbose else subjects[:NAMES_LIMIT]
    names = ", ".join(subject.id for subject in shown)
    hidden = len(subjects) - len(shown)
    return f"{names} and {hidden:,} more" if hidden else names


def _by_reason(verdicts: Iterable[Verdict]) -> Iterable[list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(str(verdict.reason), []).append(verdict)
    return groups.values()


def _controls(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Each rule once, with what within the account it asks about."""
    subjects: dict[str, dict[str, None]] = {}
    for verdict in verdicts:
        subjects.setdefault(f"{verdict.rule} {verdict.name}", {})[verdict.subject] = None
    for rule, asked in subjects.items():
        items = [item for item in asked if item]
        hidden = len(items) - SUBJECTS_LIMIT
        more = f" and {hidden} more" if hidden > 0 else ""
        yield f"{rule} ({', '.join(items[:SUBJECTS_LIMIT])}{more})" if items else rule


_EFFECT = {
    OnUnknown.BLOCK: "violation",
    OnUnknown.INCOMPLETE: "open",
    OnUnknown.WARN: "warning",
}
"""What an unknown does, as a label before the controls of which it does so."""
