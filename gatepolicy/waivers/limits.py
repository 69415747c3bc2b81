"""Whether a policy allows a waiver. Pure."""

from enum import StrEnum

from gatepolicy.model.waivers import WaiverLimits, WaiverTerms


class Limit(StrEnum):
    """A limit of a policy, by the place at which it stands."""

    FORBID = "waivers.forbid"
    """Nobody may waive the rule."""
    MAX_DAYS = "waivers.max_days"
    """Nobody may waive anything for so long."""


def broken_limit(terms: WaiverTerms, limits: WaiverLimits | None) -> Limit | None:
    """The limit that a waiver of a policy's findings breaks; ``None`` where it is allowed."""
    if limits is None:
        return None
    if terms.rule in limits.forbid:
        return Limit.FORBID
    is_too_long = limits.max_days is not None and days_of(terms) > limits.max_days
    return Limit.MAX_DAYS if is_too_long else None


def days_of(terms: WaiverTerms) -> int:
    """For how many days it waives."""
    return (terms.expires - terms.created).days
