"""The inventory of a simulated fleet, and the secrets that it refers to."""

import json
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from gatepolicy.simulator.keys import WALLET, SimulatedKey

_OWNER = "treasury-security@example.com"
_SHOWN = 12
"""So many characters of a key are shown to its owner later on, by Gate."""


class CredentialStyle(StrEnum):
    """How the inventory refers to secrets."""

    ENV = "env"
    """``env:NAME``; an environment is limited (commonly 2 MB), so for small fleets."""
    FILE = "file"
    """``file:DIRECTORY/NAME``; for fleets of any size."""


def account_ids(keys: Sequence[SimulatedKey]) -> tuple[str, ...]:
    """The ids that an inventory gives the accounts of the keys, in their order."""
    return tuple(
        key.account_id or f"{key.exchange}-{index:05d}" for index, key in enumerate(keys, start=1)
    )


def inventory_yaml(
    keys: Sequence[SimulatedKey],
    base_url: str | Callable[[str], str],
    credential_style: CredentialStyle = CredentialStyle.ENV,
    secrets_directory: str = "",
) -> str:
    """Write an inventory document that names one account for each key.

    Args:
        keys: The keys, whose accounts come in the same order.
        base_url: Where the simulator listens; or, by exchange, where each does.
        credential_style: How secrets are referred to.
        secrets_directory: Where the files are, for ``CredentialStyle.FILE``.

    Returns:
        YAML, all of whose values are in JSON's quotes: any text is safe in it.
    """
    prefix = {
        CredentialStyle.ENV: "env:",
        CredentialStyle.FILE: f"file:{secrets_directory}/",
    }[credential_style]
    lines = ["apiVersion: gatepolicy/v1", "kind: Inventory", "accounts:"]
    for account_id, key in zip(account_ids(keys), keys, strict=True):
        url = base_url if isinstance(base_url, str) else base_url(key.exchange)
        lines.extend(_account_lines(account_id, key, url, prefix))
    return "\n".join(lines) + "\n"


def environment(keys: Sequence[SimulatedKey]) -> dict[str, str]:
    """The secrets that the inventory of the same keys refers to, by name."""
    return {
        _variable(account_id, credential): value
        for account_id, key in zip(account_ids(keys), keys, strict=True)
        for credential, value in _credentials(key).items()
    }


def _account_lines(account_id: str, key: SimulatedKey, base_url: str, prefix: str) -> Iterator[str]:
    yield f"  - id: {json.dumps(account_id)}"
    yield f"    exchange: {key.exchange}"
    if key.audited_by:
        yield f"    key: {json.dumps(key.api_key[:_SHOWN] + '*****')}"
        yield f"    audited_by: {json.dumps(key.audited_by)}"
    else:
        yield "    credentials:"
    for credential in _credentials(key):
        reference = f"{prefix}{_variable(account_id, credential)}"
        yield f"      {credential}: {json.dumps(reference)}"
    if key.labels:
        pairs = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in key.labels.items())
        yield f"    labels: {{{', '.join(pairs)}}}"
    yield f"    owner: {json.dumps(_OWNER)}"
    if key.discovers:
        yield "    discover: true"
    yield f"    base_url: {json.dumps(base_url)}"


def _credentials(key: SimulatedKey) -> dict[str, str]:
    if key.audited_by:
        return {}
    secret = key.secret if key.given_secret is None else key.given_secret
    if key.named_by == WALLET:
        return {"privateKey": secret, **key.more_credentials}
    given = {key.named_by: key.api_key, "secret": secret, "password": key.passphrase}
    return {name: value for name, value in given.items() if value} | dict(key.more_credentials)


def _variable(account_id: str, credential: str) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in account_id.upper())
    return f"SIM_{name}_{_SUFFIX[credential]}"


_SUFFIX = {
    "apiKey": "KEY",
    "secret": "SECRET",
    "password": "PASSPHRASE",
    "uid": "USER",
    "accountId": "ACCOUNT",
    "walletAddress": "WALLET",
    "privateKey": "PRIVATE_KEY",
}
"""ccxt's name of a credential to the end of the variable that holds it."""
