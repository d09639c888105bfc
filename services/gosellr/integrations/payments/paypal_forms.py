"""Forms with files, as PayPal takes them where a dispute is answered."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFile:
    """A file under the name of its field; `name` is the one that is sent along."""

    field: str
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What is said, as JSON, and the files that go with it."""

    said: Any
    files: Sequence[FormFile] = ()

    def written(self) -> tuple[str, bytes]:
        """The content type and the bytes on the wire; the same form is always the same bytes."""
        said = FormFile(
            field="input", name="", content_type="application/json", content=orjson.dumps(self.said)
        )
        parts = [said, *self.files]
        digest = hashlib.sha256(b"".join(part.content for part in parts)).hexdigest()
        boundary = f"gosellr-{digest[:40]}"
        written = b"".join(_part(part, boundary) for part in parts)
        return f"multipart/form-data; boundary={boundary}", written + f"--{boundary}--\r\n".encode()


def _part(part: FormFile, boundary: str) -> bytes:
    named = f'; filename="{part.name}"' if part.name else ""
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{part.field}"{named}\r\n'
        f"Content-Type: {part.content_type}\r\n\r\n"
    )
    return head.encode() + part.content + b"\r\n"
