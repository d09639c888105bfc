"""A document's hash is made again by a quicker encoder, and vouches for that document alone."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.queries.audit_documents import Paper
from gosellr.services.audit_papers import is_unchanged
from gosellr.utils.documents import document_hash, hashed_fields

SPELLED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def fields_of(content: dict[str, Any]) -> dict[str, Any]:
    return {
        "document_id": UUID(int=1),
        "kind": "invoice",
        "number": "INV-2026-00007",
        "issuer": "market",
        "content": content,
    }


def paper(content: dict[str, Any], digest: bytes) -> Paper:
    return Paper(UUID(int=1), "invoice", "market", "INV-2026", 7, content, digest)


@given(content=st.dictionaries(st.text(), SPELLED, max_size=4))
def test_what_was_issued_is_unchanged_and_nothing_else(content: dict[str, Any]) -> None:
    issued = paper(content, document_hash(**fields_of(content)))
    assert is_unchanged(issued)
    assert not is_unchanged(replace(issued, content={**content, "more": 1 << 70}))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("id", UUID(int=2)),
        ("kind", "credit_note"),
        ("number", 8),
        ("number", 0),
        ("series", "INV-2027"),
        ("issuer", "x"),
        ("content", {"a": 2}),
    ],
)
def test_any_change_shows(name: str, other: object) -> None:
    issued = paper({"a": 1}, document_hash(**fields_of({"a": 1})))
    assert is_unchanged(issued)
    assert not is_unchanged(replace(issued, **{name: other}))


@pytest.mark.parametrize("name", ["Ä", "\x7f", "\U0001f600", 'a"\\\n\t\x01'])
def test_only_the_canonical_form_is_a_documents_hash(name: str) -> None:
    fields = fields_of({"name": name})
    assert is_unchanged(paper({"name": name}, document_hash(**fields)))
    spelled = json.dumps(
        hashed_fields(**fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    is_canonical = spelled.isascii() and "\x7f" not in spelled
    other = sha256(spelled.encode()).digest()
    assert is_unchanged(paper({"name": name}, other)) == is_canonical
