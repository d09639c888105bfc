"""The keys that sign our tokens: made at first need, rotated with overlap, revoked at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gosellr.core.db import Connection
from gosellr.core.encryption import Vault
from gosellr.core.errors import NotFound
from gosellr.core.tokens import ACCESS_TOKEN_LIFETIME, NewKeyPair, StoredKey
from gosellr.queries import signing_keys

# A retired key stays published until the last token it signed has expired, and then some.
OVERLAP = ACCESS_TOKEN_LIFETIME + timedelta(minutes=15)


def place_of(kid: str) -> str:
    """Where a private key is kept, for its encryption."""
    return f"signing_key:private_pem:{kid}"


async def list_keys(connection: Connection) -> list[StoredKey]:
    """Every key, the newest first."""
    return await signing_keys.list_keys(connection)


def published(keys: Sequence[StoredKey], *, now: datetime) -> list[StoredKey]:
    """The keys that tokens may still be checked with."""
    return [
        key
        for key in keys
        if key.revoked_at is None and (key.retired_at is None or key.retired_at + OVERLAP > now)
    ]


async def ensure_signing_key(
    connection: Connection, *, spare: NewKeyPair, vault: Vault, now: datetime
) -> list[StoredKey]:
    """Every key, with `spare` taken in when none could sign. Of several at once, one succeeds."""
    await signing_keys.lock_keys(connection)
    keys = await signing_keys.list_keys(connection)
    if not any(key.retired_at is None and key.revoked_at is None for key in keys):
        await signing_keys.add_key(connection, _stored(spare, vault=vault, now=now))
        keys = await signing_keys.list_keys(connection)
    return keys


async def rotate_signing_key(
    connection: Connection, *, new: NewKeyPair, vault: Vault, now: datetime
) -> StoredKey:
    """Sign with a new key from now on; tokens of the old ones stay good until they expire."""
    await signing_keys.lock_keys(connection)
    key = _stored(new, vault=vault, now=now)
    await signing_keys.add_key(connection, key)
    await signing_keys.retire_others(connection, kid=key.kid, now=now)
    return key


async def revoke_signing_key(
    connection: Connection, *, kid: str, spare: NewKeyPair, vault: Vault, now: datetime
) -> None:
    """Refuse everything that a key has signed, at once; `spare` signs if no other key could.

    Raises:
        NotFound: when there is no such key, or it was revoked before.
    """
    await signing_keys.lock_keys(connection)
    if not await signing_keys.revoke_key(connection, kid=kid, now=now):
        raise NotFound(f"There is no key {kid} that could be revoked")
    await ensure_signing_key(connection, spare=spare, vault=vault, now=now)


def _stored(pair: NewKeyPair, *, vault: Vault, now: datetime) -> StoredKey:
    return StoredKey(
        kid=pair.kid,
        algorithm=pair.algorithm,
        public_pem=pair.public_pem,
        private_pem_encrypted=vault.encrypt(pair.private_pem, place=place_of(pair.kid)),
        created_at=now,
        retired_at=None,
        revoked_at=None,
    )
