"""Waivers in a text report: all of them for an audit, else those that end soon."""

from collections.abc import Iterator, Sequence

from gatepolicy.model.waivers import WaiverInfo, WaiverState
from gatepolicy.reports.text_layout import Line, Tone, labelled, line
from gatepolicy.reports.text_parts import place, title


def waiver_list(waivers: Sequence[WaiverInfo], width: int, *, whole: bool) -> Iterator[Line]:
    """A heading and some lines for each waiver.

    What is wrong with a waiver is a finding, and told as such; here is what is about to end.

    Args:
        waivers: All of them.
        width: Columns.
        whole: Whether those that hold for long are listed too.
    """
    shown = [w for w in waivers if whole or w.state is WaiverState.EXPIRING]
    if shown:
        yield from title("Waivers" if whole else "Waivers that end soon")
    for waiver in shown:
        terms = waiver.terms
        yield line(f"  {terms.id}: {waiver.state}", Tone.PLAIN)
        count = f"{waiver.findings:,} finding{'s' * (waiver.findings != 1)}"
        accounts = f"{waiver.accounts:,} account{'s' * (waiver.accounts != 1)}"
        yield from labelled("waives", f"{terms.rule}: {count} on {accounts}", width)
        yield from labelled("because", terms.justification, width)
        yield from labelled("owner", terms.owner, width)
        yield from labelled("approved", terms.approved_by, width)
        yield from labelled("ticket", terms.ticket, width)
        yield from labelled("days", f"{terms.created} to {terms.expires}", width)
        yield from labelled("file", place(terms.location), width)
