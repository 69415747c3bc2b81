"""The release workflow: what builds has no rights, and what has rights runs nothing of ours."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
WORKFLOW: Any = yaml.safe_load(TEXT)
JOBS: Any = WORKFLOW["jobs"]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPE = CONTRIBUTING.partition("## Recipe: a release\n")[2].partition("\n## ")[0]


def uses(job: str) -> list[str]:
    return [step["uses"].split("@")[0] for step in JOBS[job]["steps"] if "uses" in step]


def test_every_action_is_pinned_to_a_commit() -> None:
    found = re.findall(r"uses: (.*)", TEXT)
    assert len(found) == 8
    for action in found:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_only_what_runs_no_code_of_the_repository_may_publish() -> None:
    assert WORKFLOW["permissions"] == {}
    assert JOBS["build"]["permissions"] == {"contents": "read"}
    assert "environment" not in JOBS["build"]
    assert JOBS["publish"]["permissions"] == {"attestations": "write", "id-token": "write"}
    assert JOBS["publish"]["environment"] == "release"
    for job in ("publish", "announce"):
        assert not {"actions/checkout", "actions/setup-python"} & set(uses(job))
        for step in JOBS[job]["steps"]:
            assert not re.search(r"\b(make|python3?|pip|gatepolicy)\b", step.get("run", ""))


def test_no_token_is_stored() -> None:
    assert "secrets." not in TEXT
    assert "password" not in TEXT


def test_wheel_provenance_and_bill_of_materials_are_attested_before_they_are_published() -> None:
    steps = [step for step in JOBS["publish"]["steps"] if "uses" in step]
    names = [step["uses"].split("@")[0] for step in steps]
    assert names[1:] == ["actions/attest", "actions/attest", "pypa/gh-action-pypi-publish"]
    assert "sbom-path" in steps[2]["with"]
    assert steps[3]["with"]["attestations"] is True


def test_the_recipe_tells_what_the_workflow_needs() -> None:
    for word in ("`release`", "`release.yml`", "trusted publisher", "attestations", "SBOM", "`v*`"):
        assert word in RECIPE
    assert list(WORKFLOW[True]["push"]["tags"]) == ["v*"]
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)`", RECIPE):
        assert f"\n{target}: " in targets
