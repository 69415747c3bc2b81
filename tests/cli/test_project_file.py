"""The project file: found upwards, below the environment and the command line."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gatepolicy.cli.settings import WITHOUT_PROJECT
from gatepolicy.errors import DocumentError, UsageError
from gatepolicy.scanning.project import find_project, load_project
from tests.cli.conftest import Run

PROJECT = """\
apiVersion: gatepolicy/v1
kind: Project
policies: [market-making, policies/desk.yaml]
inventory: accounts.yaml
waivers: [waivers.yaml]
outputs: [text, sarif=out/report.sarif, json=-]
defaults: {attempts: 2, jobs: 8}
networks: {egress: [198.51.100.0/28]}
variables: {rotation: 30d}
"""
DESK = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
key: {max_age: $rotation}
ip_binding: {within: [$egress]}
"""
ACCOUNTS = """\
apiVersion: gatepolicy/v1
kind: Inventory
accounts:
  - {id: mm, exchange: gate, credentials: {apiKey: env:KEY, secret: env:SECRET}}
"""
WAIVERS = "apiVersion: gatepolicy/v1\nkind: Waivers\nwaivers: []\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, seen from a folder within."""
    names = ("JOBS", "FAIL_ON", "PROJECT", "EXIT_ZERO", "ALLOW_EMPTY", "FAIL_ON_NEW")
    for name in (f"GATEPOLICY_{name}" for name in names):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "gatepolicy.yaml").write_text(PROJECT)
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    (tmp_path / "waivers.yaml").write_text(WAIVERS)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "desk.yaml").write_text(DESK)
    return tmp_path


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_each_setting_has_its_origin(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPOLICY_JOBS", "3")
    monkeypatch.chdir(folder / "policies")
    ended = run("config", "--fail-on", "low")
    assert ended.code == 0
    told = lines(ended.out)
    assert told[0] == "project ../gatepolicy.yaml"
    assert told[1].endswith("market-making.yaml (../gatepolicy.yaml:3:1)")
    assert told[2:] == [
        "policies ../policies/desk.yaml (../gatepolicy.yaml:3:1)",
        "inventory ../accounts.yaml (../gatepolicy.yaml:4:1)",
        "waivers ../waivers.yaml (../gatepolicy.yaml:5:1)",
        "attestations none (default)",
        "outputs text (../gatepolicy.yaml:6:1)",
        "outputs sarif=../out/report.sarif (../gatepolicy.yaml:6:1)",
        "outputs json=- (../gatepolicy.yaml:6:1)",
        "history none (default)",
        "history_keep none (default)",
        "sarif_profile github (default)",
        "sarif_scope none (default)",
        "jobs 3 (environment, GATEPOLICY_JOBS)",
        "max_rate none (default)",
        "attempts 2 (../gatepolicy.yaml:7:12)",
        "max_evidence_age 7 days (default)",
        "fail_on low (command line)",
        "accounts none (default)",
        "labels none (default)",
        "rules none (default)",
        "skip_rules none (default)",
        "no_waivers no (default)",
        "exit_zero no (default)",
        "allow_incomplete no (default)",
        "allow_empty no (default)",
        "baseline none (default)",
        "baseline_if_exists none (default)",
        "fail_on_new no (default)",
        "baseline_hides none (default)",
        "history_required no (default)",
        "history_project none (default)",
        "allow_hosts none (default)",
        "untrusted no (default)",
        "lock no (default)",
        "wait none (default)",
        "jitter none (default)",
        "state none (default)",
        "only_changes no (default)",
        "log_format text (default)",
        "heartbeat none (default)",
        "notify none (default)",
        "notify_file none (default)",
        "notify_when changes (default)",
        "$egress 198.51.100.0/28 (networks, ../gatepolicy.yaml:8:12)",
        "$rotation 30d (variables, ../gatepolicy.yaml:9:13)",
    ]


def test_what_narrows_and_softens_has_its_origin(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPOLICY_EXIT_ZERO", "1")
    monkeypatch.setenv("GATEPOLICY_FAIL_ON_NEW", "1")
    told = lines(run("config", "--skip-rule", "GP001", "--skip-rule", "key-*", "--no-waivers").out)
    assert {line for line in told if not line.endswith("(default)")} >= {
        "skip_rules GP001 (command line)",
        "skip_rules key-* (command line)",
        "no_waivers yes (command line)",
        "exit_zero yes (environment, GATEPOLICY_EXIT_ZERO)",
        "fail_on_new yes (environment, GATEPOLICY_FAIL_ON_NEW)",
    }


def test_without_a_project_all_is_as_it_ships(run: Run, folder: Path) -> None:
    told = lines(run("--no-project", "config").out)
    assert told[0] == "project none"
    assert told[1].endswith("baseline.yaml (default)")
    assert "inventory accounts.yaml (default)" in told
    assert "outputs none (default)" in told


def test_check_takes_files_and_names_from_the_project(run: Run, folder: Path) -> None:
    ended = run("check")
    assert (ended.code, ended.err) == (0, "")
    assert lines(ended.out)[1:] == [
        "ok policies/desk.yaml",
        "ok waivers.yaml",
        "ok accounts.yaml (1 account)",
    ]


def test_the_command_line_replaces_the_policies_of_the_project(run: Run, folder: Path) -> None:
    assert "desk.yaml" not in run("check", "-p", "baseline").out


def test_explain_tells_the_origin_of_every_value(run: Run, folder: Path) -> None:
    ended = run("explain", "--account", "mm")
    assert ended.code == 0
    told = lines(ended.out)
    assert told[0] == "mm on gate (accounts.yaml:4:5)"
    assert "key.max_age 30 days policies/desk.yaml:4:7" in told
    assert "through variables.rotation" in told
    assert "gatepolicy.yaml:9:13" in told
    assert "ip_binding.required true market-making:26:3" in told


def test_explain_lists_rules_of_the_policy(run: Run, folder: Path) -> None:
    rule = (
        "rules:\n  - {id: DESK001, name: a-b, title: Some title, severity: low,\n"
        "     why: Because of it., fix: Do something., condition: ip.restricted,\n"
        "     examples: {pass: [{facts: {ip.restricted: true}}], fail:\n"
        "     [{facts: {ip.restricted: false}}], unknown: [{}]}}\n"
    )
    (folder / "policies" / "desk.yaml").write_text(DESK + rule)
    told = lines(run("explain", "--account", "mm").out)
    assert "rules DESK001 a-b (low) policies/desk.yaml:8:58" in told


def test_explain_tells_overrides(run: Run, folder: Path) -> None:
    told = lines(run("explain", "--account", "mm", "-p", "gate-market-making").out)
    assert "extends market-making (market-making)" in told
    assert any(line.startswith("overrides exchanges.gate.evidence.accept") for line in told)
    assert any(line.startswith("because Gate lists every permission") for line in told)


def test_explain_tells_that_nothing_applies(run: Run, folder: Path) -> None:
    told = run("explain", "--account", "mm", "-p", "okx-market-making").out
    assert "No policy applies to it" in told


def test_explain_of_no_account(run: Run, folder: Path) -> None:
    ended = run("explain", "--account", "nobody")
    assert (ended.code, ended.err) == (
        2,
        "error: accounts.yaml has no account nobody\nhint: it has mm\n",
    )
    assert run("explain", "GP001", "--account", "mm").code == 2


def test_a_policy_by_a_name_that_does_not_ship(run: Run) -> None:
    ended = run("check", "-p", "market-makin")
    assert ended.code == 2
    assert ended.err == (
        "error: -p market-makin: no policy market-makin ships with gatepolicy\n"
        "hint: did you mean market-making?\n"
    )


def test_a_file_without_a_suffix_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "desk").write_text(DESK.replace("$rotation", "3d").replace("$egress", "192.0.2.1"))
    assert run("check", "-p", "desk").code == 0


def test_a_project_further_up_that_belongs_to_somebody_else(folder: Path) -> None:
    below = folder / "policies"
    with pytest.raises(UsageError) as caught:
        find_project(below, owners=lambda _: {4_294_967_000})
    assert str(caught.value) == "the project file ../gatepolicy.yaml belongs to another user"
    with pytest.raises(UsageError, match=r"^the project file gatepolicy\.yaml belongs to another"):
        find_project(folder, owners=lambda _: {4_294_967_000})
    with pytest.raises(UsageError):
        find_project(folder, owners=lambda _: {os.getuid(), 4_294_967_000})
    assert find_project(folder, owners=lambda _: {0, os.getuid()}) == "gatepolicy.yaml"
    assert find_project(below, owners=lambda _: {0}) == "../gatepolicy.yaml"
    assert find_project(below) == "../gatepolicy.yaml"


def test_no_project_at_all() -> None:
    assert find_project(Path("/")) == ""


def test_an_unknown_policy_is_told_with_its_place() -> None:
    text = PROJECT.replace("market-making", "nothing-like-it")
    with pytest.raises(DocumentError) as caught:
        load_project("gatepolicy.yaml", read=lambda _: text.encode())
    (problem,) = caught.value.problems
    assert str(problem).startswith(
        "gatepolicy.yaml:3:12: policies[0]: no policy nothing-like-it ships with gatepolicy; one of"
    )


def test_an_empty_project_sets_nothing() -> None:
    text = "apiVersion: gatepolicy/v1\nkind: Project\n"
    assert load_project("gatepolicy.yaml", read=lambda _: text.encode()).settings == {}


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("fail_on: high", "--fail-on or GATEPOLICY_FAIL_ON"),
        ("exit_zero: true", "--exit-zero or GATEPOLICY_EXIT_ZERO"),
        ("allow_incomplete: true", "--allow-incomplete or GATEPOLICY_ALLOW_INCOMPLETE"),
        ("allow_empty: true", "--allow-empty or GATEPOLICY_ALLOW_EMPTY"),
        ("fail_on_new: true", "--fail-on-new or GATEPOLICY_FAIL_ON_NEW"),
        ("baseline: old.json", "--baseline or GATEPOLICY_BASELINE"),
        ("baseline_hides: [GP001]", "--baseline-hides"),
        ("skip_rules: [GP001]", "--skip-rule"),
        ("accounts: [mm]", "--account"),
        ("allow_hosts: [proxy.example.com]", "--allow-host or GATEPOLICY_ALLOW_HOSTS"),
        ("untrusted: false", "--untrusted or GATEPOLICY_UNTRUSTED"),
    ],
)
@pytest.mark.parametrize("place", ["attempts: 2", "variables:"])
def test_a_file_cannot_soften_what_judges_it(said: str, hint: str, place: str) -> None:
    text = PROJECT.replace(place, said if place == "attempts: 2" else f"{said}\n{place}")
    with pytest.raises(DocumentError) as caught:
        load_project("gatepolicy.yaml", read=lambda _: text.encode())
    (problem,) = caught.value.problems
    assert "a project file cannot set this, because it decides what fails a scan" in str(problem)
    assert problem.fix == f"use {hint}"


def reading(text: str) -> Callable[[Path], bytes]:
    return lambda _: text.encode()


def test_every_option_that_no_project_sets_is_told_where_it_belongs() -> None:
    for name in WITHOUT_PROJECT:
        text = PROJECT.replace("attempts: 2", f"{name}: true")
        with pytest.raises(DocumentError, match="a project file cannot set this"):
            load_project("gatepolicy.yaml", read=reading(text))


def test_the_example_of_the_documents_is_a_project() -> None:
    text = (Path(__file__).parents[2] / "docs" / "project.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    project = load_project("gatepolicy.yaml", read=lambda _: block.encode())
    assert project.settings["outputs"].value == ["text", "sarif=report.sarif"]
    assert set(project.names.networks) == {"egress"}


def test_a_bad_project_is_no_traceback(run: Run, folder: Path) -> None:
    (folder / "gatepolicy.yaml").write_text("kind: [")
    ended = run("check")
    assert ended.code == 2
    assert ended.err.startswith("gatepolicy.yaml:")
    assert run("schema", "project").code == 0


def test_settings_of_timers_are_listed_and_no_url_of_a_receiver(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPOLICY_NOTIFY", "json://receiver.example.com/planted")
    told = lines(run("config", "--lock", "--wait", "30m").out)
    assert "lock yes (command line)" in told
    assert "wait 30 minutes (command line)" in told
    assert "notify *** (environment, GATEPOLICY_NOTIFY)" in told
    assert "heartbeat none (default)" in told
    assert not any("planted" in line for line in told)


@pytest.mark.parametrize("age", ["1h", "7d", "1w", "168h"])
def test_a_project_may_ask_for_younger_evidence(run: Run, folder: Path, age: str) -> None:
    (folder / "gatepolicy.yaml").write_text(PROJECT.replace("jobs: 8", f"max_evidence_age: {age}"))
    ended = run("config")
    assert ended.code == 0, ended.err
    assert "max_evidence_age" in ended.out


@pytest.mark.parametrize("age", ["8d", "2w", "169h", "0d", "7", "$rotation"])
def test_a_project_cannot_ask_for_older_evidence(run: Run, folder: Path, age: str) -> None:
    (folder / "gatepolicy.yaml").write_text(PROJECT.replace("jobs: 8", f"max_evidence_age: {age}"))
    ended = run("config")
    assert ended.code == 2
    assert "defaults.max_evidence_age: " in ended.err


def test_a_project_may_say_how_long_a_history_is_kept_and_not_where(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "gatepolicy.yaml").write_text(
        "apiVersion: gatepolicy/v1\nkind: Project\nhistory: {keep: 400d}\n"
    )
    told = lines(run("config").out)
    assert "history none (default)" in told
    assert any(line.startswith("history_keep ") and "gatepolicy.yaml:3" in line for line in told)
