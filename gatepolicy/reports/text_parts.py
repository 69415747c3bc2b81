"""What the parts of a text report share: headings, places, names."""

from collections.abc import Iterator

from gatepolicy import __version__
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.facts import Fact
from gatepolicy.model.location import Location
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.reports.text_layout import Line, Tone, labelled, line, paragraph
from gatepolicy.reports.text_table import MARK


def of(account: AccountResult, outcome: Outcome) -> list[Verdict]:
    """The verdicts of one kind about an account."""
    return [verdict for verdict in account.verdicts if verdict.outcome is outcome]


def title(text: str) -> Iterator[Line]:
    """The heading of a part."""
    yield line()
    yield line(text, Tone.TITLE)


def scan_head(scan: Scan, width: int) -> Iterator[Line]:
    """When the scan ended, and how old the evidence was then."""
    yield line(f"gatepolicy {__version__}, {encode_time(scan.finished_at)}", Tone.TITLE)
    if scan.evidence_at is not None:
        days = (scan.finished_at - scan.evidence_at).days
        before = f", {days:,} day{'' if days == 1 else 's'} before" if days > 0 else ""
        yield from paragraph(f"evidence of {encode_time(scan.evidence_at)}{before}", width)


def account_head(account: AccountResult, width: int, tone: Tone) -> Iterator[Line]:
    """Which account the following lines are about, and where it is declared."""
    evidence = account.evidence
    subject = evidence.subject
    name = evidence.facts.known.get("key.name")
    details = [
        place(subject.location),
        *([f"owner {subject.owner}"] if subject.owner else []),
        *([f'key named "{name.value}"'] if isinstance(name, Fact) else []),
    ]
    yield line()
    yield from paragraph(f"{subject.id} on {subject.exchange}", width, tone=tone)
    yield from paragraph(", ".join(details), width, indent=2, tone=Tone.QUIET)


def place(location: Location) -> str:
    """File and line."""
    return f"{location.file}:{location.line}"


def control(verdict: Verdict) -> str:
    """What was asked, in short."""
    subject = f" ({verdict.subject})" if verdict.subject else ""
    return f"{verdict.rule} {verdict.name}{subject}"


def marked(verdict: Verdict, width: int) -> Iterator[Line]:
    """A verdict in one line: its mark and what was asked."""
    tone = _tone(verdict)
    return labelled(MARK[verdict.outcome], control(verdict), width, indent=2, tone=tone)


def _tone(verdict: Verdict) -> Tone:
    if verdict.violates:
        return Tone.BAD
    return Tone.UNSURE if verdict.outcome is Outcome.UNKNOWN else Tone.PLAIN
