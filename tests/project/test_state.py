"""No module keeps state, and no test puts anything into a module of the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted((ROOT / "gatepolicy").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CHANGEABLE = ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def state(tree: ast.Module) -> Iterator[str]:
    """Names that look as if they were meant to change: containers that are no tables, globals."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if isinstance(value, CHANGEABLE) and not (name.isupper() or name.startswith("__")):
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from node.names


def names_of_our_code(tree: ast.Module) -> set[str]:
    """What a file calls the modules, classes and functions of gatepolicy that it imports."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                own = [alias for alias in aliases if alias.name.split(".")[0] == "gatepolicy"]
            case ast.ImportFrom(module=str(module), names=aliases):
                own = aliases if module.split(".")[0] == "gatepolicy" else []
            case _:
                continue
        names |= {alias.asname or alias.name.split(".")[0] for alias in own}
    return names


def replacements(tree: ast.Module) -> Iterator[str]:
    """Attributes of our modules, classes and functions that a file sets or deletes."""
    own = names_of_our_code(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            name = ast.unparse(node)
            if name.split(".")[0] in own:
                yield name


@pytest.mark.parametrize("path", CODE, ids=shown)
def test_a_module_keeps_no_state(path: Path) -> None:
    assert list(state(tree_of(path))) == []


def test_state_is_found() -> None:
    tree = ast.parse("seen: dict = {}\nTABLE = {}\nnames = ()\ndef f():\n    global x\n    x = 1\n")
    assert list(state(tree)) == ["seen", "x"]


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_no_test_sets_a_part_of_the_code(path: Path) -> None:
    assert list(replacements(tree_of(path))) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "import gatepolicy.scanning.scan\ngatepolicy.scanning.scan.scan = None\n",
            "gatepolicy.scanning.scan.scan",
        ),
        ("from gatepolicy.scanning import scan as s\ns.scan = None\n", "s.scan"),
        ("from gatepolicy.model.facts import Fact\ndel Fact.value\n", "Fact.value"),
    ],
)
def test_what_is_set_is_found(text: str, name: str) -> None:
    assert list(replacements(ast.parse(text))) == [name]


def test_names_of_test_files_are_unique() -> None:
    names = [path.name for path in TESTS if path.name.startswith("test_")]
    assert sorted(set(names)) == sorted(names)
    assert len(names) > 50
