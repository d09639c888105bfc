"""The store of files that were handed in: whole or not at all, and for nobody else to read."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gosellr.integrations.files.local import LocalFileStore
from gosellr.integrations.files.port import FileTooLarge


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_a_file_is_kept_once_under_its_hash(tmp_path: Path) -> None:
    store = LocalFileStore(tmp_path / "imports")
    first = await store.put(_chunks(b"ab", b"c"), bytes_max=3)
    again = await store.put(_chunks(b"abc"), bytes_max=3)
    assert first == again
    assert (first.key, first.byte_size) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        3,
    )
    assert _files(store.folder) == [first.key]
    found = await store.open(first.key)
    assert found is not None
    with found:
        assert found.read() == b"abc"
        assert stat.S_IMODE(os.fstat(found.fileno()).st_mode) == 0o600


async def test_a_file_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    store = LocalFileStore(tmp_path / "imports")
    with pytest.raises(FileTooLarge):
        await store.put(_chunks(b"ab", b"cd"), bytes_max=3)
    assert _files(store.folder) == []


@pytest.mark.parametrize("key", ["../secret.key", "x" * 64, "", "a" * 63])
async def test_only_keys_are_opened(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not the key"):
        await LocalFileStore(tmp_path).open(key)


async def test_a_file_that_is_gone(tmp_path: Path) -> None:
    assert await LocalFileStore(tmp_path).open("a" * 64) is None
