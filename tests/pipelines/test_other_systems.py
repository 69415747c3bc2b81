"""Templates for other systems: valid for somebody else's schema, and their scripts run."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.starting.changes import show_changes
from gatepolicy.starting.gitlab import gitlab_pipeline
from tests.pipelines.conftest import Firm

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DEPLOY = ROOT / "deploy"
GITLAB = DEPLOY / "gitlab/gatepolicy.gitlab-ci.yml"
AZURE = DEPLOY / "azure/azure-pipelines.yml"
CIRCLE = DEPLOY / "circleci/config.yml"
JENKINS = DEPLOY / "jenkins/Jenkinsfile"
GIT = "git -c user.name=Ada -c user.email=ada@example.com -c init.defaultBranch=main"


@dataclass(frozen=True)
class Template:
    """One system."""

    name: str
    check: list[str]
    """The scripts that run on a change, in their order."""
    scan: list[str]
    """Those that scan."""
    junit: str
    """Where the results of a scan are."""


def gitlab_scripts(job: str) -> list[str]:
    pipeline = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    script = [str(line) for line in pipeline[job]["script"]]
    return [*pipeline[".gatepolicy"]["before_script"], *script]


def azure_scripts(stage: str) -> list[str]:
    stages = yaml.safe_load(AZURE.read_text(encoding="utf-8"))["stages"]
    [job] = next(one for one in stages if one["stage"] == stage)["jobs"]
    return [step["bash"] for step in job["steps"] if "bash" in step]


def circle_scripts(job: str) -> list[str]:
    config = yaml.safe_load(CIRCLE.read_text(encoding="utf-8"))
    steps = [*config["commands"]["install"]["steps"], *config["jobs"][job]["steps"]]
    return [step["run"]["command"] for step in steps if "run" in step]


def jenkins_scripts(stage: str) -> list[str]:
    text = JENKINS.read_text(encoding="utf-8")
    part = text.partition(f"stage('{stage}')")[2].partition("stage('")[0]
    # In Groovy, a backslash at the end of a line joins two lines, as in the shell.
    return [found.replace("\\\n", "") for found in re.findall(r"'''\n(.*?)'''", part, re.DOTALL)]


TEMPLATES = [
    Template(
        "gitlab", gitlab_scripts("gatepolicy-check"), gitlab_scripts("gatepolicy-scan"),
        "gatepolicy-report.xml",
    ),
    Template("azure", azure_scripts("check"), azure_scripts("scan"), "gatepolicy-report.xml"),
    Template(
        "circleci", circle_scripts("check"), circle_scripts("scan"),
        "results/gatepolicy/report.xml",
    ),
    Template("jenkins", jenkins_scripts("Check"), jenkins_scripts("Scan"), "gatepolicy-report.xml"),
]  # fmt: skip
EVERY = pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)


def run_scripts(
    scripts: list[str], folder: Path, environ: dict[str, str]
) -> Iterator["subprocess.CompletedProcess[str]"]:
    """As the systems run them: the first that fails ends the job. What installs is left out."""
    kept = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    for script in scripts:
        if any(word in script for word in ("pip install", "-m venv", "export PATH")):
            continue
        ended = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=folder, env={**kept, "PATH": path, "HOME": str(folder), **environ},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        yield ended
        if ended.returncode:
            return


def builtin(name: str, file: Path, *more: str) -> int:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{name}", *more]
    return subprocess.run([*command, str(file)], capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("name", "file", "more", "old", "new"),
    [
        ("gitlab-ci", GITLAB, (), "when: always", "when: perhaps"),
        (
            "azure-pipelines", AZURE, ("--regex-variant", "nonunicode"),
            "- stage: check", "- stagee: check",
        ),
        ("circle-ci", CIRCLE, (), "resource_class: firm/gatepolicy", "resource_class: [7]"),
    ],
)  # fmt: skip
def test_the_schema_of_the_system_accepts_it_and_no_broken_one(
    tmp_path: Path, name: str, file: Path, more: tuple[str, ...], old: str, new: str
) -> None:
    assert builtin(name, file, *more) == 0
    broken = tmp_path / file.name
    text = file.read_text(encoding="utf-8")
    assert old in text
    broken.write_text(text.replace(old, new), encoding="utf-8")
    assert builtin(name, broken, *more) == 1


def test_groovy_reads_the_jenkinsfile(tmp_path: Path) -> None:
    groovy, java = shutil.which("groovy"), shutil.which("java")
    if groovy is None or java is None:
        pytest.skip("there is no groovy on this machine")
    environ = {
        "PATH": os.environ["PATH"],
        "JAVA_HOME": str(Path(java).resolve().parents[1]),
        "JAVA_OPTS": "--add-opens java.base/java.lang=ALL-UNNAMED",
    }
    script = (
        "def unit = new org.codehaus.groovy.control.CompilationUnit();"
        "unit.addSource(new File(args[0]));"
        "unit.compile(org.codehaus.groovy.control.Phases.CONVERSION)"
    )

    def parse(file: Path) -> int:
        command = [groovy, "-e", script, str(file)]
        ended = subprocess.run(command, env=environ, capture_output=True, check=False)
        return ended.returncode

    assert parse(JENKINS) == 0
    broken = tmp_path / "Jenkinsfile"
    broken.write_text(JENKINS.read_text(encoding="utf-8").replace("'''", "''", 1))
    assert parse(broken) != 0


def test_the_template_of_gitlab_is_what_init_writes() -> None:
    assert GITLAB.read_text(encoding="utf-8") == gitlab_pipeline([])


@EVERY
def test_every_script_is_found(template: Template) -> None:
    for scripts in (template.check, template.scan):
        text = "\n".join(scripts)
        assert "pip install --require-hashes --only-binary :all:" in " ".join(text.split())
        assert "pip install --no-index --no-deps vendor/gatepolicy-*" in text
    lines = [line.strip() for line in show_changes("BASE", width=0).splitlines()[2:]]
    assert lines
    said = [line.strip() for script in template.check for line in script.splitlines()]
    assert "\n".join(lines) in "\n".join(said)


@EVERY
def test_a_change_is_checked_without_any_credential(template: Template, firm: Firm) -> None:
    firm.replace("accounts.yaml", f"    base_url: {firm.simulator.url}\n", "")
    change = (
        f"{GIT} init -q . && {GIT} add . && {GIT} commit -qm base && git update-ref"
        " refs/remotes/origin/main HEAD && git checkout -qb change"
        " && sed -i 's/okx-market-making/baseline/' policies/okx.yaml"
        f" && {GIT} commit -qam change && git checkout -q main"
        f" && {GIT} merge -q --no-ff -m m change"
    )
    subprocess.run(["bash", "-e", "-c", change], cwd=firm.folder, check=True)
    environ = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "origin/main", "CHANGE_TARGET": "main"}
    ended = list(run_scripts(template.check, firm.folder, environ))
    assert ended[-1].returncode == 1  # the tests of the clauses that are gone
    assert "ok  accounts.yaml (1 account)" in "".join(one.stdout for one in ended)
    [shown] = [script for script in template.check if "git archive" in script]
    [differs] = run_scripts([shown], firm.folder, environ)
    assert differs.returncode == 0, differs.stderr
    assert "GP012 ip-range-too-wide: not asked" in differs.stdout
    assert firm.simulator.request_count == 0


@EVERY
def test_a_key_that_can_withdraw_fails_the_scan(template: Template, firm: Firm) -> None:
    ended = list(run_scripts(template.scan, firm.folder, firm.environment(firm.bad)))
    assert ended[-1].returncode == 1, ended[-1].stderr
    assert "withdrawal-enabled" in ended[-1].stdout
    assert json.loads((firm.folder / "evidence.json").read_text())["kind"] == "Evidence"
    suites = ET.fromstring((firm.folder / template.junit).read_text())
    assert suites.findall(".//failure")
    good = list(run_scripts(template.scan, firm.folder, firm.environment(firm.good)))
    assert [one.returncode for one in good] == [0] * len(good)


@EVERY
def test_a_scan_that_reads_nothing_fails(template: Template, firm: Firm) -> None:
    ended = list(run_scripts(template.scan, firm.folder, {}))
    assert ended[-1].returncode == 1
    assert "bad_credentials_config" in ended[-1].stdout


def test_gitlab_gets_reports_in_its_own_formats(firm: Firm) -> None:
    template = TEMPLATES[0]
    list(run_scripts(template.scan, firm.folder, firm.environment(firm.bad)))
    pipeline: Any = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    reports = pipeline["gatepolicy-scan"]["artifacts"]["reports"]
    assert set(reports) == {"codequality", "junit", "sast"}
    sast = json.loads((firm.folder / reports["sast"]).read_text())
    assert sast["scan"]["type"] == "sast"
    assert sast["vulnerabilities"]
    [first, *_] = json.loads((firm.folder / reports["codequality"]).read_text())
    assert {"description", "check_name", "fingerprint", "severity", "location"} <= first.keys()
