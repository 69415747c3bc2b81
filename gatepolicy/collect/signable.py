"""Which calls of the catalog the installed ccxt signs as they are declared. Sends nothing.

ccxt changes every other day, and a new version may move a host or a path, or drop a method. The
guard refuses then, so that nothing is lost but the answer; here it is known before a scan.
"""

import asyncio
import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from gatepolicy.collect.guard import differences
from gatepolicy.collect.signer import Signer, SigningError, exchange_class
from gatepolicy.documents.schema import did_you_mean
from gatepolicy.exchanges.exchange import Call, Exchange, Sent
from gatepolicy.model.secret import Secret

_BYTES = b"dummy bytes of a private key, 32"
_KEYS = ("dummy-key-of-nobody", "account-dummyKeyOfNobody")
"""Forms of keys: some exchanges look at how a key begins."""
_SECRETS = (
    "dummy-secret-of-nobody",
    base64.b64encode(_BYTES).decode(),
    # 32 bytes in the alphabet of Bitcoin's addresses.
    f"ed25519:{'z' * 43}",
)
"""Forms of secrets, of which each exchange takes one."""
_OTHERS = {
    "password": "dummy-passphrase", "accountId": "0", "walletAddress": "0x" + "0" * 40,
    "privateKey": f"0x{_BYTES.hex()}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A call that the installed ccxt does not sign as the catalog declares it."""

    exchange: str
    """Id of the exchange."""
    call: str
    """Id of the call."""
    why: str
    """What happens instead, in one line."""


def unsigned_calls(exchanges: Iterable[Exchange]) -> Sequence[Unsigned]:
    """Every declared call of some exchanges that ccxt cannot sign, or signs as another request."""
    return asyncio.run(_unsigned(exchanges))


async def _unsigned(exchanges: Iterable[Exchange]) -> Sequence[Unsigned]:
    signer = Signer()
    found: list[Unsigned] = []
    for exchange in exchanges:
        for call, sandbox in _calls(exchange):
            why = await _why_not(signer, exchange, call, sandbox=sandbox)
            if why:
                found.append(Unsigned(exchange.id, call.id, why))
    return found


def _calls(exchange: Exchange) -> Iterator[tuple[Call, bool]]:
    listed = (call for listing in exchange.listings for call in listing.calls)
    for call in (*exchange.calls, *listed):
        yield call, False
    if exchange.sandbox_hosts:
        yield from ((call, True) for call in exchange.calls)


async def _why_not(signer: Signer, exchange: Exchange, call: Call, *, sandbox: bool) -> str:
    """Empty where one form of credentials is signed as declared; else why the last one is not."""
    why = ""
    hosts = exchange.sandbox_hosts if sandbox else exchange.hosts
    for credentials in _dummies(exchange):
        try:
            request = await signer.sign(exchange, call, _params(call), credentials, sandbox=sandbox)
        except SigningError as error:
            why = f"{call.id}: {error}"
            continue
        other = " and ".join(differences(request, call, hosts))
        declared = f"{call.http_method} {call.path} on {', '.join(sorted(hosts))}"
        return f"{call.id} becomes a request with another {other} than {declared}" if other else ""
    return _no_method(exchange, call) or why


def _no_method(exchange: Exchange, call: Call) -> str:
    """That the class has no such method, with the nearest; empty where it has, or is missing."""
    try:
        methods = dir(exchange_class(exchange.ccxt_id))
    except (ImportError, AttributeError):
        return ""
    if not call.ccxt_method or call.ccxt_method in methods:
        return ""
    fix = did_you_mean(call.ccxt_method, methods, "")
    return f"{call.id}: it has no {call.ccxt_method}{fix and f'; {fix}'}"


def _dummies(exchange: Exchange) -> Iterator[Mapping[str, Secret]]:
    for key, secret in product(_KEYS, _SECRETS):
        texts = {**_OTHERS, "apiKey": key, "secret": secret}
        yield {name: Secret(texts.get(name, "dummy")) for name in exchange.credentials}


def _params(call: Call) -> Mapping[str, Sent]:
    """Constants as they are; of everything else, some value."""
    return {name: p if isinstance(p, str | int) else "12345" for name, p in call.params.items()}
