"""What every store of secrets has in common: each secret is fetched once in a scan, in a thread.

A secret may be a value in a document that holds several: JSON, YAML, TOML or dotenv. No message
quotes the document: a parser's own words may hold what stands there.
"""

import asyncio
import importlib
import io
import json
import logging
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from gatepolicy.accounts.account import StoreKind, host_in, is_loopback
from gatepolicy.collect.local import CredentialError, Wait, in_thread
from gatepolicy.documents.document import JSONValue
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import DocumentError

_TOO_LARGE = 10**30
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.]*\s*=")


class _NotThis(Exception):  # noqa: N818 - the text is of another format
    pass


def value_in(tree: JSONValue, field: str) -> str:
    """A value of a document.

    Args:
        tree: The document.
        field: A key, or a JSON pointer (RFC 6901), which begins with a slash.

    Raises:
        CredentialError: There is none, or it is no text.
    """
    found = tree
    for step in _steps(field):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isascii() and step.isdecimal():
            found = found[int(step)] if int(step) < len(found) else _missing()
        else:
            found = _missing()
    if isinstance(found, str):
        return found
    # Of other numbers, nothing tells how they were written.
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < _TOO_LARGE:
        return str(found)
    raise CredentialError("this value is not a string; quote it there")


def _steps(field: str) -> Iterator[str]:
    if not field.startswith("/"):
        yield field
        return
    for step in field[1:].split("/"):
        yield step.replace("~1", "/").replace("~0", "~")


def _missing() -> JSONValue:
    raise CredentialError("it holds no such value")


def parsed(text: str, name: str) -> JSONValue:
    """A document, by the suffix of its name, or by what it looks like.

    Args:
        text: Its content.
        name: Of the file or the secret; ``.age`` at the end is left out.

    Raises:
        CredentialError: It is not valid, or of none of these formats.
    """
    path = PurePath(name.removesuffix(".age"))
    suffix = ".env" if path.name.startswith(".env") else path.suffix.lower()
    if suffix in _BY_SUFFIX:
        title, parse = _BY_SUFFIX[suffix]
        try:
            return parse(text)
        except _NotThis:
            raise CredentialError(f"it is not valid {title}") from None
    for _, parse in _IN_TURN:
        try:
            tree = parse(text)
        except _NotThis:
            continue
        if tree and isinstance(tree, dict | list):
            return tree
    raise CredentialError("it is neither JSON, TOML, dotenv nor YAML")


def _json(text: str) -> JSONValue:
    try:
        tree: JSONValue = json.loads(text)
    except (ValueError, RecursionError):
        raise _NotThis from None
    return tree


def _toml(text: str) -> JSONValue:
    try:
        tree: JSONValue = tomllib.loads(text)
    except (ValueError, RecursionError):
        raise _NotThis from None
    return tree


def _yaml(text: str) -> JSONValue:
    try:
        return parse_yaml(text, "").data
    except DocumentError:
        raise _NotThis from None


def _dotenv(text: str) -> JSONValue:
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if not _ASSIGNMENT.match(first):
        raise _NotThis
    try:
        parser = importlib.import_module("dotenv.parser")
    except ImportError:
        hint = "pip install python-dotenv"
        raise CredentialError(f"the python-dotenv package is not installed; {hint}") from None
    found: dict[str, JSONValue] = {}
    for binding in parser.parse_stream(io.StringIO(text)):
        is_bare = binding.key is not None and binding.value is None
        if binding.error or is_bare:
            raise _NotThis
        if binding.key is not None:
            found[binding.key] = binding.value
    return found


_Parse = Callable[[str], JSONValue]
_JSON, _TOML = ("JSON", _json), ("TOML", _toml)
_DOTENV, _YAML = ("dotenv", _dotenv), ("YAML", _yaml)
_BY_SUFFIX: Mapping[str, tuple[str, _Parse]] = {
    ".json": _JSON, ".toml": _TOML, ".env": _DOTENV, ".yaml": _YAML, ".yml": _YAML
}  # fmt: skip
_IN_TURN: tuple[tuple[str, _Parse], ...] = (_JSON, _TOML, _DOTENV, _YAML)


T = TypeVar("T")
CONNECT_SECONDS = 5.0
"""For the connection of one attempt, whatever the timeout of an account."""
READ_SECONDS = 10.0
"""For the answer to it."""
_AT_ONCE = 8
"""Fetches at the same time; requests keeps ten connections to a host."""


class StoreError(CredentialError):
    """A store did not give a secret. The text holds nothing that the store answered."""

    def __init__(self, what: str, *, transient: bool = False, unreachable: bool = False) -> None:
        """Keep what went wrong.

        Args:
            what: In one line, behind the name of the secret.
            transient: Whether it may work a moment later.
            unreachable: Whether nobody answers there, whatever is asked.
        """
        super().__init__(what)
        self.transient = transient
        self.unreachable = unreachable


class Held:
    """What lies under one name in a store or a file. It prints as ``***``."""

    __slots__ = ("_name", "_text", "_tree")

    def __init__(self, text: str, name: str) -> None:
        """Keep a text.

        Args:
            text: What lies there.
            name: Of the file or the secret; its suffix may tell the format.
        """
        self._text: str | None = text
        self._name = name
        self._tree: JSONValue = None

    @staticmethod
    def of_fields(fields: Mapping[str, JSONValue]) -> "Held":
        """What a store keeps as fields, and not as a text."""
        held = Held("", "")
        held._text, held._tree = None, dict(fields)
        return held

    def value(self, field: str) -> str:
        """The whole text, or a field of it.

        Args:
            field: A key or a JSON pointer; empty for the whole text.

        Raises:
            CredentialError: There is no such field, or it is no text.
        """
        if not field and self._text is not None:
            return self._text
        if self._tree is None and self._text is not None:
            self._tree = parsed(self._text, self._name)
        return value_in(self._tree, field)

    def __repr__(self) -> str:
        return "***"


class Store(Protocol):
    """A store that is open: whoever reads is logged in."""

    def read(self, name: str) -> Held:
        """A secret. It may block, and is called from several threads at once.

        Raises:
            StoreError: The store does not give it.
        """


OpenStore = Callable[[StoreKind, Mapping[str, str]], Store]
"""Opens the store of a kind, as the environment says. It may block."""


def open_store(kind: StoreKind, environ: Mapping[str, str]) -> Store:
    """The store that the environment names, by its extra.

    Raises:
        StoreError: It is not installed or not configured, or refuses who is asking.
    """
    module, opens = _MODULES[kind]
    found: Store = getattr(importlib.import_module(module), opens)(environ)
    return found


_MODULES: Mapping[StoreKind, tuple[str, str]] = {
    StoreKind.VAULT: ("gatepolicy.collect.vault", "open_vault"),
    StoreKind.AWS_SECRETS_MANAGER: ("gatepolicy.collect.clouds", "open_secrets_manager"),
    StoreKind.AWS_PARAMETER_STORE: ("gatepolicy.collect.clouds", "open_parameter_store"),
    StoreKind.GCP_SECRET_MANAGER: ("gatepolicy.collect.clouds", "open_secret_manager"),
    StoreKind.AZURE_KEY_VAULT: ("gatepolicy.collect.clouds", "open_key_vault"),
}
"""Imported when the first reference needs it: a scan without one does not know them."""


def extra(package: str, *modules: str) -> list[ModuleType]:
    """Modules of a package that is installed only where it is needed.

    What they log is dropped: some log what they send, or a warning for each credential they try.

    Args:
        package: Its name for pip.
        modules: What is imported.

    Raises:
        StoreError: It is not installed.
    """
    try:
        found = [importlib.import_module(module) for module in modules]
    except ImportError:
        what = f"the {package} package is not installed; pip install {package}"
        raise StoreError(what) from None
    for name in ("urllib3", "msal", *(module.partition(".")[0] for module in modules)):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.CRITICAL + 1)
    return found


def refuse_plaintext(url: str, setting: str) -> None:
    """Refuse a server whose answers others on the network could read.

    Args:
        url: Of the server.
        setting: Where it comes from.

    Raises:
        StoreError: It is neither https, nor http to this machine.
    """
    try:
        scheme, host = urlsplit(url).scheme.lower(), host_in(url)
    except ValueError:
        scheme, host = "", ""
    if not host or (scheme != "https" and not (scheme == "http" and is_loopback(host))):
        raise StoreError(f"{setting} is not an https URL; http is for this machine only")


class Fetches:
    """What one scan fetches: every secret once, however many fields of it are used."""

    def __init__(
        self, wait: Wait, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Fetch nothing yet.

        Args:
            wait: When to ask again after a transient error.
            sleep: Waits.
        """
        self._wait = wait
        self._sleep = sleep
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._held: dict[tuple[str, str], asyncio.Task[Held | CredentialError]] = {}
        self._stores: dict[StoreKind, asyncio.Task[Store | CredentialError]] = {}
        self._unreachable: dict[str, StoreError] = {}

    def of_store(
        self, kind: StoreKind, name: str, open_it: Callable[[], Store]
    ) -> "asyncio.Task[Held | CredentialError]":
        """A secret of a store, which is opened when the first one is asked for.

        Nobody may cancel the task: others wait for it as well.
        """
        return self._once((kind, name), lambda: self._read(kind, name, open_it))

    def of_file(
        self, kind: str, path: str, ask: Callable[[], Held]
    ) -> "asyncio.Task[Held | CredentialError]":
        """A document on this machine, which several accounts refer to."""
        return self._once((kind, path), lambda: self._tried(f"{kind}:", ask))

    def _once(
        self, key: tuple[str, str], fetch: Callable[[], "Fetching"]
    ) -> "asyncio.Task[Held | CredentialError]":
        if key not in self._held:
            self._held[key] = asyncio.ensure_future(fetch())
        return self._held[key]

    async def _read(
        self, kind: StoreKind, name: str, open_it: Callable[[], Store]
    ) -> Held | CredentialError:
        if kind not in self._stores:
            self._stores[kind] = asyncio.ensure_future(self._tried(kind, open_it))
        store = await self._stores[kind]
        if isinstance(store, CredentialError):
            return store
        return await self._tried(kind, lambda: store.read(name))

    async def _tried(self, who: str, ask: Callable[[], T]) -> T | CredentialError:
        """What is answered, asked again after transient errors.

        Once a server could not be reached after all attempts, it is asked no more in this scan.
        """
        async with self._slots:
            attempt = 1
            while who not in self._unreachable:
                try:
                    return await in_thread(ask, f"the library for {who}")
                except CredentialError as error:
                    failed = error
                if not isinstance(failed, StoreError) or not failed.transient:
                    return failed
                attempt += 1
                wait = self._wait(attempt)
                if wait is None and failed.unreachable:
                    self._unreachable[who] = failed
                if wait is None:
                    return failed
                await self._sleep(wait)
            return self._unreachable[who]


Fetching = Awaitable[Held | CredentialError]
