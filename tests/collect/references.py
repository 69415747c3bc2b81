"""How tests of references resolve one."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

from gatepolicy.accounts.account import Account, CredentialReference
from gatepolicy.accounts.inventory import reference_of
from gatepolicy.collect.collector import RetryPolicy, waits
from gatepolicy.collect.local import CredentialError
from gatepolicy.collect.secrets import Resolved, SecretSources, resolve_all
from gatepolicy.model.evidence import Location, Subject

HERE = "accounts.yaml:7:15"
WAIT = waits(RetryPolicy(), random.random)


def account_with(credentials: Mapping[str, CredentialReference], timeout: float = 30.0) -> Account:
    subject = Subject("okx-mm", "okx", {}, "", Location("accounts.yaml", 4, 5))
    places = {name: Location("accounts.yaml", 7, 15) for name in credentials}
    return Account(subject, credentials, places, None, None, sandbox=False, timeout=timeout)


def resolved(
    written: Mapping[str, str], sources: SecretSources, timeout: float = 30.0
) -> Resolved | CredentialError:
    """The credentials of an account with these references, in a scan of its own."""
    references = {name: reference_of(text) for name, text in written.items()}
    account = account_with(references, timeout)
    return asyncio.run(resolve_all(account, sources.for_one_scan(WAIT)))


def value_of(written: str, sources: SecretSources) -> str:
    found = resolved({"secret": written}, sources)
    assert isinstance(found, Resolved), found
    return found.secrets["secret"].reveal()


def error_of(written: str, sources: SecretSources, timeout: float = 30.0) -> str:
    found = resolved({"secret": written}, sources, timeout)
    assert isinstance(found, CredentialError)
    return str(found)


def with_environment(sources: SecretSources, **environ: str) -> SecretSources:
    return replace(sources, environ=environ)


def without(module: str, script: str) -> str:
    """What a script prints in a Python that cannot import a module.

    Args:
        module: Its name.
        script: The script, which may name gatepolicy's.
    """
    hidden = f"import sys\nsys.modules[{module!r}] = None\n"
    ended = subprocess.run(
        [sys.executable, "-c", hidden + script], capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()
