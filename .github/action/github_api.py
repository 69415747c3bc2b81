"""GitHub's REST API, as far as the action needs it: JSON in, JSON out, and no redirect.

A redirect would carry the job's token to another host.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

SECONDS = 30
PAGES = 30
PER_PAGE = 100
LARGEST = 8 * 1024 * 1024


class ApiError(Exception):
    """A request was refused, or not answered."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Repository:
    """The repository of the workflow.

    Args:
        environ: What the runner sets.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        api = environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
        self.name = environ["GITHUB_REPOSITORY"]
        self._base = f"{api}/repos/{quote(self.name)}"
        self._token = environ["GITHUB_TOKEN"]
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What the API answers.

        Args:
            method: Of HTTP.
            path: Below the repository.
            body: What is sent; nothing for ``None``.

        Raises:
            ApiError: It answered no, or nothing that can be read.
        """
        asked = urllib.request.Request(  # noqa: S310 - the URL of the runner
            self._base + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "User-Agent": "gatepolicy",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        what = f"{method} {path.partition('?')[0]}"
        try:
            with self._opener.open(asked, timeout=SECONDS) as answer:
                return json.loads(answer.read(LARGEST))
        except urllib.error.HTTPError as error:
            raise ApiError(f"{what}: HTTP status {error.code}") from None
        except (OSError, ValueError) as error:
            raise ApiError(f"{what}: {type(error).__name__}") from None

    def pages(self, path: str, key: str = "", **query: str) -> Iterator[Mapping[str, Any]]:
        """All items of a list, page by page.

        Args:
            path: Below the repository.
            key: The member that holds the items; empty when the answer is the list.
            query: More parameters.
        """
        for number in range(1, PAGES + 1):
            page = {**query, "per_page": PER_PAGE, "page": number}
            answer = self.ask("GET", f"{path}?{urlencode(page)}")
            items = answer[key] if key else answer
            yield from items
            if len(items) < PER_PAGE:
                return
