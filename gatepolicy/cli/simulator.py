"""``gatepolicy simulator``: exchanges on this machine, to try gatepolicy on."""

import asyncio
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from os.path import lexists
from pathlib import Path

import click

from gatepolicy.cli import inputs
from gatepolicy.cli.given import SimulatorOptions, typed
from gatepolicy.cli.output import make_folder, refuse_existing
from gatepolicy.documents.schema import did_you_mean
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import Destination, Report, write_reports
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.playground import (
    ENVIRONMENT,
    INVENTORY,
    POLICY,
    playground_files,
    playground_keys,
)
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.synthetic import simulated_exchanges

_LAST_PORT = 65_535
_STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("simulator")
@click.option(
    "--exchange", multiple=True, metavar="ID", help="Exchange; repeatable.  [default: all]"
)
@click.option(
    "--port",
    type=click.IntRange(0, _LAST_PORT),
    default=0,
    show_default=True,
    help="First port to listen on; 0 takes free ones.",
)
@click.option(
    "--out",
    default="simulator",
    show_default=True,
    metavar="DIR",
    help="Folder for the inventory, the credentials and a policy.",
)
@click.option("--force", is_flag=True, help="Overwrite files in that folder.")
@typed(SimulatorOptions)
def command(given: SimulatorOptions) -> ExitCode:
    """Simulate the exchanges on this machine, to try gatepolicy on.

    Checks signatures and answers as the exchanges document it. Runs until Ctrl-C or SIGTERM.
    """
    exchanges = _exchanges(given.exchange)
    keys = playground_keys(exchanges, inputs.now())
    simulator = Simulator(keys, port=given.port, record=False)
    if given.port + simulator.port_count - 1 > _LAST_PORT:
        what = f"--port {given.port}: {simulator.port_count} ports are needed from there on"
        raise UsageError(what, hint=f"choose {_LAST_PORT - simulator.port_count + 1} at most")
    asyncio.run(_run(given, simulator, exchanges, keys))
    return ExitCode.OK


def _exchanges(named: Sequence[str]) -> Sequence[str]:
    known = simulated_exchanges()
    for name in named:
        if name not in known:
            otherwise = "'gatepolicy exchanges' lists the exchanges"
            hint = did_you_mean(name, known, otherwise)
            raise UsageError(f"--exchange {name}: the simulator has no such exchange", hint=hint)
    return sorted(set(named)) or known


async def _run(
    given: SimulatorOptions,
    simulator: Simulator,
    exchanges: Sequence[str],
    keys: Sequence[SimulatedKey],
) -> None:
    stop = asyncio.Event()
    for number in _STOPPED_BY:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(simulator)
        except OSError as error:
            what = f"--port {given.port}: cannot listen there ({error.strerror})"
            raise UsageError(what, hint="choose another port, or 0 for free ones") from None
        folder = Path(given.out)
        _write(folder, playground_files(keys, simulator.url_of), force=given.force)
        _say_what_runs(simulator, exchanges, len(keys))
        _say_what_next(folder)
        await stop.wait()


def _write(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write the files; one that is there and says the same is left alone."""
    changed = {name: text for name, text in files.items() if not _says(folder / name, text)}
    refuse_existing([folder / name for name in changed], force=force)
    make_folder(folder)
    write_reports(
        [
            Report([text], Destination(str(folder / name)), is_private=name == ENVIRONMENT)
            for name, text in changed.items()
        ]
    )


def _says(file: Path, text: str) -> bool:
    try:
        return lexists(file) and file.read_bytes() == text.encode()
    except OSError:
        return False


def _say_what_runs(simulator: Simulator, exchanges: Sequence[str], count: int) -> None:
    click.echo(
        f"Simulating {len(exchanges)} exchange{'s' * (len(exchanges) != 1)} with {count} synthetic "
        "accounts, for this machine only:\n"
    )
    width = max(map(len, exchanges))
    for exchange in exchanges:
        click.echo(f"  {exchange:{width}}  {simulator.url_of(exchange)}")


def _say_what_next(folder: Path) -> None:
    what = {
        INVENTORY: "the inventory; holds references, never a credential",
        ENVIRONMENT: "the synthetic credentials, as shell assignments",
        POLICY: "a policy to change",
    }
    width = max(map(len, what))
    click.echo(f"\nFiles, in {folder}:")
    for name, text in what.items():
        click.echo(f"  {name:{width}}  {text}")
    click.echo("\nNext, in another terminal:")
    for line in (
        f"cd {shlex.quote(str(folder))}",
        f". ./{ENVIRONMENT}",
        f"gatepolicy scan -p {POLICY}",
    ):
        click.echo(f"  {line}")
    click.echo("\nCtrl-C stops the simulator.")
