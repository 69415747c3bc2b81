"""The SDKs of exchanges read their key on the simulator, each by its own code.

They need other versions of packages than gatepolicy's tests: ``.ci/sdks`` installs them into an
environment of their own, whose Python ``GATEPOLICY_SDKS_PYTHON`` names.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.synthetic import synthetic_key
from gatepolicy.simulator.thread import SimulatorThread
from tests.simulator.sdk_clients import SDKS

PYTHON = os.environ.get("GATEPOLICY_SDKS_PYTHON")
SCRIPT = Path(__file__).with_name("sdk_clients.py")
ADDRESS = "203.0.113.10"
TOLD: Mapping[str, str] = {
    "gate-api": f'"ip_whitelist": ["{ADDRESS}"',
    "pyxt": f'"bindIps": "{ADDRESS}',
    "python-bitvavo-api": '"capabilities": ["buy"',
    "deribit-wrapper": f'"ip_whitelist": ["{ADDRESS}"',
    "binance-connector": '"enableWithdrawals": false',
    "pybit": '"Spot": ["SpotTrade"]',
    "python-okx": f'"ip": "{ADDRESS}',
    "kucoin-universal-sdk": '"permission": "General,Spot"',
    "coinbase-advanced-py": '"can_transfer": false',
    "krakenex": '"permissions": ["query-funds"',
    "bitfinex-api-py": '["withdraw", 0, 0]',
    "delta-rest-client": '"size": 0',
    "luno-python": '"maker_fee": "0.0025',
    "pyupbit": '"access_key": "sim',
}
"""What the SDK says about a key that trades, cannot withdraw, and has an IP allowlist."""

needs_sdks = pytest.mark.skipif(PYTHON is None, reason="no SDKs are installed: .ci/sdks")


def test_every_sdk_has_an_answer_to_expect() -> None:
    assert SDKS.keys() == TOLD.keys()
    assert len(SDKS) == 14


def read(sdk: str, served: SimulatedKey, used: SimulatedKey) -> "subprocess.CompletedProcess[str]":
    """What an SDK reads with one key from a simulator that knows another, or the same."""
    with SimulatorThread(Simulator([served])) as simulator:
        account: Any = {
            "url": simulator.url_of(served.exchange),
            "apiKey": used.api_key,
            "secret": used.secret,
            "password": used.passphrase,
        }
        return subprocess.run(
            [str(PYTHON), str(SCRIPT), sdk],
            input=json.dumps({served.exchange: account}),
            env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@needs_sdks
@pytest.mark.parametrize("sdk", sorted(SDKS))
def test_an_sdk_reads_its_key(sdk: str) -> None:
    key = synthetic_key(SDKS[sdk][0], 1, datetime.now(UTC))
    ended = read(sdk, key, key)
    assert ended.returncode == 0, ended.stderr[-2_000:]
    version, _ = json.loads(ended.stdout)
    assert version[0].isdigit()
    assert TOLD[sdk] in ended.stdout


@needs_sdks
@pytest.mark.parametrize("sdk", sorted(SDKS))
def test_an_sdk_with_the_secret_of_another_key_reads_nothing(sdk: str) -> None:
    key = synthetic_key(SDKS[sdk][0], 1, datetime.now(UTC))
    other = synthetic_key(SDKS[sdk][0], 2, datetime.now(UTC))
    ended = read(sdk, key, replace(key, secret=other.secret))
    assert TOLD[sdk] not in ended.stdout
