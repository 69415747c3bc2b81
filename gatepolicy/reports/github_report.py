"""Workflow commands of GitHub Actions: annotations at the line of the policy that asks.

GitHub shows ten annotations of a kind for each step, so that ten are written in all, the worst
first; the last one tells how many findings are not among them. How texts are escaped:
https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions and, for the
characters, ``packages/core/src/command.ts`` of GitHub's toolkit.
"""

from collections.abc import Iterator, Sequence

from gatepolicy.model.evidence import Location
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict
from gatepolicy.reports.summary import (
    NOTHING_CHECKED,
    Judged,
    all_judged,
    cut,
    exit_sentence,
    fixes,
    rank,
    repository_path,
    unjudged,
    why_unknown,
)

GITHUB_ANNOTATION_LIMIT = 10
"""GitHub shows so many of a kind for each step."""
_TEXT_LIMIT = 200
_NAMED = 5

_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
_UNKNOWN_LEVEL = {
    OnUnknown.BLOCK: "error",
    OnUnknown.INCOMPLETE: "warning",
    OnUnknown.WARN: "notice",
}


def render_github(scan: Scan, *, limit: int = GITHUB_ANNOTATION_LIMIT) -> Iterator[str]:
    """At most so many annotations; the last one is about the scan itself.

    Args:
        scan: The finished scan.
        limit: How many lines are written.
    """
    groups = sorted(_grouped(scan), key=lambda group: rank(group[0].verdict))
    fix_for = fixes(scan)
    shown = groups[: limit - 1]
    for group in shown:
        first = group[0]
        fix = fix_for(first.verdict.rule, first.exchange)
        level, place = _level(first.verdict), first.verdict.location
        yield _command(level, _title(first.verdict), _message(group, fix), place)
    yield _command("notice", "gatepolicy", _foot(scan, groups[len(shown) :]), None)


def _grouped(scan: Scan) -> Iterator[Sequence[Judged]]:
    """What the same line of a policy found, for one reason, on one exchange."""
    groups: dict[tuple[object, ...], list[Judged]] = {}
    for one in all_judged(scan):
        verdict = one.verdict
        if verdict.outcome in (Outcome.FAIL, Outcome.UNKNOWN):
            key = (verdict.outcome, verdict.severity, verdict.on_unknown, why_unknown(verdict))
            asked = (verdict.rule, verdict.subject, verdict.expected, verdict.location)
            groups.setdefault((*key, *asked, one.exchange), []).append(one)
    yield from groups.values()


def _level(verdict: Verdict) -> str:
    is_unknown = verdict.outcome is Outcome.UNKNOWN
    return _UNKNOWN_LEVEL[verdict.on_unknown] if is_unknown else _LEVEL[verdict.severity]


def _title(verdict: Verdict) -> str:
    what = "unknown" if verdict.outcome is Outcome.UNKNOWN else verdict.severity
    return f"{verdict.rule} {verdict.name} ({what})"


def _message(group: Sequence[Judged], fix: str) -> str:
    first = group[0]
    verdict = first.verdict
    accounts = list(dict.fromkeys(cut(one.account, _TEXT_LIMIT) for one in group if one.account))
    hidden = len(accounts) - _NAMED
    more = f" and {hidden:,} more" if hidden > 0 else ""
    where = f" on {first.exchange}" if first.exchange else ""
    who = f"{', '.join(accounts[:_NAMED])}{more}{where}" if accounts else "this scan"
    lines = [f"{who}: expected: {verdict.expected}" if verdict.expected else who]
    if verdict.outcome is Outcome.UNKNOWN:
        lines.append(f"neither proved nor disproved: {why_unknown(verdict)}")
        lines.append(f"needed: {verdict.needed}" if verdict.needed else "")
    else:
        lines.append(f"seen: {verdict.seen}" if verdict.seen and len(group) == 1 else "")
        lines.append(f"fix: {fix}")
    return "\n".join(cut(line, 5 * _TEXT_LIMIT) for line in lines if line)


def _foot(scan: Scan, missing: Sequence[Sequence[Judged]]) -> str:
    lines = [exit_sentence(scan)]
    if missing:
        findings = sum(map(len, missing))
        lines.insert(0, f"{findings:,} more findings are not shown here; see another report.")
    silent = sum(1 for _ in unjudged(scan))
    if silent:
        lines.append(f"{silent:,} accounts: {NOTHING_CHECKED}.")
    return "\n".join(lines)


def _command(name: str, title: str, message: str, place: Location | None) -> str:
    path = repository_path(place, of_policy=True) if place else None
    properties = {"title": cut(title, _TEXT_LIMIT)}
    if place is not None and path is not None:
        properties = {"file": cut(path, 1_000), "line": str(place.line), **properties}
    pairs = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {pairs}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
