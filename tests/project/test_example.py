"""The worked example is what commands say."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "example.py"
FOLDER = ROOT / "docs" / "example"


def test_every_word_of_the_page_is_real() -> None:
    """When this fails, run ``python .ci/example.py`` and read what changed."""
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_page_tells_the_story_that_it_announces() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for told in (
        "arb-okx: permission-escalated (permission.withdraw)",
        "mm-bybit: ip-binding-weakened (ip.restricted)",
        "GP040 waiver-expired",
        "key-too-old: fail",
        "8 accounts",
    ):
        assert told in page, told


def test_the_evidence_holds_no_secret() -> None:
    for day in ("monday", "tuesday"):
        text = (FOLDER / f"{day}.json").read_text(encoding="utf-8")
        assert "not-a-real-" not in text
        assert len(json.loads(text)["accounts"]) == 8
