"""The keys of the main system: a shared secret, or public keys fetched from where it says."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import rsa

from gosellr.core.errors import ServiceUnavailable
from gosellr.core.tokens import VerificationKey

SECRET_ALGORITHMS = ("HS256",)
PUBLIC_ALGORITHMS = ("RS256", "ES256", "EdDSA")

REFRESH_AFTER = timedelta(minutes=10)
UNKNOWN_KEY_PAUSE = timedelta(minutes=1)
FAILURE_PAUSE = timedelta(seconds=10)
LAST_GOOD_FOR = timedelta(hours=24)
_TIMEOUT_SECONDS = 5.0
_BODY_LENGTH_MAX = 262_144
_KEYS_MAX = 50
_RSA_BITS_MIN = 2048

_log = logging.getLogger("gosellr.main_system")


class SharedSecret:
    """The secret that both systems know, under whatever name a token gives it."""

    def __init__(self, secret: str) -> None:
        self._key = VerificationKey(secret.encode(), "HS256")

    async def find(self, kid: str | None, *, now: datetime) -> VerificationKey | None:  # noqa: ARG002
        """The secret."""
        return self._key


class PublishedKeys:
    """Public keys behind an address (RFC 7517), fetched when needed and kept.

    A key we don't know makes us look again, once a minute at most, so that nobody can send us
    there by inventing names. While the address doesn't answer, what it said last holds for a day.
    """

    def __init__(self, url: str, *, client: httpx2.AsyncClient | None = None) -> None:
        self._url = url
        self._client = client or httpx2.AsyncClient(
            timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        )
        self._keys: Mapping[str, VerificationKey] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None, *, now: datetime) -> VerificationKey | None:
        """The key of this name; without a name, the only key there is.

        Raises:
            ServiceUnavailable: when the keys have never been read, or not for a day.
        """
        if self._may_fetch(kid, now=now):
            async with self._lock:
                if self._may_fetch(kid, now=now):
                    await self._fetch(now=now)
        if self._fetched_at is None or now - self._fetched_at > LAST_GOOD_FOR:
            raise ServiceUnavailable("The main system's keys can't be read", retry_after_seconds=10)
        return self._known(kid)

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()

    def _known(self, kid: str | None) -> VerificationKey | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _may_fetch(self, kid: str | None, *, now: datetime) -> bool:
        if self._fetched_at is None or self._tried_at is None:
            return self._tried_at is None or now - self._tried_at >= FAILURE_PAUSE
        if self._known(kid) is None:
            return now - self._tried_at >= UNKNOWN_KEY_PAUSE
        is_stale = now - self._fetched_at >= REFRESH_AFTER
        return is_stale and now - self._tried_at >= UNKNOWN_KEY_PAUSE

    async def _fetch(self, *, now: datetime) -> None:
        self._tried_at = now
        try:
            async with self._client.stream("GET", self._url) as response:
                response.raise_for_status()
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _BODY_LENGTH_MAX:
                        raise ValueError("the answer is too long for a set of keys")  # noqa: TRY301
            self._keys = read_keys(orjson.loads(body))
            self._fetched_at = now
        except (httpx2.HTTPError, ValueError) as error:
            _log.warning("the main system's keys can't be read: %s", type(error).__name__)


def read_keys(document: Any) -> dict[str, VerificationKey]:
    """The keys of a key set that may check signatures, by name; the others are left out.

    Raises:
        ValueError: when it is no key set, or has no key that is of use.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("this is no key set")  # noqa: TRY004
    keys: dict[str, VerificationKey] = {}
    for number, item in enumerate(listed[:_KEYS_MAX]):
        key = _read_key(item)
        if key is not None:
            keys[str(item.get("kid", number))] = key
    if not keys:
        raise ValueError("no key of this set can be used")
    return keys


def _read_key(item: Any) -> VerificationKey | None:
    if not isinstance(item, dict) or item.get("use", "sig") != "sig":
        return None
    # What kind of key it is decides how it is used; "oct" would be a secret told to everybody.
    algorithm = {
        ("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA",
    }.get((str(item.get("kty")), item.get("crv") and str(item["crv"])))  # fmt: skip
    if algorithm is None or item.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(item, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS_MIN:
        return None
    # A private key in a public place is no proof of anything any more.
    return None if "d" in item else VerificationKey(key, algorithm)
