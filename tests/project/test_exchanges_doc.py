"""docs/exchanges.md says what the catalog says."""

import runpy
import subprocess
import sys
from pathlib import Path

from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.exchanges.catalog import load_others
from tests.whole_catalog import CATALOG

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


def test_one_call_is_one_call() -> None:
    written: str = runpy.run_path(str(ROOT / ".ci" / "exchanges_doc.py"))["written"]()
    assert "at most 1 call in " in written
    assert " 1 calls" not in written
    assert "at most 2 calls in 1 s" in written


def test_auditors_inventory_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "auditor.md").read_text(encoding="utf-8")
    inventory = tmp_path / "accounts.yaml"
    inventory.write_text(text.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    auditor, bot = load_inventory(str(inventory)).accounts
    assert auditor.discover
    assert bot.audited_by == auditor.subject.id
    listing = [exchange for exchange in CATALOG.values() if exchange.listings]
    assert all(f"(`{exchange.id}`)" in text for exchange in listing)


def test_every_exchange_is_in_it() -> None:
    for exchange in CATALOG.values():
        assert f"\n## {exchange.title} (`{exchange.id}`)\n" in TEXT
        assert all(f"`{call.http_method} {call.path}`" in TEXT for call in exchange.calls)
    assert all(name in TEXT for name in load_others())
