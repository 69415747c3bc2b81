"""Values in JSON, YAML, TOML and dotenv, by suffix and without; no message quotes the document."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepolicy.collect.local import CredentialError
from gatepolicy.collect.stores import parsed, value_in
from gatepolicy.documents.document import JSONValue
from tests.collect.references import without

pytest.importorskip("dotenv", reason="python-dotenv is not installed")

PLANTED = "Planted0Secret9Of8Nobody7"
JSON = f'{{"exchange": {{"name": "okx", "key": "{PLANTED}", "uid": 42}}, "list": ["a", "b"]}}'
YAML = f"exchange:\n  name: okx\n  key: {PLANTED}\n  uid: 0042\nlist: [a, b]\n"
TOML = f'list = ["a", "b"]\n[exchange]\nname = "okx"\nkey = "{PLANTED}"\nuid = 42\n'
DOTENV = f"# of the desk\nexport OKX_KEY={PLANTED}\nOKX_SECRET='a # b' # c\nUID=0042\nEMPTY=\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bot.json", JSON),
        ("bot.yaml", YAML),
        ("BOT.YML", YAML),
        ("bot.toml", TOML),
        ("bot.toml.age", TOML),
        ("bot", JSON),
        ("bot", YAML),
        ("bot.conf", TOML),
    ],
)
def test_a_pointer_into_a_document(name: str, text: str) -> None:
    tree = parsed(text, name)
    assert value_in(tree, "/exchange/key") == PLANTED
    assert value_in(tree, "/list/1") == "b"


@pytest.mark.parametrize("name", [".env", "desk.env", ".env.production", "bot", "desk.env.age"])
def test_a_name_in_a_dotenv_file(name: str) -> None:
    tree = parsed(DOTENV, name)
    assert value_in(tree, "OKX_KEY") == value_in(tree, "/OKX_KEY") == PLANTED
    assert value_in(tree, "OKX_SECRET") == "a # b"
    assert value_in(tree, "UID") == "0042"
    assert value_in(tree, "EMPTY") == ""


def test_nothing_is_expanded_in_a_dotenv_file() -> None:
    tree = parsed("A=x\nB=${A}\nC=$(cat A)\n", ".env")
    assert value_in(tree, "B") == "${A}"
    assert value_in(tree, "C") == "$(cat A)"


@pytest.mark.parametrize(
    ("tree", "pointer", "found"),
    [
        ({"a/b": {"m~n": "x"}}, "/a~1b/m~0n", "x"),
        ({"": "x"}, "/", "x"),
        ({"a": {"": "x"}}, "/a/", "x"),
        ({"0": "x"}, "/0", "x"),
        (["x", "y"], "/1", "y"),
        ({"a b": "x"}, "a b", "x"),
        ({"a": 42}, "a", "42"),
        ({"a": -7}, "a", "-7"),
    ],
)
def test_pointers(tree: JSONValue, pointer: str, found: str) -> None:
    assert value_in(tree, pointer) == found


NO_VALUE = "it holds no such value"
NO_STRING = "this value is not a string; quote it there"


@pytest.mark.parametrize(
    ("tree", "pointer", "told"),
    [
        ({"a": PLANTED}, "b", NO_VALUE),
        ({"a": PLANTED}, "/a/0", NO_VALUE),
        ({"a": [PLANTED]}, "/a/1", NO_VALUE),
        ({"a": [PLANTED]}, "/a/-1", NO_VALUE),
        ({"a": [PLANTED]}, "/a/-", NO_VALUE),
        ({"a": [PLANTED]}, "/a/٠", NO_VALUE),
        ({"a": [PLANTED]}, "/a", NO_STRING),
        ({"a": {"b": PLANTED}}, "a", NO_STRING),
        ({"a": True}, "a", NO_STRING),
        ({"a": None}, "a", NO_STRING),
        ({"a": 1.5}, "a", NO_STRING),
        ({"a": 10**30}, "a", NO_STRING),
        ({"a": PLANTED}, "", NO_VALUE),
        (PLANTED, "a", NO_VALUE),
        (None, "a", NO_VALUE),
    ],
)
def test_what_is_not_there(tree: JSONValue, pointer: str, told: str) -> None:
    with pytest.raises(CredentialError) as raised:
        value_in(tree, pointer)
    assert str(raised.value) == told


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("bot.json", f'{{"a": "{PLANTED}"', "it is not valid JSON"),
        ("bot.json", "[" * 60_000, "it is not valid JSON"),
        ("bot.toml", f"a = {PLANTED}", "it is not valid TOML"),
        ("bot.toml", f"a = {'[' * 60_000}", "it is not valid TOML"),
        ("bot.yaml", f"a: [{PLANTED}", "it is not valid YAML"),
        ("bot.yaml", f"a: {PLANTED}\na: {PLANTED}", "it is not valid YAML"),
        ("bot.yaml", "[" * 60_000, "it is not valid YAML"),
        (".env", f"{PLANTED}", "it is not valid dotenv"),
        (".env", f"A=x\n{PLANTED}", "it is not valid dotenv"),
        (".env", f"A='{PLANTED}", "it is not valid dotenv"),
        (".env", "", "it is not valid dotenv"),
        ("bot", PLANTED, "it is neither JSON, TOML, dotenv nor YAML"),
        ("bot", f'"{PLANTED}"', "it is neither JSON, TOML, dotenv nor YAML"),
        ("bot", "", "it is neither JSON, TOML, dotenv nor YAML"),
    ],
)
def test_a_document_that_is_none(name: str, text: str, told: str) -> None:
    with pytest.raises(CredentialError) as raised:
        parsed(text, name)
    assert str(raised.value) == told


def test_yaml_without_a_suffix_needs_no_dotenv() -> None:
    told = without(
        "dotenv.parser",
        "from gatepolicy.collect.stores import parsed, value_in\n"
        "from gatepolicy.collect.local import CredentialError\n"
        "print(value_in(parsed('url: a=b\\n', 'bot'), 'url'))\n"
        "try:\n"
        "    parsed('A=b\\n', 'bot')\n"
        "except CredentialError as error:\n"
        "    print(error)\n",
    )
    assert told.splitlines() == [
        "a=b",
        "the python-dotenv package is not installed; pip install python-dotenv",
    ]


TREES = st.recursive(
    st.text(max_size=8) | st.integers(-(10**9), 10**9),
    lambda below: (
        st.dictionaries(st.text(max_size=5), below, max_size=4) | st.lists(below, max_size=4)
    ),
    max_leaves=12,
)


def leaves(tree: JSONValue, pointer: str = "") -> list[tuple[str, JSONValue]]:
    if isinstance(tree, dict):
        steps = [(key.replace("~", "~0").replace("/", "~1"), tree[key]) for key in tree]
    elif isinstance(tree, list):
        steps = [(str(place), one) for place, one in enumerate(tree)]
    else:
        return [(pointer, tree)] if pointer else []
    return [leaf for step, below in steps for leaf in leaves(below, f"{pointer}/{step}")]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_every_value_has_a_pointer(tree: JSONValue) -> None:
    again = parsed(json.dumps(tree), "x.json")
    for pointer, leaf in leaves(tree):
        assert value_in(again, pointer) == str(leaf)


@given(
    st.text(max_size=60), st.sampled_from(["a", "a.json", "a.yaml", "a.toml", ".env"]), st.text()
)
def test_no_text_ends_in_another_error(text: str, name: str, field: str) -> None:
    told = ""
    try:
        value_in(parsed(text, name), field)
    except CredentialError as error:
        told = str(error)
    assert len(told) < 80
