"""Policy-as-code compliance scanner for the API keys of crypto exchanges.

A bot checks its own key at its start::

    result = gatepolicy.scan("gatepolicy.yaml", account="bot")
    if not result.passed:
        sys.exit(result.exit_code)

What is public: the names of ``__all__``. The first use of one of them imports the scanner; this
import alone takes next to nothing.
"""

__version__ = "0.1.0"

__all__ = ["Finding", "GatepolicyError", "ScanResult", "__version__", "scan", "scan_async"]

TYPE_CHECKING = False
"""As in ``typing``, which takes longer to import than all of this. True for type checkers."""
if TYPE_CHECKING:
    from gatepolicy.api import Finding, ScanResult, scan, scan_async
    from gatepolicy.errors import GatepolicyError
else:

    def __getattr__(name: str) -> object:
        """What is public, once somebody asks for it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        return getattr(importlib.import_module("gatepolicy.api"), name)
