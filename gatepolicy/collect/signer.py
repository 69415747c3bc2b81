"""The only module that uses ccxt: it signs and routes requests, and sends none.

ccxt's real client does all its work up to the point where it would open a connection. There, in
place of an HTTP session, it meets ``_Outbox``, which takes the signed request and leaves ccxt by
raising. So no byte that an exchange sends ever reaches ccxt's parsers, exception texts, logs or
options, and nothing of one account can reach the next through a client.
"""

import copy
import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType, TracebackType
from typing import Any

from gatepolicy.collect.guard import SignedRequest
from gatepolicy.exchanges.exchange import Call, Exchange, Sent
from gatepolicy.model.secret import Secret

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


def import_ccxt() -> None:
    """Import all of ccxt, as everybody else does: for a process that may use ccxt itself.

    An exchange's module alone takes less time, but replaces ccxt's packages for a moment, when
    another thread could import them.
    """
    importlib.import_module(_PACKAGE)


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


Credentials = Mapping[str, Secret]

_CAN_CHANGE_IN_PLACE = ("options", "urls", "headers", "tokenBucket")


def wallet_address(private_key: Secret) -> str:
    """The address of the wallet that a private key signs for, in small letters.

    Raises:
        SigningError: It is no private key of a wallet. The text quotes nothing of it.
    """
    base = importlib.import_module("ccxt.base.exchange").Exchange
    try:
        return str(base.eth_get_address_from_private_key(private_key.reveal()))
    except _signing_errors() as error:
        raise SigningError(type(error).__name__) from None


class SigningError(Exception):
    """ccxt could not sign with these credentials. The text names the kind of failure only."""


class _Signed(Exception):  # noqa: N818 - not an error: it carries the request out of ccxt
    def __init__(self, request: SignedRequest) -> None:
        super().__init__()
        self.request = request


class _Departure:
    """What ccxt gets in place of a pending response."""

    def __init__(self, request: SignedRequest) -> None:
        self._request = request

    async def __aenter__(self) -> None:
        raise _Signed(self._request)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Never reached: entering raises."""


def _taker(method: str) -> Callable[..., _Departure]:
    def take(
        url: object, *, data: bytes | None, headers: Mapping[str, str], **_: object
    ) -> _Departure:
        return _Departure(SignedRequest(method, str(url), dict(headers), data))

    return take


class _Outbox:
    """Stands where ccxt expects an HTTP session; every method only takes the request."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.get = _taker("GET")
        self.head = _taker("HEAD")
        self.post = _taker("POST")
        self.put = _taker("PUT")
        self.patch = _taker("PATCH")
        self.delete = _taker("DELETE")


class _Client:
    """One ccxt client that forgets everything after every request."""

    def __init__(self, exchange: Exchange, *, sandbox: bool) -> None:
        kind = exchange_class(exchange.ccxt_id)
        outbox = _Outbox()
        config = {"session": outbox, "enableRateLimit": False}
        self._ccxt: Any = kind(config)
        self._ccxt.session = outbox
        self._ccxt.ssl_context = outbox  # never used: ccxt opens no connection
        if sandbox:
            self._ccxt.set_sandbox_mode(True)
        self._pristine = dict(self._ccxt.__dict__)
        self._originals = {
            name: copy.deepcopy(self._pristine.get(name)) for name in _CAN_CHANGE_IN_PLACE
        }

    async def sign(
        self, call: Call, params: Mapping[str, Sent], credentials: Credentials
    ) -> SignedRequest:
        for name, secret in credentials.items():
            setattr(self._ccxt, name, secret.reveal())
        try:
            await self._ask(call, dict(params))
        except _Signed as signed:
            return signed.request
        finally:
            self._forget()
        raise SigningError(f"{call.id} sent nothing")

    async def _ask(self, call: Call, params: dict[str, Sent]) -> None:
        how = call.unlisted
        if how is None:
            await getattr(self._ccxt, call.ccxt_method)(params)
            return
        self._ccxt.urls["api"] = {**self._ccxt.urls["api"], how.section: how.base}
        sent = {**params, **how.params}
        await self._ccxt.request(how.path, [how.section], call.http_method, sent)

    def _forget(self) -> None:
        self._ccxt.__dict__.clear()
        self._ccxt.__dict__.update(self._pristine)
        for name, original in self._originals.items():
            if self._pristine.get(name) != original:
                self._pristine[name] = copy.deepcopy(original)
                setattr(self._ccxt, name, self._pristine[name])


class Signer:
    """A pool of ccxt clients per exchange, each handed one account at a time."""

    def __init__(self) -> None:
        _silence()
        self._idle: dict[tuple[str, bool], list[_Client]] = {}

    async def sign(
        self,
        exchange: Exchange,
        call: Call,
        params: Mapping[str, Sent],
        credentials: Credentials,
        *,
        sandbox: bool,
    ) -> SignedRequest:
        """The request that asks this call with these parameters, for these credentials.

        Raises:
            SigningError: The credentials are not of the form that the exchange's signing needs, or
                the installed ccxt has no such exchange.
        """
        idle = self._idle.setdefault((exchange.id, sandbox), [])
        client = idle.pop() if idle else _client(exchange, sandbox=sandbox)
        try:
            return await client.sign(call, params, credentials)
        except _signing_errors() as error:
            # Only the class: ccxt's texts can hold full URLs with keys and signatures.
            raise SigningError(type(error).__name__) from None
        finally:
            idle.append(client)


def _client(exchange: Exchange, *, sandbox: bool) -> _Client:
    try:
        return _Client(exchange, sandbox=sandbox)
    except ImportError:
        raise SigningError("the installed ccxt has no such exchange") from None
    except _signing_errors() as error:
        what = f"the installed ccxt has no such {'sandbox' if sandbox else 'exchange'}"
        raise SigningError(f"{what}: {type(error).__name__}") from None


def _signing_errors() -> tuple[type[Exception], ...]:
    """What malformed credentials raise inside ccxt: its own errors and those of its parsers."""
    base = importlib.import_module("ccxt.base.errors").BaseError
    return (base, ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


def _silence() -> None:
    """ccxt logs headers, with keys in them, at debug level: nobody gets to hear that."""
    logger = logging.getLogger("ccxt")
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
