"""What holds for all tests."""

import signal
from collections.abc import Iterable

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("gatepolicy", deadline=None)
settings.load_profile("gatepolicy")

MANY_CASES = 30
MEASURED_CASES = 5
EACH_MEASURED = ("test_documented_answers",)


def pytest_configure() -> None:
    """Hear Ctrl-C and a closed terminal, as a user's shell would have it.

    Tests that run in the background, or below nohup, inherit that both are ignored; then so would
    every process that they start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Measure the coverage of every fifth of the many like cases of a test, such as exchanges.

    Measuring doubles the time of a test. All cases are run.
    """
    cases: dict[tuple[str, str], list[pytest.Item]] = {}
    for item in items:
        if item.path.stem not in EACH_MEASURED:
            cases.setdefault((str(item.path), item.name.partition("[")[0]), []).append(item)
    for same in cases.values():
        if len(same) > MANY_CASES:
            for position, item in enumerate(same):
                if position % MEASURED_CASES:
                    item.add_marker(pytest.mark.no_cover)
