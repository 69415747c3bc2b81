"""All schemes by name."""

from collections.abc import Mapping

from gatepolicy.simulator.schemes.coinbase import COINBASE
from gatepolicy.simulator.schemes.deribit import DERIBIT
from gatepolicy.simulator.schemes.gemini import GEMINI
from gatepolicy.simulator.schemes.hmac import HMAC
from gatepolicy.simulator.schemes.kraken import KRAKEN
from gatepolicy.simulator.schemes.lbank import LBANK
from gatepolicy.simulator.schemes.scheme import Scheme
from gatepolicy.simulator.schemes.whitebit import WHITEBIT

SCHEMES: Mapping[str, Scheme] = {
    "coinbase": COINBASE,
    "deribit": DERIBIT,
    "gemini": GEMINI,
    "hmac": HMAC,
    "kraken": KRAKEN,
    "lbank": LBANK,
    "whitebit": WHITEBIT,
}
"""Name in a profile to scheme."""
