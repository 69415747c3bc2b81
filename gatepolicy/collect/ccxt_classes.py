"""One exchange's class of ccxt, without the hundred others.

ccxt's packages import every exchange when they are imported themselves: half a second and 45 MB
that a scan of a few exchanges does not need. Here the packages' own start-up code is left out while
one exchange's module is imported. That leans on ccxt's layout; where it has changed, the whole of
ccxt is imported instead, and a test tells.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_PACKAGE = "ccxt.async_support"


def exchange_class(ccxt_id: str) -> Any:
    """The asynchronous class of an exchange.

    Args:
        ccxt_id: Its name in ccxt.

    Raises:
        ImportError: ccxt has no such exchange.
    """
    if _PACKAGE in sys.modules:
        return getattr(sys.modules[_PACKAGE], ccxt_id)
    try:
        with _bare_packages():
            module = importlib.import_module(f"{_PACKAGE}.{ccxt_id}")
    except ImportError:
        module = importlib.import_module(_PACKAGE)
    return getattr(module, ccxt_id)


@contextmanager
def _bare_packages() -> Iterator[None]:
    """ccxt's packages as mere folders of modules, for a while.

    Afterwards they are gone, so that whoever imports ccxt gets the real one.
    """
    bare: list[str] = []
    try:
        for name in ("ccxt", _PACKAGE):
            spec = importlib.util.find_spec(name)
            if spec is None:
                raise ModuleNotFoundError(f"no package {name}")
            module = ModuleType(name)
            module.__path__ = list(spec.submodule_search_locations or ())
            module.__spec__ = spec
            sys.modules[name] = module
            bare.append(name)
        _offer_base_names(sys.modules["ccxt"])
        yield
    finally:
        for name in bare:
            sys.modules.pop(name, None)


def _offer_base_names(package: ModuleType) -> None:
    """What ccxt's own modules import from their package: the errors and the base class."""
    errors = importlib.import_module("ccxt.base.errors")
    vars(package).update(
        {name: value for name, value in vars(errors).items() if not name.startswith("_")}
    )
    vars(package)["Exchange"] = importlib.import_module("ccxt.base.exchange").Exchange
