"""The guard: the only code that opens a connection.

It lets out what the catalog declares and nothing else: host, method and path are checked before a
byte is sent, redirects are refused (they would carry the key to another host), answers are capped
in size and time, and TLS certificates are verified.
"""

import asyncio
import contextlib
import json
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

import aiohttp
import yarl

from gatepolicy import __version__
from gatepolicy.exchanges.answers import Answer, NoAnswer
from gatepolicy.exchanges.exchange import Call
from gatepolicy.exchanges.interpret import SEGMENT
from gatepolicy.model.evidence import date_of
from gatepolicy.model.facts import Reason


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What ccxt would send. All but the method may hold a secret."""

    method: str
    """HTTP method, in capitals."""
    url: str = field(repr=False)
    """With the query, which may hold the key and the signature."""
    headers: Mapping[str, str] = field(repr=False)
    """With the key, the signature and the passphrase."""
    body: bytes | None = field(repr=False)
    """``None`` for every read that gatepolicy knows."""


MAX_ANSWER = 2 * 1024 * 1024
"""Bytes, after decompression. The largest documented answer is under a tenth of it."""
_CHUNK = 64 * 1024
_REDIRECTS = range(300, 400)
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """What one account's requests may be, and where they go."""

    hosts: frozenset[str]
    """Hosts that the catalog declares."""
    base_url: str | None
    """Scheme, host and port in place of the declared ones."""
    proxy: str | None
    """HTTP proxy of this egress."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer with what its headers say about asking again."""

    answer: Answer
    """Status and body."""
    retry_after: float | None
    """Seconds, where the server says so."""
    date: datetime | None = None
    """When the server sent it, where it says so. UTC."""


class Guard:
    """Sends declared reads through one session per egress."""

    def __init__(self, sessions: Mapping[str | None, aiohttp.ClientSession]) -> None:
        self._sessions = sessions

    async def send(
        self, request: SignedRequest, call: Call, route: Route, *, timeout: float
    ) -> Received | NoAnswer:
        """Check a request against its declaration, then send it once.

        Args:
            request: As ccxt signed it.
            call: Its declaration in the catalog.
            route: Allowed hosts, and the egress.
            timeout: Seconds until the whole answer must be there.

        Returns:
            What came back; ``request_refused`` for a request that is not the declared one, of which
            nothing is sent.
        """
        undeclared = differences(request, call, route.hosts)
        if undeclared:
            return NoAnswer(Reason.REQUEST_REFUSED, _refusal(undeclared, call))
        url = redirect_to(request.url, route.base_url)
        session = self._sessions[route.proxy]
        try:
            async with session.request(
                request.method,
                yarl.URL(url, encoded=True),
                data=request.body,
                headers={**request.headers, "User-Agent": f"gatepolicy/{__version__}"},
                proxy=route.proxy,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                return await _receive(response)
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLError) as error:
            return NoAnswer(Reason.TLS_ERROR, type(error).__name__)
        except TimeoutError:
            return NoAnswer(Reason.TIMEOUT, f"no complete answer within {timeout:.0f} s")
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
            detail = f"the connection closed early ({type(error).__name__})"
            return NoAnswer(Reason.UNREACHABLE, detail)
        except (aiohttp.ClientError, OSError) as error:
            return NoAnswer(Reason.UNREACHABLE, type(error).__name__)


def differences(request: SignedRequest, call: Call, hosts: frozenset[str]) -> Sequence[str]:
    """The parts of a request that are not those of the declared read; none when it may be sent."""
    parts = urlsplit(request.url)
    declared = {
        "method": request.method == call.http_method and request.method in ("GET", "POST"),
        "host": parts.scheme == "https" and parts.username is None and parts.netloc in hosts,
        "path": _fits(parts.path, call.path),
        "body": _is_declared_body(request.body, call),
    }
    return [part for part, is_declared in declared.items() if not is_declared]


def _refusal(undeclared: Sequence[str], call: Call) -> str:
    """Quotes the declaration and nothing of the request, which may hold a secret."""
    return (
        f"ccxt {version('ccxt')} asks {call.id} with a different {' and '.join(undeclared)} than"
        f" the catalog declares ({call.http_method} {call.path}); it was not sent"
    )


@lru_cache(maxsize=1024)
def _fits(path: str, declared: str) -> bool:
    """Whether a path is the declared one; ``{name}`` in it stands for one plain segment."""
    if path == declared:
        return "{" not in path
    parts = (_PARAMETER.split(declared)[::2]) if "{" in declared else [declared]
    pattern = SEGMENT.join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, path) is not None


def _is_declared_body(body: bytes | None, call: Call) -> bool:
    """Whether a body is that of the declared read: a path alone may lead to writes as well."""
    if call.http_method == "GET":
        return body is None
    if not call.body:
        return True
    fields = _fields(body or b"")
    return all(fields.get(name) == [value] for name, value in call.body.items())


def _fields(body: bytes) -> Mapping[str, list[str]]:
    """The fields of a form or of a JSON object; nothing of anything else."""
    text = body.decode("utf-8", "replace")
    if not text.startswith("{"):
        return parse_qs(text, keep_blank_values=True)
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {name: [value] for name, value in found.items() if isinstance(value, str)}


def redirect_to(url: str, base_url: str | None) -> str:
    """The same path and query at another scheme, host and port."""
    if base_url is None:
        return url
    parts, base = urlsplit(url), urlsplit(base_url)
    return parts._replace(scheme=base.scheme, netloc=base.netloc).geturl()


async def _receive(response: aiohttp.ClientResponse) -> Received | NoAnswer:
    if response.status in _REDIRECTS:
        return NoAnswer(
            Reason.UNEXPECTED_ANSWER, f"a redirect (HTTP {response.status}) was not followed"
        )
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > MAX_ANSWER:
            return NoAnswer(
                Reason.UNEXPECTED_ANSWER, f"the answer is larger than {MAX_ANSWER} bytes"
            )
    answer = Answer(response.status, bytes(body))
    headers = response.headers
    return Received(answer, retry_after(headers.get("Retry-After")), date_of(headers.get("Date")))


def retry_after(header: str | None) -> float | None:
    """Seconds of a ``Retry-After`` header (RFC 9110, 10.2.3); its date form is not waited for."""
    if header is None or not header.strip().isdecimal():
        return None
    return float(header.strip())


@contextlib.asynccontextmanager
async def open_guard(egresses: frozenset[str | None], connections: int) -> AsyncIterator[Guard]:
    """A guard with one session per egress, closed afterwards.

    Args:
        egresses: Proxy addresses; ``None`` for the direct egress.
        connections: How many may be open at once per egress.
    """
    async with contextlib.AsyncExitStack() as stack:
        sessions = {
            egress: await stack.enter_async_context(_session(connections)) for egress in egresses
        }
        yield Guard(sessions)
        # Closed TLS connections need one turn of the loop before their transports are gone.
        await asyncio.sleep(0)


def _session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ssl=ssl.create_default_context()),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=True,
    )
