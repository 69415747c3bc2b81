"""The operating system's keyring, which may ask a person first, and so may take for ever."""

import asyncio
import contextlib
import importlib
import threading
from collections.abc import Callable

from gatepolicy.collect.secret import CredentialError


def ask_keyring(service: str, user: str) -> str | None:
    """The operating system's keyring, by the package ``keyring``, which is an extra.

    Raises:
        CredentialError: The package is not installed, or it finds no usable keyring.
    """
    try:
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError:
        hint = "pip install keyring"
        raise CredentialError(f"the extra for keyrings is not installed; {hint}") from None
    try:
        found: str | None = keyring.get_password(service, user)
    except errors.KeyringError as error:
        raise CredentialError(f"the keyring cannot be asked ({type(error).__name__})") from None
    return found


async def in_thread(ask: Callable[[], str | None]) -> str | None:
    """What a lookup that may block returns, without waiting for it once this is cancelled.

    The thread is a daemon: threads of a pool would be waited for at the end of the program.

    Raises:
        CredentialError: As the lookup does, or when it fails in a way of its own.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str | CredentialError | None] = loop.create_future()

    def deliver(found: str | CredentialError | None) -> None:
        if not answer.done():
            answer.set_result(found)

    def run() -> None:
        found: str | CredentialError | None = CredentialError("the keyring failed")
        try:
            found = ask()
        except CredentialError as error:
            found = error
        finally:
            # NOTE: the loop may be closed by then: nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, found)

    threading.Thread(target=run, daemon=True).start()
    found = await answer
    if isinstance(found, CredentialError):
        raise found
    return found
