"""Secrets at rest."""

import pytest

from gosellr.core.encryption import UnreadableSecret, Vault, derive_key

OLD, NEW = "the first secret of this market", "the second secret of this market"
PLACE = "payout_account:iban:7"


def test_what_was_encrypted_is_read_at_its_place_only() -> None:
    vault = Vault([NEW])
    envelope = vault.encrypt(b"DE89 3704", place=PLACE)
    assert b"3704" not in envelope
    assert vault.decrypt(envelope, place=PLACE) == b"DE89 3704"
    for elsewhere in ("payout_account:iban:8", "payout_account:bic:7", ""):
        with pytest.raises(UnreadableSecret):
            vault.decrypt(envelope, place=elsewhere)


def test_the_same_twice_looks_different() -> None:
    vault = Vault([NEW])
    assert vault.encrypt(b"x", place=PLACE) != vault.encrypt(b"x", place=PLACE)


def test_every_changed_byte_is_noticed() -> None:
    vault = Vault([NEW])
    envelope = vault.encrypt(b"secret", place=PLACE)
    for index in range(len(envelope)):
        damaged = bytearray(envelope)
        damaged[index] ^= 1
        with pytest.raises(UnreadableSecret):
            vault.decrypt(bytes(damaged), place=PLACE)
    for length in range(len(envelope)):
        with pytest.raises(UnreadableSecret):
            vault.decrypt(envelope[:length], place=PLACE)


def test_older_secrets_still_open_what_they_closed() -> None:
    envelope = Vault([OLD]).encrypt(b"secret", place=PLACE)
    assert Vault([NEW, OLD]).decrypt(envelope, place=PLACE) == b"secret"
    with pytest.raises(UnreadableSecret):
        Vault([NEW]).decrypt(envelope, place=PLACE)
    fresh = Vault([NEW, OLD]).encrypt(b"secret", place=PLACE)
    assert Vault([NEW]).decrypt(fresh, place=PLACE) == b"secret"


def test_purposes_have_keys_of_their_own() -> None:
    assert derive_key(NEW, purpose="a") != derive_key(NEW, purpose="b")
    assert derive_key(NEW, purpose="a") == derive_key(NEW, purpose="a")
    assert len(derive_key(NEW, purpose="a")) == 32


def test_blind_indexes_find_equals_and_tell_no_more() -> None:
    vault = Vault([NEW])
    index = vault.blind_index("ada@example.com", purpose="email")
    assert len(index) == 16
    assert index == Vault([NEW, OLD]).blind_index("ada@example.com", purpose="email")
    assert index != vault.blind_index("ada@example.com", purpose="phone")
    assert index != Vault([OLD]).blind_index("ada@example.com", purpose="email")


def test_the_successor_of_a_token_needs_our_secret() -> None:
    vault = Vault([NEW])
    assert vault.successor_of("token") == vault.successor_of("token")
    assert len(vault.successor_of("token")) == 43
    others = {vault.successor_of("tokem"), Vault([OLD]).successor_of("token")}
    assert vault.successor_of("token") not in others
