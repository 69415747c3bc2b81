"""Secret stores of AWS, Google Cloud and Azure, by their own libraries.

Endpoint, region and identity are what the library of each finds in its environment.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from gatepolicy.collect.stores import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Held,
    StoreError,
    extra,
    refuse_plaintext,
)

_MISSING = "it does not exist"
_CODE = re.compile(r"[A-Za-z.]{1,60}")


def _text(data: Any, name: str) -> Held:
    if isinstance(data, bytes):
        try:
            data = data.decode()
        except UnicodeDecodeError:
            data = None
    if not isinstance(data, str):
        raise StoreError("it is not text")
    return Held(data, name)


# --- AWS

_AWS_MISSING = frozenset(
    {"ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"}
)
_AWS_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
_AWS_IDENTITY = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
        "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)  # fmt: skip
_AWS_BUSY = frozenset(
    {
        "InternalServerError", "InternalServiceError", "RequestLimitExceeded",
        "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyUpdates",
    }
)  # fmt: skip


class _AwsStore:
    """What both stores of AWS need."""

    def __init__(self, botocore: ModuleType, client: Any) -> None:
        """Keep the client.

        Args:
            botocore: Its exceptions.
            client: Of boto3.
        """
        self._exceptions = botocore
        self._client = client


class SecretsManager(_AwsStore):
    """AWS Secrets Manager."""

    def read(self, name: str) -> Held:
        """The current version of a secret.

        Args:
            name: Its name or ARN.

        Raises:
            StoreError: AWS does not give it.
        """
        with _aws(self._exceptions):
            found = self._client.get_secret_value(SecretId=name)
        text = found.get("SecretString")
        return _text(found.get("SecretBinary") if text is None else text, name)


class ParameterStore(_AwsStore):
    """Parameters of AWS Systems Manager."""

    def read(self, name: str) -> Held:
        """A parameter, decrypted.

        Args:
            name: Its name or ARN; a version or a label may follow a colon.

        Raises:
            StoreError: AWS does not give it.
        """
        with _aws(self._exceptions):
            found = self._client.get_parameter(Name=name, WithDecryption=True)
        return _text(found.get("Parameter", {}).get("Value"), name)


@contextlib.contextmanager
def _aws(exceptions: ModuleType) -> Iterator[None]:
    """Errors of boto3 as those of a store, without their texts."""
    try:
        yield
    except exceptions.ClientError as error:
        raise _of_aws(error.response) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        what = "AWS needs an identity: set AWS_PROFILE, or give this machine a role"
        raise StoreError(what) from None
    except exceptions.NoRegionError:
        raise StoreError("AWS_REGION is not set") from None
    except exceptions.SSLError:
        what = "the certificate of AWS was rejected; set AWS_CA_BUNDLE to the file of its CA"
        raise StoreError(what) from None
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        what = f"AWS cannot be reached ({type(error).__name__})"
        raise StoreError(what, transient=True, unreachable=True) from None
    except exceptions.BotoCoreError as error:
        what = f"AWS cannot be asked ({type(error).__name__}); check the AWS configuration"
        raise StoreError(what) from None


def _of_aws(response: Mapping[str, Any]) -> StoreError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _AWS_MISSING:
        return StoreError(f"{_MISSING} in this account and region; check AWS_REGION")
    if code in _AWS_DENIED:
        return StoreError(
            "AWS denied access; check the policy of this identity, and of the KMS key"
        )
    if code in _AWS_IDENTITY:
        return StoreError("AWS does not accept this identity; check its keys, or log in again")
    shown = code if _CODE.fullmatch(code) else f"status {status}"
    if code in _AWS_BUSY or status == 429 or status >= 500:
        return StoreError(f"AWS is not available ({shown})", transient=True)
    return StoreError(f"AWS refused ({shown})")


def open_secrets_manager(environ: Mapping[str, str]) -> SecretsManager:
    """Secrets Manager, as boto3 finds it.

    Raises:
        StoreError: It is not configured.
    """
    del environ
    exceptions, client = _aws_client("secretsmanager")
    return SecretsManager(exceptions, client)


def open_parameter_store(environ: Mapping[str, str]) -> ParameterStore:
    """The parameter store, as boto3 finds it.

    Raises:
        StoreError: It is not configured.
    """
    del environ
    exceptions, client = _aws_client("ssm")
    return ParameterStore(exceptions, client)


def _aws_client(service: str) -> tuple[ModuleType, Any]:
    modules = ("boto3.session", "botocore.config", "botocore.exceptions")
    session, config, exceptions = extra("boto3", *modules)
    bounds = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"total_max_attempts": 1},
    }
    with _aws(exceptions):
        world = session.Session()
        client = world.client(service, config=config.Config(**bounds))
        url = client.meta.endpoint_url
        refuse_plaintext(url, "AWS_ENDPOINT_URL")
        if url.startswith("http:"):
            # NOTE: to this machine, and through no proxy, which would read it.
            client = world.client(service, config=config.Config(**bounds, proxies={}))
    return exceptions, client


# --- Google Cloud


class SecretManager:
    """Google Cloud Secret Manager."""

    def __init__(self, errors: tuple[ModuleType, ModuleType], client: Any, project: str) -> None:
        """Keep the client.

        Args:
            errors: Exceptions of google.api_core and of google.auth.
            client: ``SecretManagerServiceClient``.
            project: Of secrets that are named without one; may be empty.
        """
        self._errors = errors
        self._client = client
        self._project = project

    def read(self, name: str) -> Held:
        """A version of a secret, the latest one by default.

        Args:
            name: ``projects/P/secrets/S``, or ``S`` in the project of the environment; a version
                may follow.

        Raises:
            StoreError: Google does not give it.
        """
        if not name.startswith("projects/") and not self._project:
            raise StoreError("GOOGLE_CLOUD_PROJECT is not set")
        path = name if name.startswith("projects/") else f"projects/{self._project}/secrets/{name}"
        path = path if "/versions/" in path else f"{path}/versions/latest"
        with _google(*self._errors):
            found = self._client.access_secret_version(
                name=path, retry=None, timeout=CONNECT_SECONDS + READ_SECONDS
            )
        return _text(found.payload.data, name)


@contextlib.contextmanager
def _google(api: ModuleType, auth: ModuleType) -> Iterator[None]:
    """Errors of Google's libraries as those of a store, without their texts."""
    try:
        yield
    except api.NotFound:
        raise StoreError(f"{_MISSING}, or has no such version") from None
    except api.Forbidden:
        what = "Google denied access; grant roles/secretmanager.secretAccessor on this secret"
        raise StoreError(what) from None
    except (api.Unauthorized, auth.DefaultCredentialsError, auth.RefreshError):
        what = "Google needs an identity: set GOOGLE_APPLICATION_CREDENTIALS, or log in again"
        raise StoreError(what) from None
    except (api.ServerError, api.TooManyRequests) as error:
        what = f"Google is not available ({type(error).__name__})"
        raise StoreError(what, transient=True) from None
    except (api.RetryError, auth.TransportError, OSError) as error:
        # NOTE: what requests raises is an OSError.
        what = f"Google cannot be reached ({type(error).__name__})"
        raise StoreError(what, transient=True, unreachable=True) from None
    except (api.GoogleAPIError, auth.GoogleAuthError) as error:
        raise StoreError(f"Google refused ({type(error).__name__})") from None


def open_secret_manager(environ: Mapping[str, str]) -> SecretManager:
    """Secret Manager, as Google's libraries find it.

    Raises:
        StoreError: There is no identity.
    """
    package = "google-cloud-secret-manager"
    modules = ("google.cloud.secretmanager", "google.api_core.exceptions")
    library, api = extra(package, *modules)
    google, auth = extra(package, "google.auth", "google.auth.exceptions")
    with _google(api, auth):
        credentials, project = google.default(
            scopes=["https://www.googleapis.com/auth/cloud-platform"]
        )
        client = library.SecretManagerServiceClient(credentials=credentials, transport="rest")
    return SecretManager((api, auth), client, environ.get("GOOGLE_CLOUD_PROJECT") or project or "")


# --- Azure


class KeyVault:
    """Azure Key Vault."""

    def __init__(self, errors: ModuleType, client: Any) -> None:
        """Keep the client.

        Args:
            errors: Exceptions of azure.core.
            client: ``SecretClient``.
        """
        self._errors = errors
        self._client = client

    def read(self, name: str) -> Held:
        """A version of a secret, the current one by default.

        Args:
            name: Its name; a version may follow a slash.

        Raises:
            StoreError: Azure does not give it.
        """
        secret, _, version = name.partition("/")
        with _azure(self._errors):
            found = self._client.get_secret(secret, version or None)
        return _text(found.value, name)


@contextlib.contextmanager
def _azure(errors: ModuleType) -> Iterator[None]:
    """Errors of Azure's libraries as those of a store, without their texts."""
    try:
        yield
    except errors.ResourceNotFoundError:
        raise StoreError(f"{_MISSING} in this vault; check AZURE_KEYVAULT_URL") from None
    except errors.ClientAuthenticationError:
        what = "Azure needs an identity: log in, or set AZURE_CLIENT_ID and its like"
        raise StoreError(what) from None
    except errors.HttpResponseError as error:
        raise _of_azure(error.status_code or 0) from None
    except (errors.ServiceRequestError, errors.ServiceResponseError) as error:
        what = f"Azure cannot be reached ({type(error).__name__}); check AZURE_KEYVAULT_URL"
        raise StoreError(what, transient=True, unreachable=True) from None
    except errors.AzureError as error:
        raise StoreError(f"Azure cannot be asked ({type(error).__name__})") from None
    except ValueError:
        # The library names a vault and a server's challenge that do not fit together.
        raise StoreError("AZURE_KEYVAULT_URL is not the URL of a key vault") from None


def _of_azure(status: int) -> StoreError:
    if status == 403:
        what = "Azure denied access (403); grant 'Key Vault Secrets User' on this vault"
        return StoreError(what)
    if status in (408, 429) or status >= 500:
        return StoreError(f"Azure is not available ({status})", transient=True)
    return StoreError(f"Azure refused ({status})")


def open_key_vault(environ: Mapping[str, str]) -> KeyVault:
    """The vault that the environment names, as whom Azure's library finds.

    Raises:
        StoreError: It is not configured.
    """
    secrets, core = extra(
        "azure-keyvault-secrets", "azure.keyvault.secrets", "azure.core.exceptions"
    )
    (identity,) = extra("azure-identity", "azure.identity")
    url = environ.get("AZURE_KEYVAULT_URL", "")
    if not url:
        raise StoreError("AZURE_KEYVAULT_URL is not set")
    refuse_plaintext(url, "AZURE_KEYVAULT_URL")
    with _azure(core):
        client = secrets.SecretClient(
            vault_url=url,
            credential=identity.DefaultAzureCredential(),
            permit_redirects=False,
            retry_total=0,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )
    return KeyVault(core, client)
