from dataclasses import replace

import pytest
from hypothesis import given

from gatepolicy.model.facts import Facts
from gatepolicy.model.scan import ExitCode, Scan, ScanSettings
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity
from gatepolicy.reports.summary import (
    count_not_verifiable,
    exit_sentence,
    is_incomplete,
    passes,
    summarise,
)
from tests.reports.example_scan import (
    BAD_NAME,
    account,
    example_scan,
    failing,
    passing,
    refused,
    scan_of,
    silent,
    subject,
    verdict,
)
from tests.reports.strategies import scans


def test_counts_of_the_example() -> None:
    summary = summarise(example_scan())
    assert summary.outcomes == {
        Outcome.PASS: 6,
        Outcome.FAIL: 4,
        Outcome.UNKNOWN: 7,
        Outcome.WAIVED: 1,
        Outcome.NOT_APPLICABLE: 2,
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
    assert (summary.accounts, summary.incomplete, summary.unchecked) == (5, 1, 0)
    assert (summary.unread, summary.not_read) == (0, 1)
    # The refused account has four, a policy without accounts is one, and of an age that is not
    # disclosed nobody says that it never is.
    assert (summary.of_accounts_not_read, summary.left_open, summary.not_verifiable) == (4, 2, 1)


def test_what_is_never_disclosed_does_not_stand_against_an_account_that_a_policy_lets_pass() -> (
    None
):
    assert passes(passing())
    assert passes(silent())
    assert count_not_verifiable(silent()) == 1
    assert scan_of(silent()).exit_code is ExitCode.OK


@pytest.mark.parametrize("meaning", [OnUnknown.BLOCK, OnUnknown.INCOMPLETE])
def test_a_policy_that_does_more_than_warn_lets_no_account_pass(meaning: OnUnknown) -> None:
    account = silent()
    *rest, untold = account.verdicts
    strict = replace(account, verdicts=(*rest, replace(untold, on_unknown=meaning)))
    assert not passes(strict)
    assert scan_of(strict).exit_code is not ExitCode.OK


def test_an_account_of_which_nothing_is_proved_does_not_pass() -> None:
    account = silent()
    *_, untold = account.verdicts
    assert not passes(replace(account, verdicts=(untold,)))
    assert not passes(replace(account, verdicts=()))
    # That an unknown is left open by an answer stays a reason, whatever the policy says.
    open_ = replace(untold, is_verifiable=True)
    assert not passes(replace(account, verdicts=(*account.verdicts, open_)))


@given(scan=scans())
def test_every_unknown_comes_from_one_place(scan: Scan) -> None:
    summary = summarise(scan)
    told = summary.left_open + summary.not_verifiable + summary.of_accounts_not_read
    assert told == summary.outcomes[Outcome.UNKNOWN]


def test_an_account_about_which_nothing_was_asked_is_neither_complete_nor_incomplete() -> None:
    for verdicts in ((), (verdict(BAD_NAME, Outcome.NOT_APPLICABLE, "a name"),)):
        mute = account(subject("silent", "gate", 3), Facts(), verdicts)
        summary = summarise(scan_of(passing(), mute))
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
