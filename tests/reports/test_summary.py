from gatepolicy.model.facts import Facts
from gatepolicy.model.scan import ScanSettings
from gatepolicy.model.verdicts import Outcome, Severity
from gatepolicy.reports.summary import exit_sentence, is_incomplete, summarise
from tests.reports.example_scan import (
    BAD_NAME,
    account,
    example_scan,
    failing,
    passing,
    refused,
    scan_of,
    subject,
    verdict,
)


def test_counts_of_the_example() -> None:
    summary = summarise(example_scan())
    assert summary.outcomes == {
        Outcome.PASS: 5,
        Outcome.FAIL: 4,
        Outcome.UNKNOWN: 6,
        Outcome.WAIVED: 1,
        Outcome.NOT_APPLICABLE: 1,
    }
    assert summary.violations == {
        Severity.CRITICAL: 2,
        Severity.HIGH: 1,
        Severity.MEDIUM: 0,
        Severity.LOW: 1,
        Severity.INFO: 0,
    }
    assert summary.blocking_unknowns == {
        Severity.CRITICAL: 1,
        Severity.HIGH: 0,
        Severity.MEDIUM: 0,
        Severity.LOW: 0,
        Severity.INFO: 0,
    }
    assert (summary.accounts, summary.incomplete, summary.unchecked) == (4, 1, 0)


def test_an_account_about_which_nothing_was_asked_is_neither_complete_nor_incomplete() -> None:
    for verdicts in ((), (verdict(BAD_NAME, Outcome.NOT_APPLICABLE, "a name"),)):
        silent = account(subject("silent", "gate", 3), Facts(), verdicts)
        summary = summarise(scan_of(passing(), silent))
        assert (summary.accounts, summary.incomplete, summary.unchecked) == (2, 0, 1)


def test_an_unknown_that_the_policy_only_warns_about_leaves_an_account_complete() -> None:
    assert not is_incomplete(failing())
    assert is_incomplete(refused())


def test_the_exit_code_is_told_with_its_meaning() -> None:
    assert exit_sentence(example_scan()) == (
        "Exit code 1: at least one violation, or blocking unknown, at or above --fail-on."
    )
    assert exit_sentence(scan_of(passing())) == (
        "Exit code 0: everything selected was evaluated, nothing at or above --fail-on."
    )


def test_a_softened_exit_code_is_never_told_as_a_clean_scan() -> None:
    settings = ScanSettings(fail_on=Severity.CRITICAL, exit_zero=True, allow_incomplete=True)
    assert exit_sentence(scan_of(refused(), settings=settings)) == (
        "Exit code 0 because of --exit-zero, --allow-incomplete, --fail-on critical; "
        "else 1: at least one violation, or blocking unknown, at or above --fail-on."
    )


def test_an_allowed_empty_scan_says_so() -> None:
    assert exit_sentence(scan_of(settings=ScanSettings(allow_empty=True))) == (
        "Exit code 0 because of --allow-empty; "
        "else 4: nothing evaluated: no account or no rule matched, "
        "or no account could be read."
    )
