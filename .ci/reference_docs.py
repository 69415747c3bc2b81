"""Tables of the pages in docs that the schemas and the command line write themselves.

python .ci/reference_docs.py           writes them
python .ci/reference_docs.py --check   fails when they differ
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from gatepolicy.cli.main import COMMANDS, cli
from gatepolicy.model.facts import HINT, Reason
from gatepolicy.model.scan import MEANING, ScanSettings
from gatepolicy.model.verdicts import Severity
from gatepolicy.reports.formats import FORMATS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BEYOND_OPTIONS: Mapping[str, str] = {
    "GATEPOLICY_AGE_IDENTITY_FILE": (
        "File of the age identities that decrypt files of `age:` references"
        " ([secrets.md](secrets.md))."
    ),
    "GATEPOLICY_FINGERPRINT_KEY": (
        "Key of the fingerprints by which reports name API keys, at least as long as a password"
        " should be: with the same key, two scans name the same API key alike"
        " ([drift.md](drift.md)). Without it, each inventory has a salt of its own."
    ),
    "GATEPOLICY_KEY_PASSPHRASE": (
        "Passphrase of the private key of `sign` and `sign-off`; `keygen` encrypts a new key with"
        " it ([signing.md](signing.md))."
    ),
}
"""Variables that no option reads."""


def _schema(name: str) -> Any:
    return json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its name (``gatepolicy`` for the program); of a group, its commands."""
    yield "gatepolicy", cli
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", one) for sub, one in command.commands.items())
        else:
            yield name, command


def options() -> Iterator[tuple[str, str, click.Option]]:
    """Variable, command (``gatepolicy`` for its own options) and option."""
    for name, command in commands():
        for option in command.params:
            if isinstance(option, click.Option) and option.envvar:
                variables = option.envvar
                for variable in [variables] if isinstance(variables, str) else variables:
                    yield variable, name, option


def _environment() -> str:
    found: dict[str, tuple[click.Option, list[str]]] = {}
    for variable, command, option in options():
        found.setdefault(variable, (option, []))[1].append(f"`{command}`")
    rows = {
        variable: f"| `{variable}` | `{option.opts[-1]}` | {_how(option)} | {', '.join(commands)} |"
        for variable, (option, commands) in found.items()
    }
    lines = ["| variable | same as | value | commands |", "|---|---|---|---|"]
    return "\n".join([*lines, *(rows[name] for name in sorted(rows))])


def _how(option: click.Option) -> str:
    if option.is_flag:
        return "`1` or `0`"
    if isinstance(option.type, click.Choice):
        return ", ".join(f"`{choice}`" for choice in option.type.choices)
    if isinstance(option.type, click.IntRange):
        return f"a whole number from {option.type.min}"
    metavar = option.make_metavar(click.Context(cli))
    return f"`{_cell(metavar)}`" + (", several separated by spaces" if option.multiple else "")


def _softening() -> str:
    softest = ScanSettings(
        fail_on=Severity.CRITICAL,
        exit_zero=True,
        allow_incomplete=True,
        allow_empty=True,
        fail_on_new=True,
        baseline_hides=frozenset({"rule"}),
        max_evidence_age=timedelta.max,
    )
    softening = {option.partition(" ")[0] for option in softest.softening}
    named = {variable for variable, _, option in options() if softening & set(option.opts)}
    return "\n".join(f"- `{variable}`" for variable in sorted(named))


def _beyond() -> str:
    lines = ["| variable | meaning |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {text} |" for name, text in BEYOND_OPTIONS.items())])


def _fields(schema: str, *path: str) -> Callable[[], str]:
    def made() -> str:
        node = _schema(schema)
        for step in path:
            node = node[step]
        required = node.get("required", [])
        lines = ["| field | meaning | example |", "|---|---|---|"]
        for name, field in node["properties"].items():
            must = " (required)" if name in required else ""
            example = json.dumps(field["examples"][0], ensure_ascii=False)
            lines.append(f"| `{name}`{must} | {_cell(field['description'])} | `{_cell(example)}` |")
        return "\n".join(lines)

    return made


def _members(*path: str) -> Callable[[], str]:
    def made() -> str:
        node = _schema("report")
        for step in path:
            node = node[step]
        lines = ["| member | meaning |", "|---|---|"]
        rows = (f"| `{n}` | {_cell(f['description'])} |" for n, f in node["properties"].items())
        return "\n".join([*lines, *rows])

    return made


def _formats() -> str:
    lines = ["| format | holds | file |", "|---|---|---|"]
    rows = (f"| `{n}` | {_cell(f.description)} | `*{f.suffix}` |" for n, f in FORMATS.items())
    return "\n".join([*lines, *rows])


def _exit_codes() -> str:
    rows = (f"| {code.value} | {meaning} |" for code, meaning in MEANING.items())
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _reasons() -> str:
    rows = (f"| `{reason.value}` | {_cell(HINT[reason])} |" for reason in Reason)
    return "\n".join(["| reason | what to do |", "|---|---|", *rows])


BLOCKS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "environment.md": {
        "variables": _environment,
        "softening": _softening,
        "beyond-options": _beyond,
    },
    "inventory.md": {
        "account": _fields("inventory", "$defs", "account"),
        "credentials": _fields("inventory", "$defs", "account", "properties", "credentials"),
    },
    "reports.md": {
        "formats": _formats,
        "exit-codes": _exit_codes,
        "reasons": _reasons,
        "report": _members(),
        "report-account": _members("$defs", "account"),
        "report-verdict": _members("$defs", "verdict"),
    },
}
"""Page to part to what writes it."""


def written(page: str, text: str) -> str:
    """A page with every part made anew.

    Raises:
        ValueError: It lacks the marks of a part.
    """
    for name, make in BLOCKS[page].items():
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"{page} has no part {name}")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{make()}\n{end}{after}"
    return text


def main() -> int:
    """0 when the pages are up to date, or were brought up to date."""
    is_check = "--check" in sys.argv[1:]
    stale = []
    for page in BLOCKS:
        file = DOCS / page
        text = file.read_text(encoding="utf-8")
        new = written(page, text)
        if new != text:
            stale.append(page)
            if not is_check:
                file.write_text(new, encoding="utf-8")
    if stale and is_check:
        print(f"{', '.join(stale)}: not up to date; run: python .ci/reference_docs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
