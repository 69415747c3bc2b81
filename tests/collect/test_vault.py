"""Vault: a real OpenBao server, and servers that behave as none should."""

import base64
import hmac
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.collect.secrets import Resolved, SecretSources
from gatepolicy.collect.vault import open_vault
from tests.collect.references import HERE, error_of, resolved, value_of, with_environment
from tests.servers import ROOT_TOKEN, certificate, openbao

hvac = pytest.importorskip("hvac", reason="hvac is not installed")

PLANTED = "Planted0Secret9Of8Nobody7"
READER = """\
path "secret/data/trading/*" { capabilities = ["read"] }
path "kv1/trading/*" { capabilities = ["read"] }
"""


@dataclass(frozen=True)
class Bao:
    """A server with secrets in it."""

    url: str
    root: Any
    """A client that may do everything."""
    token: str
    """Of a policy that reads below ``trading/`` alone."""


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    with openbao(tmp_path_factory.mktemp("openbao")) as url:
        root = hvac.Client(url=url, token=ROOT_TOKEN)
        kv = root.secrets.kv
        fields = {"key": "key-of-nobody", "secret": PLANTED, "uid": 42, "deep": {"a/b": [PLANTED]}}
        kv.v2.create_or_update_secret("trading/okx", fields, mount_point="secret")
        kv.v2.create_or_update_secret("other/okx", fields, mount_point="secret")
        kv.v2.create_or_update_secret("trading/gone", fields, mount_point="secret")
        kv.v2.delete_latest_version_of_secret("trading/gone", mount_point="secret")
        root.sys.enable_secrets_engine("kv", "kv1", options={"version": "1"})
        kv.v1.create_or_update_secret("trading/okx", {"secret": PLANTED}, mount_point="kv1")
        root.sys.create_or_update_policy("reader", READER)
        token = root.auth.token.create(policies=["reader"])["auth"]["client_token"]
        yield Bao(url, root, token)


@pytest.fixture
def sources(bao: Bao, tmp_path: Path) -> SecretSources:
    real = SecretSources.real(str(tmp_path / "accounts.yaml"))
    return with_environment(real, VAULT_ADDR=bao.url, VAULT_TOKEN=bao.token)


def with_more(sources: SecretSources, **more: str) -> SecretSources:
    return replace(sources, environ={**sources.environ, **more})


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("vault:secret/trading/okx#secret", PLANTED),
        ("vault:secret/trading/okx#uid", "42"),
        ("vault:secret/trading/okx#/deep/a~1b/0", PLANTED),
        ("vault:kv1/trading/okx#secret", PLANTED),
    ],
)
def test_a_field_of_both_versions_of_the_engine(
    sources: SecretSources, reference: str, found: str
) -> None:
    assert value_of(reference, sources) == found


OKX = "secret: secret/trading/okx in Vault cannot be read:"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("vault:secret/trading/okx#secrt", f"{OKX} it holds no such value"),
        ("vault:secret/trading/okx#/deep/a~1b/1", f"{OKX} it holds no such value"),
        ("vault:secret/trading/okx#deep", f"{OKX} this value is not a string; quote it there"),
        (
            "vault:secret/trading/none#secret",
            "secret: secret/trading/none in Vault cannot be read: it does not exist, or"
            " its newest version is deleted; write the path as 'vault kv get' takes it, without"
            " data/",
        ),
        (
            "vault:secret/trading/gone#secret",
            "secret: secret/trading/gone in Vault cannot be read: it does not exist, or"
            " its newest version is deleted; write the path as 'vault kv get' takes it, without"
            " data/",
        ),
        (
            "vault:secret/other/okx#secret",
            "secret: secret/other/okx in Vault cannot be read: Vault denied access"
            " (403); check the token and its policy",
        ),
        (
            "vault:secret/Pl4nted9Secret/okx#secret",
            f"secret: the secret named at {HERE} in Vault cannot be read: Vault denied access"
            " (403); check the token and its policy",
        ),
    ],
)
def test_what_vault_does_not_give(sources: SecretSources, reference: str, told: str) -> None:
    assert error_of(reference, sources) == told


@pytest.mark.parametrize(
    "reference",
    ["vault:sys/health#version", "vault:cubbyhole/x#y", "vault:auth/token/lookup-self#id"],
)
def test_nothing_but_key_values_is_read(bao: Bao, sources: SecretSources, reference: str) -> None:
    """A read of another engine may create a credential, or give away the token itself."""
    root = with_more(sources, VAULT_TOKEN=ROOT_TOKEN)
    assert "it is not in a key-value engine (kv); no other engine is read" in error_of(
        reference, root
    )


def test_several_fields_of_a_secret_are_one_fetch(sources: SecretSources, bao: Bao) -> None:
    written = {
        "apiKey": "vault:secret/trading/okx#key",
        "secret": "vault:secret/trading/okx#secret",
        "uid": "vault:secret/trading/okx#uid",
    }
    counted = Counting(bao.url)
    with counted:
        found = resolved(written, with_more(sources, VAULT_ADDR=counted.url))
    assert isinstance(found, Resolved)
    assert {name: one.reveal() for name, one in found.secrets.items()} == {
        "apiKey": "key-of-nobody",
        "secret": PLANTED,
        "uid": "42",
    }
    assert counted.paths == [
        "/v1/sys/internal/ui/mounts/secret/trading/okx",
        "/v1/secret/data/trading/okx",
    ]


def test_where_an_engine_is_mounted_is_asked_once(sources: SecretSources, bao: Bao) -> None:
    counted = Counting(bao.url)
    vault = open_vault({**sources.environ, "VAULT_ADDR": counted.url})
    with counted:
        assert vault.read("secret/trading/okx").value("secret") == PLANTED
        assert vault.read("secret/trading/okx").value("key") == "key-of-nobody"
    assert [path for path in counted.paths if "/sys/" in path] == [
        "/v1/sys/internal/ui/mounts/secret/trading/okx"
    ]


class Counting:
    """Passes requests on to a server, and remembers their paths."""

    def __init__(self, behind: str) -> None:
        self.paths: list[str] = []
        paths = self.paths

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                import requests

                paths.append(self.path)
                answer = requests.get(behind + self.path, headers=dict(self.headers), timeout=10)
                self.send_response(answer.status_code)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_an_approle_logs_in(bao: Bao, sources: SecretSources) -> None:
    bao.root.sys.enable_auth_method("approle", path="robots")
    approle = bao.root.auth.approle
    approle.create_or_update_approle("scan", token_policies=["reader"], mount_point="robots")
    role = approle.read_role_id("scan", mount_point="robots")["data"]["role_id"]
    secret = approle.generate_secret_id("scan", mount_point="robots")["data"]["secret_id"]
    by_role = with_environment(
        sources,
        VAULT_ADDR=bao.url,
        VAULT_ROLE_ID=role,
        VAULT_SECRET_ID=secret,
        VAULT_AUTH_MOUNT="robots",
    )
    assert value_of("vault:secret/trading/okx#secret", by_role) == PLANTED
    assert "denied access" in error_of("vault:secret/other/okx#secret", by_role)
    wrong = error_of("vault:secret/trading/okx#secret", with_more(by_role, VAULT_SECRET_ID=PLANTED))
    assert wrong.endswith(
        "Vault refused the request (400); check the path, or the role's credentials"
    )
    assert PLANTED not in wrong
    missing = with_environment(sources, VAULT_ADDR=bao.url, VAULT_AUTH_METHOD="approle")
    assert error_of("vault:secret/a#b", missing).endswith("VAULT_ROLE_ID is not set")


class Cluster(BaseHTTPRequestHandler):
    """The part of a Kubernetes API that tells whose token one is."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_known = asked["spec"]["token"].startswith("eyJ")
        user = {"username": "system:serviceaccount:scans:gatepolicy", "uid": "1", "groups": []}
        asked["status"] = {"authenticated": is_known, "user": user}
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(asked).encode())

    def log_message(self, *_: object) -> None: ...


def service_account_token() -> str:
    """In the form that Kubernetes gives them; OpenBao leaves the signature to the cluster."""
    claims = {
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:scans:gatepolicy",
        "kubernetes.io/serviceaccount/namespace": "scans",
        "kubernetes.io/serviceaccount/service-account.name": "gatepolicy",
        "kubernetes.io/serviceaccount/service-account.uid": "1",
    }
    parts = [json.dumps({"alg": "RS256", "typ": "JWT"}).encode(), json.dumps(claims).encode()]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    seal = hmac.new(b"a key that nobody checks", signed, "sha256").digest()
    return (signed + b"." + base64.urlsafe_b64encode(seal).rstrip(b"=")).decode()


def test_a_service_account_of_kubernetes_logs_in(
    bao: Bao, sources: SecretSources, tmp_path: Path
) -> None:
    """The cluster is played: what is real is the request, and what OpenBao makes of it."""
    token = tmp_path / "token"
    token.write_text(service_account_token())
    cluster = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=cluster.serve_forever, daemon=True).start()
    bao.root.sys.enable_auth_method("kubernetes")
    config = {
        "kubernetes_host": f"http://127.0.0.1:{cluster.server_address[1]}",
        "token_reviewer_jwt": token.read_text(),
        "disable_local_ca_jwt": True,
        "kubernetes_ca_cert": certificate(tmp_path)[0].read_text(),
    }
    bao.root.adapter.post("/v1/auth/kubernetes/config", json=config)
    bao.root.auth.kubernetes.create_role(
        "scan",
        bound_service_account_names=["gatepolicy"],
        bound_service_account_namespaces=["scans"],
        policies=["reader"],
    )
    by_role = with_environment(
        sources, VAULT_ADDR=bao.url, VAULT_ROLE="scan", VAULT_KUBERNETES_TOKEN_FILE=str(token)
    )
    try:
        assert value_of("vault:secret/trading/okx#secret", by_role) == PLANTED
    finally:
        cluster.shutdown()
        cluster.server_close()
    none = with_more(by_role, VAULT_KUBERNETES_TOKEN_FILE=str(tmp_path / "none"))
    assert error_of("vault:secret/trading/okx#secret", none).endswith(
        "the token of the Kubernetes service account is missing"
    )


def test_a_namespace(bao: Bao, sources: SecretSources) -> None:
    bao.root.adapter.post("/v1/sys/namespaces/desk")
    inside = hvac.Client(url=bao.url, token=ROOT_TOKEN, namespace="desk")
    inside.sys.enable_secrets_engine("kv", "secret", options={"version": "2"})
    inside.secrets.kv.v2.create_or_update_secret("okx", {"secret": PLANTED}, mount_point="secret")
    root = with_more(sources, VAULT_TOKEN=ROOT_TOKEN)
    assert "does not exist" in error_of("vault:secret/okx#secret", root)
    assert value_of("vault:secret/okx#secret", with_more(root, VAULT_NAMESPACE="desk")) == PLANTED
    assert value_of("vault:secret/okx#secret", with_more(root, BAO_NAMESPACE="desk")) == PLANTED


def test_the_variables_of_openbao_win(bao: Bao, sources: SecretSources) -> None:
    both = with_more(sources, BAO_TOKEN=bao.token, VAULT_TOKEN="another", BAO_ADDR=bao.url + "/")
    assert value_of("vault:secret/trading/okx#secret", both) == PLANTED


def test_the_token_that_vault_login_left(
    bao: Bao, sources: SecretSources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    without = with_environment(sources, VAULT_ADDR=bao.url)
    assert error_of("vault:secret/trading/okx#secret", without).endswith(
        "Vault needs a token; set VAULT_TOKEN, or log in by VAULT_AUTH_METHOD"
    )
    (tmp_path / ".vault-token").write_text(bao.token + "\n")
    assert value_of("vault:secret/trading/okx#secret", without) == PLANTED


def test_a_token_that_nobody_gave(sources: SecretSources) -> None:
    told = error_of("vault:secret/trading/okx#secret", with_more(sources, VAULT_TOKEN=PLANTED))
    assert told == f"{OKX} Vault denied access (403); check the token and its policy"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, "VAULT_ADDR is not set"),
        (
            {"VAULT_ADDR": "http://vault.example.com:8200"},
            "VAULT_ADDR is not an https URL; http is for this machine only",
        ),
        (
            {"VAULT_ADDR": "vault.example.com"},
            "VAULT_ADDR is not an https URL; http is for this machine only",
        ),
        (
            {"VAULT_ADDR": "https://[vault"},
            "VAULT_ADDR is not an https URL; http is for this machine only",
        ),
        (
            {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_SKIP_VERIFY": "1"},
            "VAULT_SKIP_VERIFY is set; unset it, and set VAULT_CACERT",
        ),
        (
            {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_AUTH_METHOD": "ldap"},
            "VAULT_AUTH_METHOD is unknown; one of token, approle, kubernetes, agent",
        ),
        (
            {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_TOKEN": "a\nb"},
            "Vault cannot be asked (InvalidHeader); check VAULT_ADDR and the token",
        ),
        (
            {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_TOKEN": "x", "VAULT_CACERT": "none.pem"},
            "a file of VAULT_CACERT, VAULT_CAPATH or VAULT_CLIENT_CERT cannot be read",
        ),
        (
            {"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "x"},
            "Vault cannot be reached (ConnectionError); check VAULT_ADDR",
        ),
    ],
)
def test_a_vault_that_is_not_configured(
    tmp_path: Path, environ: Mapping[str, str], told: str
) -> None:
    real = SecretSources.real(str(tmp_path / "accounts.yaml"))
    assert error_of("vault:secret/trading/okx#secret", replace(real, environ=environ)) == (
        f"{OKX} {told}"
    )


class Odd(BaseHTTPRequestHandler):
    """Answers as the test says, and remembers what it was sent."""

    status: int
    location = ""
    body = b""
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("X-Vault-Token", ""))
        self.send_response(self.status)
        if self.location:
            self.send_header("Location", self.location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None: ...


def test_a_server_that_cannot_show_a_certificate_gets_no_token(tmp_path: Path) -> None:
    handler: type[Odd] = type("Handler", (Odd,), {"heard": [], "status": 403, "body": b"{}"})
    public, private = certificate(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sources = with_environment(
        SecretSources.real(str(tmp_path / "accounts.yaml")),
        VAULT_ADDR=f"https://127.0.0.1:{server.server_address[1]}",
        VAULT_TOKEN=ROOT_TOKEN,
    )
    of_proxy = with_more(sources, VAULT_PROXY_ADDR="http://127.0.0.1:1")
    trusting = with_more(
        sources,
        VAULT_CACERT=str(public),
        VAULT_CLIENT_CERT=str(public),
        VAULT_CLIENT_KEY=str(private),
    )
    try:
        told = error_of("vault:secret/trading/okx#secret", sources)
        proxied = error_of("vault:secret/trading/okx#secret", of_proxy)
        assert handler.heard == []
        trusted = error_of("vault:secret/trading/okx#secret", trusting)
    finally:
        server.shutdown()
        server.server_close()
    assert told == (
        f"{OKX} the certificate of Vault was rejected; set VAULT_CACERT to the file of its CA"
    )
    assert proxied == f"{OKX} Vault cannot be reached (ProxyError); check VAULT_ADDR"
    assert trusted == f"{OKX} Vault denied access (403); check the token and its policy"
    assert handler.heard == [ROOT_TOKEN]


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[tuple[type[Odd], SecretSources]]:
    handler: type[Odd] = type("Handler", (Odd,), {"heard": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    real = SecretSources.real(str(tmp_path / "accounts.yaml"))
    url = f"http://127.0.0.1:{server.server_address[1]}"
    yield handler, with_environment(real, VAULT_ADDR=url, VAULT_TOKEN=ROOT_TOKEN)
    server.shutdown()
    server.server_close()


def test_a_redirect_gets_no_token(odd: tuple[type[Odd], SecretSources], tmp_path: Path) -> None:
    handler, sources = odd
    elsewhere: type[Odd] = type("Elsewhere", (Odd,), {"heard": [], "status": 200, "body": b"{}"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handler.status = 307
    handler.location = f"http://127.0.0.1:{server.server_address[1]}/v1/secret/data/trading/okx"
    told = error_of("vault:secret/trading/okx#secret", sources)
    server.shutdown()
    server.server_close()
    assert told == (
        f"{OKX} Vault gave an unexpected answer; VAULT_ADDR must name the active node itself"
    )
    assert handler.heard == [ROOT_TOKEN]
    assert elsewhere.heard == []


def test_an_agent_adds_the_token(odd: tuple[type[Odd], SecretSources]) -> None:
    handler, sources = odd
    handler.status, handler.body = 403, b"{}"
    by_agent = with_more(sources, VAULT_AUTH_METHOD="agent", VAULT_TOKEN="")
    assert "denied access" in error_of("vault:secret/trading/okx#secret", by_agent)
    assert handler.heard == [""]


@pytest.mark.parametrize(
    ("status", "asked", "told"),
    [
        (503, 3, "Vault is sealed or not available (503)"),
        (500, 3, "Vault is not available (500)"),
        (502, 3, "Vault is not available (502)"),
        (429, 3, "Vault is rate limiting (429)"),
        (403, 1, "Vault denied access (403); check the token and its policy"),
        (401, 1, "Vault denied access (401); check the token and its policy"),
        (418, 1, "Vault refused (UnexpectedError)"),
        (
            200,
            1,
            "Vault gave an unexpected answer; VAULT_ADDR must name the active node itself",
        ),
    ],
)
def test_only_transient_errors_are_asked_again(
    odd: tuple[type[Odd], SecretSources], status: int, asked: int, told: str
) -> None:
    handler, sources = odd
    handler.status, handler.body = status, json.dumps({"errors": [PLANTED]}).encode()
    found = error_of("vault:secret/trading/okx#secret", sources)
    assert found == f"{OKX} {told}"
    assert len(handler.heard) == asked


def test_a_proxy_of_the_environment_does_not_get_what_goes_to_this_machine(
    bao: Bao, sources: SecretSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert value_of("vault:secret/trading/okx#secret", sources) == PLANTED
