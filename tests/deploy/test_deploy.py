"""What stands in deploy/, for the tools of those who run it; skipped where a tool is missing."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import gatepolicy
from gatepolicy.cli.main import cli, main
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVICE = DEPLOY / "systemd" / "gatepolicy.service"
TIMER = DEPLOY / "systemd" / "gatepolicy.timer"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
COMPOSE: Any = yaml.safe_load((DEPLOY / "docker" / "compose.yaml").read_text(encoding="utf-8"))
BASE = DEPLOY / "kubernetes" / "base"
SHARDS: Any = yaml.safe_load(
    (DEPLOY / "docker" / "compose.shards.yaml").read_text(encoding="utf-8")
)
JOB: Any = yaml.safe_load(
    (DEPLOY / "kubernetes" / "shards" / "job.yaml").read_text(encoding="utf-8")
)
CRONJOB: Any = yaml.safe_load((BASE / "cronjob.yaml").read_text(encoding="utf-8"))
PROJECTS = {
    "systemd": DEPLOY / "systemd" / "project",
    "docker": DEPLOY / "docker" / "project",
    "kubernetes": DEPLOY / "kubernetes" / "example",
}


def tool(name: str) -> str:
    """A program beside this Python or on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def output_of(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def settings(unit: Path) -> dict[str, list[str]]:
    """The settings of a unit, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z]+=", line):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def references(project: Path) -> list[str]:
    inventory: Any = yaml.safe_load((project / "accounts.yaml").read_text(encoding="utf-8"))
    return [text for one in inventory["accounts"] for text in one["credentials"].values()]


def parsed(words: Sequence[str], command: str = "scan") -> click.Context:
    """Options as the command line reads them; what it does not know is an error."""
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return found.make_context(command, list(words))


# The example projects


@pytest.mark.parametrize("name", PROJECTS)
def test_the_example_project_is_valid(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECTS[name])
    with pytest.raises(SystemExit) as ended:
        main(["--project", "gatepolicy.yaml", "check"])
    assert ended.value.code == 0, capsys.readouterr()


def test_no_file_holds_a_credential_or_is_one() -> None:
    for project in PROJECTS.values():
        assert all(
            text.startswith(("systemd:", "file:/run/secrets/")) for text in references(project)
        )
    tracked = output_of("git", "-C", str(ROOT), "ls-files", "deploy").splitlines()
    assert not [name for name in tracked if "secrets/" in name or "credentials/" in name]


# systemd


def test_every_credential_of_the_unit_is_the_one_that_the_inventory_names() -> None:
    loaded = [value.split(":")[0] for value in settings(SERVICE)["LoadCredential"]]
    assert sorted(f"systemd:{name}" for name in loaded) == sorted(references(PROJECTS["systemd"]))


def test_the_unit_runs_a_scan_that_writes_only_where_it_may() -> None:
    program, option, project, command, *words = shlex.split(settings(SERVICE)["ExecStart"][0])
    assert (program, option, command) == ("/opt/gatepolicy/bin/gatepolicy", "--project", "scan")
    assert project == "/etc/gatepolicy/gatepolicy.yaml"
    outputs = parsed(words).params["output_texts"]
    assert outputs == ("text", "json=/var/lib/gatepolicy/report.json")
    assert settings(SERVICE)["StateDirectory"] == ["gatepolicy"]


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units, with a program that is there."""
    service = SERVICE.read_text(encoding="utf-8").replace(
        "/opt/gatepolicy/bin/gatepolicy", "/bin/true"
    )
    (tmp_path / SERVICE.name).write_text(service, encoding="utf-8")
    shutil.copy(TIMER, tmp_path)
    return [str(tmp_path / SERVICE.name), str(tmp_path / TIMER.name)]


def test_systemd_finds_nothing_wrong_with_the_units(units: list[str]) -> None:
    assert output_of(tool("systemd-analyze"), "verify", "--man=no", *units) == ""


def test_systemd_would_find_something(units: list[str]) -> None:
    program = tool("systemd-analyze")
    with Path(units[0]).open("a", encoding="utf-8") as unit:
        unit.write("ProtectSytem=strict\n")
    ended = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert re.search(r"Unknown key .*'ProtectSytem'", ended.stderr)


def test_the_page_names_the_score_of_the_unit() -> None:
    program = tool("systemd-analyze")
    text = output_of(program, "security", "--offline=true", "--no-pager", str(SERVICE))
    found = re.search(r"Overall exposure level for gatepolicy\.service: ([\d.]+)", text)
    assert found is not None
    page = (ROOT / "docs" / "systemd.md").read_text(encoding="utf-8")
    named = re.search(r"says\n([\d.]+) \(0 is closed, 10 open\)", page)
    assert named is not None
    assert float(found[1]) <= float(named[1]) <= 1.5


def test_nothing_of_the_hardening_is_gone() -> None:
    found = settings(SERVICE)
    for name, value in {
        "DynamicUser": "yes",
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "MemoryDenyWriteExecute": "yes",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter": "@system-service",
        "NoExecPaths": "/ -/var/lib/private/gatepolicy -/var/lib/gatepolicy /tmp /var/tmp",
        "InaccessiblePaths": "-/etc/gatepolicy/credentials -/dev/shm",
    }.items():
        assert found[name][0] == value


# cron


def test_the_line_for_cron_has_its_fields() -> None:
    lines = (DEPLOY / "gatepolicy.cron").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if re.match(r"\d", line)]
    fields = line.split()
    assert all(re.fullmatch(r"\d+|\*", field) for field in fields[:5])
    assert fields[5] == "keys"
    assert fields[6:] == ["/srv/keys/nightly/run.sh", "/opt/gatepolicy/bin/gatepolicy"]
    assert "%" not in line
    assert any(line.startswith("MAILTO=") for line in lines)


# The image


def instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text(encoding="utf-8"))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest


def test_the_image_runs_without_root_and_shell() -> None:
    last = list(instructions())
    last = last[max(i for i, (name, _) in enumerate(last) if name == "FROM") :]
    assert ("USER", "65532:65532") in last
    assert "RUN" not in [name for name, _ in last]
    for name, rest in last:
        if name in ("ENTRYPOINT", "CMD"):
            assert isinstance(json.loads(rest), list)


def test_everything_in_the_image_is_pinned() -> None:
    found = list(instructions())
    ((_, base),) = [one for one in found if one[0] == "ARG"]
    assert re.fullmatch(r"BASE=docker\.io/library/python:3\.\d+-slim-\w+", base)
    (run,) = [rest for name, rest in found if name == "RUN"]
    installs = [part for part in run.split("&&") if " install " in part]
    assert len(installs) == 2
    assert "--require-hashes --only-binary :all:" in installs[0]
    assert "--no-index --no-deps" in installs[1]


def test_hadolint_finds_nothing() -> None:
    assert output_of(tool("hadolint"), str(DOCKERFILE)) == ""


# Compose


@pytest.mark.parametrize("name", ["compose.yaml", "compose.shards.yaml"])
def test_the_compose_file_is_valid_for_the_specification(name: str) -> None:
    checker = str(Path(sys.executable).with_name("check-jsonschema"))
    file = str(DEPLOY / "docker" / name)
    output = output_of(checker, "--builtin-schema", "vendor.compose-spec", file)
    assert output == "ok -- validation done\n"


def test_the_container_of_compose_is_closed() -> None:
    service = COMPOSE["services"]["gatepolicy"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "65532:65532"
    assert not {"privileged", "ports", "network_mode", "environment", "env_file"} & service.keys()
    project, reports = service["volumes"]
    assert project["read_only"] is True
    assert reports["target"] == "/reports"
    named = [f"file:/run/secrets/{name}" for name in service["secrets"]]
    assert sorted(named) == sorted(references(PROJECTS["docker"]))
    assert COMPOSE["secrets"].keys() == set(service["secrets"])
    assert service["command"][:3] == ["--project", "gatepolicy.yaml", "scan"]
    assert parsed(service["command"][3:]).params["baseline_if_exists"] == "/reports/report.json"


def test_the_containers_of_shards_are_as_closed_as_that_of_a_scan() -> None:
    services = SHARDS["services"]
    changing = {"build", "command", "depends_on", "secrets", "volumes"}
    closed = {k: v for k, v in COMPOSE["services"]["gatepolicy"].items() if k not in changing}
    for service in services.values():
        assert {k: v for k, v in service.items() if k not in changing} == closed
        assert service["volumes"][0]["read_only"] is True
        assert service["command"][:2] == ["--project", "gatepolicy.yaml"]
    shards = [parsed(one["command"][3:], "collect").params for one in list(services.values())[:2]]
    assert [one["shard"] for one in shards] == [(1, 2), (2, 2)]
    evaluated = services["evaluate"]
    assert "secrets" not in evaluated
    told = parsed(evaluated["command"][3:], "evaluate").params
    assert list(told["evidence_files"]) == [one["path"] for one in shards]


# Kubernetes


def built(folder: Path) -> list[Any]:
    return list(yaml.safe_load_all(output_of(tool("kubectl"), "kustomize", str(folder))))


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_knows_every_field(version: str, tmp_path: Path) -> None:
    program = tool("kubernetes-validate")
    files = [str(BASE / "cronjob.yaml"), str(BASE / "reports.yaml")]
    files.append(str(DEPLOY / "kubernetes" / "example" / "namespace.yaml"))
    files += [
        str(DEPLOY / "kubernetes" / "shards" / f"{name}.yaml") for name in ("job", "evidence")
    ]
    if shutil.which("kubectl"):
        whole = tmp_path / "example.yaml"
        whole.write_text(yaml.safe_dump_all(built(DEPLOY / "kubernetes" / "example")), "utf-8")
        files.append(str(whole))
    output = output_of(program, "--strict", "--kubernetes-version", version, *files)
    assert "passed for resource cronjob/gatepolicy" in output


def test_kubernetes_would_miss_a_field(tmp_path: Path) -> None:
    program = tool("kubernetes-validate")
    bad = tmp_path / "bad.yaml"
    text = (BASE / "cronjob.yaml").read_text(encoding="utf-8")
    bad.write_text(text.replace("concurrencyPolicy:", "concurencyPolicy:"), encoding="utf-8")
    ended = subprocess.run([program, "--strict", str(bad)], capture_output=True, check=False)
    assert ended.returncode != 0


def test_the_example_brings_the_project_and_the_image() -> None:
    objects = {one["kind"]: one for one in built(DEPLOY / "kubernetes" / "example")}
    assert objects.keys() == {"Namespace", "ConfigMap", "PersistentVolumeClaim", "CronJob"}
    pod = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example.com/gatepolicy:0.1.0"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["project"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert objects["ConfigMap"]["data"].keys() == {"gatepolicy.yaml", "accounts.yaml"}


POD = CRONJOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


def test_the_pod_meets_the_standard_restricted() -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    own, of_pod = CONTAINER["securityContext"], POD["securityContext"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert own["privileged"] is False
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["runAsUser"] != 0
    assert of_pod["seccompProfile"]["type"] == "RuntimeDefault"
    assert not {"hostNetwork", "hostPID", "hostIPC"} & POD.keys()
    allowed = {"configMap", "secret", "persistentVolumeClaim", "emptyDir"}
    assert all(volume.keys() - {"name"} <= allowed for volume in POD["volumes"])
    assert "ports" not in CONTAINER


def test_the_pods_of_shards_are_those_of_a_scan_and_read_every_shard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, pod = JOB["spec"], JOB["spec"]["template"]["spec"]
    own = {"containers", "volumes"}
    assert {k: v for k, v in pod.items() if k not in own} == {
        k: v for k, v in POD.items() if k not in own
    }
    (container,) = pod["containers"]
    own = {"args", "volumeMounts"}
    assert {k: v for k, v in container.items() if k not in own} == {
        k: v for k, v in CONTAINER.items() if k not in own
    }
    allowed = {"configMap", "secret", "persistentVolumeClaim", "emptyDir"}
    assert all(volume.keys() - {"name"} <= allowed for volume in pod["volumes"])
    assert job["completionMode"] == "Indexed"
    assert container["args"][:3] == ["--project", "gatepolicy.yaml", "collect"]
    shards = []
    for index in range(job["completions"]):
        monkeypatch.setenv("JOB_COMPLETION_INDEX", str(index))
        shards.append(parsed(container["args"][3:], "collect").params["shard"])
    assert shards == [(1, 3), (2, 3), (3, 3)]
    monkeypatch.delenv("JOB_COMPLETION_INDEX")
    with pytest.raises(click.BadParameter, match="needs the variable JOB_COMPLETION_INDEX"):
        parsed(container["args"][3:], "collect")
    if shutil.which("kubectl"):
        kinds = {one["kind"] for one in built(DEPLOY / "kubernetes" / "shards")}
        assert kinds == {"Job", "PersistentVolumeClaim"}


def test_two_scans_never_run_at_once_and_none_is_repeated() -> None:
    assert CRONJOB["spec"]["concurrencyPolicy"] == "Forbid"
    assert CRONJOB["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert POD["restartPolicy"] == "Never"
    assert POD["automountServiceAccountToken"] is False
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_pod_scans_and_finds_its_credentials() -> None:
    assert CONTAINER["args"][:3] == ["--project", "gatepolicy.yaml", "scan"]
    assert parsed(CONTAINER["args"][3:]).params["quiet"] is True
    mounts = {mount["name"]: mount for mount in CONTAINER["volumeMounts"]}
    folder = mounts["credentials"]["mountPath"]
    assert all(text.startswith(f"file:{folder}/") for text in references(PROJECTS["kubernetes"]))
    assert mounts["project"]["readOnly"] is True
    assert mounts["credentials"]["readOnly"] is True


def test_files_of_a_secret_are_links_and_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kubelet writes a folder with the time in its name, ..data, and a link for each file."""
    key = clean_key(ExchangeId.OKX, 1, datetime.now(UTC))
    volume = tmp_path / "secret"
    (volume / "..2026_11_27").mkdir(parents=True)
    (volume / "..data").symlink_to("..2026_11_27")
    monkeypatch.chdir(tmp_path)
    with SimulatorThread(Simulator([key])) as simulator:
        text = inventory_yaml([key], simulator.url)
        for name, value in environment([key]).items():
            (volume / "..2026_11_27" / name).write_text(value, encoding="utf-8")
            (volume / name).symlink_to(f"..data/{name}")
            text = text.replace(f"env:{name}", f"file:{volume / name}")
        Path("accounts.yaml").write_text(text, encoding="utf-8")
        shutil.copy(PROJECTS["kubernetes"] / "gatepolicy.yaml", tmp_path)
        assert gatepolicy.scan("gatepolicy.yaml").passed
