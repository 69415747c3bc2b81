"""The part of constraints.txt that users need: all that gatepolicy depends on, however deep.

python .ci/runtime_constraints.py > FILE
python .ci/runtime_constraints.py --action   # writes what the GitHub action installs
python .ci/runtime_constraints.py --action --check   # 1 if that is out of date
"""

import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
ACTION = Path(__file__).resolve().parent.parent / ".github/action/requirements"
ACTION_EXTRAS = ("cel", "history", "signing")
BUILDER = "hatchling"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = (
    ("linux", "Linux", "x86_64"),
    ("darwin", "Darwin", "arm64"),
    ("win32", "Windows", "AMD64"),
)
PLACES = [
    {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform,
        "platform_system": system,
        "platform_machine": machine,
        "os_name": "nt" if platform == "win32" else "posix",
    }
    for python in PYTHONS
    for platform, system, machine in SYSTEMS
]
"""Where the requirements are installed: dist/ is copied to other machines."""
ENTRY = re.compile(r"^[^\s#].*(?:\n[ \t].*)*", re.MULTILINE)


PROJECT = tomllib.loads(CONSTRAINTS.parents[1].joinpath("pyproject.toml").read_text("utf-8"))[
    "project"
]
Package = tuple[NormalizedName, frozenset[str]]
"""A package with its extras."""


def needed(name: str, extras: Collection[str] = ()) -> Iterator[Package]:
    """What a package needs on some machine, with its extras."""
    try:
        texts = own_requirements(extras) if name == PROJECT["name"] else requires(name) or ()
    except PackageNotFoundError:
        # It is for other systems only, so that nobody here knows what it needs: pip, which demands
        # a hash for everything, says so there.
        return
    for text in texts:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(
            marker.evaluate({**place, "extra": extra})
            for place in PLACES
            for extra in ("", *extras)
        ):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def own_requirements(extras: Collection[str]) -> Collection[str]:
    """What pyproject.toml says: the metadata of an editable installation may be older."""
    optional = PROJECT["optional-dependencies"]
    return [*PROJECT["dependencies"], *(text for extra in extras for text in optional[extra])]


def closure(name: str, *extras: str) -> set[NormalizedName]:
    """All packages that a package needs with its extras, however deep."""
    found: set[Package] = set()
    ahead: list[Package] = [(canonicalize_name(name), frozenset(extras))]
    while ahead:
        new = set(needed(*ahead.pop())) - found
        found |= new
        ahead += sorted(new, key=str)
    return {package for package, _ in found}


def text_of(wanted: Collection[NormalizedName]) -> str:
    """The entries of packages.

    Raises:
        LookupError: One is not pinned.
    """
    entries = {
        canonicalize_name(entry.split("==")[0]): entry
        for entry in ENTRY.findall(CONSTRAINTS.read_text(encoding="utf-8"))
    }
    if missing := set(wanted) - entries.keys():
        raise LookupError(f"not in {CONSTRAINTS.name}: {', '.join(sorted(missing))}")
    return "".join(f"{entries[name]}\n" for name in sorted(wanted))


def action_files() -> Mapping[Path, str]:
    """What the GitHub action installs: a base, with what builds the wheel, and each extra."""
    base = closure("gatepolicy") | closure(BUILDER) | {canonicalize_name(BUILDER)}
    wanted = {"base": base}
    wanted |= {extra: closure("gatepolicy", extra) - base for extra in ACTION_EXTRAS}
    return {ACTION / f"{name}.txt": text_of(packages) for name, packages in wanted.items()}


def main() -> int:
    """Print or write the entries; 1 when one is missing, or a file is out of date."""
    options = set(sys.argv[1:])
    try:
        if "--action" not in options:
            print(text_of(closure("gatepolicy")), end="")
            return 0
        files = action_files()
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" in options:
        stale = [file.name for file, text in files.items() if file.read_text("utf-8") != text]
        print("\n".join(f"out of date: {name}" for name in stale), end="")
        return 1 if stale else 0
    ACTION.mkdir(exist_ok=True)
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
