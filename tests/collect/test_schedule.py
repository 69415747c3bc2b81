"""A scan takes hardly more than its floor, whatever the order of the inventory."""

import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from gatepolicy.collect.schedule import TYPICAL_LATENCY, Forecast, QueueName, forecast, queue_of
from gatepolicy.correlate.collected import Target
from tests.collect.virtual import CREDENTIALS, Network, collect_virtually, target_on, targets_on

FLEETS: Mapping[str, tuple[Mapping[str, int], float, int]] = {
    # exchange to accounts, seconds per answer, jobs
    "even": ({"okx": 150, "kucoin": 150, "gate": 150, "binance": 150, "bybit": 150}, 0.1, 64),
    "one long queue": ({"okx": 600, "gate": 20, "kraken": 10, "bybit": 50}, 0.1, 64),
    "one fast, one slow": ({"bybit": 900, "kucoin": 180}, 0.1, 8),
    "decided by the jobs": ({"bybit": 400, "okx": 100, "binance": 150}, 1.0, 16),
}


def floor(targets: Sequence[Target], latency: float, jobs: int) -> float:
    """The slowest queue's calls at its pace, or latency x calls / jobs."""
    turns: Counter[str] = Counter()
    calls = 0
    pace: dict[str, float] = {}
    for target in targets:
        assert target.exchange is not None
        limit = target.exchange.rate_limit
        pace[target.exchange.id] = limit.calls / limit.seconds
        calls += len(target.exchange.calls)
        turns[target.exchange.id] += sum(call.weight for call in target.exchange.calls)
    return max(
        latency * calls / jobs, *(count / pace[exchange] for exchange, count in turns.items())
    )


@pytest.mark.no_cover
@pytest.mark.parametrize("name", FLEETS)
def test_any_order_takes_at_most_a_twentieth_longer_than_the_floor(name: str) -> None:
    counts, latency, jobs = FLEETS[name]
    ordered = targets_on(counts)
    shuffled = random.Random(1).sample(ordered, len(ordered))
    least = floor(ordered, latency, jobs)
    told = []
    for targets in (ordered, ordered[::-1], shuffled):
        network = Network(latency, {})
        found, seconds = collect_virtually(targets, network, jobs=jobs)
        assert seconds <= 1.05 * least
        assert network.most <= jobs
        told.append({one.evidence.subject.id: one.evidence for one in found.values()})
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == len(ordered)


def test_the_number_of_jobs_changes_no_fact() -> None:
    targets = targets_on({"okx": 30, "gate": 10})
    one, _ = collect_virtually(targets, Network(0.1, {}), jobs=1)
    many, _ = collect_virtually(targets, Network(0.1, {}), jobs=200)
    assert len(one) == 40
    assert {at: found.evidence for at, found in one.items()} == {
        at: found.evidence for at, found in many.items()
    }


def test_no_exchange_is_asked_faster_than_its_pace() -> None:
    targets = targets_on({"okx": 100, "gate": 100})
    network = Network(0.1, {})
    collect_virtually(targets, network, max_rate=5.0)
    for host in {host for _, host in network.sent}:
        times = [time for time, to in network.sent if to == host]
        assert all(b - a >= 0.2 - 1e-6 for a, b in itertools.pairwise(times))


def test_credentials_are_read_shortly_before_they_are_needed() -> None:
    """Those that a command prints may expire within minutes."""
    targets = targets_on({"kraken": 40})
    read: list[str] = []
    read_by_then: list[int] = []

    class Watched(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            read.append(name)
            return super().__getitem__(name)

    network = Network(0.1, {}, asked=lambda: read_by_then.append(len(read)))
    collect_virtually(targets, network, environ=Watched(CREDENTIALS), max_rate=0.1)
    calls, credentials = shape(targets[0])
    assert len(read_by_then) == 40 * calls
    # The account that is asked, and two that wait: ten seconds lie between two turns.
    assert all(seen <= credentials * (sent // calls + 3) for sent, seen in enumerate(read_by_then))


def shape(target: Target) -> tuple[int, int]:
    """Calls and credentials of an account."""
    assert target.exchange is not None
    return len(target.exchange.calls), len(target.exchange.credentials)


def test_the_forecast_is_the_floor_and_names_the_queue_that_decides() -> None:
    targets = targets_on({"okx": 100, "gate": 10})
    turns = 100 * shape(targets[0])[0]
    calls = turns + 10 * shape(targets[-1])[0]
    expected = Forecast(turns / 5.0, calls, queue_of(targets[0]), turns, 5.0)
    assert forecast(targets, 5.0, 64) == expected
    by_jobs = forecast(targets, 1000.0, 1)
    assert by_jobs == Forecast(calls * TYPICAL_LATENCY, calls, None, 0, 0.0)


def test_queues_are_apart_by_exchange_egress_server_and_sandbox() -> None:
    names = {
        queue_of(target_on("okx", 1)),
        queue_of(target_on("okx", 2)),
        queue_of(target_on("okx", 1, proxy="http://203.0.113.7:3128")),
        queue_of(target_on("okx", 1, base_url="https://relay.example.com")),
        queue_of(target_on("okx", 1, sandbox=True)),
    }
    assert {str(name) for name in names} == {
        "okx via direct",
        "okx via http://203.0.113.7:3128",
        "okx at https://relay.example.com via direct",
        "okx (sandbox) via direct",
    }
    assert QueueName("okx", "", "", sandbox=False) in names
