"""One comment on a pull request, written once and updated from then on: ``comment.py FILE``.

The first line of the file marks the comment. Only a comment of the job's own account is updated:
anybody can write the marker. A token that may not write, as on a fork's pull request, is a
warning: the comment never changes the exit code of a scan.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from github_api import ApiError, Repository

OWN = "github-actions[bot]"
"""Whose comments the job's token writes."""


def number_of(environ: Mapping[str, str]) -> int:
    """The number of the pull request; 0 when the event is not about one."""
    event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    return int(event.get("pull_request", {}).get("number", 0))


def comment(repository: Repository, number: int, text: str) -> str:
    """Write or update the comment, and say which.

    Raises:
        ApiError: It cannot be written.
    """
    marker = text.partition("\n")[0]
    for found in repository.pages(f"/issues/{number}/comments"):
        is_own = (found["user"] or {}).get("login") == OWN
        if is_own and found["body"].replace("\r\n", "\n").partition("\n")[0] == marker:
            repository.ask("PATCH", f"/issues/comments/{int(found['id'])}", {"body": text})
            return "updated"
    repository.ask("POST", f"/issues/{number}/comments", {"body": text})
    return "written"


def main() -> int:
    """0 in any case but wrong use."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    number = number_of(os.environ)
    if not number:
        print("::warning::gatepolicy: the event is not about a pull request; no comment")
        return 0
    try:
        print(f"comment {comment(Repository(os.environ), number, text)}")
    except ApiError as error:
        print(f"::warning::gatepolicy: no comment: {error}. It needs pull-requests: write")
    except (KeyError, TypeError, AttributeError):
        print("::warning::gatepolicy: no comment: unexpected answer of GitHub")
    return 0


if __name__ == "__main__":
    sys.exit(main())
