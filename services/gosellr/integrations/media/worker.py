"""A process that redraws one picture and ends: `python -m gosellr.integrations.media.worker`.

Standard input carries a line of JSON (the arguments of `images.process`) and then the picture.
Standard output carries a line of JSON and then the renditions, one after the other; or a line with
the code of the refusal.
"""

import sys
from typing import Any

import orjson

from gosellr.integrations.media import images

LARGEST_MEMORY_BYTES = 2 * 1024**3


def main() -> None:
    """Reads one picture, writes its answer."""
    _limit_memory()
    arguments: dict[str, Any] = orjson.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    output = sys.stdout.buffer
    try:
        image = images.process(content, **arguments)
    except images.ImageRefused as refusal:
        output.write(orjson.dumps({"refused": refusal.code, "message": str(refusal)}) + b"\n")
        return
    head = {
        "sha256": image.sha256,
        "source_type": image.source_type,
        "width": image.width,
        "height": image.height,
        "renditions": [[width, len(drawn)] for width, drawn in image.renditions.items()],
    }
    output.write(orjson.dumps(head) + b"\n" + b"".join(image.renditions.values()))


def _limit_memory() -> None:
    """A decoder that runs wild dies here and not in the shop. Windows has no such limit."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - exists on POSIX systems alone

        resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY_BYTES, LARGEST_MEMORY_BYTES))


if __name__ == "__main__":
    main()
