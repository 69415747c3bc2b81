"""Accounts to try gatepolicy on: on each exchange a safe key, and keys with a seeded violation."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gatepolicy.simulator.fleet import can_withdraw, unbound, with_withdraw
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import SITES, ExchangeId, SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.synthetic import synthetic_key

INVENTORY = "accounts.yaml"
ENVIRONMENT = "simulator.env"
POLICY = "policy.yaml"
_POLICY_SOURCE = Path(__file__).with_name("playground.yaml")


def playground_keys(exchanges: Sequence[str], now: datetime) -> tuple[SimulatedKey, ...]:
    """The keys of the playground.

    Args:
        exchanges: Those that are simulated.
        now: The time of the start; every key is thirty days old then.
    """
    return tuple(key for exchange in exchanges for key in _keys(exchange, now))


def _keys(exchange: str, now: datetime) -> Iterator[SimulatedKey]:
    def named(what: str, number: int) -> SimulatedKey:
        return replace(synthetic_key(exchange, number, now), account_id=f"{exchange}-{what}")

    yield named("safe", 1)
    if can_withdraw(exchange):
        yield with_withdraw(named("withdraw", 2), now)
    if _can_be_unbound(exchange):
        yield unbound(named("unbound", 3), now)


def _can_be_unbound(exchange: str) -> bool:
    by_code = exchange in SITES or exchange in tuple(ExchangeId)
    return by_code or load_profile(exchange).unbound


def playground_files(
    keys: Sequence[SimulatedKey], url_of: Callable[[str], str]
) -> Mapping[str, str]:
    """What a scan of the playground starts from.

    Args:
        keys: The keys of the playground.
        url_of: Exchange to its base URL.

    Returns:
        File name to text: the inventory, the credentials that it refers to as shell assignments,
        and a policy.
    """
    return {
        INVENTORY: f"# Synthetic accounts of the simulator.\n{inventory_yaml(keys, url_of)}",
        ENVIRONMENT: _environment_file(keys),
        # Without the line that tells editors where the schema lies.
        POLICY: _POLICY_SOURCE.read_text(encoding="utf-8").partition("\n")[2],
    }


def _environment_file(keys: Sequence[SimulatedKey]) -> str:
    lines = (f"export {name}={shlex.quote(value)}" for name, value in environment(keys).items())
    return "\n".join(["# Synthetic credentials: no exchange knows them.", *lines, ""])
