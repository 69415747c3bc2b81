"""What may be waived, where a policy extends others: the strictest holds. Pure."""

from collections.abc import Iterator, Sequence

from gatepolicy.errors import Problem
from gatepolicy.model.waivers import WaiverLimits
from gatepolicy.policies.policy import Policy

MAX_DAYS, FORBID = "waivers.max_days", "waivers.forbid"


def merged_limits(own: Policy, parents: Sequence[Policy]) -> WaiverLimits:
    """The limits of a policy and of those that it extends, without what it overrides."""
    lifted = {override.clause for override in own.overrides}
    layers = [own.waivers, *(_without(parent.waivers, lifted) for parent in parents)]
    days = [layer.max_days for layer in layers if layer.max_days is not None]
    places = {place: at for layer in reversed(layers) for place, at in layer.places.items()}
    return WaiverLimits(
        max_days=min(days, default=None),
        forbid=frozenset().union(*(layer.forbid for layer in layers)),
        places=places,
    )


def loosened_limits(own: Policy, parents: Sequence[Policy]) -> Iterator[Problem]:
    """A longer time than what is inherited, without an override."""
    lifted = {override.clause for override in own.overrides}
    mine = own.waivers.max_days
    for parent in parents:
        theirs = _without(parent.waivers, lifted)
        if mine is not None and theirs.max_days is not None and mine > theirs.max_days:
            what = f"loosens what is inherited from {theirs.places[MAX_DAYS]}"
            fix = f"tighten it, or override {MAX_DAYS} with a reason"
            yield Problem(own.waivers.places[MAX_DAYS], MAX_DAYS, what, fix)


def _without(limits: WaiverLimits, lifted: set[str]) -> WaiverLimits:
    return WaiverLimits(
        max_days=None if MAX_DAYS in lifted else limits.max_days,
        forbid=frozenset() if FORBID in lifted else limits.forbid,
        places={place: at for place, at in limits.places.items() if place not in lifted},
    )
