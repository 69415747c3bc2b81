"""A private key of a wallet signs: secp256k1 over a Keccak-256 hash, as on Ethereum.

Whose signature it is follows from the signature alone (SEC 1, 4.1.6), so a request need not name
its key. Sources: the Keccak submission for the hash, SEC 2 for the curve, EIP-191 for signed texts,
EIP-712 for typed ones.
"""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part, timely
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_FIELD = 2**256 - 2**32 - 977
_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
_BASE = (
    0x79BE667E_F9DCBBAC_55A06295_CE870B07_029BFCDB_2DCE28D9_59F2815B_16F81798,
    0x483ADA77_26A3C465_5DA4FBFC_0E1108A8_FD17B448_A6855419_9C47D08F_FB10D4B8,
)
_Point = tuple[int, int]
_LANE = 2**64 - 1
_RATE = 136
"""Bytes that Keccak-256 takes at once."""


def keccak256(data: bytes) -> bytes:
    """Keccak-256, whose padding is not that of SHA-3."""
    padded = bytearray(data + bytes(_RATE - len(data) % _RATE))
    padded[len(data)] |= 0x01
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for index in range(_RATE // 8):
            at = start + 8 * index
            lanes[index] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _turned(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _LANE


def _permuted(lanes: list[int]) -> list[int]:
    register = 1
    for _ in range(24):
        sums = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        mixed = [sums[(x - 1) % 5] ^ _turned(sums[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[index % 5] for index, lane in enumerate(lanes)]
        lanes = _moved(lanes)
        lanes = [
            lanes[i] ^ (~lanes[i - i % 5 + (i + 1) % 5] & lanes[i - i % 5 + (i + 2) % 5])
            for i in range(25)
        ]
        for bit in range(7):
            register = ((register << 1) ^ ((register >> 7) * 0x71)) % 256
            lanes[0] ^= ((register >> 1) & 1) << ((1 << bit) - 1)
    return lanes


def _moved(lanes: Sequence[int]) -> list[int]:
    """Every lane turned, and at its new place."""
    moved = [lanes[0], *([0] * 24)]
    x, y, carried = 1, 0, lanes[1]
    for step in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        moved[x + 5 * y] = _turned(carried, (step + 1) * (step + 2) // 2 % 64)
        carried = lanes[x + 5 * y]
    return moved


def wallet_of(private_key: str) -> str:
    """The address of a private key in hexadecimal digits, in small letters."""
    public = _times(int(private_key, 16), _BASE)
    return _address(public) if public else ""


def _address(public: _Point) -> str:
    packed = public[0].to_bytes(32) + public[1].to_bytes(32)
    return f"0x{keccak256(packed)[-20:].hex()}"


def _sum(one: _Point | None, other: _Point | None) -> _Point | None:
    if one is None or other is None:
        return one or other
    (x, y), (u, v) = one, other
    if x == u and (y + v) % _FIELD == 0:
        return None
    rise, run = (3 * x * x, 2 * y) if one == other else (v - y, u - x)
    slope = rise * pow(run, -1, _FIELD) % _FIELD
    w = (slope * slope - x - u) % _FIELD
    return w, (slope * (x - w) - y) % _FIELD


def _times(number: int, point: _Point) -> _Point | None:
    total: _Point | None = None
    doubled: _Point | None = point
    while number:
        if number & 1:
            total = _sum(total, doubled)
        doubled = _sum(doubled, doubled)
        number >>= 1
    return total


@lru_cache(maxsize=256)
def signer_of(digest: bytes, signature: str) -> str:
    """The address whose key signed a hash; empty for what is no signature.

    Args:
        digest: 32 bytes.
        signature: ``0x`` and 65 bytes in hexadecimal digits: r, s and v.
    """
    try:
        raw = bytes.fromhex(signature.removeprefix("0x"))
    except ValueError:
        return ""
    if len(raw) != 65 or raw[64] not in (27, 28):
        return ""
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:64])
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        return ""
    square = (pow(r, 3, _FIELD) + 7) % _FIELD
    y = pow(square, (_FIELD + 1) // 4, _FIELD)
    if y * y % _FIELD != square:
        return ""
    shown = (r, y if y % 2 == raw[64] - 27 else _FIELD - y)
    inverse = pow(r, -1, _ORDER)
    public = _sum(
        _times(s * inverse % _ORDER, shown),
        _times(-int.from_bytes(digest) * inverse % _ORDER, _BASE),
    )
    return _address(public) if public else ""


def text_digest(text: str) -> bytes:
    """What is signed of a text (EIP-191)."""
    data = text.encode(errors="surrogatepass")
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data)


_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def typed_digest(name: str, chain: int, text: str) -> bytes:
    """What is signed of a text as the one field of a typed message (EIP-712), for no contract.

    Args:
        name: Of the domain, whose version is 1.
        chain: Its number.
        text: The message's field ``msg``.
    """
    domain = keccak256(
        keccak256(_DOMAIN.encode())
        + keccak256(name.encode())
        + keccak256(b"1")
        + chain.to_bytes(32)
        + bytes(32)
    )
    data = text.encode(errors="surrogatepass")
    message = keccak256(keccak256(b"Message(string msg)") + keccak256(data))
    return keccak256(b"\x19\x01" + domain + message)


def _signed(request: Request, parameters: Parameters) -> tuple[bytes, str]:
    """What a request signs, and its signature."""
    if "typed" in parameters:
        typed = parameters["typed"]
        text, _, signature = request.query.rpartition("&signature=")
        return typed_digest(typed["name"], typed["chain"], text), unquote(signature)
    return text_digest(part(request, parameters["timestamp"])), part(request, parameters["key"])


def _presented(request: Request, parameters: Parameters) -> str:
    if "typed" in parameters:
        return part(request, parameters["key"])
    # The signature alone names its key.
    return signer_of(*_signed(request, parameters))


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    owner = key.more_credentials.get("walletAddress", "")
    if part(request, parameters["owner"]).lower() != owner.lower():
        return "unknown_key"
    if "window" in parameters["timestamp"] and not timely(request, parameters["timestamp"]):
        return "clock"
    if signer_of(*_signed(request, parameters)) != key.api_key:
        return "bad_signature"
    return None


WALLETS = Scheme(_presented, _refusal)
"""The wallet of a delegated key signs for that of its owner."""
