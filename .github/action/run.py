"""What the action runs: the scan, or the check, and what is told about it.

All input comes by environment variables, since an expression in a script could be code. Reports
are written into a new folder within the project, where untrusted files may write, and moved out of
it before anything else reads them. The exit code of the command is an output: a later step passes
it on.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

REVIEWED = ("push", "schedule", "workflow_dispatch", "repository_dispatch", "release")
"""Events whose files are those of a branch; those of all others may come from anybody."""
COMMENT_LIMIT = 65_000
"""GitHub takes comments of up to 65,536 characters."""
CHANGES_LIMIT = 15_000
COLLECTED = (0, 4)
"""With these codes 'gatepolicy collect' has written evidence that can be evaluated."""
OK, USAGE = 0, 2


class Request(NamedTuple):
    """What the inputs ask for."""

    project: Path
    """The project file."""
    is_untrusted: bool
    """Whether anybody could have written the files."""
    inputs: Mapping[str, str]
    """Name of an input, to its text."""

    def lines(self, name: str) -> list[str]:
        """Each line of an input that is not blank."""
        return [line.strip() for line in self.inputs[name].splitlines() if line.strip()]

    def options(self, option: str, name: str) -> list[str]:
        """An option for each line of an input; a line cannot be another option."""
        return [f"{option}={line}" for line in self.lines(name)]

    @property
    def trust(self) -> list[str]:
        """The option that fits the event."""
        return ["--untrusted"] if self.is_untrusted else []


class Told(NamedTuple):
    """What came of it."""

    code: int
    """The exit code to pass on."""
    text: str
    """Markdown for the step summary and the comment."""


def request_from(environ: Mapping[str, str]) -> Request:
    """The inputs of the action."""
    names = "command project policies accounts labels rules fail_on formats arguments evidence"
    names += " compare_with untrusted"
    inputs = {name: environ.get(f"INPUT_{name.upper()}", "") for name in names.split()}
    is_reviewed = environ.get("GITHUB_EVENT_NAME") in REVIEWED and inputs["untrusted"] != "true"
    return Request(Path(inputs["project"] or "gatepolicy.yaml"), not is_reviewed, inputs)


def gatepolicy(project: Path, *arguments: str) -> tuple[int, str]:
    """Run a command on a project: its exit code, and what it printed.

    What it prints is shown in the log, where no line of it can be a command to the runner.
    """
    program = str(Path(sys.executable).with_name("gatepolicy"))
    command = [program, "--project", str(project), *arguments]
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    ended = subprocess.run(  # noqa: S603 - no shell; options are written as --option=value
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    print(ended.stdout, flush=True)
    print(f"::{token}::", flush=True)
    code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
    return code, ended.stdout


def fenced(text: str) -> str:
    """A text that Markdown leaves as it is."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def cut(text: str, limit: int) -> str:
    """The first lines of a text, and a note if there are more."""
    if len(text) <= limit:
        return text
    return text[:limit].rpartition("\n")[0] + "\n… cut here: the log of the run has all of it\n"


def check(request: Request, reports: Path) -> Told:
    """Validate and test the files of the project; needs no secret."""
    validated, said = gatepolicy(request.project, "check", *request.trust)
    tested, results = gatepolicy(
        request.project, "test", *request.trust, "--min-coverage=100",
        f"--junit={reports / 'tests.xml'}", str(request.project.parent),
    )  # fmt: skip
    code = validated or tested
    title = "valid, and tested" if code == OK else f"exit code {code}"
    head = f"## gatepolicy check: {title}\n\n"
    return Told(code, head + fenced(cut(f"{said}\n{results}", CHANGES_LIMIT)))


def scan(request: Request, reports: Path) -> Told:
    """Read the accounts, unless there is evidence, and evaluate them."""
    narrowed = [*request.options("--account", "accounts"), *request.options("--label", "labels")]
    evidence = evidence_file(request)
    if not evidence:
        evidence = str(reports / "evidence.json")
        collect = ["collect", f"--output={evidence}", *narrowed, *request.trust]
        code, said = gatepolicy(request.project, *collect)
        if code not in COLLECTED:
            return Told(code, f"## gatepolicy: exit code {code}\n\n" + fenced(cut(said, 10_000)))
        narrowed = []
    options = [*evaluate(request, reports), *narrowed]
    code, said = gatepolicy(request.project, *options, "--", evidence)
    report = reports / "summary.md"
    if not report.is_file():
        return Told(code, f"## gatepolicy: exit code {code}\n\n" + fenced(cut(said, 10_000)))
    return Told(code, report.read_text(encoding="utf-8"))


def evidence_file(request: Request) -> str:
    """The evidence to evaluate; empty when the accounts are to be read."""
    if request.inputs["evidence"] == "last":
        return str(Path(os.environ["RUNNER_TEMP"], "gatepolicy-last", "evidence.json"))
    return request.inputs["evidence"]


def evaluate(request: Request, reports: Path) -> list[str]:
    """The options that evaluate evidence, with all reports."""
    names = {form: f"report.{form}" for form in request.inputs["formats"].split()}
    names |= {"json": "report.json", "sarif": "report.sarif", "markdown": "summary.md"}
    names.pop("text", None)
    outputs = [f"--output={form}={reports / name}" for form, name in names.items()]
    return [
        "evaluate", "--no-color", "--output=text", *outputs, *request.trust,
        *request.options("--policy", "policies"), *request.options("--rule", "rules"),
        f"--fail-on={request.inputs['fail_on'] or 'info'}", *request.lines("arguments"),
    ]  # fmt: skip


def changes(request: Request, reports: Path) -> Iterator[str]:
    """What differs from the project before the change, as Markdown."""
    folder = request.inputs["compare_with"]
    if not folder:
        return
    before = Path(folder, request.project.name)
    texts = [*policy_changes(request, before.parent)]
    if (reports / "report.json").is_file():
        texts += scan_changes(request, before, reports / "report.json")
    said = "\n".join(texts).strip() or "Nothing differs."
    yield f"\n### What this change changes\n\n{fenced(cut(said, CHANGES_LIMIT))}"


def scan_changes(request: Request, before: Path, after: Path) -> Iterator[str]:
    """What the same evidence says under the project before the change."""
    evidence = evidence_file(request) or str(after.with_name("evidence.json"))
    with tempfile.TemporaryDirectory(prefix=".gatepolicy-", dir=before.parent) as name:
        report = Path(name, "report.json")
        arguments = [f"--output=json={report}", *request.trust, "--quiet"]
        gatepolicy(before, "evaluate", evidence, *arguments)
        if not report.is_file():
            yield "The project before the change cannot be evaluated."
            return
        yield "The whole project, with the same evidence:"
        yield differences(before, str(report), str(after))


def policy_changes(request: Request, before: Path) -> Iterator[str]:
    """What each policy no longer requires, or requires in addition.

    Seen on the synthetic keys of before the change, which fail every rule.
    """
    evidence = before / "policies/tests/evidence.json"
    if not evidence.is_file():
        return
    for old in sorted(before.glob("policies/*.yaml")):
        new = request.project.parent / old.relative_to(before)
        if not new.is_file():
            yield f"{new} is removed: none of its rules is checked any more.\n"
        elif new.read_bytes() != old.read_bytes():
            yield f"{new}:"
            yield policy_change(request, old, new, evidence)


def policy_change(request: Request, old: Path, new: Path, evidence: Path) -> str:
    """What one policy changes; one that may not be read, or is not valid, is not compared."""
    checked = ["check", "--quiet", f"--policy={new}", *request.trust]
    is_outside = request.is_untrusted and not new.resolve().is_relative_to(Path.cwd().resolve())
    if is_outside or gatepolicy(request.project, *checked)[0] != OK:
        return "not valid, and not compared\n"
    return differences(request.project, "--policy", str(old), str(new), f"--evidence={evidence}")


def differences(project: Path, *arguments: str) -> str:
    """What 'gatepolicy diff' says, without the line that names the older file."""
    said = gatepolicy(project, "diff", *arguments, "--no-color")[1]
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("Since "))


def marker(request: Request) -> str:
    """The first line of a comment, by which its next version is found."""
    text = f"{request.inputs['command']}\0{request.project}"
    return f"<!-- gatepolicy {hashlib.sha256(text.encode()).hexdigest()[:16]} -->\n"


def publish(request: Request, told: Told, reports: Path, environ: Mapping[str, str]) -> None:
    """Write the step summary and the comment, and tell later steps where everything is."""
    with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(f"{told.text}\n")
    comment = Path(tempfile.mkdtemp(prefix="gatepolicy-", dir=environ["RUNNER_TEMP"]), "comment.md")
    comment.write_text(marker(request) + told.text, encoding="utf-8")
    sarif = reports / "report.sarif"
    outputs = {
        "exit-code": told.code,
        "reports": reports if any(reports.iterdir()) else "",
        "sarif": sarif if sarif.is_file() else "",
        "comment": comment,
    }
    with Path(environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs.items())


def main(environ: Mapping[str, str] = os.environ) -> int:
    """0, whatever the command found: its exit code is an output. 2 for inputs without use."""
    request = request_from(environ)
    commands = {"scan": scan, "check": check}
    command = commands.get(request.inputs["command"])
    is_link = request.is_untrusted and request.project.is_symlink()
    if command is None or is_link or not request.project.is_file():
        what = "there is no project file" if command else "command must be scan or check"
        what = "the project file is a symbolic link" if is_link else what
        print(f"::error::gatepolicy: {what}", flush=True)
        return USAGE
    written = Path(tempfile.mkdtemp(prefix=".gatepolicy-", dir=request.project.parent))
    try:
        told = command(request, written)
        differs = "".join(changes(request, written))
        room = COMMENT_LIMIT - len(differs)
        told = Told(told.code, cut(told.text, room) + differs)
        reports = Path(
            tempfile.mkdtemp(prefix="gatepolicy-", dir=environ["RUNNER_TEMP"]), "reports"
        )
        shutil.move(written, reports)
    finally:
        shutil.rmtree(written, ignore_errors=True)
    publish(request, told, reports, environ)
    return OK


if __name__ == "__main__":
    sys.exit(main())
