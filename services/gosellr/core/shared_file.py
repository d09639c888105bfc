"""A file of a fixed size that several processes of a host have in their memory."""

import os
from pathlib import Path


def open_shared(path: Path, *, size: int) -> int:
    """Open the file, made and grown where that is needed; gives its descriptor.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < size:
            # It only ever grows: shortening it would kill whoever has it in memory. The space is
            # taken for good, because a full disk couldn't be told to a store into memory.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            else:
                os.ftruncate(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
