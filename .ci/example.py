"""The worked example: its evidence, and what commands say about it.

``python .ci/example.py`` writes the outputs into ``docs/example/README.md`` anew; ``--check`` tells
whether they are as written; ``--evidence`` collects the evidence of both days from the simulator.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

FOLDER = Path(__file__).parents[1] / "docs" / "example"
PAGE = FOLDER / "README.md"
GATEPOLICY = str(Path(sys.executable).with_name("gatepolicy"))
MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
VAULT = "203.0.113.14"
BLOCK = re.compile(r"```console\n\$ (gatepolicy [^\n]*)\n(.*?)```", re.DOTALL)


def keys_of(day: datetime) -> list[SimulatedKey]:
    """The firm's keys on a day."""
    document = yaml.safe_load((FOLDER / "accounts.yaml").read_text(encoding="utf-8"))
    keys = {
        account["id"]: replace(
            clean_key(ExchangeId(account["exchange"]), number, MONDAY),
            account_id=account["id"],
            labels=account["labels"],
        )
        for number, account in enumerate(document["accounts"], start=1)
    }
    keys["vault-okx"] = replace(
        keys["vault-okx"],
        permissions=("read_only", "withdraw"),
        allowed_ips=(VAULT,),
        caller_ip=VAULT,
    )
    keys["vault-bybit"] = replace(
        keys["vault-bybit"],
        permissions=frozenset({"Wallet.Withdraw"}),
        allowed_ips=(VAULT,),
        caller_ip=VAULT,
        created_at=MONDAY - timedelta(days=200),
    )
    if day == TUESDAY:
        keys["arb-okx"] = replace(keys["arb-okx"], permissions=("read_only", "trade", "withdraw"))
        keys["mm-bybit"] = replace(keys["mm-bybit"], allowed_ips=())
    return list(keys.values())


def with_egress(inventory: str) -> str:
    """The simulator's inventory, with the addresses that the firm's inventory declares."""
    document = yaml.safe_load((FOLDER / "accounts.yaml").read_text(encoding="utf-8"))
    for account in document["accounts"]:
        if "egress" in account:
            entry = f'  - id: "{account["id"]}"\n'
            declared = f"    egress: {json.dumps(account['egress'])}\n"
            inventory = inventory.replace(entry, entry + declared)
    return inventory


def collect(day: datetime, file: Path) -> None:
    """Evidence of a day, as the simulator's answers prove it."""
    keys = keys_of(day)
    with tempfile.TemporaryDirectory() as folder, SimulatorThread(Simulator(keys)) as simulator:
        Path(folder, "accounts.yaml").write_text(with_egress(inventory_yaml(keys, simulator.url)))
        ended = subprocess.run(  # noqa: S603 - the program itself
            [GATEPOLICY, "--no-project", "collect", "-q"],
            cwd=folder,
            env={**os.environ, **environment(keys)},
            capture_output=True,
            text=True,
            check=True,
        )
        url = simulator.url
    evidence = json.loads(ended.stdout.replace(url, "http://127.0.0.1:8080"))
    declared = yaml.safe_load((FOLDER / "accounts.yaml").read_text(encoding="utf-8"))["accounts"]
    moment = day.isoformat().removesuffix("+00:00") + "Z"
    evidence["collected_at"] = moment
    for account, said in zip(evidence["accounts"], declared, strict=True):
        account |= {"collected_at": moment, "owner": said["owner"]}
    text = json.dumps(evidence, indent=1, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8")


def said(command: str, folder: str) -> str:
    """What a command prints, with its exit code."""
    ended = subprocess.run(  # noqa: S603 - the program itself
        [GATEPOLICY, *command.split()[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    return f"{ended.stdout}{ended.stderr}(exit code {ended.returncode})\n"


def rendered(page: str) -> str:
    """The page with the outputs of its commands made anew, in a copy of the folder."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(FOLDER, copy, dirs_exist_ok=True)
        return BLOCK.sub(lambda m: f"```console\n$ {m[1]}\n{said(m[1], copy)}```", page)


def main() -> int:
    """Write, check, or collect."""
    if "--evidence" in sys.argv:
        collect(MONDAY, FOLDER / "monday.json")
        collect(TUESDAY, FOLDER / "tuesday.json")
        return 0
    page = PAGE.read_text(encoding="utf-8")
    fresh = rendered(page)
    if "--check" in sys.argv:
        if fresh != page:
            print("docs/example/README.md is not what commands say; run: python .ci/example.py")
        return int(fresh != page)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
