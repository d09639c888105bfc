"""Proof that every document says what it said when it was issued: its hash made again."""

from collections.abc import AsyncIterator
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import audit_documents
from gosellr.queries.audit import Offence
from gosellr.utils.documents import document_number, has_document_hash

_BATCH = 500


async def verify(connection: Connection) -> AsyncIterator[Offence]:
    """The documents that were changed behind the application's back, in the order of their ids."""
    after = UUID(int=0)
    while papers := await audit_documents.papers_after(connection, after=after, limit=_BATCH):
        for one in papers:
            is_unchanged = has_document_hash(
                one.hash,
                document_id=one.id,
                kind=one.kind,
                number=document_number(one.series, one.number) if one.number > 0 else "",
                issuer=one.issuer,
                content=one.content,
            )
            if not is_unchanged:
                yield Offence(f"document {one.id}", "isn't what it was when it was issued")
        after = papers[-1].id
