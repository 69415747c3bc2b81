"""What a scheme of authentication is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.keys import SimulatedKey

Parameters: TypeAlias = Mapping[str, Any]
"""What a profile says under ``auth``."""


def _none(request: Request, parameters: Parameters, key: SimulatedKey) -> Mapping[str, object]:
    del request, parameters, key
    return {}


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a request names its key and proves that its sender has the secret."""

    presented: Callable[[Request, Parameters], str]
    """The key that a request names; empty when it names none."""
    refusal: Callable[[Request, Parameters, SimulatedKey], str | None]
    """Name of the profile's error for a request with a known key; ``None`` when all is well."""
    variables: Callable[[Request, Parameters, SimulatedKey], Mapping[str, object]] = _none
    """Variables of the answer's template that only the scheme knows, such as a token."""
