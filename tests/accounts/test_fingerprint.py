"""Fingerprints name keys without giving them away."""

from gatepolicy.accounts.account import fingerprint, is_fingerprint, salt_of


def test_the_documented_construction() -> None:
    # RFC 4231, test case 2: HMAC-SHA-256 with key "Jefe"; the first 128 bits.
    text = "what do ya want for nothing?"
    assert fingerprint(text, pepper=b"Jefe") == "5bdcc146bf60754e6a042426089575c7:ing?"


def test_the_pepper_matters() -> None:
    assert fingerprint("key", pepper=b"a") != fingerprint("key", pepper=b"b")


def test_a_short_key_shows_nothing_of_itself() -> None:
    assert ":" not in fingerprint("fifteen-letters", pepper=b"a")
    assert fingerprint("sixteen--letters", pepper=b"a").endswith(":ters")


def test_the_form_is_told_from_keys() -> None:
    assert is_fingerprint(fingerprint("sixteen--letters", pepper=b"a"))
    assert is_fingerprint(fingerprint("short", pepper=b"a"))
    assert not is_fingerprint("sixteen--letters")


def test_a_salt_belongs_to_an_inventory_wherever_it_is() -> None:
    assert salt_of("accounts.yaml") == salt_of("/srv/firm/accounts.yaml")
    assert salt_of("accounts.yaml") != salt_of("desk.yaml")
