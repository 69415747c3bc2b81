"""GitHub on this machine: the composite action as a runner runs it, and a fake of the REST API."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
REPOSITORY = "firm/keys"
TOKEN = "token-of-the-job"
OWN = "github-actions[bot]"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


class FakeGitHub:
    """Comments, artifacts and runs of one repository, served on loopback."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.artifacts: list[dict[str, Any]] = []
        self.runs: dict[int, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and authorization of each request."""
        self.refuse: set[str] = set()
        """Methods that are answered with 403."""
        self.redirect_to = ""
        """Where every request is sent instead."""
        self.url = ""

    def comment(self, body: str, by: str = OWN) -> None:
        """Somebody has commented."""
        number = len(self.comments) + 1
        self.comments.append({"id": number, "user": {"login": by}, "body": body})

    def run(self, number: int, created: str, name: str = "gatepolicy", **other: Any) -> None:
        """A workflow has run, and kept an artifact."""
        run = {"event": "schedule", "head_branch": "main", "head_repository": REPOSITORY, **other}
        owner = run["head_repository"]
        run["head_repository"] = {"full_name": owner} if owner else None
        self.runs[number] = run
        self.artifacts.append(
            {
                "name": name, "expired": run.get("expired", False), "created_at": created,
                "workflow_run": {"id": number},
            }
        )  # fmt: skip

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        """The JSON of an answer; ``None`` for what is not there."""
        below = path.removeprefix(f"/repos/{REPOSITORY}")
        if below == "" and method == "GET":
            return {"default_branch": "main"}
        if re.fullmatch(r"/issues/7/comments", below):
            if method == "POST":
                self.comment(body["body"])
                return self.comments[-1]
            return _page(self.comments, query)
        if below == "/actions/artifacts":
            named = [one for one in self.artifacts if one["name"] == query["name"]]
            return {"artifacts": _page(named, query)}
        if found := re.fullmatch(r"/actions/runs/(\d+)", below):
            return self.runs[int(found[1])]
        if (found := re.fullmatch(r"/issues/comments/(\d+)", below)) and method == "PATCH":
            self.comments[int(found[1]) - 1]["body"] = body["body"]
            return self.comments[int(found[1]) - 1]
        return None


def _page(items: list[dict[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
    size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[(number - 1) * size : number * size]


@contextmanager
def serve(github: FakeGitHub) -> Iterator[FakeGitHub]:
    """Serve the fake until the end."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            said = self.headers.get("Authorization", "")
            github.requests.append((self.command, parts.path, said))
            status, data = 200, None
            if github.redirect_to:
                status = 302
            elif self.command in github.refuse or said != f"Bearer {TOKEN}":
                status = 403
            else:
                data = github.answer(self.command, parts.path, query, body)
                status = 404 if data is None else 200
            text = json.dumps(data).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", github.redirect_to)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            self.handle_any()

        do_POST = do_PATCH = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Ran:
    """How the action ended."""

    code: int = 0
    """Exit code of the last step that failed."""
    log: str = ""
    """What all steps printed."""
    summary: str = ""
    """The step summary, as Markdown."""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Id of a step, to its outputs."""
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """Name of each action that ran, to its inputs."""

    @property
    def reports(self) -> Path:
        """The folder of the reports."""
        return Path(self.outputs["run"]["reports"])


@dataclass
class Runner:
    """What runs the action."""

    workspace: Path
    """The checkout of the caller."""
    temp: Path
    """``RUNNER_TEMP``, where gatepolicy is installed."""
    event: str = "schedule"
    """Name of the event."""
    api: str = "http://127.0.0.1:9"
    """Of GitHub."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """What the workflow sets, such as credentials."""

    def __post_init__(self) -> None:
        self.temp.mkdir(parents=True, exist_ok=True)
        installed = self.temp / "gatepolicy"
        if not installed.exists():
            installed.symlink_to(sys.prefix)

    def run(self, **inputs: str) -> Ran:
        """Run every step whose condition holds; but nothing is installed anew."""
        action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
        given = {name: str(one.get("default", "")) for name, one in action["inputs"].items()}
        unknown = {name.replace("_", "-") for name in inputs} - given.keys()
        assert unknown == set()
        given |= {name.replace("_", "-"): text for name, text in inputs.items()}
        ran = Ran()
        for step in action["runs"]["steps"]:
            is_install = step["name"] == "Install gatepolicy"
            if self._holds(step.get("if", "True"), given, ran) and not is_install:
                self._step(step, given, ran)
        return ran

    def _step(self, step: Any, given: Mapping[str, str], ran: Ran) -> None:
        if "uses" in step:
            name = step["uses"].split("@")[0]
            ran.used[name] = {
                key: self._text(str(text), given, ran) for key, text in step["with"].items()
            }
            return
        environ = {
            key: self._text(str(text), given, ran) for key, text in step.get("env", {}).items()
        }
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        output, summary = self.temp / "output", self.temp / "summary.md"
        output.write_text("")
        summary.write_text("")
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.workspace, env={**self._environ(output, summary), **environ},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        ran.log += ended.stdout + ended.stderr
        ran.summary += summary.read_text(encoding="utf-8")
        pairs = (line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
        ran.outputs[step.get("id", "")] = dict(pairs)
        ran.code = ended.returncode or ran.code

    def _environ(self, output: Path, summary: Path) -> dict[str, str]:
        event = self.temp / "event.json"
        is_pull = self.event.startswith("pull_request")
        event.write_text(json.dumps({"pull_request": {"number": 7}} if is_pull else {}))
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": self.api,
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            **self.environ,
        }

    def _text(self, text: str, given: Mapping[str, str], ran: Ran) -> str:
        return EXPRESSION.sub(lambda found: str(self._value(found[1], given, ran)), text)

    def _holds(self, condition: str, given: Mapping[str, str], ran: Ran) -> bool:
        """Whether a step runs; without a word about earlier steps, only if they all succeeded."""
        tells = re.search(r"\b(always|cancelled|failure|success)\(\)", condition)
        inner = EXPRESSION.sub(r"\1", condition)
        return bool(self._value(inner, given, ran)) and bool(tells or ran.code == 0)

    def _value(self, expression: str, given: Mapping[str, str], ran: Ran) -> Any:
        """The few expressions that the action uses."""
        text = re.sub(r"inputs\.([\w-]+)", lambda found: repr(given[found[1]]), expression)
        text = re.sub(
            r"steps\.(\w+)\.outputs\.([\w-]+)",
            lambda found: repr(ran.outputs.get(found[1], {}).get(found[2], "")),
            text,
        )
        for old, new in (
            ("&&", " and "),
            ("!cancelled()", "True"),
            ("always()", "True"),
            ("github.token", repr(TOKEN)),
            ("github.event_name", repr(self.event)),
            ("runner.temp", repr(str(self.temp))),
        ):
            text = text.replace(old, new)
        return eval(text, {"__builtins__": {}})
