"""The part of constraints.txt that users need: all that gatepolicy depends on, however deep.

python .ci/runtime_constraints.py > FILE
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
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


def needed(name: str) -> Iterator[NormalizedName]:
    """Names of the packages that a package needs on some machine, without any extra."""
    try:
        texts = requires(name) or ()
    except PackageNotFoundError:
        # It is for other systems only, so that nobody here knows what it needs: pip, which demands
        # a hash for everything, says so there.
        return
    for text in texts:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**place, "extra": ""}) for place in PLACES):
            yield canonicalize_name(requirement.name)


def closure(name: str) -> set[NormalizedName]:
    """All packages that a package needs, however deep."""
    found: set[NormalizedName] = set()
    ahead: list[str] = [name]
    while ahead:
        new = set(needed(ahead.pop())) - found
        found |= new
        ahead += sorted(new)
    return found


def main() -> int:
    """Print the entries; 1 when one is missing."""
    wanted = closure("gatepolicy")
    entries = {
        canonicalize_name(entry.split("==")[0]): entry
        for entry in ENTRY.findall(CONSTRAINTS.read_text(encoding="utf-8"))
    }
    if missing := wanted - entries.keys():
        print(f"not in {CONSTRAINTS.name}: {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    print("\n".join(entries[name] for name in sorted(wanted)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
