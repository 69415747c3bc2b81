"""When something that failed is asked for again."""

from collections.abc import Callable
from dataclasses import dataclass

Random = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently."""

    attempts: int = 3
    """In total, the first one included."""
    base: float = 0.5
    """Seconds before the second attempt, before jitter."""
    longest: float = 20.0
    """Seconds that one wait may take; a longer ``Retry-After`` ends the retries."""


def wait_before(
    attempt: int, retry_after: float | None, policy: RetryPolicy, random: Random
) -> float | None:
    """Seconds to wait before an attempt, or ``None`` when there shall be none.

    Exponential backoff with full jitter; ``Retry-After`` is a lower bound.

    Args:
        attempt: 2 for the first repetition.
        retry_after: What the server asked for.
        policy: How often and how patiently.
        random: A number from 0 up to 1.
    """
    if attempt > policy.attempts or (retry_after or 0) > policy.longest:
        return None
    backoff = min(policy.longest, policy.base * 2.0 ** (attempt - 2)) * random()
    return max(backoff, retry_after or 0.0)
