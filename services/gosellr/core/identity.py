"""New identifiers and secrets: the only place that draws random numbers for them."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from uuid import UUID

from gosellr.utils.ids import following_random_bits, uuid7


class _Sequence:
    """The identifiers of one process, each larger than the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unix_ms = 0
        self._random_bits = 0

    def next(self, *, unix_ms: int) -> UUID:
        """The next identifier. A clock that stands still or falls back doesn't turn the order."""
        with self._lock:
            if unix_ms > self._unix_ms:
                # The top bit stays free, so that a millisecond can hardly run out of numbers.
                self._unix_ms, self._random_bits = unix_ms, secrets.randbits(73)
            else:
                self._unix_ms, self._random_bits = following_random_bits(
                    unix_ms=self._unix_ms,
                    random_bits=self._random_bits,
                    step=1 + secrets.randbits(32),
                )
            return uuid7(unix_ms=self._unix_ms, random_bits=self._random_bits)


_sequence = _Sequence()


def new_id() -> UUID:
    """A time-ordered identifier (UUID version 7, RFC 9562).

    Identifiers of one process ascend, also within a millisecond: what was written first
    sorts first wherever rows of one request are listed by their id.
    """
    return _sequence.next(unix_ms=time.time_ns() // 1_000_000)


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


def new_code(length: int, *, alphabet: str) -> str:
    """Something to be read and typed by people: so many symbols, each drawn at random."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def keyed_fingerprint(secret_key: str, *, purpose: str, secret: str) -> bytes:
    """What is kept of a secret that is short enough to be typed.

    HMAC-SHA256 under the market's secret: who reads the table alone can't even try out what it
    stands for, and looking for an equal one tells nothing by the time it takes.
    """
    return hmac.digest(secret_key.encode(), f"{purpose}:{secret}".encode(), "sha256")
