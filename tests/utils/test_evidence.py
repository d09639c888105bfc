import pytest

from gosellr.utils.evidence import (
    EvidenceTypeMismatch,
    EvidenceTypeUnknown,
    checked_type,
    plain_name,
)

HEADS = {
    "image/jpeg": b"\xff\xd8\xff\xe0 and more",
    "image/png": b"\x89PNG\r\n\x1a\n and more",
    "image/webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "application/pdf": b"%PDF-1.7 and more",
}


@pytest.mark.parametrize(("content_type", "head"), HEADS.items())
def test_a_file_is_what_its_first_bytes_say(content_type: str, head: bytes) -> None:
    assert checked_type(head, declared_type=None, name="") == content_type
    assert checked_type(head, declared_type=f"{content_type}; x=1", name="a") == content_type
    assert checked_type(head, declared_type="application/octet-stream", name="") == content_type


@pytest.mark.parametrize(
    "head",
    [b"", b"<svg onload=x>", b"MZ\x90", b"<html>", b"PK\x03\x04", b"RIFF1234WAVE", b"GIF89a"],
)
def test_everything_else_is_refused_whatever_it_is_called(head: bytes) -> None:
    with pytest.raises(EvidenceTypeUnknown):
        checked_type(head, declared_type="application/pdf", name="receipt.pdf")


@pytest.mark.parametrize(
    ("declared", "name"), [("image/png", "a.pdf"), ("application/pdf", "a.png"), (None, "a.exe")]
)
def test_what_contradicts_itself_is_refused(declared: str | None, name: str) -> None:
    with pytest.raises(EvidenceTypeMismatch):
        checked_type(HEADS["application/pdf"], declared_type=declared, name=name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\bill.pdf", "bill.pdf"),
        ('a"b\r\nSet-Cookie: x.png', "abSet-Cookie: x.png"),
        ("", "evidence.pdf"),
        (None, "evidence.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_is_a_name_and_nothing_else(name: str | None, kept: str) -> None:
    assert plain_name(name, content_type="application/pdf") == kept
