"""Parts of the README and the tutorial that the program writes, and whether they are up to date.

python .ci/readme.py           writes them
python .ci/readme.py --check   fails when they differ
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from gatepolicy.model.scan import MEANING, ExitCode

ROOT = Path(__file__).resolve().parent.parent
GATEPOLICY = str(Path(sys.executable).with_name("gatepolicy"))
_MORE = re.compile(r"[:;] | \(")
"""What follows says more than decides."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")


def _run(*arguments: str, folder: str | None = None) -> str:
    ended = subprocess.run(  # noqa: S603 - our own program
        [GATEPOLICY, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return ended.stdout


def _console(command: str, output: str) -> str:
    return f"```console\n$ {command}\n{output.rstrip()}\n```"


def _exit_codes() -> str:
    """What decides in a minute: docs/reports.md has all codes, and all that a code may mean."""
    rows = [
        f"| {code.value} | {re.split(_MORE, meaning)[0]} |"
        for code, meaning in MEANING.items()
        if code.value <= ExitCode.NOTHING_EVALUATED
    ]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _demo() -> str:
    """The table, the first finding, and the end."""
    with tempfile.TemporaryDirectory() as folder:
        blocks = _run("demo", folder=folder).strip().split("\n\n")
    summary = next(i for i, block in enumerate(blocks) if block.startswith("Summary"))
    shown = [_TIME.sub("2026-11-23T18:00:00Z", blocks[0]), *blocks[1:4], "…", *blocks[summary:]]
    return _console("make demo", "\n\n".join(shown))


BLOCKS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"exit-codes": _exit_codes},
    "docs/tutorial.md": {"demo": _demo},
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
        text = (ROOT / page).read_text(encoding="utf-8")
        new = written(page, text)
        if new != text:
            stale.append(page)
            if not is_check:
                (ROOT / page).write_text(new, encoding="utf-8")
    if stale and is_check:
        print(f"{', '.join(stale)}: not what the program says; run: python .ci/readme.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
