"""New identifiers and secrets: the only place that draws random numbers for them."""

import hashlib
import secrets
import time
from uuid import UUID

from gosellr.utils.ids import uuid7


def new_id() -> UUID:
    """A time-ordered identifier (UUID version 7, RFC 9562)."""
    return uuid7(unix_ms=time.time_ns() // 1_000_000, random_bits=secrets.randbits(74))


def new_secret() -> str:
    """A token that can't be guessed (256 bits, safe in URLs and headers)."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> bytes:
    """What is kept of a secret: enough to recognise it, useless to anyone who reads it.

    A plain SHA-256 is right here because the secrets are long and random; passwords
    are hashed with argon2id instead.
    """
    return hashlib.sha256(secret.encode()).digest()
