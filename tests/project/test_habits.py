"""The habits that CONTRIBUTING names, held by reading the code."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted((ROOT / "gatepolicy").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST_FUNCTION = 40
DEEPEST_IMPORT = 17


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


ISOLATING = {"gatepolicy/collect/collector.py": 1, "gatepolicy/collect/local.py": 1}
"""Where an error of one account, or of the library of a store, is kept from all others."""


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def too_long(tree: ast.Module) -> list[str]:
    return [
        function.name
        for function in functions(tree)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]


def names(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def too_broad(tree: ast.Module) -> list[int]:
    broad = {"Exception", "BaseException"}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or broad & {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
        )
    ]


def test_the_code_is_there() -> None:
    assert len(CODE) > 100
    assert len(TESTS) > 50


@pytest.mark.parametrize("path", CODE, ids=shown)
def test_no_function_is_too_long(path: Path) -> None:
    assert too_long(tree_of(path)) == []


@pytest.mark.parametrize("path", CODE, ids=shown)
def test_no_except_is_too_broad(path: Path) -> None:
    most = ISOLATING.get(shown(path), 0)
    assert len(too_broad(tree_of(path))) == most


@pytest.mark.parametrize("path", CODE, ids=shown)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    if path.read_text(encoding="utf-8").strip():
        assert ast.get_docstring(tree_of(path))


def test_these_habits_can_be_broken() -> None:
    body = "\n".join(f"    x = {n}" for n in range(LONGEST_FUNCTION))
    bad = ast.parse(
        f"def long():\n{body}\n"
        "try:\n    pass\nexcept (ValueError, Exception):\n    pass\n"
        "try:\n    pass\nexcept:\n    pass\n"
    )
    assert too_long(bad) == ["long"]
    assert len(too_broad(bad)) == 2


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in CODE}


def imports_of(module: str) -> set[str]:
    """Modules of this project that a module imports when it is imported itself."""
    found: set[str] = set()
    for node in tree_of(MODULES[module]).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found & MODULES.keys() if name != module}


@cache
def depth(module: str, above: tuple[str, ...] = ()) -> int:
    """The longest chain of imports below a module."""
    assert module not in above, f"a cycle: {' -> '.join((*above, module))}"
    return 1 + max((depth(name, (*above, module)) for name in imports_of(module)), default=0)


def test_imports_have_no_cycle_and_no_deep_chain() -> None:
    deepest = {module: depth(module) for module in MODULES}
    too_deep = {module: levels for module, levels in deepest.items() if levels > DEEPEST_IMPORT}
    assert too_deep == {}
    assert max(deepest.values()) > 3


PATCHING = {"mock", "patch", "MagicMock", "Mock", "mocker"}


def patches(tree: ast.Module) -> list[int]:
    """Lines that replace a part of a program under test."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("setattr", "setitem", "delattr"):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id == "monkeypatch":
                lines.append(node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module and "mock" in node.module:
            lines.append(node.lineno)
        if isinstance(node, ast.Name) and node.id in PATCHING:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_no_test_patches_the_code(path: Path) -> None:
    assert patches(tree_of(path)) == []


def asserts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a test checks anything: itself, or by a helper whose name says so."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name.lstrip("_").startswith(("assert_", "check_", "raises")):
                return True
    return False


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_every_test_asserts_something(path: Path) -> None:
    idle = [
        function.name
        for function in functions(tree_of(path))
        if function.name.startswith("test_") and not asserts(function)
    ]
    assert idle == []


def test_a_test_that_asserts_nothing_is_found() -> None:
    bad = ast.parse("def test_it(monkeypatch):\n    monkeypatch.setattr('a', 1)\n    do()\n")
    assert not asserts(next(functions(bad)))
    assert patches(bad) == [2]
