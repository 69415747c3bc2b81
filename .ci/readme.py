"""Parts of the README that the program itself writes, and the check that they are up to date.

python .ci/readme.py           writes them
python .ci/readme.py --check   fails when they differ
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from gatepolicy.model.scan import MEANING

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
GATEPOLICY = str(Path(sys.executable).with_name("gatepolicy"))
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")


def _run(*arguments: str, folder: str | None = None) -> str:
    ended = subprocess.run(  # noqa: S603 - our own program
        [GATEPOLICY, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return ended.stdout


def _console(command: str, output: str) -> str:
    return f"```console\n$ {command}\n{output.rstrip()}\n```"


def _help() -> str:
    return _console("gatepolicy --help", _run("--help"))


def _exchanges() -> str:
    return _console("gatepolicy exchanges", _run("exchanges"))


def _exit_codes() -> str:
    rows = [f"| {code.value} | {meaning} |" for code, meaning in MEANING.items()]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _demo() -> str:
    """The table, the first finding, and the end."""
    with tempfile.TemporaryDirectory() as folder:
        blocks = _run("demo", folder=folder).strip().split("\n\n")
    summary = next(i for i, block in enumerate(blocks) if block.startswith("Summary"))
    shown = [_TIME.sub("2026-11-23T18:00:00Z", blocks[0]), *blocks[1:4], "…", *blocks[summary:]]
    return _console("make demo", "\n\n".join(shown))


BLOCKS: Mapping[str, Callable[[], str]] = {
    "demo": _demo,
    "help": _help,
    "exit-codes": _exit_codes,
    "exchanges": _exchanges,
}


def written(text: str) -> str:
    """The README with every part made anew.

    Raises:
        ValueError: It lacks the marks of a part.
    """
    for name, make in BLOCKS.items():
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"README.md has no part {name}")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{make()}\n{end}{after}"
    return text


def main() -> int:
    """0 when the README is up to date, or was brought up to date."""
    text = README.read_text(encoding="utf-8")
    new = written(text)
    if new == text:
        return 0
    if "--check" in sys.argv[1:]:
        print("README.md differs from what the program says; run: python .ci/readme.py")
        return 1
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
