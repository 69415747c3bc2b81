"""One boundary turns errors into text and exit codes."""

import io

import click
import pytest

from gatepolicy.cli.boundary import Boundary, Signalled
from gatepolicy.errors import DocumentError, InternalError, Problem, UsageError
from gatepolicy.model.evidence import Location
from gatepolicy.model.scan import Interruption


def told(error: BaseException) -> tuple[int | str | None, str]:
    stderr = io.StringIO()
    with pytest.raises(SystemExit) as ended, Boundary(stderr):
        raise error
    return ended.value.code, stderr.getvalue()


def test_an_error_has_a_hint() -> None:
    code, text = told(UsageError("no such thing", hint="try another"))
    assert (code, text) == (2, "error: no such thing\nhint: try another\n")


def test_an_error_without_a_hint() -> None:
    assert told(UsageError("no such thing"))[1] == "error: no such thing\n"


def test_every_problem_of_a_document_is_told() -> None:
    place = Location("a.yaml", 3, 7)
    problems = [
        Problem(place, "key.max_age", "not a duration", "write 90d"),
        Problem(place, "", "duplicate key", ""),
    ]
    code, text = told(DocumentError(problems))
    assert code == 2
    assert text.splitlines() == [
        "a.yaml:3:7: key.max_age: not a duration; write 90d",
        "a.yaml:3:7: duplicate key",
        "error: 2 problems found, nothing was scanned",
    ]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130(interrupt: BaseException) -> None:
    assert told(interrupt) == (130, "interrupted by SIGINT; nothing else was written\n")


@pytest.mark.parametrize(
    ("by", "code"),
    [(Interruption.SIGINT, 130), (Interruption.SIGTERM, 143), (Interruption.SIGHUP, 129)],
)
def test_a_signal_is_told_by_its_name(by: Interruption, code: int) -> None:
    said = (code, f"interrupted by {by}; nothing else was written\n")
    assert told(Signalled(by)) == said
    aborted = click.Abort()
    aborted.__cause__ = Signalled(by)
    assert told(aborted) == said


def test_a_usage_error_of_the_command_line_is_2() -> None:
    code, text = told(click.UsageError("No such option: --frob"))
    assert code == 2
    assert "--frob" in text


def test_a_defect_is_5_and_its_text_is_not_shown() -> None:
    code, text = told(KeyError("canary-secret"))
    assert code == 5
    assert "KeyError" in text
    assert "test_boundary.py" in text
    assert "canary" not in text


def test_a_group_is_told_as_its_first_error() -> None:
    code, text = told(BaseExceptionGroup("group", [InternalError("refused"), KeyError("x")]))
    assert code == 5
    assert "error: refused" in text


def test_ending_the_process_is_nobodys_error() -> None:
    with pytest.raises(SystemExit) as ended, Boundary(io.StringIO()):
        raise SystemExit(3)
    assert ended.value.code == 3


def test_no_error_no_word() -> None:
    stderr = io.StringIO()
    with Boundary(stderr):
        pass
    assert stderr.getvalue() == ""
