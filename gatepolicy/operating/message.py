"""From news to a message for people: ids, names of rules, counts; no value of a key. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.model.scan import MEANING, ExitCode, Scan
from gatepolicy.operating.news import Kind, News
from gatepolicy.reports.clean import clean
from gatepolicy.reports.summary import exit_sentence, summarise
from gatepolicy.reports.text_layout import Line
from gatepolicy.reports.text_report import posture_lines, verdict_lines

_WIDTH = 100
_ACCOUNTS = 5
_LINES = 20
_TITLES: Mapping[Kind, str] = {
    Kind.NEW: "New",
    Kind.WORSE: "Worse",
    Kind.FIXED: "Fixed",
    Kind.NOT_CHECKED: "No longer checked, which is no fix",
    Kind.EXPIRING: "Expiring soon",
}


class Mood(StrEnum):
    """How urgent a message is; receivers show it by a colour or a sign."""

    BAD = "failure"
    WARNING = "warning"
    GOOD = "success"
    PLAIN = "info"


@dataclass(frozen=True, slots=True)
class Message:
    """What receivers get."""

    title: str
    """One clean line."""
    body: str
    """Clean lines."""
    mood: Mood
    """How urgent it is."""


def message_of(scan: Scan, news: Sequence[News]) -> Message:
    """What is reported of a scan.

    Args:
        scan: The finished scan.
        news: What there is to tell; empty for a digest.
    """
    # What two policies ask about the same thing is one thing for whoever reads it.
    things = {(one.kind, one.item.name, one.item.identity) for one in news}
    kinds = Counter(kind for kind, *_ in things)
    counts = ", ".join(f"{kinds[kind]:,} {kind}" for kind in Kind if kinds[kind])
    title = f"gatepolicy {clean(scan.scope or 'accounts')}: {counts or 'no change'}"
    lines = [
        *_texts(verdict_lines(scan, summarise(scan), _WIDTH)),
        *_told(news),
        *_texts(posture_lines(scan, _WIDTH)),
        "",
        exit_sentence(scan),
    ]
    return Message(title, "\n".join(clean(line) for line in lines), _mood(kinds, scan.exit_code))


def message_of_failure(what: str, code: ExitCode) -> Message:
    """What is reported when a scan did not get to its end.

    Args:
        what: The inventory.
        code: The exit code.
    """
    body = f"The scan of {clean(what)} ended with exit code {code.value}: {MEANING[code]}."
    return Message(f"gatepolicy {clean(what)}: the scan failed", body, Mood.BAD)


def _mood(kinds: Counter[Kind], code: ExitCode) -> Mood:
    if kinds[Kind.NEW] or kinds[Kind.WORSE]:
        return Mood.BAD
    if kinds[Kind.NOT_CHECKED] or kinds[Kind.EXPIRING]:
        return Mood.WARNING
    return Mood.GOOD if code is ExitCode.OK else Mood.PLAIN


def _texts(lines: Iterable[Line]) -> Iterator[str]:
    return ("".join(span.text for span in line).rstrip() for line in lines)


def _told(news: Sequence[News]) -> Iterator[str]:
    for kind in Kind:
        groups = list(_groups(one for one in news if one.kind is kind))
        if groups:
            yield ""
            yield _TITLES[kind]
            yield from groups[:_LINES]
        if len(groups) > _LINES:
            yield f"  and {len(groups) - _LINES:,} more"


def _groups(news: Iterable[News]) -> Iterator[str]:
    """What several accounts share is reported once."""
    accounts: dict[str, list[str]] = {}
    for one in news:
        accounts.setdefault(_what(one), []).append(one.item.account)
    for what, ids in accounts.items():
        yield f"  {what}: {_named(ids)}" if any(ids) else f"  {what}"


def _what(news: News) -> str:
    item = news.item
    if news.until is not None:
        return f"{item.name} expires on {news.until.isoformat()}"
    subject = f" ({item.subject})" if item.subject else ""
    head = f"{item.level} {item.rule} " if item.rule else ""
    return f"{head}{item.name}{subject}"


def _named(ids: Sequence[str]) -> str:
    some = list(dict.fromkeys(ids))
    more = f" and {len(some) - _ACCOUNTS:,} more" if len(some) > _ACCOUNTS else ""
    return f"{', '.join(some[:_ACCOUNTS])}{more}"
