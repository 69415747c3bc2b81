"""Whole scans that are kept: a violation comes, is fixed, and no broken history loses a report."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

if TYPE_CHECKING:
    from pathlib import Path

Clean = Callable[[ExchangeId], SimulatedKey]
KEEP = ("--history", "h.db")
PROJECT = """\
apiVersion: gatepolicy/v1
kind: Project
policies: [policy.yaml]
inventory: accounts.yaml
history: {url: .gatepolicy/history.db, keep: 400d}
"""


@pytest.fixture
def okx(firm: Any, clean: Clean, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A firm with one key, which can withdraw."""
    for name in (
        "HISTORY",
        "HISTORY_REQUIRED",
        "HISTORY_KEEP",
        "HISTORY_PROJECT",
        "BASELINE",
        "PROJECT",
    ):
        monkeypatch.delenv(f"GATEPOLICY_{name}", raising=False)
    firm.keys = [able(clean)]
    return firm


def able(clean: Clean) -> SimulatedKey:
    return replace(clean(ExchangeId.OKX), permissions=("read_only", "trade", "withdraw"))


def test_a_violation_from_its_first_scan_to_its_fix(okx: Any, clean: Clean) -> None:
    assert okx.scan(*KEEP, "-o", "json=first.json").code == 1
    findings = okx.run("history", "findings", *KEEP)
    assert "Open (1)" in findings.out
    assert "withdrawal-enabled (withdraw)" in findings.out
    okx.keys = [clean(ExchangeId.OKX)]
    assert okx.scan(*KEEP, "--baseline", "last", "-o", "json=second.json").code == 0
    drift = okx.read("second.json")["drift"]
    assert drift["baseline"] == "h.db, scan 1"
    assert [one["because"] for one in drift["absent"]] == ["passes"]
    assert okx.run("history", "findings", *KEEP).out.startswith("no open violations")
    fixed = okx.run("history", "findings", "--fixed", *KEEP)
    assert "Fixed (1)" in fixed.out
    assert "Time to fix" in fixed.out
    listed = okx.run("history", "list", *KEEP, "-o", "json")
    assert [(one["id"], one["exit_code"]) for one in json.loads(listed.out)] == [(1, 1), (2, 0)]
    shown = okx.run("history", "show", "1", "--report", *KEEP)
    assert shown.out == (okx.folder / "first.json").read_text(encoding="utf-8")
    assert okx.run("history", "show", "last", "--report", *KEEP).out != shown.out


def test_evidence_that_is_evaluated_is_kept_too(okx: Any) -> None:
    with SimulatorThread(Simulator(okx.keys)) as simulator:
        okx.prepare(simulator.url)
        okx.run("collect", "-o", "evidence.json")
    ended = okx.run("evaluate", "evidence.json", "-p", "policy.yaml", *KEEP)
    assert ended.code == 1
    listed = json.loads(okx.run("history", "list", *KEEP, "-o", "json").out)
    assert [one["inventory"] for one in listed] == ["accounts.yaml"]
    okx.run("keygen", "signing.pem")
    signed = okx.run("sign", "evidence.json", "--key", "signing.pem")
    assert (signed.code, "this is evidence, not a report" in signed.err) == (2, True)


def test_every_command_answers_in_text_and_json(okx: Any) -> None:
    okx.scan(*KEEP)
    for name in ("list", "findings", "trend"):
        text = okx.run("history", name, *KEEP)
        assert (text.code, text.err) == (0, "")
        assert json.loads(okx.run("history", name, *KEEP, "-o", "json").out)
    shown = okx.run("history", "show", "last", *KEEP)
    assert "exit code   1: at least one violation" in shown.out
    assert okx.run("history", "findings", "--unknowns", *KEEP).code == 0
    trend = json.loads(okx.run("history", "trend", *KEEP, "-o", "json").out)
    assert sorted(trend) == ["never_proved", "never_read", "no_longer_disclosed", "scans"]
    assert trend["scans"][0]["violations"]["critical"] == 1


def test_the_export_and_its_files(okx: Any) -> None:
    okx.scan(*KEEP)
    ended = okx.run("history", "export", "fleet.db", *KEEP)
    assert ended.out.splitlines() == [
        "wrote fleet.db and metadata.yaml",
        "open them: datasette fleet.db -m metadata.yaml",
    ]
    assert (okx.folder / "fleet.db").stat().st_mode & 0o777 == 0o600
    again = okx.run("history", "export", "fleet.db", *KEEP)
    assert again.code == 2
    assert "already exists: fleet.db, metadata.yaml" in again.err
    assert okx.run("history", "export", "fleet.db", "--force", *KEEP).code == 0
    own = okx.run("history", "export", "h.db", "--force", *KEEP)
    assert (own.code, "would overwrite" in own.err) == (2, True)
    assert "no such folder" in okx.run("history", "export", "no/fleet.db", *KEEP).err


def test_pruning(okx: Any) -> None:
    okx.scan(*KEEP)
    okx.scan(*KEEP)
    ended = okx.run("history", "prune", "--keep", "1d", *KEEP)
    assert ended.out == "removed, being older than 1 day: scans 0, fixed findings 0\n"
    told = okx.run("history", "prune", "--keep", "1d", "--dry-run", *KEEP)
    assert told.out.startswith("would be removed")
    assert okx.run("history", "prune", *KEEP).code == 2


def test_a_history_that_cannot_be_written_is_a_warning(okx: Any) -> None:
    (okx.folder / "h.db").write_text("no database\n" * 100)
    ended = okx.scan(*KEEP, "-o", "json=r.json")
    assert ended.code == 1
    assert "warning: the scan was not stored in the history: h.db cannot be used" in ended.err
    assert okx.read("r.json")["exit_code"] == 1


def test_a_history_that_is_required_ends_with_2_after_the_reports(okx: Any) -> None:
    (okx.folder / "h.db").write_text("no database\n" * 100)
    ended = okx.scan(*KEEP, "--history-required", "-o", "json=r.json")
    assert ended.code == 2
    assert "error: the scan was not stored in the history: h.db cannot be used" in ended.err
    assert okx.read("r.json")["exit_code"] == 1


def test_a_report_that_cannot_be_written_does_not_keep_a_scan_out(okx: Any) -> None:
    (okx.folder / "taken").mkdir()
    ended = okx.scan(*KEEP, "-o", "json=taken")
    assert (ended.code, "it is a folder" in ended.err) == (2, True)
    assert len(json.loads(okx.run("history", "list", *KEEP, "-o", "json").out)) == 1


def test_a_server_that_is_not_there_loses_nothing_and_shows_no_password(okx: Any) -> None:
    pytest.importorskip("psycopg")
    url = "postgresql://gp:hunter2@127.0.0.1:1/gp"
    ended = okx.scan("--history", url, "-o", "json=r.json")
    assert ended.code == 1
    assert "warning: the scan was not stored in the history: the PostgreSQL database" in ended.err
    config = okx.run("config", "--history", url)
    assert "the PostgreSQL database  (command line)" in config.out
    wrong = okx.run("scan", "--history", "postgresql://gp:hunter/2@127.0.0.1/gp")
    assert wrong.code == 2
    assert "hunter" not in ended.err + ended.out + config.out + wrong.err


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("--baseline", "last"), 2, "--baseline last needs a history"),
        (("--baseline", "last", *KEEP), 2, "the history has no scan of accounts.yaml"),
        (("--baseline-if-exists", "last", *KEEP), 1, "no baseline yet"),
        (("--history-required",), 2, "--history-required: no history is named"),
        (("--history", ":memory:"), 2, "--history: not a file"),
    ],
)
def test_what_is_missing_is_told(
    okx: Any, arguments: tuple[str, ...], code: int, expected: str
) -> None:
    ended = okx.scan(*arguments)
    assert (ended.code, expected in ended.err) == (code, True), ended.err


def test_a_history_of_another_inventory_is_no_baseline(okx: Any) -> None:
    okx.scan(*KEEP)
    (okx.folder / "two.yaml").write_text((okx.folder / "accounts.yaml").read_text())
    ended = okx.scan("--baseline", "last", *KEEP, "-i", "two.yaml")
    assert (ended.code, "no scan of two.yaml" in ended.err) == (2, True)


def test_a_baseline_in_a_broken_history_is_told_in_the_report(okx: Any) -> None:
    (okx.folder / "h.db").write_text("no database\n" * 100)
    ended = okx.scan("--baseline", "last", *KEEP, "-o", "json=r.json")
    assert ended.code == 2
    (warning,) = [w for w in okx.read("r.json")["warnings"] if "baseline" in w]
    assert warning.startswith("the baseline could not be read, so nothing was compared: h.db")


def test_a_project_file_names_it(okx: Any) -> None:
    (okx.folder / "gatepolicy.yaml").write_text(PROJECT)
    okx.scan()
    assert (okx.folder / ".gatepolicy" / "history.db").exists()
    listed = okx.run("history", "list", "-o", "json")
    assert len(json.loads(listed.out)) == 1
    config = " ".join(okx.run("config").out.split())
    assert "history .gatepolicy/history.db (gatepolicy.yaml:5:1)" in config
    assert "history_keep 400 days (gatepolicy.yaml:5:" in config
    assert "older than 400 days" in okx.run("history", "prune").out


def test_an_untrusted_project_file_is_no_baseline(okx: Any) -> None:
    (okx.folder / "gatepolicy.yaml").write_text(PROJECT)
    okx.scan()
    ended = okx.scan("--untrusted", "--baseline", "last")
    assert ended.code == 2
    assert "--baseline last would read the history that the project names" in ended.err
    named = okx.scan("--untrusted", "--baseline", "last", "--history", ".gatepolicy/history.db")
    assert named.code == 1


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("../h.db", "a project file can only write below its own folder"),
        (".git/h.db", "a project file can only write below its own folder"),
        ("{url: /tmp/h.db}", "history.url: a project file can only write below its own folder"),
        ("postgresql://db.example.com/gp", "a project file can only name a file, not a server"),
        ("{keep: 0d}", "not a duration"),
        ("{}", "history"),
        ("''", "history"),
        ("{url: h.db, keep: 1d, more: 1}", "more"),
    ],
)
def test_what_a_project_file_may_not_name(okx: Any, history: str, expected: str) -> None:
    text = f"apiVersion: gatepolicy/v1\nkind: Project\nhistory: {history}\n"
    (okx.folder / "gatepolicy.yaml").write_text(text)
    ended = okx.run("history", "list")
    assert (ended.code, expected in ended.err) == (2, True), ended.err


def test_a_link_of_a_project_leads_nowhere(okx: Any, tmp_path_factory: Any) -> None:
    elsewhere: Path = tmp_path_factory.mktemp("elsewhere")
    (okx.folder / "gatepolicy.yaml").write_text(PROJECT)
    (okx.folder / ".gatepolicy").symlink_to(elsewhere)
    ended = okx.scan()
    assert (ended.code, "is a symbolic link" in ended.err) == (2, True)
    assert [*elsewhere.iterdir()] == []


@pytest.mark.parametrize("scan", ["9", "x", "last"])
def test_a_scan_that_is_not_there(okx: Any, scan: str) -> None:
    if scan == "last":
        assert "no history yet" in okx.run("history", "show", "last", *KEEP).err
        return
    okx.scan(*KEEP)
    assert okx.run("history", "show", scan, *KEEP).code == 2
    assert okx.run("history", "show", scan, "--report", *KEEP).code == 2


def test_commands_need_a_history(okx: Any) -> None:
    ended = okx.run("history", "list")
    assert (ended.code, "no history is named" in ended.err) == (2, True)


def test_what_is_gone_is_told_apart_from_what_is_fixed(okx: Any) -> None:
    okx.scan(*KEEP)
    okx.policy = okx.policy.replace("  forbid: [withdraw]", "  forbid: [transfer]")
    okx.scan(*KEEP, "--account", "okx-*")
    told = okx.run("history", "findings", *KEEP).out
    gone = told.partition("Not found the last time, but not fixed (1)")[2]
    assert "withdrawal-enabled (withdraw)" in gone
    assert gone.rstrip().endswith("not asked")
    assert "Time to fix" not in told
    assert "accounts.yaml (narrowed)" in okx.run("history", "list", *KEEP).out


def test_no_report_takes_the_place_of_the_history(okx: Any) -> None:
    okx.scan(*KEEP)
    ended = okx.scan(*KEEP, "-o", "json=h.db")
    assert (ended.code, "-o json=h.db would overwrite h.db" in ended.err) == (2, True)
    assert len(json.loads(okx.run("history", "list", *KEEP, "-o", "json").out)) == 1


def test_two_projects_in_one_history_stay_apart(
    okx: Any, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(text: str) -> list[tuple[int, str]]:
        return [(one["id"], one["inventory"]) for one in json.loads(text)]

    assert okx.scan(*KEEP, "--history-project", "treasury").code == 1
    okx.keys = [clean(ExchangeId.OKX)]
    monkeypatch.setenv("GATEPOLICY_HISTORY_PROJECT", "desk")
    first = okx.scan(*KEEP, "--baseline", "last")
    assert "the history has no scan of desk:accounts.yaml" in first.err
    assert okx.scan(*KEEP, "-o", "html=desk.html").code == 0
    assert "no earlier scan" in (okx.folder / "desk.html").read_text(encoding="utf-8")
    listed = ("history", "list", *KEEP, "-o", "json")
    assert names(okx.run(*listed).out) == [(2, "desk:accounts.yaml")]
    assert okx.run("history", "findings", *KEEP).out.startswith("no open violations")
    assert "scan        2" in okx.run("history", "show", "last", *KEEP).out
    monkeypatch.setenv("GATEPOLICY_HISTORY_PROJECT", "treasury")
    assert names(okx.run(*listed, "-i", "accounts.yaml").out) == [(1, "treasury:accounts.yaml")]
    assert "Open (1)" in okx.run("history", "findings", *KEEP).out
    renamed = okx.run("history", "rename", "treasury:accounts.yaml", "accounts.yaml", *KEEP)
    assert (renamed.code, renamed.out) == (0, "renamed treasury:accounts.yaml to accounts.yaml\n")
    assert okx.run("history", "rename", "accounts.yaml", " ", *KEEP).code == 2
    monkeypatch.delenv("GATEPOLICY_HISTORY_PROJECT")
    assert names(okx.run(*listed).out) == [(1, "accounts.yaml"), (2, "desk:accounts.yaml")]


@pytest.mark.parametrize("name", ["a:b", "a/b", "-a", "x" * 65, " "])
def test_what_is_no_name_of_a_project(okx: Any, name: str) -> None:
    ended = okx.run("history", "list", *KEEP, f"--history-project={name}")
    assert (ended.code, "is not a name" in ended.err) == (2, True)


def test_a_scan_of_other_accounts_is_stored_with_a_warning(okx: Any) -> None:
    warning = "the last scan of accounts.yaml in the history has none of these accounts"
    assert warning not in okx.scan(*KEEP).err
    assert warning not in okx.scan(*KEEP).err
    okx.inventory = lambda text: text.replace('- id: "', '- id: "other-')
    assert f"warning: {warning}" in okx.scan(*KEEP).err
    assert warning not in okx.scan(*KEEP).err
