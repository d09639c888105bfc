"""Proof that every document says what it said when it was issued: its hash made again."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from gosellr.core.db import Connection
from gosellr.queries import audit_documents
from gosellr.queries.audit import Offence
from gosellr.queries.audit_documents import Paper
from gosellr.utils.documents import document_hash, document_number, hashed_fields

_BATCH = 500


async def verify(connection: Connection) -> AsyncIterator[Offence]:
    """The documents that were changed behind the application's back, in the order of their ids."""
    after = UUID(int=0)
    while papers := await audit_documents.papers_after(connection, after=after, limit=_BATCH):
        for one in papers:
            if not is_unchanged(one):
                yield Offence(f"document {one.id}", "isn't what it was when it was issued")
        after = papers[-1].id


def is_unchanged(paper: Paper) -> bool:
    """Whether its hash is that of what it says.

    Nearly all documents are in plain ASCII, whose canonical form a faster encoder writes as well;
    what that doesn't vouch for is spelled in the exact way.
    """
    fields: dict[str, Any] = {
        "document_id": paper.id,
        "kind": paper.kind,
        "number": document_number(paper.series, paper.number) if paper.number > 0 else "",
        "issuer": paper.issuer,
        "content": paper.content,
    }
    try:
        quick = orjson.dumps(hashed_fields(**fields), option=orjson.OPT_SORT_KEYS)
    except TypeError:  # A number beyond 64 bits, say.
        quick = b""
    is_plain = quick.isascii() and b"\x7f" not in quick
    if is_plain and sha256(quick).digest() == paper.hash:
        return True
    return paper.hash == document_hash(**fields)
