"""How bad a violation is."""

from enum import StrEnum


class Severity(StrEnum):
    """From worst to least."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical, growing as it gets less bad."""
        return list(Severity).index(self)

    def at_least(self, threshold: "Severity") -> bool:
        """Whether this is as bad as the threshold, or worse."""
        return self.rank <= threshold.rank
