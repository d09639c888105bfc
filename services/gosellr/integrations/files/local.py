"""The file store that ships: plain files in a folder that only the market's account may read."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterable
from pathlib import Path
from typing import BinaryIO

from gosellr.integrations.files.port import FileTooLarge, StoredFile, check_key


class LocalFileStore:
    """A `FileStore` over a folder (`ab/abcd…`).

    A file is written aside, flushed to disk and renamed into place, so that no reader and no
    crash ever meets half of it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, chunks: AsyncIterable[bytes], *, bytes_max: int) -> StoredFile:
        """See `FileStore.put`."""
        descriptor, draft = await asyncio.to_thread(self._new_draft)
        digest = hashlib.sha256()
        byte_size = 0
        try:
            with os.fdopen(descriptor, "wb") as file:
                async for chunk in chunks:
                    byte_size += len(chunk)
                    if byte_size > bytes_max:
                        raise FileTooLarge(f"a file has at most {bytes_max} bytes")
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(_flush, file)
            key = digest.hexdigest()
            await asyncio.to_thread(_put_in_place, draft, self._path(key))
        finally:
            await asyncio.to_thread(Path(draft).unlink, missing_ok=True)
        return StoredFile(key=key, sha256=digest.digest(), byte_size=byte_size)

    async def open(self, key: str) -> BinaryIO | None:
        """See `FileStore.open`."""
        return await asyncio.to_thread(_open, self._path(check_key(key)))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _new_draft(self) -> tuple[int, str]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.mkstemp(dir=self.folder, prefix=".draft-")


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _put_in_place(draft: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    Path(draft).replace(path)


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None
