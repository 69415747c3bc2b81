"""Changes code in small ways, and names the changes that its own tests do not notice.

python .ci/mutants.py FILE_OR_FOLDER... [--tests TESTS...] [--keep FOLDER] [--children N]

It works in a copy outside of the checkout. With ``--keep`` the copy stays, and the next run tries
only what is new and what survived.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "[tool.mutmut]\n"
OPEN = ("survived", "no tests", "suspicious", "not checked")
"""What mutmut calls a change that no test has noticed."""


def main() -> int:
    """Print the score and the survivors; 0 when everything ran."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("mutate", nargs="+", type=Path, help="such as gatepolicy/waivers")
    parser.add_argument(
        "--tests", nargs="+", type=Path, help="the tests of the same name, if not given"
    )
    parser.add_argument("--keep", type=Path, help="work in this folder, and keep it")
    parser.add_argument("--children", default="1", help="so many processes")
    options = parser.parse_args()
    tests = options.tests or list(dict.fromkeys(map(own_tests, options.mutate)))
    copy = options.keep or Path(tempfile.mkdtemp(prefix="gatepolicy-mutants-"))
    try:
        prepare(copy, options.mutate, tests)
        survived = [name for name, state in results(copy).items() if state in OPEN]
        # Which tests run which function: what mutmut kept may be of other tests and other code.
        (copy / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
        run(copy, "run", "--max-children", options.children)
        again = [name for name in survived if results(copy).get(name) in OPEN]
        if again:
            run(copy, "run", "--max-children", options.children, *again)
        report(copy)
    finally:
        if not options.keep:
            shutil.rmtree(copy)
    return 0


def own_tests(mutated: Path) -> Path:
    """``tests/drift/test_load.py`` for ``gatepolicy/drift/load.py``, or else its folder."""
    folder = Path("tests", *mutated.with_suffix("").parts[1:])
    module = folder.with_name(f"test_{folder.name}.py")
    return next(path for path in (folder, module, folder.parent) if (ROOT / path).exists())


def prepare(copy: Path, mutate: list[Path], tests: list[Path]) -> None:
    """Copy what is in the checkout, and say in the copy what to mutate."""
    told = subprocess.run(  # noqa: S603
        [shutil.which("git") or "git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = {
        name: (ROOT / name).read_bytes()
        for name in told.stdout.split("\0")
        if (ROOT / name).is_file()
    }
    only = [str(path / "*") if path.suffix != ".py" else str(path) for path in mutate]
    chosen = f"only_mutate = {json.dumps(only)}\n"
    chosen += f"pytest_add_cli_args_test_selection = {json.dumps([str(path) for path in tests])}\n"
    project = files["pyproject.toml"].decode().replace(HEADER, HEADER + chosen)
    files["pyproject.toml"] = project.encode()
    for name, content in files.items():
        place = copy / name
        # mutmut goes by the times of files: what did not change stays.
        if not place.is_file() or place.read_bytes() != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def run(copy: Path, *arguments: str) -> str:
    """What mutmut says."""
    return python(copy, f"from mutmut.__main__ import cli\ncli({list(arguments)!r})")


def python(copy: Path, code: str) -> str:
    """What a piece of Python says in the copy; it ends this program when it fails."""
    # Under CI, hypothesis tries the same examples each time.
    environment = {**os.environ, "CI": "true"}
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        told = f"{ended.stdout[-4000:]}{ended.stderr[-4000:]}"
        sys.exit(f"{told}\nmutmut ended with {ended.returncode}; with --keep, it can go on")
    return ended.stdout


def results(copy: Path) -> dict[str, str]:
    """Mutant to what became of it."""
    if not (copy / "mutants").is_dir():
        return {}
    lines = run(copy, "results", "--all", "true").splitlines()
    told = (line.strip().rpartition(": ") for line in lines if ": " in line)
    return {name: state for name, _, state in told}


def report(copy: Path) -> None:
    """The survivors, and a score for every module."""
    found = results(copy)
    survived = {name for name, state in found.items() if state in OPEN}
    if survived:
        # In one process: each start of mutmut takes a second.
        calls = "".join(f"cli(['show', {name!r}], standalone_mode=False)\n" for name in survived)
        print(python(copy, f"from mutmut.__main__ import cli\n{calls}"))
    total = Counter(name.rpartition(".")[0] for name in found)
    left = Counter(name.rpartition(".")[0] for name in survived)
    for module, count in [*total.items(), ("all", total.total())]:
        alive = len(survived) if module == "all" else left[module]
        print(f"{module:40} {count:5} mutants {alive:4} survive: {1 - alive / count:.1%} noticed")


if __name__ == "__main__":
    os.nice(19)
    sys.exit(main())
