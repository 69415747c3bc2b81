"""Servers of stores of secrets that tests start on this machine, where they are installed."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT_TOKEN = "root-token-of-nobody-0123456789"


def program(name: str, variable: str) -> str:
    """A program that an environment variable or PATH names; else the test is skipped."""
    found = os.environ.get(variable) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed; put it on PATH, or name it in {variable}")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@contextmanager
def serving(command: Sequence[str], url: str, folder: Path) -> Iterator[None]:
    """A server that answers at a URL; ended by its process id."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BAO_")}
    clean.pop("PYTHONPATH", None)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=clean, stdout=log, stderr=log)
    try:
        _wait_for(url, process, folder / "server.log")
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextmanager
def openbao(folder: Path) -> Iterator[str]:
    """The URL of an OpenBao development server, with a root token."""
    bao = program("bao", "GATEPOLICY_BAO")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    listen = f"-dev-listen-address=127.0.0.1:{port}"
    command = [bao, "server", "-dev", "-dev-no-store-token", listen]
    command.append(f"-dev-root-token-id={ROOT_TOKEN}")
    with serving(command, f"{url}/v1/sys/health", folder):
        yield url


@contextmanager
def moto(folder: Path) -> Iterator[str]:
    """The URL of moto's server, which plays AWS."""
    server = program("moto_server", "GATEPOLICY_MOTO_SERVER")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving([server, "-H", "127.0.0.1", "-p", str(port)], f"{url}/moto-api/", folder):
        yield url


def certificate(folder: Path) -> tuple[Path, Path]:
    """Files of a certificate for this machine, which is its own authority, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.crt", folder / "server.private"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private
