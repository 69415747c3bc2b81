"""The newest evidence of this repository's own scans: its run becomes the output ``run-id``.

A pull request could upload an artifact of the same name, to be judged by evidence of its own
making. So only runs on the default branch count, of this repository and not of a fork, that were
started by a push, by a schedule or by hand.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from github_api import ApiError, Repository

EVENTS = ("schedule", "workflow_dispatch", "push", "repository_dispatch")
MOST = 20
"""So many artifacts are looked at, the newest first."""


def newest(repository: Repository, name: str) -> int:
    """Id of the run; 0 when there is none.

    Raises:
        ApiError: GitHub does not say.
    """
    branch = repository.ask("GET", "")["default_branch"]
    artifacts = [
        one
        for one in repository.pages("/actions/artifacts", "artifacts", name=name)
        if one["name"] == name and not one["expired"]
    ]
    artifacts.sort(key=lambda one: str(one["created_at"]), reverse=True)
    for artifact in artifacts[:MOST]:
        number = int(artifact["workflow_run"]["id"])
        run = repository.ask("GET", f"/actions/runs/{number}")
        if is_own(run, branch, repository.name):
            return number
    return 0


def is_own(run: Mapping[str, Any], branch: str, repository: str) -> bool:
    """Whether a run was one of the reviewed files of the default branch."""
    return (
        run["event"] in EVENTS
        and run["head_branch"] == branch
        and (run["head_repository"] or {}).get("full_name") == repository
    )


def main() -> int:
    """0 when there is one."""
    name = os.environ.get("INPUT_ARTIFACT") or "gatepolicy"
    try:
        number = newest(Repository(os.environ), name)
    except ApiError as error:
        print(f"::error::gatepolicy: no evidence: {error}. It needs actions: read")
        return 2
    except (KeyError, TypeError, ValueError):
        print("::error::gatepolicy: no evidence: unexpected answer of GitHub")
        return 2
    if not number:
        print("::error::gatepolicy: no scan of the default branch has kept evidence; run it first")
        return 2
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(f"run-id={number}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
