"""The port for files that were handed in: kept whole, under the hash of their content."""

import re
from collections.abc import AsyncIterable
from typing import BinaryIO, Protocol

from gosellr.utils.lazy_dataclasses import dataclass

_KEY = re.compile(r"[0-9a-f]{64}")


class FileTooLarge(ValueError):
    """There are more bytes than the caller takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file in the store. The key is the hash in hexadecimal digits."""

    key: str
    sha256: bytes
    byte_size: int


def check_key(key: str) -> str:
    """The key itself; ValueError for anything else, a path above all."""
    if not _KEY.fullmatch(key):
        raise ValueError("not the key of a stored file")
    return key


class FileStore(Protocol):
    """Keeps files that nobody but the market itself reads."""

    async def put(self, chunks: AsyncIterable[bytes], *, bytes_max: int) -> StoredFile:
        """Stores a file once, however often it is put. Raises `FileTooLarge`."""

    async def open(self, key: str) -> BinaryIO | None:
        """The file, to be read in a thread and closed by the caller; None where there is none."""
