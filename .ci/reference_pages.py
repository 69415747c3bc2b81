"""Reference pages that are written whole: commands, rules, shipped policies, file formats.

python .ci/reference_pages.py           writes them
python .ci/reference_pages.py --check   fails when one differs
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from gatepolicy.cli.main import COMMANDS, cli
from gatepolicy.cli.schema import KINDS
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.rules.catalog import controls_of, load_frameworks, load_rules
from gatepolicy.rules.explain import facts_of
from gatepolicy.rules.rule import Rule

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
WRITTEN_BY_PEOPLE: Mapping[str, str] = {
    "inventory": "inventory.md",
    "policy": "policies.md",
    "project": "project.md",
    "waivers": "waivers.md",
    "attestations": "attestations.md",
    "policytest": "testing.md",
}
"""File types whose fields are listed, with the page that explains them."""
NOT_LISTED = ("exchanges", "severity", "on_unknown")
"""Properties whose fields are all rules, or repeat those above for each exchange."""
UNKNOWN: Mapping[OnUnknown, str] = {
    OnUnknown.BLOCK: "An unknown counts like a violation, unless the policy says otherwise.",
    OnUnknown.INCOMPLETE: "An unknown makes the scan incomplete, unless the policy says otherwise.",
    OnUnknown.WARN: "An unknown is only shown, unless the policy says otherwise.",
}
HEAD = "<!-- Written by python .ci/reference_pages.py: change what it reads. -->\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def _help(command: click.Command, context: click.Context) -> str:
    return f"```console\n$ {context.command_path} --help\n{command.get_help(context)}\n```"


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        command, info_name=name, parent=parent, terminal_width=80, max_content_width=80
    )


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield (
        "What `--help` says about each command. [Environment variables](environment.md) set options"
        " too."
    )
    program = click.Context(
        cli,
        info_name="gatepolicy",
        terminal_width=80,
        max_content_width=80,
        help_option_names=["-h", "--help"],
    )
    yield _help(cli, program)
    for name in COMMANDS:
        command = cli.get_command(program, name)
        assert command is not None
        context = _context(command, name, program)
        yield f"## gatepolicy {name}"
        yield _help(command, context)
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                inner = command.get_command(context, sub)
                assert inner is not None
                yield f"### gatepolicy {name} {sub}"
                yield _help(inner, _context(inner, sub, context))


def _rules() -> Iterator[str]:
    rules = load_rules().values()
    yield "# Rules"
    yield (
        "Every rule that gatepolicy checks. `gatepolicy explain RULE` prints one;"
        " `gatepolicy explain RULE --exchange ID` prints the fix on one exchange."
    )
    rows = [
        f"| [{rule.info.id}](#{_anchor(rule)}) | `{rule.info.name}` | {rule.info.severity.value} |"
        f" {_cell(rule.info.title)} |"
        for rule in rules
    ]
    yield "\n".join(["| rule | name | severity | is found when |", "|---|---|---|---|", *rows])
    for rule in rules:
        yield from _rule(rule)


def _anchor(rule: Rule) -> str:
    return f"{rule.info.id} {rule.info.name}".lower().replace(" ", "-")


def _rule(rule: Rule) -> Iterator[str]:
    info = rule.info
    yield f"## {info.id} {info.name}"
    unknown = UNKNOWN[rule.on_unknown] if rule.asks else "It is about the scan itself."
    yield f"{info.title}. Severity: {info.severity.value}. {unknown}"
    yield f"**Why.** {_cell(info.why)}"
    yield f"**Fix.** {_cell(info.fix['default'])}"
    clauses = dict.fromkeys(clause for ask in rule.asks for clause in ask.clauses)
    if clauses:
        yield f"**Clauses:** {', '.join(f'`{clause}`' for clause in clauses)}"
    if facts := facts_of(rule):
        yield f"**Facts:** {', '.join(f'`{fact}`' for fact in facts)}"
    if controls := controls_of(info.name, load_frameworks()):
        yield "**Frameworks:**"
        yield "\n".join(f"- {control}" for control in controls)


def _policies() -> Iterator[str]:
    yield "# Shipped policies"
    yield (
        "Name one with `-p NAME`, or extend it: `extends: [NAME]`. Each has tests in"
        " `policies/tests`, and `gatepolicy explain -p NAME --account ID` shows what it requires of"
        " an account."
    )
    lines = ["| policy | for | what | extends |", "|---|---|---|---|"]
    for file in sorted((ROOT / "policies").glob("*.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        metadata = document["metadata"]
        scope = ", ".join(document.get("applies_to", {}).get("exchanges", ())) or "every exchange"
        extends = ", ".join(f"`{name}`" for name in document.get("extends", ()))
        what = f"{metadata['title']}. {metadata.get('description', '')}".rstrip()
        lines.append(f"| `{metadata['name']}` | {scope} | {_cell(what)} | {extends} |")
    yield "\n".join(lines)


def _schemas() -> Iterator[str]:
    yield "# File formats"
    yield (
        "Every file has a JSON Schema; `gatepolicy schema KIND` prints it. Editors with the YAML"
        " language server complete and explain a file that begins with this line:"
    )
    yield (
        "```console\n$ gatepolicy schema policy > policy.schema.json\n```\n\n"
        "```yaml\n# yaml-language-server: $schema=policy.schema.json\n```"
    )
    lines = ["| kind | what it is | explained in |", "|---|---|---|"]
    pages = {**WRITTEN_BY_PEOPLE, "report": "reports.md", "rules": "rule-list.md"}
    for kind in KINDS:
        page = f"[{pages[kind]}]({pages[kind]})" if kind in pages else ""
        lines.append(f"| `{kind}` | {_cell(_schema(kind)['description'])} | {page} |")
    yield "\n".join(lines)
    for kind in WRITTEN_BY_PEOPLE:
        schema = _schema(kind)
        yield f"## {kind}"
        rows = _fields(schema, schema, "")
        yield "\n".join(["| field | meaning | example |", "|---|---|---|", *rows])


def _schema(kind: str) -> Any:
    return json.loads((ROOT / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))


def _fields(schema: Any, node: Any, path: str) -> Iterator[str]:
    """A row for each field below a node, however deep."""
    for name, field in node.get("properties", {}).items():
        place = f"{path}{name}"
        below = [] if name in NOT_LISTED else [*_below(schema, _resolved(schema, field), place)]
        example = "" if below else f"`{json.dumps(field['examples'][0], ensure_ascii=False)}`"
        must = " (required)" if name in node.get("required", ()) else ""
        yield f"| `{place}`{must} | {_cell(field['description'])} | {_cell(example)} |"
        yield from below


def _below(schema: Any, node: Any, place: str) -> Iterator[str]:
    yield from _fields(schema, node, f"{place}.")
    yield from _fields(schema, _resolved(schema, node.get("items", {})), f"{place}[].")


def _resolved(schema: Any, node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node if isinstance(node, dict) else {}


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "commands.md": _commands,
    "rule-list.md": _rules,
    "shipped-policies.md": _policies,
    "schemas.md": _schemas,
}
"""Page to what writes its blocks."""


def written(page: str) -> str:
    """A whole page."""
    return HEAD + "\n" + "\n\n".join(PAGES[page]()) + "\n"


def main() -> int:
    """0 when the pages are up to date, or were brought up to date."""
    stale = [
        page
        for page in PAGES
        if not (DOCS / page).is_file() or (DOCS / page).read_text(encoding="utf-8") != written(page)
    ]
    if "--check" in sys.argv[1:]:
        for page in stale:
            print(f"docs/{page} is not up to date; run: python .ci/reference_pages.py")
        return 1 if stale else 0
    for page in stale:
        (DOCS / page).write_text(written(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
