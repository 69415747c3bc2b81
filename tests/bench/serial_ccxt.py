"""A plain script: one account after the other, a new ccxt client for each, the same calls.

Usage: serial_ccxt.py INVENTORY BASE_URL COUNT
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt
import ccxt.async_support as ccxt_async
import yaml

CALLS = {
    "gate": ["private_account_get_detail", "private_account_get_main_keys"],
    "binance": ["sapi_get_account_apirestrictions"],
    "bybit": ["private_get_v5_user_query_api"],
    "okx": ["private_get_account_config"],
    "kucoin": ["private_get_user_api_key"],
}


def redirected(urls: Any, base_url: str) -> Any:
    """The same nested addresses at another scheme, host and port."""
    if isinstance(urls, dict):
        return {key: redirected(value, base_url) for key, value in urls.items()}
    return base_url + urlsplit(urls).path


def configured(module: Any, account: dict[str, Any], base_url: str) -> Any:
    """A new client for one account."""
    credentials = {
        name: os.environ[reference.removeprefix("env:")]
        for name, reference in account["credentials"].items()
    }
    client = getattr(module, account["exchange"])(credentials | {"enableRateLimit": False})
    client.urls["api"] = redirected(client.urls["api"], base_url)
    return client


def ask_sync(accounts: list[dict[str, Any]], base_url: str) -> None:
    """With the synchronous classes."""
    for account in accounts:
        client = configured(ccxt, account, base_url)
        for call in CALLS[account["exchange"]]:
            try:
                getattr(client, call)()
            except ccxt.BaseError:
                break


async def ask_async(accounts: list[dict[str, Any]], base_url: str) -> None:
    """With the asynchronous classes, awaited one after the other."""
    for account in accounts:
        client = configured(ccxt_async, account, base_url)
        try:
            for call in CALLS[account["exchange"]]:
                await getattr(client, call)()
        except ccxt.BaseError:
            pass
        finally:
            await client.close()


def main() -> None:
    """Print accounts per second of both, start-up left out."""
    inventory, base_url, count = sys.argv[1:]
    accounts = yaml.safe_load(Path(inventory).read_text())["accounts"][: int(count)]
    started = time.perf_counter()
    asyncio.run(ask_async(accounts, base_url))
    between = time.perf_counter()
    ask_sync(accounts, base_url)
    ended = time.perf_counter()
    rates = {
        "async": len(accounts) / (between - started),
        "sync": len(accounts) / (ended - between),
    }
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
