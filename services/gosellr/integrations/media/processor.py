"""Pictures redrawn beside the application: never in the process that serves the shop.

A decoder of hostile bytes is the likeliest part to hang, to eat the memory or to crash. Each
picture gets a process of its own with neither environment nor network handles, a limit of memory
and a limit of time; what goes wrong in it is a refused picture and nothing more.
"""

import asyncio
import os
import sys
from pathlib import Path

import orjson

from gosellr.integrations.media import images
from gosellr.integrations.media.images import ImageBroken, ImageRefused, ProcessedImage

_SOURCE_ROOT = Path(__file__).resolve().parents[3]
_WORKER = "gosellr.integrations.media.worker"


class ImageProcessor:
    """Runs `images.process` apart, at most `most_at_once` at a time; the others wait."""

    def __init__(
        self,
        *,
        max_bytes: int = images.LARGEST_BYTES,
        max_pixels: int = images.LARGEST_PIXELS,
        most_at_once: int = 2,
        timeout_seconds: float = 20.0,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._timeout_seconds = timeout_seconds
        self._places = asyncio.Semaphore(most_at_once)

    async def process(
        self, content: bytes, *, declared_type: str | None = None, filename: str | None = None
    ) -> ProcessedImage:
        """See `images.process`; `ImageBroken` also stands for a decoder that crashed or hung."""
        if len(content) > self._max_bytes:
            raise images.ImageTooLarge(f"a picture has at most {self._max_bytes} bytes")
        arguments = orjson.dumps(
            {
                "declared_type": declared_type,
                "filename": filename,
                "max_bytes": self._max_bytes,
                "max_pixels": self._max_pixels,
            }
        )
        async with self._places:
            answer = await self._ask_worker(arguments + b"\n" + content)
        return _read_answer(answer)

    async def _ask_worker(self, question: bytes) -> bytes:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _WORKER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_bare_environment(),
            cwd=_SOURCE_ROOT,
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer, _ = await worker.communicate(question)
        except TimeoutError as error:
            raise ImageBroken("the picture takes too long to decode") from error
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
        if worker.returncode != 0:
            raise ImageBroken("the picture can't be decoded")
        return answer


def _bare_environment() -> dict[str, str]:
    """What Python needs to start, and none of the shop's secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(_SOURCE_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        # A decoder's threads would each reserve 64 MB of address space, and meet the limit.
        "MALLOC_ARENA_MAX": "2",
    }


def _read_answer(answer: bytes) -> ProcessedImage:
    line, _, blobs = answer.partition(b"\n")
    head = orjson.loads(line)
    if "refused" in head:
        raise images.REFUSALS.get(head["refused"], ImageRefused)(head["message"])
    renditions = {}
    start = 0
    for width, size in head["renditions"]:
        renditions[width] = blobs[start : start + size]
        start += size
    return ProcessedImage(
        sha256=head["sha256"],
        source_type=head["source_type"],
        width=head["width"],
        height=head["height"],
        renditions=renditions,
    )
