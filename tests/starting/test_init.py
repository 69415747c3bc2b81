"""A new project checks and tests itself; nothing is overwritten."""

from pathlib import Path

import pytest
import yaml

from gatepolicy.exchanges.catalog import known_exchanges
from tests.cli.conftest import Run

EGRESS = ("--egress", "203.0.113.0/28")


def test_a_new_project_is_sound(run: Run, tmp_path: Path) -> None:
    made = run("init", "--exchange", "gate,okx", "--exchange", "deribit", *EGRESS)
    assert made.code == 0
    assert "cron: " in made.out
    checked = run("check")
    assert (checked.code, checked.err) == (0, "")
    assert "accounts.yaml (3 accounts)" in checked.out
    tried = run("test")
    assert tried.code == 0
    assert "3 of 3 cases as expected" in tried.out
    assert run("scan", "--plan").code == 0
    workflow = yaml.safe_load((tmp_path / ".github/workflows/gatepolicy.yml").read_text())
    steps = workflow["jobs"]["scan"]["steps"]
    assert steps[3]["env"]["OKX_API_PASSPHRASE"] == "${{ secrets.OKX_API_PASSPHRASE }}"


@pytest.mark.parametrize("exchange", known_exchanges())
def test_on_every_exchange(run: Run, exchange: str) -> None:
    assert run("init", "--exchange", exchange, *EGRESS).code == 0
    checked = run("check")
    assert (checked.code, checked.err) == (0, "")
    assert run("test").code == 0


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "okx.yaml").write_text("mine")
    ended = run("init", "--exchange", "okx", *EGRESS)
    assert ended.code == 2
    assert "there already: policies/okx.yaml" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policies"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--exchange", "moonex", *EGRESS], "the catalog has no exchange moonex"),
        (["--exchange", "okx", "--egress", "nowhere"], "--egress nowhere: no network"),
        (["--exchange", "okx"], "not given: --egress"),
    ],
)
def test_what_cannot_be_begun(run: Run, tmp_path: Path, arguments: list[str], told: str) -> None:
    ended = run("init", *arguments)
    assert ended.code == 2
    assert told in ended.err
    assert list(tmp_path.iterdir()) == []
