"""Repetitions: later and later, never longer than a user would wait."""

from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.collect.collector import RetryPolicy, wait_before

POLICY = RetryPolicy(attempts=3, base=0.5, longest=20.0)


def latest() -> float:
    return 1.0


def test_waits_double() -> None:
    waits = [wait_before(n, None, RetryPolicy(attempts=5), latest) for n in (2, 3, 4, 5)]
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_the_last_attempt_is_the_last() -> None:
    assert wait_before(4, None, POLICY, latest) is None


def test_retry_after_is_a_lower_bound() -> None:
    assert wait_before(2, 3.0, POLICY, latest) == 3.0
    assert wait_before(2, 0.1, POLICY, latest) == 0.5


def test_a_long_retry_after_ends_the_attempts() -> None:
    assert wait_before(2, 3600.0, POLICY, latest) is None


@given(
    st.integers(2, 10),
    st.none() | st.floats(0, 100),
    st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_never_negative_and_never_too_long(
    attempt: int, retry_after: float | None, drawn: float
) -> None:
    wait = wait_before(attempt, retry_after, POLICY, lambda: drawn)
    assert wait is None or 0 <= wait <= POLICY.longest
