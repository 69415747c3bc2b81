"""All schemes by name."""

from collections.abc import Mapping

from gatepolicy.simulator.schemes.basic import BASIC
from gatepolicy.simulator.schemes.coinbase import COINBASE
from gatepolicy.simulator.schemes.cryptocom import CRYPTOCOM
from gatepolicy.simulator.schemes.deribit import DERIBIT
from gatepolicy.simulator.schemes.gemini import GEMINI
from gatepolicy.simulator.schemes.hmac import HMAC
from gatepolicy.simulator.schemes.jwt import JWT
from gatepolicy.simulator.schemes.kraken import KRAKEN
from gatepolicy.simulator.schemes.krakenfutures import KRAKEN_FUTURES
from gatepolicy.simulator.schemes.lbank import LBANK
from gatepolicy.simulator.schemes.orderly import ORDERLY
from gatepolicy.simulator.schemes.public import PUBLIC
from gatepolicy.simulator.schemes.scheme import Scheme
from gatepolicy.simulator.schemes.wallet import WALLETS
from gatepolicy.simulator.schemes.whitebit import WHITEBIT

SCHEMES: Mapping[str, Scheme] = {
    "basic": BASIC,
    "coinbase": COINBASE,
    "cryptocom": CRYPTOCOM,
    "deribit": DERIBIT,
    "gemini": GEMINI,
    "hmac": HMAC,
    "jwt": JWT,
    "kraken": KRAKEN,
    "krakenfutures": KRAKEN_FUTURES,
    "lbank": LBANK,
    "orderly": ORDERLY,
    "public": PUBLIC,
    "wallet": WALLETS,
    "whitebit": WHITEBIT,
}
"""Name in a profile to scheme."""
