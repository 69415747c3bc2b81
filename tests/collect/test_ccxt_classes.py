"""One exchange's class is the very class of the whole ccxt, and comes without it."""

import subprocess
import sys

import pytest

from tests.whole_catalog import CATALOG

SCRIPT = """
import sys
from gatepolicy.collect.signer import exchange_class
alone = exchange_class(sys.argv[1])
modules = [name for name in sys.modules if name.startswith("ccxt.async_support.")]
others = [name for name in modules if name.count(".") == 2 and not name.endswith(".base")]
assert "ccxt.async_support." + sys.argv[1] in others
assert len(others) <= 3, others  # some are built on another one
assert "ccxt" not in sys.modules
import ccxt.async_support
assert getattr(ccxt.async_support, sys.argv[1]) is alone
assert exchange_class(sys.argv[1]) is alone
assert len(ccxt.exchanges) > 100
assert alone.__name__ == sys.argv[1]
print("the same")
"""


@pytest.mark.parametrize("ccxt_id", sorted({e.ccxt_id for e in CATALOG.values()}))
def test_the_class_is_the_same_and_the_others_stay_away(ccxt_id: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, ccxt_id], capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("the same\n", "")


def test_an_exchange_that_ccxt_does_not_have() -> None:
    script = "from gatepolicy.collect.signer import exchange_class; exchange_class('moonex')"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "AttributeError" in ended.stderr
