"""Every report format of a large scan: how long it takes, and what memory it takes beside the scan.

Each format is written in a process of its own, forked once the scan is in memory.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from gatepolicy.model.scan import Scan
from gatepolicy.reports.formats import FORMATS, Format, ReportOptions
from tests.reports.page import fleet

SIZES = (1_000, 10_000)
PEAK = Path("/proc/self/status")


def main() -> None:
    """Print the figures; what this machine cannot measure is said."""
    scans = {size: fleet(size) for size in SIZES}
    few, many = SIZES
    print(f"\nevery format of a scan of {many:,} accounts (aim: at most 10 s; flat: ratio near 1)")
    if not PEAK.exists():
        print("  memory is not measured: this system has no /proc/self/status")
    for name, one in FORMATS.items():
        seconds, megabytes, size = measured(one, scans[many])
        _, fewer, _ = measured(one, scans[few])
        print(
            f"  {name:20s} {seconds:6.2f} s {size / 1e6:8.1f} MB written"
            f" {megabytes:6.1f} MB more memory, {fewer:5.1f} MB for {few:,} accounts"
        )


def measured(one: Format, scan: Scan) -> tuple[float, float, int]:
    """Seconds, megabytes of memory beside the scan, and characters written."""
    return forked(lambda: render(one, scan))


def render(one: Format, scan: Scan) -> tuple[float, float, int]:
    """Render to nowhere; the modules of the format are imported before."""
    next(one.render(fleet(1), ReportOptions()))
    before, started = peak(), time.perf_counter()
    size = sum(map(len, one.render(scan, ReportOptions())))
    return time.perf_counter() - started, peak() - before, size


def peak() -> float:
    """Largest resident memory of this process so far, in megabytes."""
    if not PEAK.exists():
        return 0.0
    lines = PEAK.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def forked(work: Callable[[], tuple[float, float, int]]) -> tuple[float, float, int]:
    """Do some work in a process of its own, and hand back what it measured."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, repr(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    seconds, megabytes, size = text.strip("()").split(",")
    return float(seconds), float(megabytes), int(size)


if __name__ == "__main__":
    main()
