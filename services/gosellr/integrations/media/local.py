"""The media store that ships: plain files in a folder."""

import asyncio
import os
import tempfile
from pathlib import Path

from gosellr.integrations.media.port import check_key, media_key


class LocalMediaStore:
    """A `MediaStore` over a folder, two levels deep (`ab/cd/abcd….webp`), served at `base_url`.

    A blob is written aside, flushed to disk and renamed into place, so that no reader and no crash
    ever meets half a picture.
    """

    def __init__(self, folder: Path, *, base_url: str = "/media") -> None:
        self.folder = folder
        self._base_url = base_url.rstrip("/")

    async def put(self, content: bytes, *, extension: str) -> str:
        """See `MediaStore.put`."""
        key = media_key(content, extension=extension)
        await asyncio.to_thread(_write_whole, self.path(key), content)
        return key

    async def get(self, key: str) -> bytes | None:
        """See `MediaStore.get`."""
        return await asyncio.to_thread(_read, self.path(key))

    async def delete(self, key: str) -> bool:
        """See `MediaStore.delete`."""
        return await asyncio.to_thread(_delete, self.path(key))

    def url(self, key: str) -> str:
        """See `MediaStore.url`."""
        return f"{self._base_url}/{check_key(key)}"

    def path(self, key: str) -> Path:
        """The file of a key, whether it exists or not; raises `InvalidMediaKey`."""
        check_key(key)
        return self.folder / key[:2] / key[2:4] / key


def _write_whole(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
