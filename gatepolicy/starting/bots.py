"""The accounts of a trading bot's own configuration. Pure.

What comes out refers to the credentials in that file and holds none of them; no message quotes a
value. The formats, as their sources have them: freqtrade (``exchange: {name, key, secret,
password}``), OctoBot (``exchanges: {NAME: {api-key, api-secret, api-password}}``, which it
encrypts), hummingbot (``conf/connectors/NAME.yml``, which it encrypts), and mappings by exchange or
account with ccxt's names (``NAME: {apiKey, secret, password}``).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from gatepolicy.documents.document import JSONValue
from gatepolicy.documents.load import load_json, problem
from gatepolicy.documents.yaml_tree import parse_yaml

_NAMES = {
    "apikey": "apiKey", "key": "apiKey", "secret": "secret", "apisecret": "secret",
    "secretkey": "secret", "password": "password", "passphrase": "password",
    "apipassword": "password", "apipassphrase": "password", "uid": "uid", "apiuid": "uid",
    "privatekey": "privateKey", "walletaddress": "walletAddress", "accountid": "accountId",
    "token": "token",
}  # fmt: skip
"""What bots call a credential, in small letters only, to ccxt's name for it."""
_SIGNING = frozenset({"apiKey", "secret", "privateKey"})
"""Without any of these, a mapping is no account."""
_RENAMED = {
    "okex": "okx", "huobi": "htx", "gateio": "gate", "gate_io": "gate", "crypto_com": "cryptocom",
    "coinbase_advanced_trade": "coinbase",
}  # fmt: skip
"""What bots and older versions of ccxt call an exchange."""
_MARKET = re.compile(r"_(perpetual|testnet|spot|paper_trade)$")
_TEST = ("sandbox", "sandboxed", "testnet")
_FERNET, _KEYFILE = "gAAAA", b'{"crypto'.hex()
"""How encrypted values begin: OctoBot's, and hummingbot's, which is JSON in hexadecimal."""


@dataclass(frozen=True, slots=True)
class BotAccount:
    """One account of a bot."""

    id: str
    """For the inventory."""
    exchange: str
    """Id of the exchange."""
    references: Mapping[str, str]
    """ccxt's name of each credential that the file holds, to the reference to it."""
    sandbox: bool
    """Whether the bot trades in the exchange's sandbox."""


@dataclass(frozen=True, slots=True)
class BotAccounts:
    """What a configuration says."""

    accounts: Sequence[BotAccount]
    """At least one; their ids are unique."""
    notes: Sequence[str]
    """What could not be taken, and why: one line each, for people."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A mapping that may be an account."""

    path: tuple[str, ...]
    node: Mapping[str, JSONValue]
    name: str
    """What the bot calls it or its exchange; may be empty."""


def accounts_of(text: str, file: str, *, known: Collection[str], exchange: str = "") -> BotAccounts:
    """The accounts of a configuration.

    Args:
        text: Its content; JSON if the file's name says so, and YAML otherwise.
        file: The path that references begin with.
        known: Ids of all exchanges.
        exchange: Where an account is that does not name its exchange; empty if nobody says.

    Raises:
        DocumentError: It cannot be read, or names no account.
    """
    if "#" in file:
        raise problem(file, "a path with # cannot be referred to", "rename the file")
    is_json = PurePath(file).suffix.lower() == ".json"
    tree = load_json(text, file) if is_json else parse_yaml(text, file).data
    accounts: dict[str, BotAccount] = {}
    notes: list[str] = []
    for entry in _entries(tree):
        place = f"{file}#{_pointer(entry.path)}"
        id_of_exchange = _exchange(entry, known) or exchange
        if not id_of_exchange:
            notes.append(f"{place}: left out; gatepolicy knows no exchange of this name")
            continue
        references, encrypted = _references(entry, file)
        name = _unique(_account_id(entry.name, id_of_exchange), accounts)
        is_test = any(entry.node.get(word) is True for word in _TEST) or "testnet" in entry.name
        accounts[name] = BotAccount(name, id_of_exchange, references, is_test)
        if encrypted:
            notes.append(f"{place}: the bot encrypts its credentials; set the variables instead")
    if not accounts:
        what = "no account of an exchange was found"
        hint = "freqtrade, OctoBot, hummingbot, and NAME: {apiKey, secret} are understood"
        raise problem(file, what, "; ".join([*notes, hint]))
    return BotAccounts(tuple(accounts.values()), tuple(notes))


def _entries(tree: JSONValue) -> Iterator[_Entry]:
    if not isinstance(tree, dict):
        return
    connector, single, several = (tree.get(k) for k in ("connector", "exchange", "exchanges"))
    if isinstance(connector, str):
        short = {_without(name, f"{connector}_"): name for name in tree}
        if any(_ccxt_name(name) in _SIGNING for name in short):
            yield _Entry((), tree, connector)
    elif isinstance(single, dict):
        yield from _accounts_below([("exchange", single)], ())
    elif isinstance(several, list):
        yield from _accounts_below(enumerate(several), ("exchanges",))
    elif isinstance(several, dict):
        yield from _accounts_below(several.items(), ("exchanges",))
    else:
        yield from _accounts_below(tree.items(), ())


def _accounts_below(
    children: Iterable[tuple[str | int, JSONValue]], path: tuple[str, ...]
) -> Iterator[_Entry]:
    for step, child in children:
        if isinstance(child, dict) and any(_ccxt_name(name) in _SIGNING for name in child):
            name = step if isinstance(step, str) and step != "exchange" else child.get("name")
            yield _Entry((*path, str(step)), child, name if isinstance(name, str) else "")


def _without(text: str, prefix: str) -> str:
    return text.removeprefix(prefix)


def _ccxt_name(name: str) -> str:
    return _NAMES.get(re.sub(r"[-_ ]", "", name.lower()), "")


def _exchange(entry: _Entry, known: Collection[str]) -> str:
    """The id of the exchange that an entry names; empty when none is known."""
    for name in (entry.node.get("exchange"), entry.node.get("name"), entry.name):
        if isinstance(name, str):
            lower = name.strip().lower()
            while _MARKET.search(lower):
                lower = _MARKET.sub("", lower)
            if (found := _RENAMED.get(lower, lower)) in known:
                return found
    return ""


def _references(entry: _Entry, file: str) -> tuple[Mapping[str, str], bool]:
    """References to what the file holds, and whether some of it is encrypted."""
    references: dict[str, str] = {}
    encrypted = False
    for name, value in entry.node.items():
        ccxt_name = _ccxt_name(_without(name, f"{entry.name}_"))
        if not ccxt_name or not isinstance(value, str) or not value.strip():
            continue
        if value.startswith((_FERNET, _KEYFILE)):
            encrypted = True
        else:
            references.setdefault(ccxt_name, f"file:{file}#{_pointer((*entry.path, name))}")
    return references, encrypted


def _pointer(path: Sequence[str]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def _account_id(name: str, exchange: str) -> str:
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:80]
    is_exchange = slug.lower() in (
        exchange,
        *(old for old, new in _RENAMED.items() if new == exchange),
    )
    return f"{exchange}-main" if is_exchange or not slug else slug


def _unique(name: str, taken: Collection[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found
