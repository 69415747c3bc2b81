"""The part of constraints.txt that users need: all that gatepolicy depends on, however deep.

python .ci/runtime_constraints.py > FILE
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
ENTRY = re.compile(r"^[^\s#].*(?:\n[ \t].*)*", re.MULTILINE)


def needed(name: str) -> Iterator[NormalizedName]:
    """Names of the packages that a package needs here, without any extra."""
    for text in requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
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
