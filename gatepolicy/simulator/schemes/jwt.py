"""Upbit and Bithumb: a JWT for each request, signed with the key's secret (HMAC).

Sources: https://docs.upbit.com/kr/reference/auth;
https://apidocs.bithumb.com/docs/%EC%9D%B8%EC%A6%9D-%ED%86%A0%ED%81%B0-%EC%83%9D%EC%84%B1%ED%95%98%EA%B8%B0.
Requests with a body are documented too; no call about keys has one.
"""

import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from gatepolicy.simulator.answers import Request, hex_sha512, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes, base64_object, bearer_token
from gatepolicy.simulator.schemes.parts import part, timely
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_HASHES: Mapping[str, str] = {"HS256": "sha256", "HS512": "sha512"}


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    header, claims, signature = bearer_token(request.headers.get(parameters["key"]["jwt"], ""))
    algorithm = base64_object(header).get("alg")
    if algorithm not in parameters["algorithms"]:
        return "bad_signature"
    message = f"{header}.{claims}".encode(errors="surrogatepass")
    expected = hmac.digest(key.secret.encode(), message, _HASHES[str(algorithm)])
    if not hmac.compare_digest(base64_bytes(signature), expected):
        return "bad_signature"
    if not _says_what_is_asked(request, parameters, base64_object(claims)):
        return "payload"
    late = "timestamp" in parameters and not timely(request, parameters["timestamp"])
    return "clock" if late else None


def _says_what_is_asked(
    request: Request, parameters: Parameters, claims: Mapping[str, object]
) -> bool:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        return False
    if not request.query:
        return True
    # The documents of the two differ on what is hashed: the query with or without its escapes.
    hashed = unquote(request.query) if parameters["query"] == "decoded" else request.query
    given = str(claims.get("query_hash", "")).lower()
    named = claims.get("query_hash_alg", "SHA512") == "SHA512"
    return named and same(given, hex_sha512(hashed.encode(errors="surrogatepass")))


JWT = Scheme(_presented, _refusal)
"""What the private calls of Upbit and Bithumb carry."""
