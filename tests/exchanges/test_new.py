"""What ``python -m tests.exchanges.new`` begins says what is still to be written, and no fact."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.catalog import known_exchanges, load_others
from gatepolicy.exchanges.consistency import catalog_problems
from gatepolicy.rules.catalog import load_rules
from tests.exchanges import new

RULES = {rule.info.name for rule in load_rules().values()}
CARRIED = "hitbtc"
"""Any exchange that ccxt carries: its files are made as if it had none."""


@pytest.fixture(scope="module")
def client() -> Any:
    return getattr(import_module("ccxt"), CARRIED)()


def test_the_file_lacks_nothing_but_what_only_a_reader_can_write(
    client: Any, tmp_path: Path
) -> None:
    (tmp_path / f"{CARRIED}.yaml").write_text(new.catalog_file(client), encoding="utf-8")
    problems = catalog_problems(RULES, tmp_path)
    expected = {"still says TODO"}
    if CARRIED in load_others():
        expected.add(f"{CARRIED} stands in others.yaml too")
    assert {problem.what for problem in problems} == expected


def test_it_tells_no_fact_but_asks_for_all(client: Any) -> None:
    begun = yaml.safe_load(new.catalog_file(client))
    assert "structural" not in begun
    assert "permissions" not in begun
    assert all("TODO" in line for line in begun["not_disclosed"].values())
    assert {*begun["not_disclosed"], "permission.read"} == {*new.facts()}
    answered = yaml.safe_load(new.answer_file(CARRIED, told=new.unknown_facts()))
    assert answered["known"] == {}
    assert set(answered["unknown"].values()) == {"not_disclosed"}


def test_reads_are_offered_and_nothing_that_writes(client: Any) -> None:
    reads = new.reads(client)
    assert "private_get_spot_balance" in reads
    assert not [name for name in reads if "_get_" not in name or "withdraw" in name]


def test_the_profile_is_one(client: Any) -> None:
    assert yaml.safe_load(new.profile_file(client))["credentials"] == {
        "apiKey": "text",
        "secret": "text",
    }


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("  moon: {state: not_researched}\n", "moon"),
        ("  moon:\n    state: outside\n    note: >-\n      look\n", "moon"),
    ],
)
def test_its_row_goes_whole(row: str, name: str) -> None:
    others = "  mo: {state: not_researched}\n", "  moonlight: {state: not_researched}\n"
    text = f"exchanges:\n{others[0]}{row}{others[1]}"
    assert new.without_row(text, name) == f"exchanges:\n{others[0]}{others[1]}"


def test_the_row_of_the_baseline_is_put_in_its_place() -> None:
    text = "on_unknown: {}\n\nexchanges:\n  gate: {}\n  zaif: {}\n"
    row = "  moon: {on_unknown: {withdraw: incomplete, ip_binding: incomplete}}\n"
    expected = f"on_unknown: {{}}\n\nexchanges:\n  gate: {{}}\n{row}  zaif: {{}}\n"
    assert new.with_row(text, "moon") == expected


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "one exchange must be named"),
        (["--help"], "one exchange must be named"),
        ([known_exchanges()[0]], "is in the catalog already"),
        (["nowhere"], "has no row in others.yaml"),
        (["coinex"], "the installed ccxt has no coinex"),
    ],
)
def test_what_cannot_be_begun(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new.main(arguments) == 2
    assert why in capsys.readouterr().err
