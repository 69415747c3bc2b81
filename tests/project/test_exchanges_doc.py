"""docs/exchanges.md says what the catalog says."""

import subprocess
import sys
from pathlib import Path

from gatepolicy.exchanges.catalog import load_catalog
from gatepolicy.exchanges.others import load_others

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "exchanges.md").read_text(encoding="utf-8")


def test_nothing_has_drifted() -> None:
    """When this fails, run ``python .ci/exchanges_doc.py``."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "exchanges_doc.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_exchange_is_in_it() -> None:
    for exchange in load_catalog().values():
        assert f"\n## {exchange.title} (`{exchange.id}`)\n" in TEXT
        assert all(f"`{call.http_method} {call.path}`" in TEXT for call in exchange.calls)
    assert all(name in TEXT for name in load_others())
