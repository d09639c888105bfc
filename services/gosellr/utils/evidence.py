"""What may be handed in as evidence: a picture or a document, known by its first bytes."""

from typing import Final

from gosellr.utils.card_numbers import holds_card_number

EVIDENCE_BYTES_MAX: Final = 10 * 1024 * 1024
NAME_LENGTH_MAX: Final = 120

EXTENSIONS: Final = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
}
_SAYS_NOTHING: Final = frozenset({"", "application/octet-stream"})


class EvidenceTypeUnknown(ValueError):
    """Neither JPEG, PNG, WebP nor PDF, whatever it is called."""


class EvidenceTypeMismatch(ValueError):
    """The declared type or the name says one thing, the first bytes another."""


def sniffed_type(head: bytes) -> str:
    """The media type that a file's first bytes say. Raises `EvidenceTypeUnknown`."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    raise EvidenceTypeUnknown("a JPEG, PNG, WebP or PDF is wanted")


def checked_type(head: bytes, *, declared_type: str | None, name: str) -> str:
    """The same, where neither the declared type nor the extension says otherwise.

    Raises `EvidenceTypeUnknown`, `EvidenceTypeMismatch`.
    """
    found = sniffed_type(head)
    declared = (declared_type or "").split(";", 1)[0].strip().lower()
    _, dot, last = name.rpartition(".")
    extension = f"{dot}{last}".lower() if dot else ""
    if declared not in _SAYS_NOTHING | {found}:
        raise EvidenceTypeMismatch(f"it says {declared} and is {found}")
    if extension and extension not in EXTENSIONS[found]:
        raise EvidenceTypeMismatch(f"it is called {extension} and is {found}")
    return found


def plain_name(name: str | None, *, content_type: str) -> str:
    """A file's own name without a path or anything that isn't to be read, and never too long."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in '"\\/')
    stem = kept.strip()[-NAME_LENGTH_MAX:].strip()
    # What a file is called is words, too, and is kept for good.
    return (not holds_card_number(stem) and stem) or f"evidence{EXTENSIONS[content_type][0]}"
