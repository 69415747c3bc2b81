"""The GitHub action, as a runner runs it, against the simulator and a fake of GitHub."""

import json
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.pipelines.conftest import Firm
from tests.pipelines.github import ACTION, OWN, ROOT, TOKEN, FakeGitHub, Runner

BIN = Path(sys.executable).parent
TEXT = ACTION.read_text(encoding="utf-8")
STEPS = yaml.safe_load(TEXT)["runs"]["steps"]


def pull_request(runner: Runner) -> Runner:
    """The same runner for a pull request, without any credential."""
    return replace(runner, event="pull_request", environ={})


def kept_evidence(runner: Runner, firm: Firm) -> Path:
    """What the scan of last night has kept, where the action's own download puts it."""
    ended = runner.run()
    assert ended.code == 1
    place = runner.temp / "gatepolicy-last"
    place.mkdir()
    text = (ended.reports / "evidence.json").read_text(encoding="utf-8")
    (place / "evidence.json").write_text(text, encoding="utf-8")
    return place / "evidence.json"


# What stands in the file


def test_the_metadata_is_valid() -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-actions"]
    ended = subprocess.run([*command, str(ACTION)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_zizmor_finds_nothing_but_in_a_broken_one(tmp_path: Path) -> None:
    command = [str(BIN / "zizmor"), "--offline", "--no-config", "--persona=pedantic"]
    ended = subprocess.run([*command, str(ACTION)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    broken = tmp_path / "action.yml"
    broken.write_text(TEXT.replace('exit "${CODE:-5}"', "echo ${{ inputs.arguments }}"))
    ended = subprocess.run([*command, str(broken)], capture_output=True, text=True, check=False)
    assert ended.returncode > 10
    assert "template-injection" in ended.stdout


def test_every_action_is_pinned_to_a_commit_and_no_script_holds_an_expression() -> None:
    used = re.findall(r"uses: (.*)", TEXT)
    assert len(used) == 4
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) == 5
    assert not any("${{" in script for script in scripts)


def test_only_steps_that_talk_to_github_have_the_token() -> None:
    with_token = {step["name"] for step in STEPS if "github.token" in str(step)}
    assert with_token == {
        "Find the newest evidence", "Download it", "Comment on the pull request",
    }  # fmt: skip


# What is installed


def test_what_is_installed_is_pinned_and_up_to_date() -> None:
    command = [sys.executable, str(ROOT / ".ci/runtime_constraints.py"), "--action", "--check"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + "run .ci/runtime_constraints.py --action"
    base = (ROOT / ".github/action/requirements/base.txt").read_text(encoding="utf-8")
    assert {"ccxt", "hatchling", "jinja2"} <= set(re.findall(r"^([\w-]+)==", base, re.MULTILINE))


def test_the_installer_takes_pinned_packages_and_this_checkout_only() -> None:
    script = (ROOT / ".github/action/install").read_text(encoding="utf-8")
    installs = [line for line in script.splitlines() if line.startswith('"${pip[@]}"')]
    assert installs == [
        '"${pip[@]}" --require-hashes --only-binary :all: "${files[@]}"',
        '"${pip[@]}" --no-index --no-deps --no-build-isolation "$root"',
    ]


@pytest.mark.parametrize("extra", ["base", "../base", "-r", "postgres", "$(touch made)"])
def test_an_extra_that_is_not_known_installs_nothing(tmp_path: Path, extra: str) -> None:
    ended = subprocess.run(
        [str(ROOT / ".github/action/install"), "venv"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "EXTRAS": extra, "PYTHON": sys.executable},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "unknown extra" in ended.stderr


# A scan of reviewed files


def test_a_key_that_can_withdraw_fails_the_job_and_is_told(
    runner: Runner, github: FakeGitHub
) -> None:
    ended = runner.run(formats="html junit")
    assert ended.code == 1
    assert ended.outputs["run"]["exit-code"] == "1"
    assert "withdrawal-enabled" in ended.log
    assert "GP001" in ended.summary
    assert {path.name for path in ended.reports.iterdir()} == {
        "evidence.json", "report.html", "report.json", "report.junit", "report.sarif", "summary.md",
    }  # fmt: skip
    upload = ended.used["github/codeql-action/upload-sarif"]
    assert json.loads(Path(upload["sarif_file"]).read_text())["version"] == "2.1.0"
    kept = ended.used["actions/upload-artifact"]
    assert (kept["name"], kept["path"]) == ("gatepolicy", str(ended.reports))
    assert github.requests == []


def test_its_verdicts_are_those_of_a_scan(
    runner: Runner, run: Run, firm: Firm, tmp_path: Path
) -> None:
    ended = runner.run()
    command = [str(BIN / "gatepolicy"), "scan", "-q", "-o", f"json={tmp_path / 'scan.json'}"]
    scan = subprocess.run(
        command, cwd=firm.folder, env={**runner._environ(tmp_path, tmp_path)}, check=False
    )
    assert scan.returncode == ended.code
    texts = [(tmp_path / "scan.json"), ended.reports / "report.json"]
    scanned, evaluated = [
        [
            (verdict["rule"], verdict["verdict"], verdict.get("reason"))
            for account in json.loads(text.read_text())["accounts"]
            for verdict in account["verdicts"]
        ]
        for text in texts
    ]
    assert scanned == evaluated
    assert len(scanned) > 5


def test_a_good_key_passes(runner: Runner, firm: Firm) -> None:
    ended = replace(runner, environ=firm.environment(firm.good)).run()
    assert (ended.code, ended.outputs["run"]["exit-code"]) == (0, "0")


def test_fail_on_and_a_selection(runner: Runner, firm: Firm) -> None:
    accounts = (firm.folder / "accounts.yaml").read_text(encoding="utf-8")
    one = accounts[accounts.index("  - id:") :]
    other = one.replace("okx-main", "okx-other").replace("env:OKX", "env:OTHER")
    (firm.folder / "accounts.yaml").write_text(accounts + other, encoding="utf-8")
    ended = runner.run(accounts="okx-main", rules="withdrawal-enabled\nGP010", fail_on="critical")
    assert ended.code == 1
    report = json.loads((ended.reports / "report.json").read_text())
    assert [account["id"] for account in report["accounts"]] == ["okx-main"]
    assert len(report["accounts"][0]["verdicts"]) == 2
    softened = runner.run(accounts="okx-main", arguments="--exit-zero")
    assert softened.code == 0
    assert "--exit-zero" in softened.summary + softened.log


def test_what_is_wrong_with_the_files_is_told(runner: Runner, firm: Firm) -> None:
    (firm.folder / "accounts.yaml").write_text("broken")
    ended = runner.run()
    assert ended.code == 2
    assert "accounts.yaml:1:1" in ended.summary
    assert "github/codeql-action/upload-sarif" not in ended.used


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"project": "elsewhere.yaml"}, "there is no project file"),
        ({"command": "scan; true"}, "command must be scan or check"),
    ],
)
def test_inputs_that_cannot_be_used_fail(runner: Runner, inputs: dict[str, str], told: str) -> None:
    ended = runner.run(**inputs)
    assert ended.code == 5  # the last step: nothing was evaluated
    assert f"::error::gatepolicy: {told}" in ended.log
    assert "actions/upload-artifact" not in ended.used


HOSTILE = ['"; touch made; " $(touch made) `touch made`\ntouch made', "--exit-zero"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_input_becomes_a_command_or_another_option(
    runner: Runner, firm: Firm, text: str
) -> None:
    before = sorted(firm.folder.iterdir())
    for name in ("accounts", "policies", "evidence"):
        ended = runner.run(**{name: text})
        assert ended.code not in (0, 1), name
    assert sorted(firm.folder.iterdir()) == before


def test_no_line_of_a_report_is_a_command_to_the_runner(runner: Runner) -> None:
    """The runner takes commands again only after a token that no report can know."""
    ended = runner.run()
    before, *pieces = re.split(r"::stop-commands::([0-9a-f]{32})\n", ended.log)
    assert before == ""
    assert len(set(pieces[0::2])) == len(pieces[0::2]) == 2
    for token, piece in zip(pieces[0::2], pieces[1::2], strict=True):
        assert piece.endswith(f"::{token}::\n")
    assert "withdrawal-enabled" in ended.log


# Pull requests


def test_a_pull_request_runs_no_command_and_reads_no_other_file(runner: Runner, firm: Firm) -> None:
    made = firm.folder / "made"
    firm.replace("accounts.yaml", "env:OKX_API_KEY", f'{{exec: ["touch", "{made}"]}}')
    ended = replace(runner, event="pull_request").run()
    assert ended.code in (1, 3)
    assert not made.exists()
    assert "not_allowed" in ended.log
    softened = replace(
        runner, event="pull_request", environ={**runner.environ, "GATEPOLICY_EXIT_ZERO": "1"}
    ).run()
    assert softened.code == 2


@pytest.mark.parametrize(
    ("event", "untrusted", "expected"),
    [
        ("push", "false", []),
        ("schedule", "false", []),
        ("schedule", "true", ["--untrusted"]),
        ("pull_request", "false", ["--untrusted"]),
        ("pull_request_target", "false", ["--untrusted"]),
        ("workflow_run", "false", ["--untrusted"]),
        ("merge_group", "false", ["--untrusted"]),
        ("", "false", ["--untrusted"]),
    ],
)
def test_files_are_trusted_for_events_of_a_branch_only(
    event: str, untrusted: str, expected: list[str]
) -> None:
    module = runpy.run_path(str(ROOT / ".github/action/run.py"))
    environ = {"GITHUB_EVENT_NAME": event, "INPUT_UNTRUSTED": untrusted}
    assert module["request_from"](environ).trust == expected


def test_an_untrusted_project_file_is_no_link(runner: Runner, firm: Firm) -> None:
    (firm.folder / "gatepolicy.yaml").rename(firm.folder / "other.yaml")
    (firm.folder / "gatepolicy.yaml").symlink_to("other.yaml")
    ended = pull_request(runner).run(command="check")
    assert ended.code == 5
    assert "the project file is a symbolic link" in ended.log


def test_a_planted_report_is_not_uploaded(runner: Runner, firm: Firm, tmp_path: Path) -> None:
    for name in ("report.sarif", "summary.md", "evidence.json"):
        (firm.folder / name).write_text("planted")
    (firm.folder / "accounts.yaml").write_text("broken")
    ended = pull_request(runner).run()
    assert ended.code == 2
    assert "planted" not in ended.summary
    assert "github/codeql-action/upload-sarif" not in ended.used
    assert [path.name for path in firm.folder.glob(".gatepolicy-*")] == []


def test_check_needs_no_credential(runner: Runner, firm: Firm) -> None:
    ended = pull_request(runner).run(command="check", comment="false")
    assert ended.code == 0
    assert "valid, and tested" in ended.summary
    firm.replace("policies/okx.yaml", "within: [$egress]", "within: [$egress], at_most: 4")
    untested = pull_request(runner).run(command="check", comment="false")
    assert untested.code == 1
    assert "exit code 1" in untested.summary
    firm.replace("accounts.yaml", "env:OKX_API_KEY", "file:/etc/hostname")
    assert pull_request(runner).run(command="check", comment="false").code == 2


# The comment


def test_one_comment_is_written_and_then_updated(
    runner: Runner, firm: Firm, github: FakeGitHub
) -> None:
    evidence = str(kept_evidence(runner, firm))
    for number in range(150):
        github.comment(f"talk {number}", by="ada")
    first = pull_request(runner).run(evidence=evidence)
    assert first.code == 1
    assert "comment written" in first.log
    [mine] = [one for one in github.comments if one["user"]["login"] == OWN]
    assert "withdrawal-enabled" in mine["body"]
    firm.replace("policies/okx.yaml", "Keys on OKX", "Other words")
    second = pull_request(runner).run(evidence=evidence, fail_on="critical")
    assert "comment updated" in second.log
    assert len(github.comments) == 151
    assert "critical" in mine["body"]


def test_the_comment_of_somebody_else_is_never_changed(
    runner: Runner, firm: Firm, github: FakeGitHub
) -> None:
    evidence = str(kept_evidence(runner, firm))
    pull_request(runner).run(evidence=evidence)
    [mine] = github.comments
    mine["user"]["login"] = "mallory"
    before = dict(mine)
    ended = pull_request(runner).run(evidence=evidence)
    assert "comment written" in ended.log
    assert github.comments[0] == before
    assert len(github.comments) == 2


def test_a_comment_that_is_refused_changes_no_exit_code(
    runner: Runner, firm: Firm, github: FakeGitHub
) -> None:
    evidence = str(kept_evidence(runner, firm))
    github.refuse = {"POST"}
    ended = pull_request(runner).run(evidence=evidence)
    assert ended.code == 1
    assert (
        "::warning::gatepolicy: no comment: POST /issues/7/comments: HTTP status 403" in ended.log
    )
    assert TOKEN not in ended.log


def test_the_token_follows_no_redirect(runner: Runner, firm: Firm, github: FakeGitHub) -> None:
    evidence = str(kept_evidence(runner, firm))
    github.redirect_to = f"{github.url.replace('127.0.0.1', 'localhost')}/elsewhere"
    ended = pull_request(runner).run(evidence=evidence)
    assert ended.code == 1
    assert "HTTP status 302" in ended.log
    assert not any(path == "/elsewhere" for _, path, _ in github.requests)


def test_without_comment_github_is_not_asked(
    runner: Runner, firm: Firm, github: FakeGitHub
) -> None:
    evidence = str(kept_evidence(runner, firm))
    assert pull_request(runner).run(evidence=evidence, comment="false").code == 1
    assert github.requests == []


def test_a_long_comment_is_cut(
    tmp_path: Path, runner: Runner, firm: Firm, github: FakeGitHub
) -> None:
    evidence = kept_evidence(runner, firm)
    base = base_of(firm, tmp_path)
    text = (base / "policies/okx.yaml").read_text(encoding="utf-8")
    for number in range(700):
        (base / f"policies/desk-{number}.yaml").write_text(text)
    pull_request(runner).run(evidence=str(evidence), compare_with=str(base))
    [comment] = github.comments
    assert "policies/desk-0.yaml is removed" in comment["body"]
    assert comment["body"].endswith("cut here: the log of the run has all of it\n```\n")
    assert 15_000 < len(comment["body"]) < 25_000


# Last night's evidence against the changed policies


def base_of(firm: Firm, tmp_path: Path) -> Path:
    """A copy of the project as it is before the change."""
    base = tmp_path / "base"
    subprocess.run(["cp", "-r", str(firm.folder), str(base)], check=True)
    return base


def test_what_a_change_loosens_is_commented_without_any_credential(
    runner: Runner, firm: Firm, github: FakeGitHub, tmp_path: Path
) -> None:
    kept_evidence(runner, firm)
    base = base_of(firm, tmp_path)
    github.run(11, "2026-11-26T04:17:00Z")
    asked = firm.simulator.request_count
    firm.replace("policies/okx.yaml", "extends: [okx-market-making]", "extends: [baseline]")
    ended = pull_request(runner).run(evidence="last", compare_with=str(base))
    assert ended.used["actions/download-artifact"]["run-id"] == "11"
    assert ended.code == 1
    [comment] = github.comments
    changes = comment["body"].partition("### What this change changes")[2]
    assert "GP004 permission-not-allowed (withdraw): not asked" in changes
    assert "Since " not in changes
    assert firm.simulator.request_count == asked
    assert "actions/upload-artifact" not in ended.used


def test_a_removed_policy_and_nothing_are_told(
    runner: Runner, firm: Firm, github: FakeGitHub, tmp_path: Path
) -> None:
    evidence = str(kept_evidence(runner, firm))
    base = base_of(firm, tmp_path)
    pull_request(runner).run(evidence=evidence, compare_with=str(base))
    (firm.folder / "policies/okx.yaml").unlink()
    ended = pull_request(runner).run(evidence=evidence, compare_with=str(base))
    assert ended.code == 2
    [comment] = github.comments
    assert "okx.yaml is removed: none of its rules is checked any more" in comment["body"]


def test_a_policy_that_leads_elsewhere_is_not_compared(
    runner: Runner, firm: Firm, github: FakeGitHub, tmp_path: Path
) -> None:
    evidence = str(kept_evidence(runner, firm))
    base = base_of(firm, tmp_path)
    secret = runner.temp / "secret.yaml"
    secret.write_text("apiVersion: planted-value\n")
    firm.replace("policies/okx.yaml", "extends: [okx-market-making]", f"extends: [{secret}]")
    pull_request(runner).run(evidence=evidence, compare_with=str(base))
    (firm.folder / "policies/okx.yaml").unlink()
    (firm.folder / "policies/okx.yaml").symlink_to(secret)
    ended = pull_request(runner).run(evidence=evidence, compare_with=str(base))
    assert ended.code == 2
    [comment] = github.comments
    assert "okx.yaml:\nnot valid, and not compared" in comment["body"]
    assert "planted" not in comment["body"] + ended.log


def test_only_evidence_of_the_repositorys_own_scans_is_taken(
    runner: Runner, firm: Firm, github: FakeGitHub
) -> None:
    kept_evidence(runner, firm)
    github.run(1, "2026-11-20T04:17:00Z")
    github.run(2, "2026-11-21T04:17:00Z")
    github.run(3, "2026-11-22T04:17:00Z", expired=True)
    github.run(4, "2026-11-23T04:17:00Z", event="pull_request")
    github.run(5, "2026-11-24T04:17:00Z", head_branch="change")
    github.run(6, "2026-11-25T04:17:00Z", head_repository="mallory/keys")
    github.run(7, "2026-11-26T04:17:00Z", head_repository="")
    github.run(8, "2026-11-27T04:17:00Z", name="another")
    ended = pull_request(runner).run(evidence="last")
    assert ended.used["actions/download-artifact"]["run-id"] == "2"


def test_without_evidence_nothing_passes(runner: Runner, github: FakeGitHub) -> None:
    ended = pull_request(runner).run(evidence="last")
    assert ended.code == 5
    assert "no scan of the default branch has kept evidence" in ended.log
    github.refuse = {"GET"}
    ended = pull_request(runner).run(evidence="last")
    assert ended.code == 5
    assert "It needs actions: read" in ended.log
