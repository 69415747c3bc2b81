"""Pages about the program say what is so: commands, options, variables, reasons, files."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.cli.main import COMMANDS, cli
from gatepolicy.model.facts import Grade, Reason
from gatepolicy.model.scan import ExitCode
from gatepolicy.model.verdicts import Outcome

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "reference_docs.py"
WHOLE_PAGES = ROOT / ".ci" / "reference_pages.py"
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
REFERENCE = ("ci", "cron", "environment", "index", "inventory", "proxies", "reports", "tutorial")
FOREIGN_OPTIONS = {
    # git, npm, pip, flock, make, cyclonedx, docker, buildah and the scripts in .ci
    "--no-deps", "--no-index", "--only-binary", "--require-hashes", "--check", "--optional",
    "--build-arg", "--timestamp", "-e",
}  # fmt: skip
SPANS = re.compile(r"`([^`\n]+)`")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes parts of the pages."""
    spec = importlib.util.spec_from_file_location("reference_docs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def commands(text: str) -> Iterator[str]:
    """Every command line of gatepolicy: in a block, or within a text."""
    text = text.replace("\\\n", " ")
    yield from re.findall(r"^\s*\$ (?:env .* )?(gatepolicy .*)$", text, re.MULTILINE)
    for script in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield from re.findall(r"^(gatepolicy .*)$", script, re.MULTILINE)
    yield from (span for span in SPANS.findall(text) if span.startswith("gatepolicy "))


def options_of(command: click.Command) -> set[str]:
    names = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    parts = command.commands.values() if isinstance(command, click.Group) else ()
    return {*names, "--help", "-h"}.union(*map(options_of, parts))


CONTEXT = click.Context(cli)
BY_COMMAND = {
    name: options_of(command)
    for name in COMMANDS
    if (command := cli.get_command(CONTEXT, name)) is not None
}
OF_ALL = options_of(cli)


def mistakes(line: str) -> Iterator[str]:
    """What is wrong with a command line."""
    words = re.split(r"[\s\[\]|]+", re.split(r"\s(?:[>|&;#]|\d>)\s?", line)[0])[1:]
    name = next((word for word in words if word in BY_COMMAND), None)
    if name is None and not OF_ALL & set(words):
        yield f"{line}: no such command"
    known = OF_ALL | BY_COMMAND.get(name or "", set())
    for word in words:
        option = word.split("=")[0]
        if re.fullmatch(r"--[a-z][a-z-]*|-[a-z]", option) and option not in known:
            yield f"{line}: {name} has no option {option}"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_commands_and_options_exist(page: Path) -> None:
    assert [mistake for line in commands(text_of(page)) for mistake in mistakes(line)] == []


def test_commands_are_found() -> None:
    assert len([line for page in PAGES for line in commands(text_of(page))]) > 70
    assert list(commands("a `gatepolicy scan -q` b\n$ gatepolicy test \\\n  --x\n")) == [
        "gatepolicy test    --x",
        "gatepolicy scan -q",
    ]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("gatepolicy scan -q -o json=report.json", 0),
        ("gatepolicy --no-project check --catalog", 0),
        ("gatepolicy schema inventory > inventory.schema.json", 0),
        ("gatepolicy scna", 1),
        ("gatepolicy scan --polcy=x", 1),
        ("gatepolicy check --exit-zero", 1),
    ],
)
def test_mistakes_are_found(line: str, count: int) -> None:
    assert len(list(mistakes(line))) == count


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_options_by_themselves_exist(page: Path) -> None:
    anywhere = OF_ALL.union(*BY_COMMAND.values()) | FOREIGN_OPTIONS
    spans = [span for span in SPANS.findall(text_of(page)) if span.startswith("-")]
    named = {re.split(r"[\s=]", span)[0] for span in spans}
    assert {name for name in named if re.fullmatch(r"--?[a-z][a-z-]*", name)} <= anywhere


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_variables_exist(script: ModuleType, page: Path) -> None:
    known = {variable for variable, _, _ in script.options()} | set(script.BEYOND_OPTIONS)
    assert set(re.findall(r"GATEPOLICY_[A-Z_]+", text_of(page))) <= known


def test_variables_beyond_options_are_read(script: ModuleType) -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "gatepolicy").rglob("*.py"))
    assert set(re.findall(r"\"(GATEPOLICY_[A-Z_]+)\"", code)) == {
        *(variable for variable, _, _ in script.options()),
        *script.BEYOND_OPTIONS,
    }


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_reasons_exist(page: Path) -> None:
    named = set(re.findall(r"\(`([a-z]+(?:_[a-z]+)+)`\)", text_of(page)))
    assert named <= {*(reason.value for reason in Reason), "on_unknown"}


def test_reasons_and_exit_codes_are_all_told() -> None:
    text = text_of(ROOT / "docs" / "reports.md")
    for reason in Reason:
        assert f"| `{reason.value}` |" in text
    for code in ExitCode:
        assert f"| {code.value} |" in text


def test_the_page_for_a_failed_scan_has_every_exit_code() -> None:
    headings = re.findall(r"^## ([\d, ]+): ", text_of(ROOT / "docs" / "runbook.md"), re.MULTILINE)
    told = {int(code) for heading in headings for code in heading.split(", ")}
    assert told == {code.value for code in ExitCode} - {ExitCode.OK.value}


def test_grades_and_verdicts_are_all_explained() -> None:
    text = text_of(ROOT / "docs" / "proof.md")
    assert all(f"\n| `{grade.value}` | " in text for grade in Grade)
    assert all(f"\n| {outcome.value.replace('_', ' ')} | " in text for outcome in Outcome)


def anchors(text: str) -> set[str]:
    """As GitHub names headings."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if not target.startswith("https://"):
            file, _, anchor = target.partition("#")
            there = page.parent / file if file else page
            assert there.exists(), target
            if anchor:
                assert anchor in anchors(text_of(there)), target


@pytest.mark.parametrize("name", ["inventory", "proxies"])
def test_examples_of_inventories_are_accepted(name: str) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", text_of(ROOT / f"docs/{name}.md"), re.S | re.M)
    assert blocks
    for block in blocks:

        def read(path: Path, block: str = block) -> bytes:
            return block.encode()

        assert load_inventory("accounts.yaml", read=read, answerable=True).accounts


@pytest.mark.parametrize("script", [SCRIPT, WHOLE_PAGES], ids=shown)
def test_generated_parts_are_up_to_date(script: Path) -> None:
    """When this fails, run the script."""
    ended = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_drift_of_every_generated_part_is_seen(script: ModuleType) -> None:
    for page, parts in script.BLOCKS.items():
        text = text_of(ROOT / "docs" / page)
        for part in parts:
            begin, end = f"<!-- begin: {part} -->\n", f"<!-- end: {part} -->"
            before, _, rest = text.partition(begin)
            drifted = before + begin + "another text\n" + end + rest.partition(end)[2]
            assert script.written(page, drifted) == text
            with pytest.raises(ValueError, match=f"no part {part}"):
                script.written(page, text.replace(end, ""))


@pytest.mark.parametrize("name", REFERENCE)
def test_the_readme_leads_to_every_page(name: str) -> None:
    assert f"(docs/{name}.md)" in text_of(ROOT / "README.md")
