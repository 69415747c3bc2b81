"""JUnit XML: a test case for each account and control, as GitLab and Jenkins read it.

What is proved good passes; a violation is a failure; an unknown is an error, and where the policy
only warns about it, or no policy covers the account, it is skipped, as what is waived or does not
apply is. So no unknown is ever counted among what passed.

GitLab looks at the first of several cases with one name only, and so would take a violation for
passed: every name is made unique. It refuses files of 30 MB and more: the worst cases are kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import assert_never

from gatepolicy import __version__
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.reports.summary import (
    NOTHING_CHECKED,
    Judged,
    Room,
    cut,
    exit_sentence,
    fixes,
    rank,
    room_for,
    why_unknown,
)
from gatepolicy.reports.text_layout import control, place

GITLAB_FILE_LIMIT = 28_000_000
"""Bytes of test cases; GitLab takes files of less than 30 MB."""
_NAME_LIMIT = 250
_TEXT_LIMIT = 2_000
_OF_THE_SCAN = "gatepolicy"


def render_junit(scan: Scan, *, limit: int = GITLAB_FILE_LIMIT) -> Iterator[str]:
    """One suite for each account, and one for the scan itself, which comes first.

    Args:
        scan: The finished scan.
        limit: How many bytes of test cases are written; the worst are kept.
    """
    room = _room(scan, limit)
    is_kept = room.keeps()
    yield "<?xml version='1.0' encoding='utf-8'?>\n"
    yield '<testsuites name="gatepolicy">\n'
    suites = _suites(scan)
    general = next(suites)
    kept = [case for case in general.cases if is_kept(case.rank)]
    yield from _suite(general, [*kept, *_about_left_out(room)], _properties(scan, room))
    for suite in suites:
        yield from _suite(suite, [case for case in suite.cases if is_kept(case.rank)], ())
    yield "</testsuites>\n"


def junit_left_out(scan: Scan, *, limit: int = GITLAB_FILE_LIMIT) -> int:
    """How many test cases found no room."""
    return _room(scan, limit).total_left_out


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case."""

    rank: int
    """0 is the worst."""
    kind: str
    """``failure``, ``error``, ``skipped`` or, for what passes, nothing."""
    text: str
    """The element."""


@dataclass(frozen=True, slots=True)
class _Suite:
    """The test cases of an account, or of the scan itself."""

    name: str
    """Id of the account."""
    time: str
    """When it was looked at."""
    cases: Sequence[_Case]
    """In the order of the rules."""


def _room(scan: Scan, limit: int) -> Room:
    cases = (case for suite in _suites(scan) for case in suite.cases)
    return room_for(((case.rank, len(case.text.encode())) for case in cases), limit)


def _suites(scan: Scan) -> Iterator[_Suite]:
    """First the one about the scan itself, then those of the accounts."""
    groups, fix_for = Counter[str](), fixes(scan)
    general = _cases(_unique(groups, _OF_THE_SCAN), None, scan.general, fix_for)
    yield _Suite(_OF_THE_SCAN, encode_time(scan.finished_at), general)
    for account in scan.accounts:
        subject = account.evidence.subject
        group = _unique(groups, cut(f"{subject.exchange}.{subject.id}", _NAME_LIMIT))
        cases = _cases(group, subject, account.verdicts, fix_for)
        collected = encode_time(account.evidence.collected_at)
        name = cut(f"{subject.id} on {subject.exchange}", _NAME_LIMIT)
        yield _Suite(name, collected, cases or [_unchecked(account, group)])


def _cases(
    group: str,
    subject: Subject | None,
    verdicts: Iterable[Verdict],
    fix_for: Callable[[str, str], str],
) -> Sequence[_Case]:
    names = Counter[str]()
    judged = (Judged(subject, verdict) for verdict in verdicts)
    return [
        _case(
            one, group, _unique(names, _name(one.verdict)), fix_for(one.verdict.rule, one.exchange)
        )
        for one in judged
    ]


def _unique(names: Counter[str], name: str) -> str:
    """A name that none before has."""
    found = name
    while found in names:
        names[name] += 1
        found = f"{name} #{names[name]}"
    names[found] = 1
    return found


def _name(verdict: Verdict) -> str:
    asked = f", policy {verdict.policy}" if verdict.policy else ""
    return cut(f"{control(verdict)}{asked}", _NAME_LIMIT)


def _case(one: Judged, group: str, name: str, fix: str) -> _Case:
    verdict = one.verdict
    kind, what = _kind(verdict)
    if not kind:
        return _Case(rank(verdict), kind, _element(group, name, ""))
    where = {
        "expected": verdict.expected,
        "seen": verdict.seen,
        "needed": verdict.needed,
        "policy": place(verdict.location),
        "account": place(one.subject.location) if one.subject else "",
        "owner": one.owner,
        "fix": fix if verdict.outcome is Outcome.FAIL else "",
    }
    lines = [f"{label}: {cut(text, _TEXT_LIMIT)}" for label, text in where.items() if text]
    inner = f"<{kind} {_attributes(message=what, type=_type(verdict))}>"
    return _Case(
        rank(verdict),
        kind,
        _element(group, name, f"{inner}{escape(chr(10).join(lines))}</{kind}>"),
    )


def _kind(verdict: Verdict) -> tuple[str, str]:
    """The element in a case, and what it says."""
    match verdict.outcome:
        case Outcome.PASS:
            return "", ""
        case Outcome.FAIL:
            return "failure", f"{verdict.severity}: {verdict.seen or verdict.expected}"
        case Outcome.WAIVED:
            return "skipped", _waived(verdict)
        case Outcome.NOT_APPLICABLE:
            return "skipped", "not applicable"
        case Outcome.UNKNOWN:
            is_error = verdict.incomplete and verdict.reason is not Reason.NOT_COVERED
            is_error = is_error or verdict.on_unknown is OnUnknown.BLOCK
            return "error" if is_error else "skipped", f"unknown: {why_unknown(verdict)}"
        case _:
            assert_never(verdict.outcome)


def _waived(verdict: Verdict) -> str:
    if verdict.waived is None:
        return "waived"
    terms = verdict.waived.terms
    return f"waived by {terms.owner} until {terms.expires} ({terms.id}): {terms.justification}"


def _type(verdict: Verdict) -> str:
    return verdict.reason.value if verdict.reason else verdict.outcome.value


def _unchecked(account: AccountResult, group: str) -> _Case:
    kind = "skipped" if account.evidence.unread is None else "error"
    element = f"<{kind} {_attributes(message=NOTHING_CHECKED, type='unchecked')}/>"
    return _Case(0, kind, _element(group, NOTHING_CHECKED, element))


def _about_left_out(room: Room) -> Iterator[_Case]:
    missing = room.total_left_out
    if missing:
        message = f"{missing:,} of the mildest test cases were left out: GitLab accepts no more."
        element = f"<error {_attributes(message=message, type='left_out')}/>"
        yield _Case(0, "error", _element(_OF_THE_SCAN, "test cases left out", element))


def _element(group: str, name: str, inner: str) -> str:
    attributes = _attributes(classname=group, name=name)
    return f"<testcase {attributes}>{inner}</testcase>" if inner else f"<testcase {attributes}/>"


def _suite(suite: _Suite, cases: Sequence[_Case], properties: Sequence[str]) -> Iterator[str]:
    kinds = Counter(case.kind for case in cases)
    attributes = _attributes(
        name=suite.name,
        tests=f"{len(cases)}",
        failures=f"{kinds['failure']}",
        errors=f"{kinds['error']}",
        skipped=f"{kinds['skipped']}",
        timestamp=suite.time,
    )
    yield f"  <testsuite {attributes}>\n"
    yield from properties
    for case in cases:
        yield f"    {case.text}\n"
    yield "  </testsuite>\n"


def _properties(scan: Scan, room: Room) -> Sequence[str]:
    values = {
        "version": __version__,
        "finished_at": encode_time(scan.finished_at),
        "exit_code": str(scan.exit_code.value),
        "exit_code_meaning": exit_sentence(scan),
        "left_out": str(room.total_left_out),
    }
    lines = [
        f"      <property {_attributes(name=name, value=text)}/>\n" for name, text in values.items()
    ]
    return ["    <properties>\n", *lines, "    </properties>\n"]


def _attributes(**texts: str) -> str:
    return " ".join(f'{name}="{escape(cut(text, _TEXT_LIMIT))}"' for name, text in texts.items())
