"""One package from npm, pinned by its content, without its scripts and its dependencies."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

SECONDS = 300


class Package(NamedTuple):
    """What is installed."""

    name: str
    """Its name on npm."""
    version: str
    """The exact version."""
    integrity: str
    """``sha512-`` and the hash of its content in Base64."""


class GateError(Exception):
    """The gate itself does not work."""


class NotInstallableError(Exception):
    """This machine cannot have the package."""


def run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """A command that ends in time."""
    return subprocess.run(  # noqa: S603 - commands of the gates only
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def install(package: Package, folder: Path) -> Path:
    """Install a package into ``node_modules`` of a folder, and return its own folder.

    Raises:
        GateError: It is not what it was when it was pinned.
        NotInstallableError: There is no npm, or npm cannot install it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstallableError("there is no npm on this machine")
    wanted = {"dependencies": {package.name: package.version}}
    locked = {"version": package.version, "integrity": package.integrity}
    lock = {
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": wanted, f"node_modules/{package.name}": locked},
    }
    (folder / "package.json").write_text(json.dumps(wanted), encoding="utf-8")
    (folder / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    what = f"{package.name} {package.version}"
    try:
        ended = run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    except subprocess.TimeoutExpired:
        raise NotInstallableError(f"npm did not end within {SECONDS} seconds") from None
    if "EINTEGRITY" in ended.stderr:
        raise GateError(f"{what} is not what it was when it was pinned")
    installed = folder / "node_modules" / package.name
    if ended.returncode != 0 or not installed.is_dir():
        raise NotInstallableError(f"npm cannot install {what}")
    return installed
