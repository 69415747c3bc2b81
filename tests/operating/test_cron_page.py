"""The page about cron: its commands run, its metrics and alerts are those of the report."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from tests.operating.conftest import Hook
from tests.reports.example_scan import passing, scan_of
from tests.reports.test_prometheus_report import families, rendered
from tests.system.conftest import NOW

PAGE = (Path(__file__).parents[2] / "docs" / "cron.md").read_text(encoding="utf-8")
TOKEN = "s3cret-t0ken"


def part(name: str) -> str:
    """What stands between two marks of the page."""
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
    assert PAGE.count(begin) == PAGE.count(end) == 1
    return PAGE.partition(begin)[2].partition(end)[0]


COMMANDS = [line.removeprefix("$ ") for line in part("five commands").splitlines()[1:-1]]
CRONTAB = """\
#!/bin/sh
# As crontab(1): lists with -l, and reads a new one with -.
if [ "$1" = -l ]; then cat "$KEPT" 2>/dev/null; else cat > "$KEPT.new" && mv "$KEPT.new" "$KEPT"; fi
"""


def script(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell, with a crontab of its own."""
    tools = tmp_path / "bin"
    tools.mkdir()
    script(tools / "crontab", CRONTAB)
    script(tools / "pip", f'#!/bin/sh\nexec "{sys.executable}" -m pip show -q "$2"\n')
    (tools / "gatepolicy").symlink_to(Path(sys.executable).with_name("gatepolicy"))
    inherited = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return {
        **inherited,
        "PATH": f"{tools}:/usr/bin:/bin",
        "KEPT": str(tmp_path / "kept"),
        "EDITOR": str(tmp_path / "editor"),
    }


def test_at_most_five_commands() -> None:
    assert 0 < len(COMMANDS) <= 5
    assert COMMANDS[0] == "pip install apprise"


def test_from_nothing_to_a_notification_on_a_change(
    tmp_path: Path, shell: dict[str, str], hook: Hook
) -> None:
    good = clean_key(ExchangeId.OKX, 1, NOW)
    bad = replace(good, permissions=(*good.permissions, "withdraw"))
    folder = tmp_path / "keys"
    folder.mkdir()
    accounts = folder / "accounts.yaml"
    filled = {
        "OKX_API_KEY": good.api_key,
        "OKX_API_SECRET": good.secret,
        "OKX_API_PASSPHRASE": good.passphrase,
        "GATEPOLICY_NOTIFY": f"json://{hook.address}/{TOKEN}",
        "GATEPOLICY_HEARTBEAT": f"http://{hook.address}/{TOKEN}",
    }
    edits = "".join(f"s|^{name}=''|{name}='{value}'|;" for name, value in filled.items())
    script(Path(shell["EDITOR"]), f'#!/bin/sh\nsed -i "{edits}" "$1"\n')

    def run(command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", command], cwd=folder, env=shell,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    with SimulatorThread(Simulator([good])) as simulator:
        for command in COMMANDS:
            ended = run(command)
            assert (ended.returncode, ended.stderr) == (0, ""), command
            if command.startswith("gatepolicy init"):
                # The one thing that is not as it is for users: their exchange is a simulator.
                text = accounts.read_text(encoding="utf-8")
                accounts.write_text(f"{text}    base_url: {simulator.url}\n", encoding="utf-8")
        url = simulator.url
    assert hook.paths == [f"/{TOKEN}/start", f"/{TOKEN}"]
    hook.calls.clear()

    [line] = Path(shell["KEPT"]).read_text(encoding="utf-8").splitlines()
    assert line.startswith("17 4 * * * /")
    with SimulatorThread(Simulator([bad])) as simulator:
        text = accounts.read_text(encoding="utf-8")
        accounts.write_text(text.replace(url, simulator.url), encoding="utf-8")
        for told in (1, 0):
            night = run(f"env -i PYTHONPATH={shell.get('PYTHONPATH', '')} PATH=/usr/bin:/bin"
                        f" sh -c '{line.split(maxsplit=5)[5]}'")  # fmt: skip
            assert night.returncode == 1
            assert night.stdout == ""
            assert TOKEN not in night.stderr
            notified = [json.loads(body) for _, body in hook.calls if body]
            assert len(notified) == told
            hook.calls.clear()
            for message in notified:
                assert "withdrawal-enabled (withdraw): okx-main" in message["message"]


def rows() -> Iterator[tuple[str, set[str]]]:
    for line in part("metrics").splitlines()[2:]:
        name, labels, _ = [cell.strip() for cell in line.split("|")[1:4]]
        yield name.strip("`"), set(re.findall(r"`([a-z]+)`", labels))


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    found = {
        family.name: set(family.samples[0].labels) - {"scope"}
        for family in families(rendered(scan_of(passing()))).values()
    }
    assert dict(rows()) == found


def test_alerts_are_about_metrics_that_there_are() -> None:
    text = part("alerts").partition("```yaml\n")[2].partition("```")[0]
    [group] = yaml.safe_load(text)["groups"]
    labels = dict(rows())
    for rule in group["rules"]:
        names = re.findall(r"gatepolicy_[a-z_]+", rule["expr"])
        assert names
        assert set(names) <= labels.keys()
        for name, matched in re.findall(r"(gatepolicy_[a-z_]+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)=", matched)) <= labels[name]
    assert len(group["rules"]) == 4
