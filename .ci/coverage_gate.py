"""Every branch of the pure core is covered by the tests, or this fails and says which is not."""

import io
import sys
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent
CORE = [
    "gatepolicy/accounts/*",
    "gatepolicy/attestations/*",
    "gatepolicy/correlate/*",
    "gatepolicy/documents/*",
    "gatepolicy/drift/*",
    "gatepolicy/errors.py",
    "gatepolicy/evaluate/*",
    "gatepolicy/scanning/compared.py",
    "gatepolicy/scanning/evidence.py",
    "gatepolicy/scanning/journal.py",
    "gatepolicy/exchanges/*",
    "gatepolicy/history/findings.py",
    "gatepolicy/history/rows.py",
    "gatepolicy/history/where.py",
    "gatepolicy/model/*",
    "gatepolicy/operating/attested.py",
    "gatepolicy/operating/changes.py",
    "gatepolicy/operating/log.py",
    "gatepolicy/operating/message.py",
    "gatepolicy/operating/news.py",
    "gatepolicy/operating/notified.py",
    "gatepolicy/scanning/plan.py",
    "gatepolicy/policies/*",
    "gatepolicy/policytests/*",
    "gatepolicy/scanning/project.py",
    "gatepolicy/reports/*",
    "gatepolicy/rules/*",
    "gatepolicy/scanning/saved.py",
    "gatepolicy/scanning/scan.py",
    "gatepolicy/signing/*",
    "gatepolicy/starting/*",
    "gatepolicy/waivers/*",
]
EVERYTHING_AT_LEAST = 95.0


def main() -> int:
    """Print what is missing; 0 when the core is covered, and the rest well enough."""
    measured = coverage.Coverage(data_file=str(ROOT / ".coverage"))
    measured.load()
    text = io.StringIO()
    core = measured.report(include=CORE, show_missing=True, skip_covered=True, file=text)
    everything = measured.report(file=io.StringIO())
    if core < 100.0:
        print(text.getvalue())
    print(
        f"pure core {core:.2f}% (must be 100), everything {everything:.2f}%"
        f" (must be {EVERYTHING_AT_LEAST:.0f})"
    )
    return 0 if core >= 100.0 and everything >= EVERYTHING_AT_LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
