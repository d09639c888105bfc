"""The port for stored pictures: immutable blobs under the hash of their own content."""

import hashlib
import re
from typing import Protocol

_KEY = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")


class InvalidMediaKey(ValueError):
    """A key that no store can have given out."""


def media_key(content: bytes, *, extension: str) -> str:
    """The key of a blob: SHA-256 of its bytes and an extension, such as `ab12….webp`."""
    return check_key(f"{hashlib.sha256(content).hexdigest()}.{extension}")


def check_key(key: str) -> str:
    """The key itself; raises `InvalidMediaKey` for anything else, a path above all."""
    if not _KEY.fullmatch(key):
        raise InvalidMediaKey("not the key of a stored picture")
    return key


class MediaStore(Protocol):
    """Keeps blobs that never change. Every method but `put` raises `InvalidMediaKey`."""

    async def put(self, content: bytes, *, extension: str) -> str:
        """Stores a blob once, however often it is put, and returns its key."""

    async def get(self, key: str) -> bytes | None:
        """The blob, or None."""

    async def delete(self, key: str) -> bool:
        """Forgets a blob; False where there was none."""

    def url(self, key: str) -> str:
        """Where a browser fetches the blob; it may be cached for ever."""
