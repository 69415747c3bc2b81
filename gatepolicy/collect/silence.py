"""When a whole queue cannot be reached: nobody waits for a time-out per account. Pure."""

from gatepolicy.model.facts import Unknown
from gatepolicy.model.reasons import Reason

SILENT_AFTER = 5
"""Accounts in a row that must fail in the same way, without any answer between them: a single slow
account, or one short outage of its own, is no dead exchange."""
NETWORK_REASONS = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.TLS_ERROR})
"""Failures without any answer; a name that cannot be resolved is unreachable."""


class Silence:
    """What one queue's accounts have met, one after the other."""

    def __init__(self, name: str) -> None:
        """Nothing was tried yet.

        Args:
            name: Of the queue, for people.
        """
        self._name = name
        self._reason: Reason | None = None
        self.row = 0
        """How many accounts in a row have failed in the same way."""
        self._patience = 0.0

    def answered(self) -> None:
        """Somebody is there."""
        self._reason, self.row, self._patience = None, 0, 0.0

    def failed(self, reason: Reason, timeout: float) -> None:
        """An account got no answer at all.

        Args:
            reason: One of ``NETWORK_REASONS``.
            timeout: The seconds that the account would have waited.
        """
        if reason is not self._reason:
            self.answered()
            self._reason = reason
        self.row += 1
        self._patience = max(self._patience, timeout)

    def why(self, timeout: float) -> Unknown | None:
        """Why an account is not asked any more; ``None`` while it is.

        Args:
            timeout: The seconds that the account would wait. One that waits longer than all that
                failed by time-out is asked.
        """
        if self._reason is None or self.row < SILENT_AFTER:
            return None
        if self._reason is Reason.TIMEOUT and timeout > self._patience:
            return None
        return Unknown(
            self._reason,
            f"not asked: at least {SILENT_AFTER} accounts in a row failed with {self._reason}"
            f" on {self._name}",
        )
