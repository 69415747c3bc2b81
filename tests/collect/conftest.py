"""Asking the simulator through the real edge."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.collect.run import CollectSettings, Watcher, make_targets
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.model.evidence import Evidence
from gatepolicy.scanning.live import collect_and_correlate
from gatepolicy.scanning.workspace import load_exchanges
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)


@pytest.fixture
def clean() -> Callable[[ExchangeId], SimulatedKey]:
    """A clean key of an exchange."""
    return lambda exchange: clean_key(exchange, 1, NOW)


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Collect the evidence about simulated keys, in their order."""

    def collect(
        keys: Sequence[SimulatedKey],
        *,
        jobs: int = 4,
        attempts: int = 2,
        timeout: str = "10s",
        simulator: Simulator | None = None,
        environ: dict[str, str] | None = None,
        found: list[Evidence] | None = None,
        max_rate: float | None = None,
    ) -> list[Evidence]:
        with SimulatorThread(simulator or Simulator(keys)) as playing:
            text = inventory_yaml(keys, playing.url_of)
            text = text.replace("    owner:", f"    timeout: {timeout}\n    owner:")
            inventory = tmp_path / "accounts.yaml"
            inventory.write_text(text, encoding="utf-8")
            accounts = load_inventory(str(inventory)).accounts
            targets = make_targets(
                accounts, lambda _: True, load_exchanges(key.exchange for key in keys), {}
            )
            settings = CollectSettings(
                jobs=jobs,
                max_rate=max_rate,
                attempts=attempts,
                pepper=b"pepper",
                keep_answers=True,
                sources=replace(
                    SecretSources.real(str(inventory)), environ=environ or environment(keys)
                ),
            )
            correlated, _ = collect_and_correlate(
                targets, settings, Watcher(lambda _: None, lambda _: None)
            )
            if found is not None:
                found += correlated.found
            assert not playing.forbidden_requests
            assert not playing.followed_redirects
        return list(correlated.evidence[: len(keys)])

    return collect
