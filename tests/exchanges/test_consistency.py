"""What ``gatepolicy check --catalog`` tells whoever writes a catalog file, with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gatepolicy.exchanges.consistency import catalog_problems
from gatepolicy.resources import catalog_directory
from gatepolicy.rules.catalog import load_rules

RULES = {rule.info.name for rule in load_rules().values()}
NATIVE = "  permissions.native: no call lists the permissions of a key\n"


def told(folder: Path, name: str, text: str) -> list[str]:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    problems = catalog_problems(RULES, folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def shipped(name: str) -> str:
    return (catalog_directory() / f"{name}.yaml").read_text(encoding="utf-8")


def test_the_shipped_catalog_has_no_problem() -> None:
    assert catalog_problems(RULES) == ()


Change = Callable[[str], str]


def swap(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            swap("id: bitso", "id: bitsoo"),
            "bitso.yaml:8:1: id: not the name of the file; write bitso",
        ),
        (
            swap("title: Bitso", "title: TODO"),
            "bitso.yaml:9:8: title: still says TODO; write it, or remove the line",
        ),
        (
            swap("hosts: [bitso.com]", "hosts: [bitso.com]\ncredentials_note: see TODO"),
            "bitso.yaml:14:19: credentials_note: still says TODO; write it, or remove the line",
        ),
        (
            swap(NATIVE, ""),
            "bitso.yaml:6:1: nothing tells about permissions.native; add it to facts or structural;"
            " or to not_disclosed, with what you looked at",
        ),
        (
            swap("not_disclosed:\n", "not_disclosed:\n  permission.read: no call tells\n"),
            "bitso.yaml:47:3: not_disclosed.permission.read: permission.read stands in facts and in"
            " not_disclosed; leave one of them",
        ),
        (
            swap("{call: open_orders, pointer: /success", "{call: open_order, pointer: /success"),
            "bitso.yaml:45:8: facts.permission.read[0].call: no such call; did you mean"
            " open_orders?",
        ),
        (
            swap("  ip-unbound:", "  ip-unbounded:"),
            "bitso.yaml:79:3: fixes.ip-unbounded: no such rule; did you mean ip-unbound?",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, change: Change, expected: str) -> None:
    assert expected in told(tmp_path, "bitso", change(shipped("bitso")))


def test_an_exchange_stands_in_one_of_the_two_files(tmp_path: Path) -> None:
    text = shipped("bitso").replace("id: bitso", "id: latoken", 1)
    expected = "latoken.yaml:8:1: id: latoken stands in others.yaml too; remove its entry there"
    assert told(tmp_path, "latoken", text) == [expected]


def test_a_call_that_no_fact_needs_is_not_asked_for(tmp_path: Path) -> None:
    asked = "{id: more, ccxt_method: private_get_fees, http_method: GET, path: /api/v3/fees/"
    more = f"calls:\n  - {asked}, reference: https://docs.bitso.com}}\n"
    text = swap("calls:\n", more)(shipped("bitso"))
    assert told(tmp_path, "bitso", text) == [
        "bitso.yaml:18:5: calls[0]: no fact comes from more; remove it: nothing is asked for that"
        " no fact needs"
    ]


def test_what_must_be_there_to_mend_is_missed(tmp_path: Path) -> None:
    text = shipped("bitso").replace("withdrawal-enabled:", "key-inactive:", 1)
    assert told(tmp_path, "bitso", text) == [
        "bitso.yaml:72:1: fixes: withdrawal-enabled is missing; add it"
    ]


def test_a_word_and_another_part_that_tell_the_same(tmp_path: Path) -> None:
    other = swap("not_disclosed:\n", "not_disclosed:\n  permission.convert: no call tells\n")
    [problem] = told(tmp_path, "coinsph", other(shipped("coinsph")))
    assert "permission.convert stands in permissions and in not_disclosed" in problem


def test_problems_of_all_files_are_told(tmp_path: Path) -> None:
    told(tmp_path, "luno", shipped("luno").replace("menu:", "menus:", 1))
    both = told(tmp_path, "bitso", shipped("bitso").replace("menu: ", "menu: TODO ", 1))
    assert both == [
        "bitso.yaml:71:7: menu: still says TODO; write it, or remove the line",
        *(line for line in both if line.startswith("luno.yaml:")),
    ]
    assert any("menu is missing; add it" in line for line in both)
    assert any("menus: unknown key; did you mean menu?" in line for line in both)
