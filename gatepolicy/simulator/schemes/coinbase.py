"""Coinbase: a JWT for each request, signed with an elliptic curve (ES256) or Ed25519 (EdDSA).

Sources: https://docs.cdp.coinbase.com/coinbase-app/authentication-authorization/api-key-authentication
for ES256; https://docs.cdp.coinbase.com/get-started/authentication/jwt-authentication for EdDSA,
whose secret is the base64 of seed and public key, and for ``uris`` in the place of ``uri``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes, base64_object, bearer_token
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_HALF = 32
"""Bytes of each half of an ES256 signature, and of each half of an Ed25519 secret."""
_ISSUERS = ("cdp", "coinbase-cloud")
_LIFE_SECONDS = 120
_SKEW_SECONDS = 30
"""How far the clock of a request may run ahead: UNCONFIRMED."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind of secret signs with."""

    algorithm: str
    """As the header of a token names it."""
    verify: Callable[[bytes, bytes], bool]
    """Whether a signature is one of a message."""


def _presented(request: Request, parameters: Parameters) -> str:
    _, claims, _ = _parts(request, parameters)
    subject = base64_object(claims).get("sub")
    return subject if isinstance(subject, str) else ""


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    header, claims, signature = _parts(request, parameters)
    kind = _kind(key.secret)
    message = f"{header}.{claims}".encode(errors="surrogatepass")
    if kind is None or not kind.verify(base64_bytes(signature), message):
        return "bad_signature"
    if not _headed(base64_object(header), key.api_key, kind.algorithm):
        return "bad_signature"
    said = base64_object(claims)
    if said.get("iss") not in _ISSUERS or not _names(said, _addresses(request, parameters)):
        return "bad_signature"
    return None if _lives(said, request.now) else "clock"


def _parts(request: Request, parameters: Parameters) -> tuple[str, str, str]:
    return bearer_token(part(request, parameters["key"]))


def _kind(secret: str) -> _Kind | None:
    """What a secret signs with; ``None`` for what is no secret of Coinbase."""
    return _es256(secret) if secret.startswith("-----BEGIN") else _eddsa(secret)


def _es256(secret: str) -> _Kind | None:
    try:
        private = load_pem_private_key(secret.encode(errors="surrogatepass"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(private, EllipticCurvePrivateKey):
        return None
    if not isinstance(private.curve, SECP256R1):
        return None
    public = private.public_key()
    return _Kind("ES256", lambda signature, message: _curve_signed(public, signature, message))


def _curve_signed(public: EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    if len(signature) != 2 * _HALF:
        return False
    numbers = (int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:]))
    try:
        public.verify(encode_dss_signature(*numbers), message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _eddsa(secret: str) -> _Kind | None:
    both = base64_bytes(secret)
    if len(both) != 2 * _HALF:
        return None
    public = Ed25519PrivateKey.from_private_bytes(both[:_HALF]).public_key()
    if public.public_bytes_raw() != both[_HALF:]:
        return None
    return _Kind("EdDSA", lambda signature, message: _edwards_signed(public, signature, message))


def _edwards_signed(public: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _headed(header: Mapping[str, object], api_key: str, algorithm: str) -> bool:
    nonce = header.get("nonce")
    named = header.get("alg") == algorithm and header.get("kid") == api_key
    return named and isinstance(nonce, str) and bool(nonce)


def _names(claims: Mapping[str, object], addresses: tuple[str, ...]) -> bool:
    """Whether a token is for this request: as ``uri``, or as the one entry of ``uris``.

    Which of the two goes with which kind of key is UNCONFIRMED.
    """
    named = [claims["uri"]] if "uri" in claims else claims.get("uris")
    return isinstance(named, list) and len(named) == 1 and named[0] in addresses


def _addresses(request: Request, parameters: Parameters) -> tuple[str, ...]:
    """What may stand as ``uri``: the real host, or the one that simulates it."""
    # A client cuts "https://" off, and the stand-in is reached without TLS.
    simulated = request.headers.get("Host", "")
    hosts = (parameters["host"], simulated, f"http://{simulated}")
    return tuple(f"{request.method} {host}{request.path}" for host in hosts)


def _lives(claims: Mapping[str, object], now: float) -> bool:
    start, end = claims.get("nbf"), claims.get("exp")
    if not isinstance(start, int) or not isinstance(end, int):
        return False
    return start - _SKEW_SECONDS <= now < end <= start + _LIFE_SECONDS


COINBASE = Scheme(_presented, _refusal)
"""What Coinbase's private calls carry."""
