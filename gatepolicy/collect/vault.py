"""HashiCorp Vault and OpenBao: secrets of the KV engine, versions 1 and 2, by hvac.

Address, namespace and identity come from the variables that the command lines of both read.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from gatepolicy.collect.local import read_file
from gatepolicy.collect.stores import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Held,
    StoreError,
    extra,
    refuse_plaintext,
)

_KUBERNETES_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_LARGEST_TOKEN = 64 * 1024
_KEY_VALUE = frozenset({"kv", "generic"})
"""Engines whose reads change nothing; a read of another one may create a credential."""

_REFUSALS = {
    "Forbidden": "Vault denied access (403); check the token and its policy",
    "Unauthorized": "Vault denied access (401); check the token and its policy",
    "InvalidPath": "it does not exist, or its newest version is deleted; write the path as 'vault"
    " kv get' takes it, without data/",
    "InvalidRequest": "Vault refused the request (400); check the path, or the role's credentials",
}
_TRANSIENT = {
    "BadGateway": "Vault is not available (502)",
    "InternalServerError": "Vault is not available (500)",
    "PreconditionFailed": "Vault is not available (412)",
    "RateLimitExceeded": "Vault is rate limiting (429)",
    "VaultDown": "Vault is sealed or not available (503)",
}


class Vault:
    """An open Vault, with a token."""

    def __init__(self, hvac: ModuleType, requests: ModuleType, client: Any) -> None:
        """Keep the client.

        Args:
            hvac: The library.
            requests: What it sends with.
            client: With its address and token.
        """
        self._hvac = hvac
        self._requests = requests
        self._client = client
        self._mounts: dict[str, int] = {}

    def read(self, name: str) -> Held:
        """The newest version of a secret.

        Args:
            name: Mount and path, as ``vault kv get`` takes them.

        Raises:
            StoreError: Vault does not give it.
        """
        with self.understood():
            mount = self._mount_of(name)
            path, kv = name.removeprefix(mount), self._client.secrets.kv
            if self._mounts[mount] == 1:
                return Held.of_fields(
                    kv.v1.read_secret(path, mount_point=mount.rstrip("/"))["data"]
                )
            answer = kv.v2.read_secret_version(
                path, mount_point=mount.rstrip("/"), raise_on_deleted_version=True
            )
            return Held.of_fields(answer["data"]["data"])

    def _mount_of(self, name: str) -> str:
        """Where the engine of a secret is mounted, with a slash at the end; asked once for each."""
        for mount in list(self._mounts):
            if name.startswith(mount):
                return mount
        url = self._hvac.utils.format_url("/v1/sys/internal/ui/mounts/{path}", path=name)
        data = self._client.adapter.get(url)["data"]
        mount = data["path"]
        if data["type"] not in _KEY_VALUE or not name.startswith(mount):
            raise StoreError("it is not in a key-value engine (kv); no other engine is read")
        self._mounts[mount] = int((data.get("options") or {}).get("version", 1))
        return str(mount)

    def log_in(self, method: str, environ: Mapping[str, str]) -> None:
        """Get a token.

        Args:
            method: How.
            environ: Environment variables.

        Raises:
            StoreError: Something is missing, or Vault refuses.
        """
        mount = setting(environ, "AUTH_MOUNT") or method
        with self.understood():
            if method == "approle":
                self._client.auth.approle.login(
                    role_id=_required(environ, "ROLE_ID"),
                    secret_id=setting(environ, "SECRET_ID") or None,
                    mount_point=mount,
                )
            else:
                file = setting(environ, "KUBERNETES_TOKEN_FILE") or _KUBERNETES_TOKEN
                role, jwt = _required(environ, "ROLE"), _token_in(Path(file))
                if not jwt:
                    raise StoreError("the token of the Kubernetes service account is missing")
                self._client.auth.kubernetes.login(role=role, jwt=jwt, mount_point=mount)

    @contextlib.contextmanager
    def understood(self) -> Iterator[None]:
        """Errors of the library as those of a store, without their texts."""
        errors = self._requests.exceptions
        try:
            yield
        except self._hvac.exceptions.VaultError as error:
            raise _of_vault(type(error).__name__) from None
        except errors.SSLError:
            what = "the certificate of Vault was rejected; set VAULT_CACERT to the file of its CA"
            raise StoreError(what) from None
        except (errors.ConnectionError, errors.Timeout) as error:
            what = f"Vault cannot be reached ({type(error).__name__}); check VAULT_ADDR"
            raise StoreError(what, transient=True, unreachable=True) from None
        except errors.RequestException as error:
            what = f"Vault cannot be asked ({type(error).__name__}); check VAULT_ADDR and the token"
            raise StoreError(what) from None
        except OSError:
            what = "a file of VAULT_CACERT, VAULT_CAPATH or VAULT_CLIENT_CERT cannot be read"
            raise StoreError(what) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            # A redirect, which is not followed, is no JSON either.
            what = "Vault gave an unexpected answer; VAULT_ADDR must name the active node itself"
            raise StoreError(what) from None


def _of_vault(kind: str) -> StoreError:
    if kind in _TRANSIENT:
        return StoreError(_TRANSIENT[kind], transient=True)
    return StoreError(_REFUSALS.get(kind, f"Vault refused ({kind})"))


def open_vault(environ: Mapping[str, str]) -> Vault:
    """The Vault that the environment names.

    Raises:
        StoreError: It is not configured, or refuses.
    """
    hvac, requests = extra("hvac", "hvac", "requests")
    url = _required(environ, "ADDR")
    refuse_plaintext(url, "VAULT_ADDR")
    if setting(environ, "SKIP_VERIFY").lower() not in ("", "0", "f", "false"):
        raise StoreError("VAULT_SKIP_VERIFY is set; unset it, and set VAULT_CACERT")
    client = hvac.Client(
        url=url.rstrip("/"),
        token="",
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        # NOTE: the token would go along, to whatever host.
        allow_redirects=False,
        session=_session(requests, url, environ),
        namespace=setting(environ, "NAMESPACE") or None,
    )
    vault = Vault(hvac, requests, client)
    method = setting(environ, "AUTH_METHOD") or _method(environ)
    if method in ("approle", "kubernetes"):
        vault.log_in(method, environ)
    elif method == "token":
        client.token = setting(environ, "TOKEN").strip() or _token_in(Path.home() / ".vault-token")
        if not client.token:
            raise StoreError("Vault needs a token; set VAULT_TOKEN, or log in by VAULT_AUTH_METHOD")
    elif method != "agent":
        raise StoreError("VAULT_AUTH_METHOD is unknown; one of token, approle, kubernetes, agent")
    return vault


def _method(environ: Mapping[str, str]) -> str:
    if setting(environ, "TOKEN"):
        return "token"
    if setting(environ, "ROLE_ID"):
        return "approle"
    return "kubernetes" if setting(environ, "ROLE") else "token"


def _session(requests: ModuleType, url: str, environ: Mapping[str, str]) -> Any:
    session = requests.Session()
    # Neither .netrc, nor a proxy for what goes to this machine.
    session.trust_env = False
    session.verify = setting(environ, "CACERT") or setting(environ, "CAPATH") or True
    certificate, key = setting(environ, "CLIENT_CERT"), setting(environ, "CLIENT_KEY")
    if certificate:
        session.cert = (certificate, key) if key else certificate
    if url.lower().startswith("https:"):
        proxy = setting(environ, "PROXY_ADDR") or setting(environ, "HTTP_PROXY")
        session.proxies = {"https": proxy} if proxy else requests.utils.get_environ_proxies(url)
    return session


def setting(environ: Mapping[str, str], name: str) -> str:
    """A variable of OpenBao, or else of Vault; empty when neither is set."""
    return environ.get(f"BAO_{name}") or environ.get(f"VAULT_{name}") or ""


def _required(environ: Mapping[str, str], name: str) -> str:
    found = setting(environ, name)
    if not found:
        raise StoreError(f"VAULT_{name} is not set")
    return found


def _token_in(file: Path) -> str:
    try:
        return read_file(file, _LARGEST_TOKEN).data.decode().strip()
    except (OSError, ValueError):
        return ""
