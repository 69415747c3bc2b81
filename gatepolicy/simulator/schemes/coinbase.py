"""Coinbase: a JWT for each request, signed with the key's elliptic curve (ES256).

Source: https://docs.cdp.coinbase.com/coinbase-app/authentication-authorization/api-key-authentication.
"""

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gatepolicy.simulator.answers import Asked
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes, base64_object, bearer_token
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_HALF = 32
"""Bytes of each half of an ES256 signature."""
_ISSUERS = ("cdp", "coinbase-cloud")
_LIFE_SECONDS = 120
_SKEW_SECONDS = 30
"""How far the clock of a request may run ahead: UNCONFIRMED."""


def _presented(asked: Asked, parameters: Parameters) -> str:
    _, claims, _ = _parts(asked, parameters)
    subject = base64_object(claims).get("sub")
    return subject if isinstance(subject, str) else ""


def _refusal(asked: Asked, parameters: Parameters, key: SimulatedKey) -> str | None:
    header, claims, signature = _parts(asked, parameters)
    public = _public_key(key.secret)
    if public is None or not _signed(public, f"{header}.{claims}", base64_bytes(signature)):
        return "bad_signature"
    if not _headed(base64_object(header), key.api_key):
        return "bad_signature"
    said = base64_object(claims)
    if said.get("iss") not in _ISSUERS or said.get("uri") not in _addresses(asked, parameters):
        return "bad_signature"
    return None if _lives(said, asked.now) else "clock"


def _parts(asked: Asked, parameters: Parameters) -> tuple[str, str, str]:
    return bearer_token(part(asked, parameters["key"]))


def _public_key(secret: str) -> EllipticCurvePublicKey | None:
    try:
        private = load_pem_private_key(secret.encode(errors="surrogatepass"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(private, EllipticCurvePrivateKey):
        return None
    return private.public_key() if isinstance(private.curve, SECP256R1) else None


def _signed(public: EllipticCurvePublicKey, message: str, signature: bytes) -> bool:
    if len(signature) != 2 * _HALF:
        return False
    numbers = (int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:]))
    text = message.encode(errors="surrogatepass")
    try:
        public.verify(encode_dss_signature(*numbers), text, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _headed(header: Mapping[str, object], api_key: str) -> bool:
    nonce = header.get("nonce")
    named = header.get("alg") == "ES256" and header.get("kid") == api_key
    return named and isinstance(nonce, str) and bool(nonce)


def _addresses(asked: Asked, parameters: Parameters) -> tuple[str, ...]:
    """What may stand as ``uri``: the real host, or the one that plays it."""
    # A client cuts "https://" off, and the stand-in is reached without TLS.
    played = asked.headers.get("Host", "")
    hosts = (parameters["host"], played, f"http://{played}")
    return tuple(f"{asked.method} {host}{asked.path}" for host in hosts)


def _lives(claims: Mapping[str, object], now: float) -> bool:
    start, end = claims.get("nbf"), claims.get("exp")
    if not isinstance(start, int) or not isinstance(end, int):
        return False
    return start - _SKEW_SECONDS <= now < end <= start + _LIFE_SECONDS


COINBASE = Scheme(_presented, _refusal)
"""What Coinbase's private calls carry."""
