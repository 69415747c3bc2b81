"""What ``gatepolicy check --catalog`` tells whoever writes a catalog file, with its line."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.exchanges.build import build
from gatepolicy.exchanges.consistency import catalog_problems, inconsistencies
from gatepolicy.model.facts import FACTS, OF_THE_SCAN
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
            "bitso.yaml:15:19: credentials_note: still says TODO; write it, or remove the line",
        ),
        (
            swap(NATIVE, ""),
            "bitso.yaml:6:1: nothing tells about permissions.native; add it to facts or structural;"
            " or to not_disclosed, with what you looked at",
        ),
        (
            swap("not_disclosed:\n", "not_disclosed:\n  permission.read: no call tells\n"),
            "bitso.yaml:48:3: not_disclosed.permission.read: permission.read stands in facts and in"
            " not_disclosed; leave one of them",
        ),
        (
            swap("{call: open_orders, pointer: /success", "{call: open_order, pointer: /success"),
            "bitso.yaml:46:8: facts.permission.read[0].call: no such call; did you mean"
            " open_orders?",
        ),
        (
            swap("  ip-unbound:", "  ip-unbounded:"),
            "bitso.yaml:80:3: fixes.ip-unbounded: no such rule; did you mean ip-unbound?",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, change: Change, expected: str) -> None:
    assert expected in told(tmp_path, "bitso", change(shipped("bitso")))


def test_an_exchange_stands_in_one_of_the_two_files(tmp_path: Path) -> None:
    text = shipped("bitso").replace("id: bitso", "id: poloniex", 1)
    expected = "poloniex.yaml:8:1: id: poloniex stands in others.yaml too; remove its entry there"
    assert told(tmp_path, "poloniex", text) == [expected]


def test_a_call_that_no_fact_needs_is_not_asked_for(tmp_path: Path) -> None:
    asked = "{id: more, ccxt_method: private_get_fees, http_method: GET, path: /api/v3/fees/"
    more = f"calls:\n  - {asked}, reference: https://docs.bitso.com}}\n"
    text = swap("calls:\n", more)(shipped("bitso"))
    assert told(tmp_path, "bitso", text) == [
        "bitso.yaml:19:5: calls[0]: no fact comes from more; remove it: nothing is asked for that"
        " no fact needs"
    ]


def test_what_must_be_there_to_mend_is_missed(tmp_path: Path) -> None:
    text = shipped("bitso").replace("withdrawal-enabled:", "key-inactive:", 1)
    assert told(tmp_path, "bitso", text) == [
        "bitso.yaml:73:1: fixes: withdrawal-enabled is missing; add it"
    ]


def test_a_word_and_another_part_that_tell_the_same(tmp_path: Path) -> None:
    other = swap("not_disclosed:\n", "not_disclosed:\n  permission.convert: no call tells\n")
    [problem] = told(tmp_path, "coinsph", other(shipped("coinsph")))
    assert "permission.convert stands in permissions and in not_disclosed" in problem


def test_problems_of_all_files_are_told(tmp_path: Path) -> None:
    told(tmp_path, "luno", shipped("luno").replace("menu:", "menus:", 1))
    both = told(tmp_path, "bitso", shipped("bitso").replace("menu: ", "menu: TODO ", 1))
    assert both == [
        "bitso.yaml:72:7: menu: still says TODO; write it, or remove the line",
        *(line for line in both if line.startswith("luno.yaml:")),
    ]
    assert any("menu is missing; add it" in line for line in both)
    assert any("menus: unknown key; did you mean menu?" in line for line in both)
    # The other way round: the first file is not of the schema, the second one does not fit.
    told(tmp_path, "bitso", shipped("bitso").replace("menu:", "menus:", 1))
    both = told(tmp_path, "luno", shipped("luno").replace("menu: ", "menu: TODO ", 1))
    assert {line.partition(":")[0] for line in both} == {"bitso.yaml", "luno.yaml"}
    assert any("menus: unknown key; did you mean menu?" in line for line in both)
    assert both[-1].endswith("menu: still says TODO; write it, or remove the line")


# --- one file made by hand -----------------------------------------------------------------------


def moon(*lines: str, without: str = "") -> str:
    """A whole file: every fact has one place. Given lines take the place of those of their key."""
    by_facts = ("key.name", "key.active", "ip.restricted")
    told_by_words = {"permission.read", "permission.convert", "permission.p2p"}
    silent = [
        fact
        for fact in FACTS
        if fact not in OF_THE_SCAN
        and fact not in by_facts
        and fact not in told_by_words
        and not fact.startswith("permissions.")
        and fact != "key.subaccount"
    ]
    parts = {
        "id": "id: moon",
        "title": "title: Moon",
        "ccxt_id": "ccxt_id: moonex",
        "reference": "reference: https://example.com",
        "credentials": "credentials: [apiKey]",
        "hosts": "hosts: [example.com]",
        "rate_limit": "rate_limit: {calls: 1, seconds: 1}",
        "calls": (
            "calls:\n"
            "  - {id: key, http_method: GET, path: /key, reference: here}\n"
            "  - id: more\n"
            "    http_method: GET\n"
            "    path: /more\n"
            "    reference: here\n"
            "    params: {user: {call: user, pointer: /id}, plain: x}\n"
            "  - {id: user, http_method: GET, path: /user, reference: here}"
        ),
        "errors": "errors: {code: /code, text: /msg, patterns: []}",
        "permissions": (
            "permissions:\n"
            "  call: key\n"
            "  pointer: /perms\n"
            "  shape: word_list\n"
            "  words: {see: {title: See, grants: [read], unclear: [convert]}}\n"
            "  wordless: {p2p: no box for it}"
        ),
        "facts": (
            "facts:\n"
            "  key.name: [{call: key, pointer: /name}]\n"
            "  key.active: [{call: key, pointer: /on}, {call: more, pointer: /on}]\n"
            "  ip.restricted: [{call: more, pointer: /ip}]"
        ),
        "structural": "structural: {key.subaccount: {value: false, reference: here}}",
        "menu": "menu: API",
        "fixes": "fixes:\n  withdrawal-enabled: untick it\n  ip-unbound: add one",
        "not_disclosed": "not_disclosed:\n" + "\n".join(f"  {one}: no call" for one in silent),
    }
    parts |= {line.partition(":")[0]: line for line in lines}
    parts.pop(without, None)
    return "\n".join(parts.values()) + "\n"


def found(text: str, file: str = "catalog/moon.yaml", others: Collection[str] = ()) -> list[str]:
    document = parse_yaml(text, file)
    data: Any = document.data
    exchange = build(data)
    return [str(one) for one in inconsistencies(document, exchange, rules=RULES, others=others)]


def test_a_file_whose_parts_fit_each_other() -> None:
    assert found(moon()) == []
    assert found(moon(), "catalog\\moon.yaml") == []
    assert found(moon(), "moon.yaml", ["sun"]) == []


def test_what_is_told_stands_in_the_order_of_the_lines() -> None:
    wrong = moon("id: sun", "menu: TODO now", "hosts: [TODO, example.com]", "title: About TODO")
    assert found(wrong, others=["sun"]) == [
        "catalog/moon.yaml:1:1: id: not the name of the file; write moon",
        "catalog/moon.yaml:1:1: id: sun stands in others.yaml too; remove its entry there",
        "catalog/moon.yaml:2:8: title: still says TODO; write it, or remove the line",
        "catalog/moon.yaml:6:9: hosts[0]: still says TODO; write it, or remove the line",
        "catalog/moon.yaml:28:7: menu: still says TODO; write it, or remove the line",
    ]


def test_a_fact_that_nothing_tells() -> None:
    told = found(moon(without="structural"))
    assert told == [
        "catalog/moon.yaml:1:1: nothing tells about key.subaccount; add it to facts or structural;"
        " or to not_disclosed, with what you looked at"
    ]
    # Without words, nothing tells about the words.
    wordless = found(moon(without="permissions"))
    assert [line.partition(" about ")[2].partition(";")[0] for line in wordless] == [
        "permission.read",
        "permission.convert",
        "permission.p2p",
        "permissions.native",
        "permissions.unrecognised",
    ]


def at_place(fact: str, part: str) -> str:
    return f"{fact} stands in {part}; leave one of them"


def test_a_fact_stands_in_one_part() -> None:
    more = (
        "  permission.read: [{call: key, pointer: /r}]\n"
        "  key.subaccount: [{call: key, pointer: /s}]"
    )
    facts = moon().partition("facts:\n")[2].partition("\nstructural")[0]
    told = found(moon(f"facts:\n{facts}\n{more}"))
    # Beside a word, a place of its own may say more.
    assert [line.partition(": ")[2] for line in told] == [
        f"structural.key.subaccount: {at_place('key.subaccount', 'facts and in structural')}"
    ]
    by_rule = (
        "structural:\n"
        "  key.subaccount: {value: false, reference: a}\n"
        "  permission.p2p: {value: false, reference: b}"
    )
    told = found(moon(by_rule))
    where = "permissions and in structural"
    assert [line.partition(": ")[2] for line in told] == [
        f"structural.permission.p2p: {at_place('permission.p2p', where)}"
    ]


def test_three_parts_that_tell_the_same() -> None:
    text = moon().replace("not_disclosed:\n", "not_disclosed:\n  permission.convert: no call\n")
    facts = text.partition("facts:\n")[2].partition("\nstructural")[0]
    text = text.replace(facts, f"{facts}\n  permission.convert: [{{call: key, pointer: /c}}]")
    [problem] = found(text)
    where = "permissions and in facts and in not_disclosed"
    assert problem.endswith(
        f"not_disclosed.permission.convert: {at_place('permission.convert', where)}"
    )


def test_calls_that_are_not_declared_and_calls_that_nothing_needs() -> None:
    text = moon().replace("call: user,", "call: users,").replace("  call: key\n", "  call: moon\n")
    assert found(text) == [
        "catalog/moon.yaml:14:14: calls[1].params.user: no such call; did you mean user?",
        "catalog/moon.yaml:15:5: calls[2]: no fact comes from user; remove it: nothing is asked for"
        " that no fact needs",
        "catalog/moon.yaml:18:3: permissions.call: no such call; one of key, more, user",
    ]


def test_fixes_of_rules() -> None:
    told = found(moon("fixes:\n  ip-unbond: add one\n  withdrawal-enabled: untick\n  qqqqqqq: x"))
    assert [line.partition(": ")[2] for line in told] == [
        "fixes: ip-unbound is missing; add it",
        "fixes.ip-unbond: no such rule; did you mean ip-unbound?",
        "fixes.qqqqqqq: no such rule; gatepolicy/rules/rules.yaml has them all",
    ]


def test_an_exchange_of_which_no_call_tells_anything_asks_one_all_the_same() -> None:
    """It tells whether the key is refused."""
    names = [fact for fact in FACTS if fact not in OF_THE_SCAN]
    silent = "not_disclosed:\n" + "\n".join(f"  {name}: no call" for name in names)
    text = moon(
        silent,
        "facts: {}",
        "calls: [{id: key, http_method: GET, path: /key, reference: here}]",
        "structural: {}",
        without="permissions",
    )
    assert found(text) == []
