"""What comes with the program: completion, manual pages, schemas with names, pinned tools."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.cli.main import COMMANDS
from gatepolicy.model.scan import ExitCode

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))
PAGE = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
SCRIPT = ROOT / ".ci" / "man_pages.py"


def run(*command: str, **variables: str) -> str:
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **variables},
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def found(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


# Completion


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gatepolicy sc", {"scan", "schema"}),
        ("gatepolicy scan --allow-", {"--allow-empty", "--allow-host", "--allow-incomplete"}),
        ("gatepolicy scan -o sar", {"sarif"}),
        ("gatepolicy scan --fail-on cr", {"critical"}),
        ("gatepolicy history l", {"list"}),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_a_shell_completes(shell: str, line: str, expected: set[str]) -> None:
    program = found(shell)
    words = line.split()
    scripts = {
        "bash": f'eval "$(gatepolicy completion bash)"; COMP_WORDS=({line});'
        f" COMP_CWORD={len(words) - 1}; _gatepolicy_completion gatepolicy;"
        ' printf "%s\\n" "${COMPREPLY[@]}"',
        "fish": f'gatepolicy completion fish | source; complete --do-complete "{line}"',
    }
    options = ["--norc", "--noprofile"] if shell == "bash" else ["--no-config"]
    output = run(program, *options, "-c", scripts[shell])
    assert {row.split("\t")[0] for row in output.splitlines()} == expected


def test_bash_completes_files() -> None:
    program = found("bash")
    script = (
        'eval "$(gatepolicy completion bash)"; compopt() { echo "$@"; };'
        " COMP_WORDS=(gatepolicy scan -p pol); COMP_CWORD=3; _gatepolicy_completion gatepolicy"
    )
    assert "-o default" in run(program, "--norc", "-c", script)


def test_zsh_takes_the_script(tmp_path: Path) -> None:
    program = found("zsh")
    script = tmp_path / "_gatepolicy"
    script.write_text(run(str(BIN / "gatepolicy"), "completion", "zsh"), encoding="utf-8")
    assert script.read_text(encoding="utf-8").startswith("#compdef gatepolicy\n")
    assert run(program, "-f", "-n", str(script)) == ""


def test_completing_a_command_imports_none() -> None:
    script = (
        "import sys\nfrom gatepolicy.cli.main import main\ntry:\n    main(['scan'])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('gatepolicy.cli.')))"
    )
    output = run(
        sys.executable,
        "-c",
        script,
        _GATEPOLICY_COMPLETE="bash_complete",
        COMP_WORDS="gatepolicy sc",
        COMP_CWORD="1",
    )
    assert output.splitlines()[:2] == ["plain,scan", "plain,schema"]
    assert "gatepolicy.cli.scan" not in output
    assert "gatepolicy.cli.completion" in output


# Manual pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("man")
    run(sys.executable, str(SCRIPT), str(folder))
    return sorted(folder.iterdir())


def test_every_command_has_a_page_with_all_sections(pages: list[Path]) -> None:
    names = {page.name for page in pages}
    assert {f"gatepolicy-{command}.1" for command in COMMANDS} | {"gatepolicy.1"} <= names
    assert "gatepolicy-history-list.1" in names
    scan = next(page for page in pages if page.name == "gatepolicy-scan.1")
    text = scan.read_text(encoding="utf-8")
    sections = re.findall(r'^\.SH "(.*)"$', text, re.MULTILINE)
    assert sections == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO",
    ]  # fmt: skip
    assert text.count(".TP") > 40
    for code in ExitCode:
        assert f"\n\\fB{code.value}\\fR\n" in text


def test_man_shows_every_page_without_a_warning(pages: list[Path]) -> None:
    program = found("man")
    for page in pages:
        ended = subprocess.run(
            [program, "--warnings", "-Tutf8", "-Z", "-l", str(page)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        assert ended.stderr == ""


def test_mandoc_finds_nothing(pages: list[Path]) -> None:
    assert run(found("mandoc"), "-T", "lint", "-W", "warning", *map(str, pages)) == ""


def test_a_page_shows_an_option_as_the_help_does(pages: list[Path]) -> None:
    page = next(page for page in pages if page.name == "gatepolicy-scan.1")
    shown = run(found("man"), "-Tascii", "-l", str(page), MANWIDTH="200", LC_ALL="C.UTF-8")
    assert "--baseline-if-exists FILE" in re.sub(r".\x08", "", shown)


def test_the_same_commit_gives_the_same_archive(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "b.tar.gz"):
        run(sys.executable, str(SCRIPT), str(tmp_path / name), SOURCE_DATE_EPOCH="1577836800")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    shutil.unpack_archive(tmp_path / "a.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "man1" / "gatepolicy-scan.1").is_file()


# Schemas


def schema(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_schema_has_a_name_of_its_own_on_one_base() -> None:
    names = {schema(path)["$id"]: path for path in SCHEMAS}
    assert len(names) == len(SCHEMAS) > 10
    assert all(
        name == f"https://gatepolicy.invalid/schemas/{path.name}" for name, path in names.items()
    )


def test_every_schema_is_valid_by_its_metaschema() -> None:
    checker = str(BIN / "check-jsonschema")
    output = run(checker, "--check-metaschema", *map(str, SCHEMAS))
    assert output == "ok -- validation done\n"


def test_the_catalog_of_the_page_names_schemas_that_are_there() -> None:
    block = re.search(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    catalog = json.loads(block[1])
    names = {schema(path)["$id"] for path in SCHEMAS}
    entries = catalog["schemas"]
    assert {entry["url"] for entry in entries} <= names
    globs = [glob for entry in entries for glob in entry["fileMatch"]]
    assert len(set(globs)) == len(globs)
    # What SchemaStore refuses: globs that other programs' files match as well.
    assert all("gatepolicy" in glob for glob in globs)
    assert all(entry.keys() == {"name", "description", "fileMatch", "url"} for entry in entries)


# Tools


def test_what_looks_at_the_package_is_pinned() -> None:
    wanted = (ROOT / ".ci" / "package-requirements.in").read_text(encoding="utf-8").split()
    pins = (ROOT / ".ci" / "package-constraints.txt").read_text(encoding="utf-8")
    for name in wanted:
        assert re.search(rf"^{name}==\S+ \\\n    --hash=sha256:", pins, re.MULTILINE), name
    assert "://" not in pins
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in wanted:
        assert f"build/package/bin/{name} " in makefile
