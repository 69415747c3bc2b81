"""What becomes of a finding: a pass of the same question is a fix, and nothing else is."""

from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.drift.changes import snapshot_of
from gatepolicy.history.findings import Tracked, follow
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import Gone, Narrowing, Scan
from gatepolicy.model.verdicts import Outcome
from tests.history.conftest import NOW, account, day, judged, scan_at

FAIL, PASS, UNKNOWN = Outcome.FAIL, Outcome.PASS, Outcome.UNKNOWN
WAIVED = Outcome.WAIVED


class Past:
    """A history in memory."""

    def __init__(self) -> None:
        self.rows: dict[int, Tracked] = {}

    def add(self, scan: Scan, now: datetime = NOW) -> None:
        told = list(follow([*self.rows.values()], snapshot_of(scan), at=scan.started_at, now=now))
        for one in told:
            number = one.id or len(self.rows) + 1
            self.rows[number] = replace(one, id=number)

    def only(self) -> Tracked:
        (row,) = self.rows.values()
        return row


def past_of(*scans: Scan) -> Past:
    past = Past()
    for scan in scans:
        past.add(scan)
    return past


def of(number: int, outcome: Outcome, **how: object) -> Scan:
    return scan_at(number, account("mm", judged(outcome, **how)))  # type: ignore[arg-type]


def test_a_violation_is_fixed_by_a_pass() -> None:
    row = past_of(of(1, FAIL), of(3, FAIL), of(7, PASS)).only()
    assert (row.first_seen, row.violated_at, row.last_seen) == (day(1), day(1), day(3))
    assert (row.fixed_at, row.gone) == (day(7), None)


def test_a_pass_alone_is_nothing() -> None:
    assert past_of(of(1, PASS)).rows == {}


def test_an_unknown_fixes_nothing() -> None:
    row = past_of(of(1, FAIL), of(3, UNKNOWN)).only()
    assert (row.fixed_at, row.gone, row.finding.outcome) == (None, None, UNKNOWN)
    assert (row.violated_at, row.last_seen) == (day(1), day(3))


def test_an_account_that_could_not_be_read_fixes_nothing() -> None:
    unread = account("mm", judged(UNKNOWN, reason=Reason.BAD_KEY), unread=Reason.BAD_KEY)
    row = past_of(of(1, FAIL), scan_at(2, unread)).only()
    assert (row.fixed_at, row.finding.outcome) == (None, UNKNOWN)


def test_a_waiver_fixes_nothing() -> None:
    row = past_of(of(1, FAIL), of(2, WAIVED)).only()
    assert (row.fixed_at, row.finding.outcome) == (None, WAIVED)


def test_what_was_unknown_and_passes_was_never_a_violation() -> None:
    row = past_of(of(1, UNKNOWN), of(2, PASS)).only()
    assert (row.violated_at, row.fixed_at) == (None, day(2))


def test_an_account_that_is_not_there_is_gone_and_not_fixed() -> None:
    row = past_of(of(1, FAIL), scan_at(2, account("other", judged(PASS)))).only()
    assert (row.fixed_at, row.gone, row.last_seen) == (None, Gone.NO_ACCOUNT, day(1))


def test_what_no_policy_asks_any_more_is_gone_and_not_fixed() -> None:
    row = past_of(of(1, FAIL), scan_at(2, account("mm"))).only()
    assert (row.fixed_at, row.gone) == (None, Gone.NOT_ASKED)


def test_a_pass_of_a_milder_question_is_no_fix() -> None:
    row = past_of(of(1, FAIL), of(2, PASS, expected="the key withdraws a little")).only()
    assert (row.fixed_at, row.gone) == (None, Gone.ASKED_OTHERWISE)


def test_not_applicable_is_no_fix() -> None:
    row = past_of(of(1, FAIL), of(2, Outcome.NOT_APPLICABLE)).only()
    assert (row.fixed_at, row.gone) == (None, Gone.NOT_ASKED)


def test_a_question_in_new_words_is_the_same_finding() -> None:
    row = past_of(of(1, FAIL), of(2, FAIL, expected="the key never withdraws")).only()
    assert (row.first_seen, row.last_seen) == (day(1), day(2))
    assert row.finding.expected == "the key never withdraws"


def test_what_comes_back_is_the_same_finding_until_it_was_fixed() -> None:
    gone = scan_at(2, account("mm"))
    row = past_of(of(1, FAIL), gone, of(3, FAIL)).only()
    assert (row.first_seen, row.last_seen, row.gone) == (day(1), day(3), None)
    first, second = past_of(of(1, FAIL), of(2, PASS), of(3, FAIL)).rows.values()
    assert (first.fixed_at, second.fixed_at, second.first_seen) == (day(2), None, day(3))


def test_two_policies_that_become_one_leave_one_open_finding() -> None:
    both = account("mm", judged(FAIL, policy="a"), judged(FAIL, policy="b"))
    one = account("mm", judged(FAIL, policy="b"))
    first, second = past_of(scan_at(1, both), scan_at(2, one)).rows.values()
    assert (first.finding.policy, first.gone, first.fixed_at) == ("a", Gone.NOT_ASKED, None)
    assert (second.finding.policy, second.gone, second.last_seen) == ("b", None, day(2))


def test_a_narrowed_scan_says_nothing_about_what_it_left_out() -> None:
    narrowed = replace(
        scan_at(2, account("other", judged(PASS))), narrowing=Narrowing(("--account other",))
    )
    row = past_of(of(1, FAIL), narrowed).only()
    assert (row.gone, row.checked_at) == (None, day(1))


def test_a_scan_that_is_stored_late_only_moves_the_beginning() -> None:
    row = past_of(of(5, FAIL), of(2, FAIL)).only()
    assert (row.first_seen, row.violated_at, row.last_seen) == (day(2), day(2), day(5))
    for late in (PASS, UNKNOWN):
        row = past_of(of(5, FAIL), of(2, late)).only()
        assert (row.fixed_at, row.finding.outcome, row.last_seen) == (None, FAIL, day(5))
    row = past_of(of(5, UNKNOWN), of(2, FAIL)).only()
    assert (row.violated_at, row.first_seen) == (day(2), day(2))


def test_a_scan_from_before_a_fix_opens_nothing_again() -> None:
    row = past_of(of(1, FAIL), of(5, PASS), of(3, FAIL)).only()
    assert row.fixed_at == day(5)


def test_a_scan_that_claims_to_come_from_the_future_hides_nothing() -> None:
    past = Past()
    past.add(of(1, FAIL), now=day(2))
    past.add(of(300, PASS), now=day(2))
    past.add(of(3, FAIL), now=day(3))
    assert [row.fixed_at for row in past.rows.values()] == [day(300), None]


outcomes = st.sampled_from([FAIL, PASS, UNKNOWN, WAIVED, None])


@given(st.lists(outcomes, max_size=8))
def test_a_finding_is_open_unless_the_last_thing_that_is_known_is_a_pass(
    told: list[Outcome | None],
) -> None:
    past = past_of(
        *(
            of(number, outcome) if outcome else scan_at(number, account("mm"))
            for number, outcome in enumerate(told)
        )
    )
    known = [outcome for outcome in told if outcome]
    is_open = any(row.fixed_at is None for row in past.rows.values())
    assert is_open == bool(known and known[-1] is not PASS)
    assert sum(row.fixed_at is None for row in past.rows.values()) <= 1
    proved = [row for row in past.rows.values() if row.fixed_at]
    assert all(told[(row.fixed_at - day(0)).days] is PASS for row in proved if row.fixed_at)
