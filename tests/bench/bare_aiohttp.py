"""A bare client that signs nothing and reads nothing: what the loopback can do at most.

Usage: bare_aiohttp.py INVENTORY BASE_URL REQUESTS JOBS
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import aiohttp
import yaml

PATHS = (
    "/api/v4/account/main_keys",
    "/sapi/v1/account/apiRestrictions",
    "/v5/user/query-api",
    "/api/v5/account/config",
    "/api/v1/user/api-key",
)


async def ask(base_url: str, requests: int, jobs: int) -> None:
    """Send that many requests, that many at a time."""
    queue = iter(range(requests))

    async def work(session: aiohttp.ClientSession) -> None:
        for number in queue:
            async with session.get(base_url + PATHS[number % len(PATHS)]) as response:
                await response.read()

    connector = aiohttp.TCPConnector(limit=jobs)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(jobs)))


def main() -> None:
    """Print requests and accounts per second."""
    inventory, base_url, requests, jobs = sys.argv[1:]
    accounts = len(yaml.safe_load(Path(inventory).read_text())["accounts"])
    started = time.perf_counter()
    asyncio.run(ask(base_url, int(requests), int(jobs)))
    seconds = time.perf_counter() - started
    print(json.dumps({"requests": int(requests) / seconds, "accounts": accounts / seconds}))


if __name__ == "__main__":
    main()
