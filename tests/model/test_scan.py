"""The exit code is a property of the result."""

from datetime import UTC, datetime

import pytest

from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason
from gatepolicy.model.scan import AccountResult, ExitCode, Scan, ScanSettings
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLACE = Location("accounts.yaml", 4, 5)


READ = Facts({"key.exists": Fact(value=True, provenance=Provenance(Grade.OBSERVED, "call", ""))})


def verdict(
    outcome: Outcome,
    *,
    severity: Severity = Severity.HIGH,
    on_unknown: OnUnknown = OnUnknown.INCOMPLETE,
    reason: Reason | None = None,
) -> Verdict:
    if outcome is Outcome.UNKNOWN and reason is None:
        reason = Reason.NOT_DISCLOSED
    return Verdict(
        "GP001", "withdrawal-enabled", outcome, severity, "", "", "", reason, "", on_unknown,
        "baseline", PLACE,
    )  # fmt: skip


def scan(
    *verdicts: Verdict, general: tuple[Verdict, ...] = (), settings: ScanSettings | None = None
) -> Scan:
    subject = Subject("okx-mm", "okx", {}, "", PLACE)
    account = AccountResult(Evidence(subject, NOW, READ, ()), verdicts)
    return Scan(NOW, NOW, settings or ScanSettings(), (), (), (account,), general)


PASS = verdict(Outcome.PASS)
FAIL = verdict(Outcome.FAIL)
LOW = verdict(Outcome.FAIL, severity=Severity.LOW)
UNKNOWN = verdict(Outcome.UNKNOWN)
BLOCKED = verdict(Outcome.UNKNOWN, on_unknown=OnUnknown.BLOCK)
WARNED = verdict(Outcome.UNKNOWN, on_unknown=OnUnknown.WARN)
WAIVED = verdict(Outcome.WAIVED)
UNCOVERED = verdict(Outcome.UNKNOWN, reason=Reason.NOT_COVERED)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([PASS], ExitCode.OK),
        ([PASS, WAIVED], ExitCode.OK),
        ([PASS, WARNED], ExitCode.OK),
        ([PASS, FAIL], ExitCode.VIOLATION),
        ([PASS, UNKNOWN], ExitCode.INCOMPLETE),
        ([FAIL, UNKNOWN], ExitCode.VIOLATION),
        ([PASS, BLOCKED], ExitCode.VIOLATION),
        ([], ExitCode.NOTHING_EVALUATED),
        ([UNCOVERED], ExitCode.NOTHING_EVALUATED),
        ([UNCOVERED, PASS], ExitCode.INCOMPLETE),
    ],
)
def test_exit_codes(verdicts: list[Verdict], expected: ExitCode) -> None:
    assert scan(*verdicts).exit_code is expected


def test_a_threshold_softens_violations_below_it_only() -> None:
    high = ScanSettings(fail_on=Severity.HIGH)
    assert scan(PASS, LOW, settings=high).exit_code is ExitCode.OK
    assert scan(PASS, FAIL, settings=high).exit_code is ExitCode.VIOLATION


def test_a_blocked_unknown_below_the_threshold_is_still_incomplete() -> None:
    critical = ScanSettings(fail_on=Severity.CRITICAL)
    assert scan(PASS, BLOCKED, settings=critical).exit_code is ExitCode.INCOMPLETE


def test_softening_options() -> None:
    assert scan(FAIL, settings=ScanSettings(exit_zero=True)).exit_code is ExitCode.OK
    allowing = ScanSettings(allow_incomplete=True)
    assert scan(PASS, UNKNOWN, settings=allowing).exit_code is ExitCode.OK
    assert scan(PASS, FAIL, settings=allowing).exit_code is ExitCode.VIOLATION
    assert scan(settings=allowing).exit_code is ExitCode.NOTHING_EVALUATED
    assert scan(settings=ScanSettings(allow_empty=True)).exit_code is ExitCode.OK


def test_allowing_emptiness_allows_no_violation_and_no_unknown() -> None:
    empty = ScanSettings(allow_empty=True)
    assert scan(FAIL, settings=empty).exit_code is ExitCode.VIOLATION
    assert scan(UNCOVERED, settings=empty).exit_code is ExitCode.INCOMPLETE


def test_a_policy_that_covers_nobody_makes_a_scan_incomplete() -> None:
    assert scan(PASS, general=(UNCOVERED,)).exit_code is ExitCode.INCOMPLETE


def test_counts() -> None:
    counted = scan(PASS, FAIL, LOW, general=(UNCOVERED,))
    assert counted.count(Outcome.FAIL) == 2
    assert counted.count(Outcome.UNKNOWN) == 1


def test_severities_are_ordered_from_worst_to_least() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
    assert Severity.CRITICAL.at_least(Severity.HIGH)
    assert not Severity.MEDIUM.at_least(Severity.HIGH)
