"""AWS by moto's server; Google and Azure by their own libraries against servers of these tests.

Neither Google nor Azure has an emulator: what their services answer is played here as they document
it. What is real is what their libraries send, and how they understand the answers.
"""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.accounts.account import StoreKind
from gatepolicy.collect.clouds import KeyVault, SecretManager
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.collect.stores import Store, StoreError, open_store
from tests.collect.references import error_of, value_of
from tests.servers import certificate, moto

PLANTED = "Planted0Secret9Of8Nobody7"
AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": f"access-{PLANTED}",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": "none",
    "AWS_SHARED_CREDENTIALS_FILE": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def sources(tmp_path: Path) -> SecretSources:
    return SecretSources.real(str(tmp_path / "accounts.yaml"))


@pytest.fixture(scope="module")
def aws_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("boto3", reason="boto3 is not installed")
    with moto(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module boto3, and an environment that names nobody."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    return boto3


@pytest.fixture
def played(aws: Any, aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """boto3, which finds moto's server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_url)
    return aws


def test_a_secret_of_aws(played: Any, sources: SecretSources) -> None:
    manager = played.client("secretsmanager")
    text = json.dumps({"key": "key-of-nobody", "secret": PLANTED})
    arn = manager.create_secret(Name="trading/okx", SecretString=text)["ARN"]
    manager.create_secret(Name="trading/plain", SecretString=PLANTED)
    manager.create_secret(Name="trading/binary", SecretBinary=PLANTED.encode())
    manager.create_secret(Name="trading/odd", SecretBinary=b"\xff\xfe")
    assert value_of("aws-sm:trading/okx#secret", sources) == PLANTED
    assert value_of(f"aws-sm:{arn}#key", sources) == "key-of-nobody"
    assert value_of("aws-sm:trading/plain", sources) == PLANTED
    assert value_of("aws-sm:trading/binary", sources) == PLANTED
    title = "secret: trading/{} in AWS Secrets Manager cannot be read:"
    assert error_of("aws-sm:trading/okx#none", sources) == (
        f"{title.format('okx')} it holds no such value"
    )
    assert error_of("aws-sm:trading/odd", sources) == f"{title.format('odd')} it is not text"
    assert error_of("aws-sm:trading/none", sources) == (
        f"{title.format('none')} it does not exist in this account and region; check AWS_REGION"
    )


def test_a_parameter_of_aws(played: Any, sources: SecretSources) -> None:
    ssm = played.client("ssm")
    for text in ("old", PLANTED):
        ssm.put_parameter(
            Name="/trading/okx/secret", Value=text, Type="SecureString", Overwrite=True
        )
    ssm.put_parameter(Name="/trading/okx/json", Value=f'{{"a": "{PLANTED}"}}', Type="String")
    assert value_of("aws-ssm:/trading/okx/secret", sources) == PLANTED
    assert value_of("aws-ssm:/trading/okx/secret:1", sources) == "old"
    assert value_of("aws-ssm:/trading/okx/json#a", sources) == PLANTED
    assert error_of("aws-ssm:/trading/okx/none", sources) == (
        "secret: /trading/okx/none in the AWS parameter store cannot be read: it does"
        " not exist in this account and region; check AWS_REGION"
    )


def test_a_proxy_does_not_get_what_goes_to_this_machine(
    played: Any, sources: SecretSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    played.client("secretsmanager").create_secret(Name="behind/proxy", SecretString=PLANTED)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert value_of("aws-sm:behind/proxy", sources) == PLANTED


@dataclass
class Script:
    """What a server of a test answers, and what it was asked."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    challenge: str = ""


@contextmanager
def scripted(script: Script, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """The URL of a server on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = {name.lower(): value for name, value in self.headers.items()}
            length = int(sent.get("content-length", 0))
            script.heard.append((self.path, self.rfile.read(length).decode(), sent))
            if script.challenge and "authorization" not in sent:
                self.answer(401, {"WWW-Authenticate": script.challenge}, b"{}")
            else:
                self.answer(script.status, script.headers, json.dumps(script.body).encode())

        def do_POST(self) -> None:
            self.do_GET()

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


DENIED = "AWS denied access; check the policy of this identity, and of the KMS key"
IDENTITY = "AWS does not accept this identity; check its keys, or log in again"


@pytest.mark.parametrize(
    ("status", "code", "asked", "told"),
    [
        (400, "AccessDeniedException", 1, DENIED),
        (400, "UnrecognizedClientException", 1, IDENTITY),
        (400, "ExpiredTokenException", 1, IDENTITY),
        (400, "ThrottlingException", 3, "AWS is not available (ThrottlingException)"),
        (500, "InternalServiceError", 3, "AWS is not available (InternalServiceError)"),
        (503, PLANTED, 3, "AWS is not available (status 503)"),
        (400, "DecryptionFailure", 1, "AWS refused (DecryptionFailure)"),
        (307, "TemporaryRedirect", 1, "AWS refused (TemporaryRedirect)"),
        (200, "", 1, "it is not text"),
    ],
)
def test_what_aws_refuses(
    aws: Any,
    sources: SecretSources,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    asked: int,
    told: str,
) -> None:
    body = {"__type": code, "message": PLANTED} if code else {"Name": PLANTED}
    headers = {"Location": "http://127.0.0.1:1/"} if status == 307 else {}
    script = Script(status, body, headers)
    with scripted(script) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        found = error_of("aws-sm:trading/okx", sources)
    assert found == f"secret: trading/okx in AWS Secrets Manager cannot be read: {told}"
    assert len(script.heard) == asked


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "AWS_REGION is not set"),
        (
            {"AWS_ENDPOINT_URL": "http://aws.example.com"},
            "AWS_ENDPOINT_URL is not an https URL; http is for this machine only",
        ),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "AWS cannot be reached (EndpointConnectionError)",
        ),
        (
            {
                "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
                "AWS_ACCESS_KEY_ID": "",
                "AWS_SECRET_ACCESS_KEY": "",
            },
            "AWS needs an identity: set AWS_PROFILE, or give this machine a role",
        ),
        (
            {"AWS_PROFILE": PLANTED},
            "AWS cannot be asked (ProfileNotFound); check the AWS configuration",
        ),
    ],
)
def test_an_aws_that_is_not_configured(
    aws: Any,
    sources: SecretSources,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    told: str,
) -> None:
    for name, value in environ.items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)
    found = error_of("aws-sm:trading/okx", sources)
    assert found == f"secret: trading/okx in AWS Secrets Manager cannot be read: {told}"


def test_a_certificate_that_aws_cannot_have(
    aws: Any, sources: SecretSources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = Script()
    with scripted(script, certificate(tmp_path)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        told = error_of("aws-sm:trading/okx", sources)
    assert told.endswith(
        "the certificate of AWS was rejected; set AWS_CA_BUNDLE to the file of its CA"
    )
    assert script.heard == []


# --- Google


SERVICE = "google.cloud.secretmanager_v1.services.secret_manager_service"


def on_google(url: str, project: str = "trading") -> Callable[..., Store]:
    """Opens Google's own client, by its own transport, on a server of this machine."""
    library = pytest.importorskip(
        "google.cloud.secretmanager", reason="google-cloud-secret-manager is not installed"
    )
    transport = import_module(f"{SERVICE}.transports.rest").SecretManagerServiceRestTransport(
        host=url.removeprefix("http://"),
        credentials=import_module("google.auth.credentials").AnonymousCredentials(),
        url_scheme="http",
    )
    client = library.SecretManagerServiceClient(transport=transport)
    api, auth = import_module("google.api_core.exceptions"), import_module("google.auth.exceptions")
    return lambda *_: SecretManager((api, auth), client, project)


def payload(text: str) -> dict[str, Any]:
    return {"name": "x", "payload": {"data": base64.b64encode(text.encode()).decode()}}


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("gcp-sm:okx", "/v1/projects/trading/secrets/okx/versions/latest:access"),
        ("gcp-sm:okx/versions/3", "/v1/projects/trading/secrets/okx/versions/3:access"),
        (
            "gcp-sm:projects/desk-1/secrets/okx",
            "/v1/projects/desk-1/secrets/okx/versions/latest:access",
        ),
        (
            "gcp-sm:projects/desk-1/secrets/okx/versions/3",
            "/v1/projects/desk-1/secrets/okx/versions/3:access",
        ),
    ],
)
def test_a_secret_of_google(sources: SecretSources, reference: str, path: str) -> None:
    script = Script(body=payload(PLANTED))
    with scripted(script) as url:
        google = replace(sources, open_store=on_google(url))
        assert value_of(reference, google) == PLANTED
        assert [heard[0].partition("?")[0] for heard in script.heard] == [path]
        script.body = payload(f'{{"secret": "{PLANTED}"}}')
        assert value_of(f"{reference}#secret", google) == PLANTED


GOOGLE = "secret: okx in Google Secret Manager cannot be read:"


@pytest.mark.parametrize(
    ("status", "asked", "told"),
    [
        (404, 1, "it does not exist, or has no such version"),
        (
            403,
            1,
            "Google denied access; grant roles/secretmanager.secretAccessor on this secret",
        ),
        (
            401,
            1,
            "Google needs an identity: set GOOGLE_APPLICATION_CREDENTIALS, or log in again",
        ),
        (429, 3, "Google is not available (TooManyRequests)"),
        (503, 3, "Google is not available (ServiceUnavailable)"),
        (400, 1, "Google refused (BadRequest)"),
    ],
)
def test_what_google_refuses(sources: SecretSources, status: int, asked: int, told: str) -> None:
    script = Script(status, {"error": {"code": status, "message": PLANTED}})
    with scripted(script) as url:
        google = replace(sources, open_store=on_google(url))
        assert error_of("gcp-sm:okx", google) == f"{GOOGLE} {told}"
    assert len(script.heard) == asked


def test_a_google_that_is_not_configured(
    sources: SecretSources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    google = replace(sources, open_store=on_google("http://127.0.0.1:1"))
    assert error_of("gcp-sm:okx", google).startswith(f"{GOOGLE} Google cannot be reached (")
    google = replace(sources, open_store=on_google("http://127.0.0.1:1", project=""))
    assert error_of("gcp-sm:okx", google) == f"{GOOGLE} GOOGLE_CLOUD_PROJECT is not set"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    assert error_of("gcp-sm:okx", sources) == (
        f"{GOOGLE} Google needs an identity: set GOOGLE_APPLICATION_CREDENTIALS, or log in again"
    )


# --- Azure


class Token:
    """An identity that Azure's library is given: what signs in is not tried here."""

    def get_token(self, *_: str, **__: Any) -> Any:
        access = import_module("azure.core.credentials").AccessToken
        return access(f"token-{PLANTED}", 4102444800)


def on_azure(url: str, authority: Path) -> Callable[..., Store]:
    """Opens Azure's own client on a server of this machine, over real TLS."""
    library = pytest.importorskip(
        "azure.keyvault.secrets", reason="azure-keyvault-secrets is not installed"
    )
    client = library.SecretClient(
        url,
        Token(),
        permit_redirects=False,
        retry_total=0,
        connection_verify=str(authority),
        verify_challenge_resource=False,
    )
    return lambda *_: KeyVault(import_module("azure.core.exceptions"), client)


CHALLENGE = (
    'Bearer authorization="https://login.example.com/tenant", resource="https://vault.azure.net"'
)
AZURE = "secret: okx-secret in Azure Key Vault cannot be read:"
VERSION = "0123456789abcdef0123456789abcdef"


def test_a_secret_of_azure(sources: SecretSources, tmp_path: Path) -> None:
    script = Script(challenge=CHALLENGE)
    tls = certificate(tmp_path)
    with scripted(script, tls) as url:
        script.body = {"value": PLANTED, "id": f"{url}/secrets/okx-secret/{VERSION}"}
        azure = replace(sources, open_store=on_azure(url, tls[0]))
        assert value_of("azure-kv:okx-secret", azure) == PLANTED
        assert value_of(f"azure-kv:okx-secret/{VERSION}", azure) == PLANTED
        script.body = {**script.body, "value": f'{{"a": "{PLANTED}"}}'}
        assert value_of("azure-kv:okx-secret#a", azure) == PLANTED
    paths = [path.partition("?")[0] for path, _, sent in script.heard if "authorization" in sent]
    assert [path.rstrip("/") for path in paths] == [
        "/secrets/okx-secret",
        f"/secrets/okx-secret/{VERSION}",
        "/secrets/okx-secret",
    ]


@pytest.mark.parametrize(
    ("status", "asked", "told"),
    [
        (404, 1, "it does not exist in this vault; check AZURE_KEYVAULT_URL"),
        (401, 1, "Azure needs an identity: log in, or set AZURE_CLIENT_ID and its like"),
        (403, 1, "Azure denied access (403); grant 'Key Vault Secrets User' on this vault"),
        (429, 3, "Azure is not available (429)"),
        (503, 3, "Azure is not available (503)"),
        (400, 1, "Azure refused (400)"),
        (307, 1, "Azure refused (307)"),
    ],
)
def test_what_azure_refuses(
    sources: SecretSources, tmp_path: Path, status: int, asked: int, told: str
) -> None:
    headers = {"Location": "https://127.0.0.1:1/"} if status == 307 else {}
    script = Script(status, {"error": {"code": "x", "message": PLANTED}}, headers, [], CHALLENGE)
    tls = certificate(tmp_path)
    with scripted(script, tls) as url:
        azure = replace(sources, open_store=on_azure(url, tls[0]))
        assert error_of("azure-kv:okx-secret", azure) == f"{AZURE} {told}"
    signed = [sent for _, _, sent in script.heard if "authorization" in sent]
    assert len(signed) == asked


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "AZURE_KEYVAULT_URL is not set"),
        (
            "http://vault.example.com",
            "AZURE_KEYVAULT_URL is not an https URL; http is for this machine only",
        ),
    ],
)
def test_an_azure_that_is_not_configured(sources: SecretSources, url: str, told: str) -> None:
    for module in ("azure.keyvault.secrets", "azure.identity"):
        pytest.importorskip(module, reason="the libraries of Azure are not installed")
    azure = replace(sources, environ={"AZURE_KEYVAULT_URL": url})
    assert error_of("azure-kv:okx-secret", azure) == f"{AZURE} {told}"


def test_azure_without_an_identity(
    sources: SecretSources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's own chain of identities, of which this machine has none."""
    for module in ("azure.keyvault.secrets", "azure.identity"):
        pytest.importorskip(module, reason="the libraries of Azure are not installed")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    tls = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[0]))
    with scripted(Script(challenge=CHALLENGE), tls) as url:
        azure = replace(sources, environ={"AZURE_KEYVAULT_URL": url})
        told = error_of("azure-kv:okx-secret", azure)
    # The challenge names another host than the vault, so the library asks for no token at all.
    assert told == f"{AZURE} AZURE_KEYVAULT_URL is not the URL of a key vault"
    nobody = error_of(
        "azure-kv:okx-secret",
        replace(sources, environ={"AZURE_KEYVAULT_URL": "https://127.0.0.1:1"}),
    )
    assert (
        nobody == f"{AZURE} Azure cannot be reached (ServiceRequestError); check AZURE_KEYVAULT_URL"
    )


@pytest.mark.parametrize("kind", list(StoreKind))
def test_a_store_without_configuration_is_an_error_and_no_other(
    kind: StoreKind, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is installed here, or is not."""
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(StoreError):
        open_store(kind, {})
