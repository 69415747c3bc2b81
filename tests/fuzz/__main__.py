"""``make fuzz``: mutate documented answers and look for anything that passes without proof.

Every single change of every documented answer first; then random changes of answers that were
changed to documented bad ones before. The seed is printed: the same seed finds the same.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from random import Random

from gatepolicy.exchanges.catalog import load_catalog
from tests.fuzz.hunt import Unsound, every_single_change, random_changes
from tests.fuzz.subjects import subjects

_SHOWN = 20


def main() -> int:
    """Hunt; 1 when something was found."""
    options = _parser().parse_args()
    began, tried = time.monotonic(), 0
    found: list[Unsound] = []
    for unsound in _changes(options.count, options.seed):
        tried += 1
        found += unsound
    for one in found[:_SHOWN]:
        print(one)
    seconds = time.monotonic() - began
    print(
        f"seed {options.seed}: {tried:,} changes in {seconds:.0f} s, {len(found):,} pass unproved"
    )
    return 1 if found else 0


def _changes(count: int, seed: int) -> Iterator[Sequence[Unsound]]:
    catalog = load_catalog()
    all_subjects = list(subjects(catalog))
    for subject in all_subjects:
        yield from every_single_change(subject, catalog)
    yield from random_changes(all_subjects, catalog, count, Random(seed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=500_000, help="how many random changes")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="chooses them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
