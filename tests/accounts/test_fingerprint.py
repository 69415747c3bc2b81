"""Fingerprints name keys without giving them away."""

from gatepolicy.accounts.fingerprint import fingerprint


def test_the_documented_construction() -> None:
    # RFC 4231, test case 2: HMAC-SHA-256 with key "Jefe"; the first 128 bits.
    text = "what do ya want for nothing?"
    assert fingerprint(text, pepper=b"Jefe") == "5bdcc146bf60754e6a042426089575c7"


def test_the_pepper_matters() -> None:
    assert fingerprint("key", pepper=b"a") != fingerprint("key", pepper=b"b")
