"""References: what each form means, and how messages name one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.accounts.account import (
    AgeReference,
    CredentialReference,
    EnvReference,
    ExecReference,
    FileReference,
    KeyringReference,
    StoreKind,
    StoreReference,
    SystemdReference,
    is_quotable_path,
    shown,
)
from gatepolicy.accounts.inventory import mistake_in, reference_of


@pytest.mark.parametrize(
    ("written", "meant", "told"),
    [
        ("env:OKX_KEY", EnvReference("OKX_KEY"), "env:OKX_KEY"),
        ("env:okx_key", EnvReference("okx_key"), "env:..."),
        ("file:a/b.pem", FileReference("a/b.pem"), "file:..."),
        ("file:a#b", FileReference("a#b"), "file:..."),
        ("file:c.json#/a/b~1c", FileReference("c.json", "/a/b~1c"), "file:..."),
        ("file:c.json#/", FileReference("c.json", "/"), "file:..."),
        ("keyring:a/b/c", KeyringReference("a/b", "c"), "keyring:..."),
        (
            "vault:secret/trading/okx#secret",
            StoreReference(StoreKind.VAULT, "secret/trading/okx", "secret"),
            "vault:secret/trading/okx#secret",
        ),
        (
            "vault:kv/Trading-1/OKX#/deep/apiKey",
            StoreReference(StoreKind.VAULT, "kv/Trading-1/OKX", "/deep/apiKey"),
            "vault:kv/Trading-1/OKX#/deep/apiKey",
        ),
        (
            "aws-sm:arn:aws:secretsmanager:eu-west-1:123456789012:secret:okx-aBc1De",
            StoreReference(
                StoreKind.AWS_SECRETS_MANAGER,
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:okx-aBc1De",
            ),
            "aws-sm:...",
        ),
        (
            "aws-sm:trading/okx#k3yOf9Nobody7Planted",
            StoreReference(StoreKind.AWS_SECRETS_MANAGER, "trading/okx", "k3yOf9Nobody7Planted"),
            "aws-sm:trading/okx#...",
        ),
        (
            "aws-ssm:/trading/okx/secret:3",
            StoreReference(StoreKind.AWS_PARAMETER_STORE, "/trading/okx/secret:3"),
            "aws-ssm:/trading/okx/secret:3",
        ),
        (
            "gcp-sm:projects/trading/secrets/okx/versions/2#key",
            StoreReference(
                StoreKind.GCP_SECRET_MANAGER, "projects/trading/secrets/okx/versions/2", "key"
            ),
            "gcp-sm:projects/trading/secrets/okx/versions/2#key",
        ),
        (
            "azure-kv:okx-secret",
            StoreReference(StoreKind.AZURE_KEY_VAULT, "okx-secret"),
            "azure-kv:okx-secret",
        ),
        (
            "azure-kv:okx/0123456789abcdef0123456789abcdef",
            StoreReference(StoreKind.AZURE_KEY_VAULT, "okx/0123456789abcdef0123456789abcdef"),
            "azure-kv:...",
        ),
        ("systemd:okx-secret", SystemdReference("okx-secret"), "systemd:okx-secret"),
        ("age:desk.yaml.age#okx", AgeReference("desk.yaml.age", "okx"), "age:..."),
        ("age:/run/okx.age", AgeReference("/run/okx.age"), "age:..."),
    ],
)
def test_a_reference(written: str, meant: CredentialReference, told: str) -> None:
    assert mistake_in(written) is None
    assert reference_of(written) == meant
    assert shown(meant) == told


def test_a_command() -> None:
    command = reference_of({"exec": ["pass", "show", "okx"]})
    assert command == ExecReference(("pass", "show", "okx"))
    assert shown(command) == "exec:..."


@pytest.mark.parametrize(
    "path",
    [
        "secret/trading/okx",
        "kv-2/Desk_1/okx.main",
        "OKX_API_KEY",
        "trading/okx/apiKey",
        "secretAccessKey",
        "/trading/okx:latest",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/okx",
    ],
)
def test_words_are_quotable(path: str) -> None:
    assert is_quotable_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "Planted0Secret9Of8Nobody7",
        "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B",
        "0123456789abcdef0123456789abcdef",
        "a1b2c3d4-e5f6-4711-8a8b-9c9d0e0f1a2b",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "s.F4Mh7NKF5YsPzT1Y7jsgOcXJ",
        "secret/hunter 2",
        "x" * 201,
    ],
)
def test_what_looks_like_a_secret_is_not(path: str) -> None:
    assert not is_quotable_path(path)


@given(st.binary(min_size=16, max_size=48))
def test_hexadecimal_is_never_quoted(secret: bytes) -> None:
    text = secret.hex()
    digits = sum(c.isdigit() for c in text)
    if 4 < digits < len(text) - 4:
        assert not is_quotable_path(text)


@given(st.text(max_size=60))
def test_no_mistake_quotes_what_was_written(written: str) -> None:
    planted = f"vault:{written}Planted9{written}"
    mistake = mistake_in(planted)
    assert mistake is None or "Planted9" not in mistake.what + mistake.fix
