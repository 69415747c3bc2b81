"""Statements in DSSE envelopes, one a line: signed and verified by securesystemslib.

What does not have the exact form that is written here is refused, before any signature is tried.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Key, SSlibKey

from gatepolicy.documents.load import load_json
from gatepolicy.errors import RefusedError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MEMBERS = {"payload", "payloadType", "signatures"}
_OF_SIGNATURE = {"keyid", "sig"}


@dataclass(frozen=True, slots=True)
class Signed:
    """One line of a file: a statement with its signature, which nobody has verified yet."""

    envelope: dict[str, Any]
    """As it stands in the file."""
    payload: bytes
    """What was signed, without the type."""

    @property
    def line(self) -> str:
        """As it is written."""
        return json.dumps(self.envelope, separators=(",", ":")) + "\n"

    @property
    def key_id(self) -> str:
        """Of the key that it names; a hint."""
        return str(self.envelope["signatures"][0]["keyid"])


def sign(payload: bytes, key: Ed25519PrivateKey) -> Signed:
    """A statement, signed.

    Args:
        payload: The statement.
        key: Signs it.
    """
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key))
    return Signed(envelope.to_dict(), payload)


def verified(signed: Signed, keys: Sequence[Ed25519PublicKey], whose: str, file: str) -> object:
    """The statement, when one of the keys has signed it.

    Args:
        signed: With the signature.
        keys: Those that may have signed.
        whose: What is signed, for people.
        file: Where it stands.

    Raises:
        RefusedError: None of them did, or it was changed since.
    """
    # NOTE: the library takes its argument apart.
    envelope = Envelope.from_dict(deepcopy(signed.envelope))
    known: list[Key] = [SSlibKey.from_crypto(key) for key in keys]
    try:
        envelope.verify(known, 1)
    except VerificationError:
        if signed.key_id not in {key.keyid for key in known}:
            what = f"{file}: {whose} was signed with another key ({signed.key_id[:16]}…)"
            raise RefusedError(what, hint="check which public key you were given") from None
        what = f"{file}: the signature of {whose} does not hold: the file was changed"
        raise RefusedError(what, hint="get the file again from whoever signed it") from None
    return load_json(signed.payload, file)


def key_id_of(key: Ed25519PublicKey) -> str:
    """The id of a key, as envelopes name it: a digest of the key itself."""
    return str(SSlibKey.from_crypto(key).keyid)


def parse_bundle(text: str, file: str) -> Sequence[Signed]:
    """All envelopes of a file; the first is about the report, the others are sign-offs.

    Args:
        text: One envelope a line.
        file: What to call it.

    Raises:
        RefusedError: There is none, or one is not of the form that is written here.
        DocumentError: A line is no JSON.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise RefusedError(f"{file}: there is no envelope")
    return [_parsed(line, f"{file}:{number}") for number, line in enumerate(lines, 1)]


def _parsed(line: str, place: str) -> Signed:
    data: Any = load_json(line, place)
    if not isinstance(data, dict) or data.keys() != _MEMBERS:
        raise RefusedError(f"{place}: not a DSSE envelope with {', '.join(sorted(_MEMBERS))}")
    if data["payloadType"] != PAYLOAD_TYPE:
        raise RefusedError(f"{place}: the type of the payload is not {PAYLOAD_TYPE}")
    signatures = data["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise RefusedError(f"{place}: there must be one signature")
    (signature,) = signatures
    if not isinstance(signature, dict) or signature.keys() != _OF_SIGNATURE:
        raise RefusedError(f"{place}: a signature has {' and '.join(sorted(_OF_SIGNATURE))}")
    if not isinstance(signature["keyid"], str):
        raise RefusedError(f"{place}: the id of the key is no text")
    _decoded(signature["sig"], place)
    return Signed(data, _decoded(data["payload"], place))


def _decoded(text: object, place: str) -> bytes:
    """Base64 in its one usual form."""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise RefusedError(f"{place}: not Base64")
    return data
