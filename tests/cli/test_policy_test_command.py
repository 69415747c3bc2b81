"""``gatepolicy test``: its output and its exit codes."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
permissions: {forbid: [withdraw]}
"""
TEST = """\
apiVersion: gatepolicy/v1
kind: PolicyTest
policies: [../desk.yaml]
now: 2026-11-01T00:00:00Z
account: {exchange: okx}
facts: {permission.withdraw: false, permissions.unrecognised: []}
cases:
  - name: safe
    expect: []
  - name: withdraws
    facts: {permission.withdraw: true}
    expect: [{rule: withdrawal-enabled}]
"""
WRONG = "  - {name: wrong, expect: [{rule: withdrawal-enabled}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "desk.yaml").write_text(POLICY)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "desk.test.yaml").write_text(TEST)
    return tmp_path


def test_all_as_expected(run: Run, folder: Path) -> None:
    ended = run("test")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "2 of 2 cases as expected\n1 of 2 clauses tested both ways (50%), 1 rules\n"
    )
    assert run("test", "-q").out == ""


def test_what_is_not_as_expected(run: Run, folder: Path) -> None:
    (folder / "tests" / "desk.test.yaml").write_text(TEST + WRONG)
    ended = run("test", "--junit", "junit.xml", "-q")
    assert ended.code == 1
    assert ended.out.startswith(
        "FAIL  tests/desk.test.yaml:13:5  wrong\n"
        "      tests/desk.test.yaml:13:28: not found: fail withdrawal-enabled\n"
        "2 of 3 cases as expected\n"
    )
    assert '<testsuites tests="3" failures="1"' in (folder / "junit.xml").read_text()
    assert run("test", "-k", "safe").code == 0


def test_coverage(run: Run, folder: Path) -> None:
    assert run("test", "--min-coverage", "50").code == 0
    short = run("test", "--min-coverage", "51")
    assert short.code == 1
    assert "desk permission-unrecognised: no case tests that it fails" in short.out
    assert "ok    tests/desk.test.yaml:8:5  safe" in run("test", "-v").out


def test_a_run_without_tests_is_no_pass(run: Run, folder: Path) -> None:
    assert run("test", "-k", "nothing").code == 2
    (folder / "tests" / "desk.test.yaml").unlink()
    ended = run("test")
    assert (ended.code, ended.err) == (
        2,
        "error: no tests in .\nhint: give file names, or name them *.test.yaml\n",
    )
    assert run("test", "gone.test.yaml").code == 2
