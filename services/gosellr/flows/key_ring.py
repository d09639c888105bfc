"""The keys of our own issuer as one process holds them: read once, read again when one is new."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gosellr.core.db import Database
from gosellr.core.encryption import Vault
from gosellr.core.tokens import (
    NewKeyPair,
    SigningKey,
    StoredKey,
    VerificationKey,
    new_key_pair,
    public_jwk,
    read_signing_key,
    read_verification_key,
)
from gosellr.core.transact import ask, transact
from gosellr.services import key_service

# An invented key name costs one read of the database in this time, however often it comes.
UNKNOWN_KEY_PAUSE = timedelta(seconds=1)


class KeyRing:
    """Finds keys by name. Revocation is checked where a token's owner is looked up, each time."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault
        self._stored: Mapping[str, StoredKey] = {}
        self._verifying: dict[str, VerificationKey] = {}
        self._signing: dict[str, SigningKey] = {}
        self._read_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None, *, now: datetime) -> VerificationKey | None:
        """The public key of this name, if there is one."""
        if kid is None:
            return None
        if kid not in self._stored and self._may_read(now):
            async with self._lock:
                if kid not in self._stored and self._may_read(now):
                    await self._read(now=now)
        stored = self._stored.get(kid)
        if stored is None:
            return None
        if kid not in self._verifying:
            self._verifying[kid] = read_verification_key(
                stored.public_pem, algorithm=stored.algorithm
            )
        return self._verifying[kid]

    async def signing_key(self, kid: str | None, *, now: datetime) -> SigningKey:
        """The private key of this name; without one, the key that signs now, made if need be."""
        if kid is None or kid not in self._stored:
            async with self._lock:
                await self._read(now=now)
        if kid is None or kid not in self._stored:
            kid = await self._ensure(now=now)
        if kid not in self._signing:
            plain = self._vault.decrypt(
                self._stored[kid].private_pem_encrypted, place=key_service.place_of(kid)
            )
            self._signing[kid] = await asyncio.to_thread(read_signing_key, kid, plain)
        return self._signing[kid]

    async def published(self, *, now: datetime) -> list[dict[str, Any]]:
        """The public keys that our tokens can be checked with (RFC 7517)."""
        await self.signing_key(None, now=now)
        keys = key_service.published(list(self._stored.values()), now=now)
        return [public_jwk(key.kid, key.public_pem, algorithm=key.algorithm) for key in keys]

    def _may_read(self, now: datetime) -> bool:
        return self._read_at is None or abs(now - self._read_at) >= UNKNOWN_KEY_PAUSE

    async def _read(self, *, now: datetime) -> None:
        self._keep(await ask(self._db, key_service.list_keys))
        self._read_at = now

    async def _ensure(self, *, now: datetime) -> str:
        """The name of the key that signs now; of several processes that find none, one makes it."""
        current = self._current()
        if current is None:
            spare: NewKeyPair = await asyncio.to_thread(new_key_pair)
            keys = await transact(
                self._db,
                key_service.ensure_signing_key,
                spare=spare,
                vault=self._vault,
                now=now,
            )
            self._keep(keys)
            current = self._current()
        if current is None:
            raise AssertionError("a signing key was ensured")
        return current

    def _current(self) -> str | None:
        for kid, key in self._stored.items():
            if key.retired_at is None and key.revoked_at is None:
                return kid
        return None

    def _keep(self, keys: list[StoredKey]) -> None:
        self._stored = {key.kid: key for key in keys}
