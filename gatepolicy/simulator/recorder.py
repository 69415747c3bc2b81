"""What was asked of the simulator, without headers and without queries."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request that arrived."""

    method: str
    """As sent."""
    path: str
    """Without the query, which carries signatures."""
    exchange: str
    """The ccxt id of the exchange that the path belongs to; empty when it belongs to none."""


class Recorder:
    """Keeps the first requests and counts all of them."""

    def __init__(self, limit: int) -> None:
        """Keep at most ``limit`` requests."""
        self._limit = limit
        self._kept: list[RecordedRequest] = []
        self.count = 0
        """All requests, kept or not."""

    def add(self, request: RecordedRequest) -> None:
        """Count a request, and keep it while there is room."""
        self.count += 1
        if len(self._kept) < self._limit:
            self._kept.append(request)

    @property
    def kept(self) -> tuple[RecordedRequest, ...]:
        """The requests kept; safe to read from another thread."""
        return tuple(self._kept)
