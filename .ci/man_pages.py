"""Manual pages of all commands, from what their help says.

python .ci/man_pages.py FOLDER        writes gatepolicy.1, gatepolicy-scan.1, ... into it
python .ci/man_pages.py FILE.tar.gz   writes the same as an archive, to unpack into .../share/man
"""

import gzip
import os
import re
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import cleandoc
from io import BytesIO
from pathlib import Path
from textwrap import fill

import click

from gatepolicy import __version__
from gatepolicy.cli.main import COMMANDS, cli
from gatepolicy.model.scan import MEANING


def roff(text: str) -> str:
    r"""Text for the formatter of manual pages: no line is a request, hyphens can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return re.sub(r"^(?=[.'])", r"\\&", escaped, flags=re.MULTILINE)


def flowing(text: str) -> str:
    """Text in lines of a length that editors show, none of them a request."""
    return roff(fill(text, 72, break_long_words=False, break_on_hyphens=False))


def paragraphs(text: str) -> Iterator[str]:
    """A help text: blank lines divide it, and a form of click's keeps the lines of a part."""
    for part in cleandoc(text).split("\n\n"):
        kept = part.startswith("\b\n")
        yield ".PP"
        if kept:
            yield from (".nf", roff(part.removeprefix("\b\n")), ".fi")
        else:
            yield flowing(part)


def terms(rows: list[tuple[str, str]]) -> Iterator[str]:
    """A list of terms with what they mean."""
    for term, meaning in rows:
        yield from (".TP", rf"\fB{roff(term)}\fR", flowing(meaning))


def parts_of(command: click.Command, context: click.Context) -> dict[str, click.Command]:
    """The commands of a group, by name."""
    if not isinstance(command, click.Group):
        return {}
    found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {name: part for name, part in found.items() if part is not None}


def first_line(command: click.Command) -> str:
    """What a command is for."""
    return cleandoc(command.help or "").split("\n\n")[0].replace("\n", " ")


def variables(command: click.Command) -> list[tuple[str, str]]:
    """Environment variables of a command, each with the option that it sets."""
    return [
        (str(option.envvar), f"The same as {option.opts[-1]}.")
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    ]


def sections(context: click.Context) -> Iterator[tuple[str, list[str]]]:
    """The headings of a page, with what stands below each."""
    command, path = context.command, context.command_path
    parts = parts_of(command, context)
    name = path.replace(" ", "-")
    yield "NAME", [rf"{roff(name)} \- {roff(first_line(command).rstrip('.'))}"]
    usage = " ".join(command.collect_usage_pieces(context))
    yield "SYNOPSIS", [rf"\fB{roff(path)}\fR {roff(usage)}"]
    yield "DESCRIPTION", list(paragraphs(command.help or ""))[1:]
    records = [param.get_help_record(context) for param in command.get_params(context)]
    yield "OPTIONS", list(terms([record for record in records if record is not None and record[1]]))
    summaries = [(key, COMMANDS.get(key) or first_line(part)) for key, part in parts.items()]
    yield "COMMANDS", list(terms(summaries))
    yield "ENVIRONMENT", list(terms(variables(command)))
    codes = [(str(code.value), f"{meaning}.") for code, meaning in MEANING.items()]
    yield "EXIT STATUS", list(terms(codes))
    others = [f"{name}-{part}" for part in parts]
    if context.parent is not None:
        others.append(context.parent.command_path.replace(" ", "-"))
    yield "SEE ALSO", [",\n".join(rf"\fB{roff(other)}\fR(1)" for other in others)]


def pages(context: click.Context, day: str) -> Iterator[tuple[str, str]]:
    """The page of a command and those of its parts: name of the file, and text."""
    name = context.command_path.replace(" ", "-")
    head = f'.TH "{roff(name.upper())}" "1" "{day}" "gatepolicy {__version__}" "gatepolicy"'
    lines = [head]
    for title, body in sections(context):
        if body:
            lines += [f'.SH "{title}"', *body]
    yield f"{name}.1", "\n".join(lines) + "\n"
    for part, command in parts_of(context.command, context).items():
        yield from pages(click.Context(command, info_name=part, parent=context), day)


def archive(found: Iterator[tuple[str, str]], file: Path, seconds: int) -> None:
    """Write pages as an archive: the same pages and the same time give the same bytes."""
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archived:
        for name, text in found:
            member = tarfile.TarInfo(f"man1/{name}")
            member.size, member.mtime = len(text.encode()), seconds
            archived.addfile(member, BytesIO(text.encode()))
    file.write_bytes(gzip.compress(written.getvalue(), mtime=seconds))


def main() -> int:
    """Write all pages; dated as SOURCE_DATE_EPOCH says, so that the same commit gives the same."""
    place = Path(sys.argv[1])
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", datetime.now(UTC).timestamp()))
    day = datetime.fromtimestamp(seconds, UTC).date().isoformat()
    found = pages(click.Context(cli, info_name="gatepolicy", **cli.context_settings), day)
    if place.suffix == ".gz":
        archive(found, place, seconds)
        return 0
    place.mkdir(parents=True, exist_ok=True)
    for name, text in found:
        (place / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
