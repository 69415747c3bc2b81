"""Accounts and what was collected about them: no secret, enough to evaluate again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepolicy.model.facts import Facts, Grade, Reason, Unknown, could_not_be_read


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where something was written."""

    file: str
    """The file as the user named it."""
    line: int
    """1-based."""
    column: int
    """1-based, counted in Unicode code points."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


_ANSWERED = frozenset({Grade.OBSERVED, Grade.REFUSAL, Grade.INFERRED})
_TOLD = frozenset({Grade.OBSERVED, Grade.INFERRED, Grade.APPARENT})


@dataclass(frozen=True, slots=True)
class Subject:
    """An account as the inventory declares it, without its credentials."""

    id: str
    """Unique within the inventory and the keys that were found."""
    exchange: str
    """Id of the exchange in the catalog."""
    labels: Mapping[str, str]
    """What selectors match on."""
    owner: str
    """Who answers for the account; may be empty."""
    location: Location
    """Where the inventory declares it, or the account that listed it."""
    found_by: str = ""
    """Id of the account that listed this key, where the inventory does not name it."""

    @property
    def declared_id(self) -> str:
        """The id that the inventory knows: what selectors match on."""
        return self.found_by or self.id


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was made for an account, without anything secret."""

    call: str
    """The catalog's name of the call."""
    method: str
    """HTTP method."""
    url: str
    """Scheme, host and path; never the query."""
    status: int | None
    """HTTP status of the last attempt; ``None`` when there was no answer."""
    reason: str
    """Why it failed, from the enumerated set; empty when it succeeded."""
    attempts: int
    """How often it was sent."""
    answer: str
    """The redacted answer; empty when there was none."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was collected about one account: no secret, enough to evaluate again."""

    subject: Subject
    """Whose key."""
    collected_at: datetime
    """UTC."""
    facts: Facts
    """What the answers prove."""
    calls: Sequence[CallRecord]
    """What was sent and answered."""
    clock_skew: timedelta | None = None
    """How far the exchange's clock was ahead of the scanner's, where the two differ by more than is
    tolerable: then no age can be judged. Negative when it was behind."""

    @property
    def unread(self) -> Unknown | None:
        """Why no answer said anything about this key.

        ``None`` once one did, and for accounts of which an exchange discloses nothing at all.
        """
        if self.was_answered:
            return None
        why = self.facts.unknown.get("key.exists", Unknown(Reason.NOT_DISCLOSED))
        return why if could_not_be_read(why.reason) else None

    @property
    def was_answered(self) -> bool:
        """Whether an answer of the exchange, or its refusal, proved anything about this key."""
        known = self.facts.known
        return "key.exists" in known or any(
            fact.provenance.grade in _ANSWERED for fact in known.values()
        )

    @property
    def was_read(self) -> bool:
        """Whether an answer, and not only a refusal, told anything about this key."""
        return any(fact.provenance.grade in _TOLD for fact in self.facts.known.values())

    @property
    def why_not_read(self) -> Unknown | None:
        """Why the key could not be read, whatever the refusals themselves prove.

        ``None`` once an answer told anything, and where there was nothing to ask for. For reports:
        the exit code follows ``unread``.
        """
        if self.was_read:
            return None
        return self.unread or next(
            (why for why in self.facts.unknown.values() if could_not_be_read(why.reason)), None
        )
