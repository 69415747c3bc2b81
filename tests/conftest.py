"""What holds for all tests."""

import signal

from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("gatepolicy", deadline=None)
settings.load_profile("gatepolicy")


def pytest_configure() -> None:
    """Hear Ctrl-C and a closed terminal, as a user's shell would have it.

    Tests that run in the background, or below nohup, inherit that both are ignored; then so would
    every process that they start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
