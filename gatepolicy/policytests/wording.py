"""What a case expected and what it got, in words."""

from collections.abc import Iterator

from gatepolicy.policytests.run import CaseResult


def difference(result: CaseResult) -> Iterator[str]:
    """A line for every way in which a case is not as expected."""
    if not result.verdicts:
        subject = result.case.subject
        account = f"{subject.id} on {subject.exchange}"
        yield f"{subject.location}: no policy requires anything of {account}"
    for verdict in result.unexpected:
        what = f"{verdict.name} ({verdict.subject})" if verdict.subject else verdict.name
        seen = f"{verdict.reason}" if verdict.reason else verdict.seen
        yield f"{verdict.location}: not expected: {verdict.outcome} {what}: {seen}"
    for expected in result.unmet:
        what = f"{expected.rule} ({expected.subject})" if expected.subject else expected.rule
        because = f": {expected.reason}" if expected.reason else ""
        yield f"{expected.location}: not found: {expected.outcome} {what}{because}"
