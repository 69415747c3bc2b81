"""No text of the project tells of a machine, a person or a registry, and none holds a secret.

Files that are not committed yet are read as well: what is seen here never gets into the history.
"""

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|home|root|Users)/\w+")
REGISTRY = re.compile(
    r"\b(?:(?:test\.)?pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org)\b"
    r"|--(?:extra-)?index-url[ =]+\S",
)
EMAIL = re.compile(r"[\w.+-]+@((?:[\w-]+\.)+[a-z]{2,})\b")
INVENTED_DOMAIN = re.compile(r"(^|\.)(example(\.\w+)?|test|invalid|localhost)$")
TOKEN = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|github_pat_\w{22,}|glpat-[\w-]{20}|xox[abps]-[\w-]{10,}"
    r"|sk_live_\w{20,}|AIza[\w-]{35}|hvs\.\w{24,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{100,}-----END")
RANDOM_LOOKING = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9]{40,}(?![\w+/=-])")
PUBLISHED = {
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",  # Binance
    "30lfjDT51iOG1kYZnDoLNynOyMdIcmQyO1XYfxzYOmQfx9tjiI98Pzio4uhZ0Uk2",  # Toobit
    "lH3ELTNiFxCQTmi9pPcWWikhsjO04Yoqw3euoHUuOLC3GYBW64ZqzQsiOEHXQS76",  # HashKey
}
"""Secrets that documents of an exchange print as examples; they open nothing."""
LICENSED = {
    "tests/sarif/sarif-schema-2.1.0.json",
    "docs/javascripts/iframe-worker.js",
    "LICENSE",
}
"""Texts of others, kept as they are."""


def files() -> list[str]:
    """Every file that is or would be committed."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return sorted(name for name in listed.stdout.split("\0") if (ROOT / name).is_file())


def found(pattern: re.Pattern[str]) -> list[str]:
    """Every place where a pattern matches, as ``file:line: text``."""
    return [
        f"{name}:{number}: {match.group()}"
        for name in files()
        if name not in LICENSED
        for number, line in enumerate(text_of(name).splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def foreign_emails(text: str) -> Iterator[str]:
    for match in EMAIL.finditer(text):
        if not INVENTED_DOMAIN.search(match.group(1)):
            yield match.group()


def random_looking(text: str) -> Iterator[str]:
    """Long words of mixed letters and digits without order, as secrets of exchanges are."""
    for match in RANDOM_LOOKING.finditer(text):
        word = match.group()
        mixed = all(re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
        if mixed and entropy(word) > 4.5:
            yield word


def entropy(word: str) -> float:
    """Bits for each character."""
    shares = [count / len(word) for count in Counter(word).values()]
    return -sum(share * math.log2(share) for share in shares)


def test_no_path_of_a_machine() -> None:
    assert found(MACHINE_PATH) == []


def test_no_host_of_a_package_registry() -> None:
    assert found(REGISTRY) == []


def test_every_mail_address_is_invented() -> None:
    assert [
        f"{name}: {address}"
        for name in files()
        if name not in LICENSED
        for address in foreign_emails(text_of(name))
    ] == []


def test_no_token_and_no_private_key() -> None:
    assert found(TOKEN) == []
    assert [name for name in files() if PRIVATE_KEY.search(text_of(name))] == []


def test_nothing_looks_like_a_secret_of_an_exchange() -> None:
    assert [
        f"{name}: {word}"
        for name in files()
        if name not in LICENSED
        for word in random_looking(text_of(name))
        if word not in PUBLISHED
    ] == []


def test_no_file_of_credentials() -> None:
    suspicious = re.compile(r"(^|/)(\.env(\..*)?|\.netrc|\.pypirc|.*\.(pem|key|p12|pfx))$")
    assert [name for name in files() if suspicious.search(name)] == []


def test_what_is_looked_for_is_found() -> None:
    assert MACHINE_PATH.search("see " + "/".join(["", "home", "someone"]))
    assert not MACHINE_PATH.search("https://www.example.com/" + "work/1")
    assert REGISTRY.search("https://" + "files." + "pythonhosted" + ".org/x")
    foreign = "a@mail" + ".com"
    assert list(foreign_emails(f"a@b.example, a@example.com, {foreign}")) == [foreign]
    assert TOKEN.search("AKIA" + "ABCDEFGHIJKLMNOP")
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 4
    assert PRIVATE_KEY.search(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----")
    assert list(
        random_looking("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2z" + "vsw0MuIgwCIPy6utIco14y7Ju91duEh8A")
    )
    assert not list(random_looking("0123456789abcdef" * 4))
