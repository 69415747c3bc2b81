"""The trend of the HTML page: bars of two charts, and what the tables beside them say. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepolicy.model.scan import Scan, finding_identity
from gatepolicy.model.trend import AccountCounts, TimeToFix, Trend, TrendPoint
from gatepolicy.model.verdicts import Severity
from gatepolicy.reports.html_data import FAIL, PASS, UNKNOWN
from gatepolicy.reports.summary import passes, summarise

BAR = 10
"""Width of one scan in a chart, of which a fifth is empty."""
HEIGHT = 100
"""Of a chart."""
AGES: Sequence[tuple[str, timedelta]] = (
    ("new in this scan", timedelta(0)),
    ("up to 7 days", timedelta(days=7)),
    ("up to 30 days", timedelta(days=30)),
    ("up to 90 days", timedelta(days=90)),
    ("older", timedelta.max),
)
"""Columns of the table of ages, each with the greatest age that belongs to it."""


def point_of(scan: Scan) -> TrendPoint:
    """A scan in numbers."""
    return TrendPoint(
        started_at=scan.started_at,
        exit_code=scan.exit_code.value,
        is_narrowed=scan.narrowing.is_any,
        is_interrupted=scan.interrupted_by is not None,
        accounts=_counts(scan),
        violations=summarise(scan).violations,
    )


def _counts(scan: Scan) -> AccountCounts:
    bad = sum(any(v.is_violation for v in account.verdicts) for account in scan.accounts)
    good = sum(passes(account) for account in scan.accounts)
    return AccountCounts(good, bad, len(scan.accounts) - good - bad)


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a bar: how many of one kind in one scan."""

    style: str
    """Name of its class."""
    x: int
    """Where it begins."""
    y: float
    """Its upper end, from the top."""
    height: float
    """Of ``HEIGHT``."""
    is_whole: bool
    """Whether the whole scan is reported: neither narrowed nor interrupted."""
    label: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar for each scan."""

    title: str
    """What is counted."""
    kinds: Sequence[tuple[str, str]]
    """Class and name of each kind, from the bottom up."""
    most: int
    """The greatest sum; the scale."""
    width: int
    """Of all bars."""
    parts: Sequence[Part]
    """All bars."""


@dataclass(frozen=True, slots=True)
class Ages:
    """Violations of a severity by age."""

    severity: Severity
    """Of the violations."""
    counts: Sequence[int]
    """One for each of ``AGES``."""


@dataclass(frozen=True, slots=True)
class ShownTrend:
    """The section."""

    points: Sequence[TrendPoint]
    """The newest first."""
    charts: Sequence[Chart]
    """Accounts, then violations."""
    ages: Sequence[Ages]
    """Of the violations of this scan; severities without any are left out."""
    times_to_fix: Sequence[TimeToFix]
    """As the history tells it."""


def shown_trend(scan: Scan, trend: Trend) -> ShownTrend:
    """What the page shows of a trend.

    Args:
        scan: The scan, whose violations have an age.
        trend: What the history tells.
    """
    points = trend.points
    by_account = [(p, (p.accounts.bad, p.accounts.open, p.accounts.good)) for p in points]
    by_severity = [(p, tuple(p.violations[level] for level in Severity)) for p in points]
    return ShownTrend(
        points=tuple(reversed(points)),
        charts=(
            _chart("Accounts", _ACCOUNTS, by_account),
            _chart("Violations", [(f"level-{one}", one.value) for one in Severity], by_severity),
        ),
        ages=tuple(_ages(scan, trend.violated_since)),
        times_to_fix=trend.times_to_fix,
    )


_ACCOUNTS = (
    (f"f-{FAIL}", "with violations"),
    (f"f-{UNKNOWN}", "neither: unknown, waived or not checked"),
    (f"f-{PASS}", "pass"),
)


def _chart(
    title: str,
    kinds: Sequence[tuple[str, str]],
    bars: Sequence[tuple[TrendPoint, Sequence[int]]],
) -> Chart:
    most = max(sum(counts) for _, counts in bars)
    parts: list[Part] = []
    for position, (point, counts) in enumerate(bars):
        is_whole = not (point.is_narrowed or point.is_interrupted)
        top = float(HEIGHT)
        for (style, name), count in zip(kinds, counts, strict=True):
            if count:
                height = HEIGHT * count / most
                top -= height
                label = f"{point.started_at.date()}: {count:,} {name}"
                place = (position * BAR, round(top, 3), round(height, 3))
                parts.append(Part(style, *place, is_whole, label))
    return Chart(title, kinds, most, len(bars) * BAR, parts)


def _ages(scan: Scan, since: Mapping[str, datetime]) -> Iterator[Ages]:
    counts = {severity: [0] * len(AGES) for severity in Severity}
    for subject, verdict in scan.judged():
        if verdict.is_violation:
            exchange, account = (subject.exchange, subject.id) if subject else ("", "")
            identity = finding_identity(verdict.rule, exchange, account, verdict.subject)
            age = scan.started_at - since.get(identity, scan.started_at)
            column = next(n for n, (_, most) in enumerate(AGES) if age <= most)
            counts[verdict.severity][column] += 1
    for severity, found in counts.items():
        if any(found):
            yield Ages(severity, found)
