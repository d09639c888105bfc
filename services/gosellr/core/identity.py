"""New identifiers and secrets: the only place that draws random numbers for them."""

import base64
import hashlib
import hmac
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


def derived_token(secret_key: str, *, purpose: str, subject: UUID) -> str:
    """A token for one thing that can be made again at any time, and by nobody else.

    HMAC-SHA256 under the market's secret: a repeated request gets the same token without
    the token ever being stored in clear.
    """
    digest = hmac.digest(secret_key.encode(), f"{purpose}:{subject}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
