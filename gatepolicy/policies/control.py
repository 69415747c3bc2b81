"""A control: one question that one policy asks about one account."""

from dataclasses import dataclass

from gatepolicy.model.facts import Grade
from gatepolicy.model.location import Location
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.rules.conditions import Condition
from gatepolicy.rules.expressions import Expression


@dataclass(frozen=True, slots=True)
class Control:
    """A clause of a policy, compiled for one exchange."""

    rule: str
    """Stable id of the rule."""
    name: str
    """Stable name of the rule."""
    subject: str
    """What within the account: a capability, a permission word, or empty."""
    severity: Severity
    """After the policy's overrides."""
    condition: Condition
    """The good state."""
    expected: str
    """The good state in words."""
    on_unknown: OnUnknown
    """What an unknown means for the exit code."""
    accepted: frozenset[Grade]
    """Grades of proof that the policy accepts; facts of other grades count as unknown."""
    policy: str
    """Name of the policy."""
    location: Location
    """The line of the clause."""
    expression: Expression | None = None
    """The good state, for a rule of the policy itself; the condition is empty then."""
