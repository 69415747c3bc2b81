"""A newcomer can walk through a scan: few files, and docs/architecture.md names those that lead."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

ROOT = Path(__file__).parents[2]
MOST_FILES = 80
MOST_ON_THE_SPINE = 12
HOOK = """
import inspect, sys, threading
from pathlib import Path

import gatepolicy

package, files = Path(gatepolicy.__file__).parent, set()

def note(frame, event, argument):
    # Modules and classes are defined by code without fast locals; only functions have them.
    if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        files.add(frame.f_code.co_filename)

sys.setprofile(note)
threading.setprofile(note)
try:
    from gatepolicy.cli.main import main
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
sys.setprofile(None)
paths = [Path(file) for file in files]
found = [path.relative_to(package).as_posix() for path in paths if path.is_relative_to(package)]
print(code, *sorted(found), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The files of which a scan of two accounts runs a function, and not definitions alone."""
    folder = tmp_path_factory.mktemp("scan")
    now = datetime.now(UTC)
    keys = [clean_key(name, 1, now) for name in (ExchangeId.OKX, ExchangeId.GATE)]
    outputs = ("-o", "text", "-o", "json=r.json", "-o", "sarif=r.sarif")
    with SimulatorThread(Simulator(keys)) as simulator:
        text = inventory_yaml(keys, simulator.url)
        (folder / "accounts.yaml").write_text(text, encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, "-c", HOOK, "scan", *outputs],
            env={**os.environ, **environment(keys), "PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    code, *files = ended.stderr.splitlines()[-1].split()
    assert code == "3"  # Gate's answer about withdrawals is only inferred.
    return frozenset(files)


def test_one_scan_runs_through_few_files(executed: frozenset[str]) -> None:
    assert 0 < len(executed) <= MOST_FILES, sorted(executed)


def test_the_spine_is_short_and_as_the_document_says(executed: frozenset[str]) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## One scan, from the command to the report\n")
    spine, steps = section.partition("\n1. ")[0], section.partition("\n1. ")[2].partition("\n##")[0]
    named = re.findall(r"`([a-z]+/[a-z_]+\.py)`", spine)
    assert len(named) == len(set(named)) <= MOST_ON_THE_SPINE
    assert set(named) <= executed
    assert f"at most {MOST_FILES} files" in spine.replace("\n", " ")
    # Whoever walks along the numbered steps meets every file of the spine.
    assert [file for file in named if file not in steps] == []
