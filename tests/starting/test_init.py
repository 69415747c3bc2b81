"""A new project checks and tests itself; nothing is overwritten."""

from pathlib import Path

import pytest
import yaml

from gatepolicy.exchanges.catalog import known_exchanges, load_others
from tests.cli.conftest import Run

EGRESS = ("--egress", "203.0.113.0/28")


def test_a_new_project_is_sound(run: Run, tmp_path: Path) -> None:
    made = run("init", "--exchange", "gate,okx", "--exchange", "deribit", *EGRESS)
    assert made.code == 0
    checked = run("check")
    assert (checked.code, checked.err) == (0, "")
    assert "accounts.yaml (3 accounts)" in checked.out
    tried = run("test")
    assert tried.code == 0
    assert "15 of 15 cases as expected" in tried.out
    assert " (100%), " in tried.out
    assert run("scan", "--plan").code == 0
    workflow = yaml.safe_load((tmp_path / ".github/workflows/gatepolicy.yml").read_text())
    [step] = [one for one in workflow["jobs"]["scan"]["steps"] if "scan" in one.get("run", "")]
    assert step["env"]["OKX_API_PASSPHRASE"] == "${{ secrets.OKX_API_PASSPHRASE }}"


@pytest.mark.parametrize("exchange", known_exchanges())
def test_on_every_exchange(run: Run, exchange: str) -> None:
    assert run("init", "--exchange", exchange, *EGRESS).code == 0
    checked = run("check")
    assert (checked.code, checked.err) == (0, "")
    assert run("test", "--min-coverage", "100", "-q").out == ""


@pytest.mark.no_cover
@pytest.mark.parametrize("exchange", load_others())
def test_where_nobody_can_ask(run: Run, tmp_path: Path, exchange: str) -> None:
    made = run("init", "--exchange", exchange, *EGRESS)
    assert made.code == 0
    assert f"gatepolicy attest --control settings --account {exchange}-main" in made.out
    assert "credentials" not in (tmp_path / "accounts.yaml").read_text(encoding="utf-8")
    checked = run("check")
    assert (checked.code, checked.err) == (0, "")
    assert f"{exchange}-main: {exchange} can only be checked by attestations" in checked.out
    assert run("test", "--min-coverage", "100", "-q").code == 0
    workflow = (tmp_path / ".github/workflows/gatepolicy.yml").read_text()
    assert "secrets." not in workflow
    scanned = run("scan", "-q")
    assert scanned.code == 1
    assert "GP052 settings-unattested" in scanned.out
    assert "unsupported_exchange" in scanned.out
    attested = ("--control", "settings", "--account", f"{exchange}-main", "--by", "Ada Example")
    assert run("attest", *attested).code == 0
    assert run("scan", "-q").code == 0


@pytest.mark.parametrize(
    ("exchange", "parent", "title"),
    [
        ("bitmart", "bitmart-market-making", "BitMart"),
        ("bitrue", "bitrue-market-making", "Bitrue"),
        ("poloniex", "baseline", "poloniex"),
    ],
)
def test_the_guide_is_extended_if_there_is_one(
    run: Run, tmp_path: Path, exchange: str, parent: str, title: str
) -> None:
    assert run("init", "--exchange", exchange, *EGRESS).code == 0
    policy = yaml.safe_load((tmp_path / "policies" / f"{exchange}.yaml").read_text())
    assert policy["extends"] == [parent]
    assert policy["metadata"]["title"] == f"Keys on {title}"


def test_what_people_attest_is_taken(run: Run, tmp_path: Path) -> None:
    """What is suggested works as it stands: the file is the project's, and a policy asks for it."""
    assert run("init", "--exchange", "bitmart,gate", *EGRESS).code == 0
    assert "\nattestations: [attestations.yaml]\n" in (tmp_path / "gatepolicy.yaml").read_text()
    before = (tmp_path / "attestations.yaml").read_text(encoding="utf-8")
    assert "attestations: []" in before
    assert run("scan", "--account", "bitmart-main", "-q").code == 1
    said = run(
        "attest", "--control", "settings", "--account", "bitmart-main", "--by", "Ada Example"
    )
    assert said.code == 0
    assert "ok  attestations.yaml" in run("check").out
    assert run("scan", "--account", "bitmart-main", "-q").code == 0


def test_a_project_of_the_catalog_alone_has_no_attestations(run: Run, tmp_path: Path) -> None:
    made = run("init", "--exchange", "gate", *EGRESS)
    assert "attest" not in made.out
    assert not (tmp_path / "attestations.yaml").exists()


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "okx.yaml").write_text("mine")
    ended = run("init", "--exchange", "okx", *EGRESS)
    assert ended.code == 2
    assert "already exists: policies/okx.yaml" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policies"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--exchange", "moonex", *EGRESS], "unknown exchange moonex"),
        (["--exchange", "bitmat", *EGRESS], "did you mean bitmart?"),
        (["--exchange", "okx", "--egress", "nowhere"], "--egress nowhere: not a valid network"),
        (["--exchange", "okx"], "not given: --egress"),
    ],
)
def test_what_cannot_be_begun(run: Run, tmp_path: Path, arguments: list[str], told: str) -> None:
    ended = run("init", *arguments)
    assert ended.code == 2
    assert told in ended.err
    assert list(tmp_path.iterdir()) == []
