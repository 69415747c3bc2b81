"""The limiter keeps the pace of an exchange, whoever asks."""

import asyncio
from contextlib import nullcontext

from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.collect.schedule import Limiter
from gatepolicy.exchanges.exchange import RateLimit


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def limiter(time: Time, calls: int, seconds: float) -> Limiter:
    return Limiter(RateLimit(calls, seconds), clock=time.clock, sleep=time.sleep)


def turns(count: int, paced: Limiter) -> None:
    async def take() -> None:
        for _ in range(count):
            async with paced.turn(nullcontext()):
                pass

    asyncio.run(take())


def test_the_first_turn_is_free_and_the_next_ones_come_at_the_pace() -> None:
    time = Time()
    turns(4, limiter(time, calls=10, seconds=1.0))
    assert [round(seconds, 6) for seconds in time.slept] == [0.1, 0.1, 0.1]


def test_an_idle_limiter_saves_no_turns() -> None:
    time = Time()
    paced = limiter(time, calls=1, seconds=1.0)
    turns(1, paced)
    time.now += 60
    turns(2, paced)
    assert time.slept == [1.0]


def test_a_pause_holds_everybody_back() -> None:
    time = Time()
    paced = limiter(time, calls=1000, seconds=1.0)
    turns(1, paced)
    paced.pause(7)
    turns(1, paced)
    assert time.slept == [7.0]


def test_a_short_pause_never_shortens_the_wait() -> None:
    time = Time()
    paced = limiter(time, calls=1, seconds=10.0)
    turns(1, paced)
    paced.pause(1)
    turns(1, paced)
    assert time.slept == [10.0]


@given(st.integers(1, 50), st.integers(1, 20), st.floats(0.1, 100))
def test_no_window_ever_holds_more_turns_than_the_limit(
    count: int, calls: int, seconds: float
) -> None:
    time = Time()
    paced = limiter(time, calls, seconds)
    taken: list[float] = []

    async def take() -> None:
        for _ in range(count):
            async with paced.turn(nullcontext()):
                pass
            taken.append(time.now)

    asyncio.run(take())
    for first, last in zip(taken, taken[calls:], strict=False):
        assert last - first >= seconds * (1 - 1e-9)


def test_a_heavy_call_takes_several_turns() -> None:
    time = Time()
    paced = limiter(time, 20, 1.0)

    async def take() -> None:
        for weight in (20, 1, 20):
            async with paced.turn(nullcontext(), weight=weight):
                pass

    asyncio.run(take())
    assert [round(slept, 6) for slept in time.slept] == [1.0, 0.05]
