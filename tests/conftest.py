"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Hear Ctrl-C and a closed terminal, as a user's shell would have it.

    Tests that run in the background, or below nohup, inherit that both are ignored; then so would
    every process that they start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
