"""Where outputs go, and what they never take the place of."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
PROJECT = "apiVersion: gatepolicy/v1\nkind: Project\n"
POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: NAME, title: A policy}
permissions: {forbid: [withdraw]}
"""
IN_ONE_LINE = (
    "{apiVersion: gatepolicy/v1, kind: Policy, metadata: {name: %s, title: A policy},"
    " permissions: {forbid: [withdraw]}%s}\n"
)
"""It does not look like a policy to who does not read it."""


@pytest.fixture
def one(firm: Any, clean: Clean, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A firm with one account, in a folder of its own."""
    for name in ("UNTRUSTED", "PROJECT"):
        monkeypatch.delenv(f"GATEPOLICY_{name}", raising=False)
    firm.keys = [clean(ExchangeId.OKX)]
    firm.folder = firm.folder / "project"
    firm.folder.mkdir()
    return firm


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_one_report_that_cannot_be_written_loses_no_other(one: Any) -> None:
    (one.folder / "taken.json").mkdir()
    ended = one.scan("-o", "json=taken.json", "-o", "text", "-o", "sarif=r.sarif")
    assert ended.code == 2
    assert ended.err.endswith(
        "error: cannot write taken.json: it is a folder\nhint: choose a file in it\n"
    )
    assert "okx-00001" in ended.out
    assert one.read("r.sarif")["runs"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_each_report_that_cannot_be_written_is_told(one: Any) -> None:
    (one.folder / "taken.json").mkdir()
    ended = one.scan("-o", "json=taken.json", "-o", "sarif=/dev/full", "-o", "text=report.txt")
    assert ended.code == 2
    told = [line for line in ended.err.splitlines() if line.startswith("error")]
    assert told == [
        "error: cannot write taken.json: it is a folder",
        "error: cannot write /dev/full: No space left on device",
    ]
    assert "okx-00001" in (one.folder / "report.txt").read_text()


def test_reports_and_evidence_are_for_their_owner_alone(one: Any) -> None:
    before = os.umask(0o022)
    try:
        with SimulatorThread(Simulator(one.keys)) as simulator:
            one.prepare(simulator.url)
            one.run("scan", "-p", "policy.yaml", "-o", "json=r.json", "-o", "text=r.txt")
            one.run("collect", "-o", "e.json")
            one.run("evaluate", "e.json", "-p", "policy.yaml", "-o", "sarif=r.sarif")
            one.run("learn", "e.json", "--account", "okx-00001", "-o", "learnt.yaml")
    finally:
        os.umask(before)
    modes = {name: (one.folder / name).stat().st_mode & 0o777 for name in one.written()}
    private = dict.fromkeys(["r.json", "r.txt", "e.json", "r.sarif"], 0o600)
    assert modes == {**private, "learnt.yaml": 0o644}


def sources(one: Any) -> None:
    """A project whose files name each other."""
    one.prepare("http://127.0.0.1:9")
    inventory = (one.folder / "accounts.yaml").read_text()
    inventory = inventory.replace('"env:SIM_OKX_00001_SECRET"', "file:secrets/okx")
    inventory = inventory.replace('"env:SIM_OKX_00001_PASSPHRASE"', '{exec: ["./passphrase"]}')
    assert "secrets/okx" in inventory
    assert "./passphrase" in inventory
    (one.folder / "accounts.yaml").write_text(inventory)
    (one.folder / "secrets").mkdir()
    (one.folder / "secrets" / "okx").write_text("the secret")
    (one.folder / "passphrase").write_text("#!/bin/sh\n")
    child = POLICY.replace("NAME", "desk") + "extends: [base.yaml]\n"
    (one.folder / "desk.yaml").write_text(child)
    (one.folder / "base.yaml").write_text(IN_ONE_LINE % ("base", ", extends: [top.yaml]"))
    (one.folder / "top.yaml").write_text(IN_ONE_LINE % ("top", ""))
    (one.folder / "gatepolicy.yaml").write_text(f"{PROJECT}policies: [desk.yaml]\n")
    (one.folder / "waivers.yaml").write_text(
        "apiVersion: gatepolicy/v1\nkind: Waivers\nwaivers: []\n"
    )
    os.link(one.folder / "top.yaml", one.folder / "hard-link")
    (one.folder / "link").symlink_to("secrets/okx")


SOURCES = [
    "gatepolicy.yaml",
    "desk.yaml",
    "base.yaml",
    "top.yaml",
    "accounts.yaml",
    "secrets/okx",
    "passphrase",
    "hard-link",
    "link",
    "./secrets/../top.yaml",
    "waivers.yaml",  # a document of the project, though this scan does not read it
]


@pytest.mark.parametrize("place", SOURCES)
def test_no_report_takes_the_place_of_an_input(one: Any, place: str) -> None:
    sources(one)
    before = contents(one.folder)
    ended = one.run("scan", "-o", "text", "-o", f"json={place}")
    assert ended.code == 2
    assert f"error: -o json={place} would overwrite" in ended.err
    assert ("not a report" in ended.err) == (place == "waivers.yaml")
    assert contents(one.folder) == before


@pytest.mark.parametrize("place", ["gatepolicy.yaml", "accounts.yaml", "secrets/okx", "desk.yaml"])
def test_evidence_takes_the_place_of_no_input(one: Any, place: str) -> None:
    sources(one)
    before = contents(one.folder)
    ended = one.run("collect", "-o", place)
    assert (ended.code, f"-o {place} would overwrite" in ended.err) == (2, True)
    assert contents(one.folder) == before


@pytest.mark.parametrize("place", ["base.yaml", "top.yaml", "gatepolicy.yaml"])
def test_judging_evidence_overwrites_no_input(one: Any, place: str) -> None:
    with SimulatorThread(Simulator(one.keys)) as simulator:
        one.prepare(simulator.url)
        one.run("collect", "-o", "e.json")
    sources(one)
    before = contents(one.folder)
    ended = one.run("evaluate", "e.json", "-o", f"sarif={place}")
    assert (ended.code, f"-o sarif={place} would overwrite" in ended.err) == (2, True)
    assert contents(one.folder) == before


def test_the_reports_of_yesterday_are_replaced(one: Any) -> None:
    with SimulatorThread(Simulator(one.keys)) as simulator:
        one.prepare(simulator.url)
        for _ in range(2):
            assert one.run("collect", "-o", "e.json").code == 0
            reports = ("-o", "json=r.json", "-o", "sarif=r.sarif", "-o", "text=r.txt")
            assert one.run("scan", "-p", "policy.yaml", *reports).code == 0


@pytest.mark.parametrize(
    "output",
    [
        "text=../victim/precious.txt",
        "json=ABSOLUTE",
        "sarif=out/../../victim/precious.txt",
        "json=.git/hooks/post-checkout",
    ],
)
def test_a_project_file_writes_below_its_folder_only(one: Any, output: str) -> None:
    victim = one.folder.parent / "victim"
    victim.mkdir()
    (victim / "precious.txt").write_text("precious")
    (one.folder / ".git" / "hooks").mkdir(parents=True)
    output = output.replace("ABSOLUTE", str(victim / "precious.txt"))
    one.prepare("http://127.0.0.1:9")
    (one.folder / "gatepolicy.yaml").write_text(f'{PROJECT}outputs: [text, "{output}"]\n')
    ended = one.run("scan", "-p", "policy.yaml")
    assert ended.code == 2
    assert (
        "gatepolicy.yaml:3:17: outputs[1]: a project file can only write below its own folder"
        in ended.err
    )
    assert contents(victim) == {"precious.txt": "precious"}
    assert not list((one.folder / ".git" / "hooks").iterdir())


@pytest.mark.parametrize("place", ["report.json", "folder/precious.txt", "inner.json"])
def test_a_project_file_writes_through_no_link(one: Any, place: str) -> None:
    victim = one.folder.parent / "victim"
    victim.mkdir()
    (victim / "precious.txt").write_text("precious")
    (one.folder / "report.json").symlink_to("../victim/precious.txt")
    (one.folder / "folder").symlink_to("../victim")
    (one.folder / "inner.json").symlink_to("notes.txt")
    (one.folder / "notes.txt").write_text("notes")
    one.prepare("http://127.0.0.1:9")
    (one.folder / "gatepolicy.yaml").write_text(f"{PROJECT}outputs: [json={place}]\n")
    ended = one.run("scan", "-p", "policy.yaml")
    assert (ended.code, "is a symbolic link" in ended.err) == (2, True)
    assert contents(victim) == {"precious.txt": "precious"}
    assert (one.folder / "notes.txt").read_text() == "notes"


def test_a_project_file_writes_below_its_folder_from_everywhere(one: Any) -> None:
    (one.folder / "out").mkdir()
    (one.folder / "below").mkdir()
    (one.folder / "gatepolicy.yaml").write_text(
        f"{PROJECT}policies: [policy.yaml]\ninventory: accounts.yaml\noutputs: [json=out/r.json]\n"
    )
    with SimulatorThread(Simulator(one.keys)) as simulator:
        one.prepare(simulator.url)
        folder, one.folder = one.folder, one.folder / "below"
        assert one.run("scan").code == 0
    one.folder = folder
    assert one.read("out/r.json")["accounts"]


def test_the_command_line_writes_anywhere_but_behind_links_that_lead_out(one: Any) -> None:
    """A pull request can hold a link; it cannot choose what somebody types."""
    outside = one.folder.parent
    (one.folder / "out").symlink_to(outside)
    (one.folder / "latest.json").symlink_to("r.json")
    with SimulatorThread(Simulator(one.keys)) as simulator:
        one.prepare(simulator.url)
        scan = ("scan", "-p", "policy.yaml", "-o")
        ended = one.run(*scan, "json=out/report.json")
        assert (ended.code, "the symbolic link out points outside" in ended.err) == (2, True)
        assert not (outside / "report.json").exists()
        assert one.run("collect", "-o", "out/report.json").code == 2
        assert one.run(*scan, f"json={outside}/report.json").code == 0
        assert one.run(*scan, "json=latest.json").code == 0
    assert (outside / "report.json").is_file()
    assert (one.folder / "latest.json").is_symlink()
    assert one.read("r.json")["accounts"]


def test_two_reports_do_not_go_to_one_file_by_two_names(one: Any) -> None:
    one.prepare("http://127.0.0.1:9")
    (one.folder / "link").symlink_to("r.json")
    for other in ("r.json", "./r.json", "link", f"{one.folder}/r.json"):
        ended = one.run("scan", "-p", "policy.yaml", "-o", "json=r.json", "-o", f"sarif={other}")
        assert (ended.code, "two reports would go to" in ended.err) == (2, True), other


def test_learning_overwrites_nothing_unless_it_is_forced_to(one: Any) -> None:
    with SimulatorThread(Simulator(one.keys)) as simulator:
        one.prepare(simulator.url)
        one.run("collect", "-o", "e.json")
    (one.folder / "mine.yaml").write_text("mine")
    (one.folder / "broken").symlink_to("nowhere")
    learn = ("learn", "e.json", "--account", "okx-00001", "-o")
    for place in ("mine.yaml", "broken"):
        ended = one.run(*learn, place)
        assert ended.code == 2
        assert ended.err == (
            f"error: already exists: {place}\nhint: choose another file, or overwrite it with --force\n"  # noqa: E501
        )
    assert (one.folder / "mine.yaml").read_text() == "mine"
    assert one.run(*learn, "mine.yaml", "--force").code == 0
    assert "kind: Policy" in (one.folder / "mine.yaml").read_text()
    ended = one.run(*learn, "e.json", "--force")
    assert (ended.code, "would overwrite e.json" in ended.err) == (2, True)
    assert one.run(*learn, "-").code == 0


@pytest.mark.parametrize(
    "name", ["accounts.yaml", "desk.yaml", "gate-market-making.yaml", "report.json", "report.sarif"]
)
def test_the_demonstration_overwrites_no_file_of_others(one: Any, name: str) -> None:
    (one.folder / name).write_text("mine")
    ended = one.run("demo", "--out", ".")
    assert ended.code == 2
    assert ended.err.startswith(f"error: already exists: {name}\n")
    assert contents(one.folder) == {name: "mine"}


def test_the_demonstration_overwrites_its_own_files_until_somebody_edits_them(one: Any) -> None:
    assert one.run("demo", "--out", "d").code == 0
    assert one.run("demo", "--out", "d").code == 0
    desk, inventory = one.folder / "d" / "desk.yaml", one.folder / "d" / "accounts.yaml"
    text = desk.read_text()
    desk.write_text(f"{text}# mine\n")
    assert "already exists: d/desk.yaml" in one.run("demo", "--out", "d").err
    desk.write_text(text)
    inventory.write_text(inventory.read_text() + "# mine\n")
    ended = one.run("demo", "--out", "d")
    assert "already exists: d/accounts.yaml" in ended.err
    assert inventory.read_text().endswith("# mine\n")
    assert one.run("demo", "--out", "d", "--force").code == 0
    assert not inventory.read_text().endswith("# mine\n")


def test_a_folder_that_cannot_be_made(one: Any) -> None:
    (one.folder / "file").touch()
    ended = one.run("demo", "--out", "file/d")
    assert (ended.code, "cannot create this folder (Not a directory)" in ended.err) == (2, True)


def test_results_of_policy_tests_overwrite_no_input(one: Any) -> None:
    sources(one)
    (one.folder / "desk.test.yaml").write_text(
        "apiVersion: gatepolicy/v1\nkind: PolicyTest\npolicies: [desk.yaml]\n"
        "now: 2026-11-02T08:00:00Z\naccount: {exchange: okx}\ncases:\n"
        "  - {name: nothing is told, expect: [{rule: withdrawal-enabled, outcome: unknown}]}\n"
    )
    before = contents(one.folder)
    for place in ("desk.test.yaml", "base.yaml", "gatepolicy.yaml"):
        ended = one.run("test", "--junit", place)
        assert (ended.code, f"--junit {place} would overwrite" in ended.err) == (2, True)
    assert contents(one.folder) == before
    one.run("test", "--junit", "results.xml")
    assert (one.folder / "results.xml").is_file()
