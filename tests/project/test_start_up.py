"""Commands that ask nobody start without what they do not need."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"
SCRIPT = """
import sys
from gatepolicy.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
heavy = {"ccxt", "aiohttp", "asyncio", "ssl", "keyring"} & sys.modules.keys()
heavy |= {"sqlalchemy", "alembic", "psycopg", "securesystemslib"} & sys.modules.keys()
heavy |= {"hvac", "requests", "boto3", "google", "azure", "pyrage", "dotenv"} & sys.modules.keys()
print(code, sorted(heavy), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("explain", "GP001"),
        ("exchanges",),
        ("check", "-p", str(BENCH / "policy.yaml"), "-i", str(BENCH / "accounts.yaml")),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_light_command_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True
    )
    assert ended.stderr.splitlines()[-1] == "0 []"


def test_without_a_history_no_database_library_is_imported(tmp_path: Path) -> None:
    arguments = ["config", "--history", "h.db"]
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert ended.stderr.splitlines()[-1] == "0 []"


def test_a_scan_imports_ccxt_only_when_it_signs(tmp_path: Path) -> None:
    arguments = ["scan", "--plan", "-p", str(BENCH / "policy.yaml")]
    arguments += ["-i", str(BENCH / "accounts.yaml")]
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "ccxt" not in ended.stderr.splitlines()[-1]
