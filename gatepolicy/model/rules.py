"""What reports say about a rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatepolicy.model.severity import Severity

OF_A_POLICY = "custom"
"""The first tag of a rule that a policy brings; what follows are the controls that it names."""


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What reports say about a rule."""

    id: str
    """Stable id."""
    name: str
    """Stable name."""
    title: str
    """The bad thing as a short sentence."""
    severity: Severity
    """By default; a policy may override it."""
    why: str
    """Why it matters."""
    fix: Mapping[str, str]
    """Exchange id to the fix there; ``default`` for all others."""
    references: Sequence[str]
    """Addresses to read on."""
    tags: Sequence[str]
    """Short words for consumers to group by."""
    facts: Sequence[str] = ()
    """What it asks about; ``{item}`` stands for what within the account a verdict is about."""

    @property
    def named_controls(self) -> Sequence[str]:
        """Controls of frameworks that a policy's own rule names; what is shipped names none."""
        return self.tags[1:] if self.tags[:1] == (OF_A_POLICY,) else ()

    def fix_for(self, exchange: str) -> str:
        """The fix on one exchange."""
        return self.fix.get(exchange) or self.fix["default"]
