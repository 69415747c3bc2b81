"""What can go wrong on the way: faults as values, and the counters that use them up."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The ways in which an answer goes wrong."""

    LATENCY = "latency"
    """The answer comes ``seconds`` late; stacks with any other fault."""
    STATUS = "status"
    """HTTP ``status`` with ``Retry-After``; 418 and 429 carry the exchange's rate-limit body."""
    RATE_LIMIT = "rate-limit"
    """The exchange's own rate-limit answer (Bybit says it with HTTP 200)."""
    CLOCK_ERROR = "clock-error"
    """The exchange's own answer to a timestamp outside its window."""
    HTML = "html"
    """A page, with ``status`` 200 (a proxy's) or 403 (a firewall's)."""
    EMPTY = "empty"
    """No body, with ``status``."""
    TRUNCATED = "truncated"
    """The first half of the real answer, complete as far as HTTP can tell."""
    DUPLICATE_KEYS = "duplicate-keys"
    """Every field of the key is given twice; the second value is the harmless one."""
    WRONG_TYPES = "wrong-types"
    """Booleans and numbers of the key as text, text as numbers, lists as objects."""
    REDIRECT = "redirect"
    """A redirect (``status`` 302 by default) to another loopback port, which answers well."""
    RESET = "reset"
    """The connection is reset before any answer."""
    RESET_BODY = "reset-body"
    """The connection is reset after half of the real answer's body."""
    SLOW_BODY = "slow-body"
    """The real answer, one byte every ``seconds``."""
    HUGE_BODY = "huge-body"
    """``size`` bytes of one endless JSON string, in chunks."""
    BOMB = "bomb"
    """``size`` bytes of one JSON string, which gzip makes a thousand times smaller."""
    SCRIPTED = "scripted"
    """``body`` with ``status``, such as an answer that the documents quote."""
    DATE = "date"
    """The real answer, with a ``Date`` that is ``seconds`` ahead; behind, if negative."""


_DEFAULT_STATUS = {FaultKind.STATUS: 503, FaultKind.REDIRECT: 302}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, a number of times."""

    kind: FaultKind
    """What goes wrong."""
    times: int | None = None
    """How many requests are affected; None is all of them."""
    seconds: float = 0.05
    """Pause, in seconds: before the answer (latency), between two bytes (slow body). How far the
    date is ahead (date)."""
    status: int = 0
    """HTTP status for the kinds that choose one; 0 takes 503, 302 or 200, as fits the kind."""
    retry_after: str = "1"
    """The ``Retry-After`` header of a STATUS fault; empty leaves it out."""
    size: int = 64 * 1024 * 1024
    """Bytes of a huge body before the server gives up; of a bomb, when it is unpacked."""
    body: str = ""
    """What a scripted answer says."""
    location: str = ""
    """Where a redirect points to; empty takes the simulator's own trap."""

    def http_status(self) -> int:
        """The status that the faulty answer carries."""
        return self.status or _DEFAULT_STATUS.get(self.kind, 200)


@dataclass(slots=True)
class _Counter:
    fault: Fault
    left: int | None

    def use(self) -> bool:
        """Whether the fault is still to happen; counts it."""
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0


class FaultQueue:
    """The faults still to happen, in their order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults, each with its own counter."""
        self._delays = [_Counter(fault, fault.times) for fault in faults if _is_delay(fault)]
        self._others = [_Counter(fault, fault.times) for fault in faults if not _is_delay(fault)]

    def delay(self) -> float:
        """The seconds that the next answer is late."""
        return sum(counter.fault.seconds for counter in self._delays if counter.use())

    def take(self) -> Fault | None:
        """The first fault that is not used up; None when all is well."""
        return next((counter.fault for counter in self._others if counter.use()), None)


def _is_delay(fault: Fault) -> bool:
    return fault.kind is FaultKind.LATENCY
