"""A seeded fleet on the simulator, in a process of its own.

Prints ``ready http://127.0.0.1:PORT`` and runs until SIGTERM, SIGINT or the end of standard input.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.fleet import fleet
from gatepolicy.simulator.inventory import CredentialStyle, environment, inventory_yaml
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator


def main() -> None:
    """Read the command line and run."""
    options = _parser().parse_args()
    keys = fleet(options.fleet, options.seed, datetime.now(UTC))
    asyncio.run(_run(options, keys))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fleet", type=int, required=True, help="how many accounts")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same fleet")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds per answer")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--inventory-out", type=Path, required=True, help="written before 'ready'")
    parser.add_argument(
        "--secrets-out",
        type=Path,
        required=True,
        help="a JSON object of environment variables; with --credential-style file a directory",
    )
    parser.add_argument(
        "--credential-style", type=CredentialStyle, default=CredentialStyle.ENV, help="env or file"
    )
    return parser


async def _run(options: argparse.Namespace, keys: Sequence[SimulatedKey]) -> None:
    late = Fault(kind=FaultKind.LATENCY, seconds=options.latency / 1000)
    faults = (late,) if options.latency else ()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(keys, faults=faults, port=options.port, record=False) as simulator:
        _write(options, keys, simulator.url)
        sys.stdout.write(f"ready {simulator.url}\n")
        sys.stdout.flush()
        _on_end_of_input(loop, stop)
        await stop.wait()


def _write(options: argparse.Namespace, keys: Sequence[SimulatedKey], url: str) -> None:
    style: CredentialStyle = options.credential_style
    secrets: Path = options.secrets_out
    if style is CredentialStyle.FILE:
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, value in environment(keys).items():
            _write_private(secrets / name, value)
    else:
        _write_private(secrets, json.dumps(environment(keys)))
    document = inventory_yaml(keys, url, style, str(secrets.resolve()))
    options.inventory_out.write_text(document, encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _on_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def watch() -> None:
        # Not sys.stdin: a thread that holds its lock would trip the interpreter when it ends.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
