"""Small secrets on disk, readable by their owner only."""

import contextlib
import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def ensure_secret(path: Path) -> str:
    """The secret in this file, made at the first call: 48 random bytes as text."""
    with contextlib.suppress(FileExistsError):
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()
