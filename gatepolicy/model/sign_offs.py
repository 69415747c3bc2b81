"""What reviewers decided about a report, as it is shown to others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """Who has signed something, as far as that is known."""

    key_id: str
    """Id of the key. Whatever the file says, unless the signature was verified."""
    verified_with: str
    """File of the public key that verified it; empty when nobody has verified it."""

    @property
    def is_verified(self) -> bool:
        """Whether it was signed with a key that somebody trusts."""
        return bool(self.verified_with)


@dataclass(frozen=True, slots=True)
class ShownSignOff:
    """A reviewer's decision. Its texts are the reviewer's, or whoever wrote the file."""

    decision: str
    """``accepted``, ``rejected`` or ``accepted with conditions``."""
    reviewer: str
    """Who decided."""
    comment: str
    """Why, or under which conditions; may be empty."""
    signed_at: datetime
    """UTC."""
    signature: Signature
    """Under the decision."""
    is_second_person: bool
    """Whether another key signed the report."""


@dataclass(frozen=True, slots=True)
class SignOffs:
    """All sign-offs of a signed report."""

    report_digest: str
    """SHA-256 of the JSON report that was signed, hexadecimal."""
    signed_at: datetime
    """When the report was signed. UTC."""
    signature: Signature
    """Under the statement about the report."""
    decisions: Sequence[ShownSignOff]
    """At least one, in the order in which they were added: the last one counts."""

    @property
    def last(self) -> ShownSignOff:
        """The one that counts."""
        return self.decisions[-1]

    @property
    def are_verified(self) -> bool:
        """Whether every signature was verified."""
        signatures = [self.signature, *(one.signature for one in self.decisions)]
        return all(one.is_verified for one in signatures)
