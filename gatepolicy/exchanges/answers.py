"""What came back from a call, before anybody trusts it."""

from collections.abc import Mapping
from dataclasses import dataclass

from gatepolicy.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes that the exchange sent."""

    status: int
    """HTTP status."""
    body: bytes
    """As received, after decompression, at most the cap of the guard."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """There was no answer to look at."""

    reason: Reason
    """Why."""
    detail: str = ""
    """One line for people, without anything secret."""


RawAnswer = Answer | NoAnswer
Answers = Mapping[str, RawAnswer]
"""Id of the call to what came back."""
