"""Documents, issued: each once for its cause, under the next number of its series.

The counter of a series is held from before its causes are looked up again until the commit. So
whoever comes second finds the document, and what is rolled back takes its number with it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.queries import documents
from gosellr.utils.documents import DocumentKind, document_hash, document_number, series_of
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDraft:
    """A document but for its number. `content` is plain JSON, amounts in minor units."""

    kind: DocumentKind
    issuer: str
    cause_key: str
    seller_id: UUID
    currency: str
    total_minor: int
    content: Mapping[str, Any]
    order_id: UUID | None = None
    period: str | None = None

    @property
    def cause(self) -> tuple[str, str]:
        """What it is issued for."""
        return self.kind.value, self.cause_key


async def issue(
    connection: Connection, *, drafts: Sequence[DocumentDraft], now: datetime
) -> list[UUID]:
    """Issue what wasn't issued before; gives the documents of all drafts, in their order."""
    causes = [draft.cause for draft in drafts]
    known = await documents.known_causes(connection, causes=causes)
    if len(known) < len(set(causes)):
        series = sorted({(draft.issuer, series_of(draft.kind, at=now)) for draft in drafts})
        counters = await documents.lock_series(connection, series=series)
        known = await documents.known_causes(connection, causes=causes)
        known |= await _write(
            connection, [one for one in drafts if one.cause not in known], counters, now=now
        )
    return [known[cause] for cause in causes]


async def _write(
    connection: Connection,
    drafts: Sequence[DocumentDraft],
    counters: Mapping[tuple[str, str], int],
    *,
    now: datetime,
) -> dict[tuple[str, str], UUID]:
    after = dict(counters)
    rows = []
    for draft in drafts:
        place = draft.issuer, series_of(draft.kind, at=now)
        after[place] += 1
        rows.append(_row(draft, series=place[1], sequence=after[place], now=now))
    moves = {
        place: (counters[place], last) for place, last in after.items() if last != counters[place]
    }
    if not moves:
        return {}
    moved = await documents.move_series(connection, moves=moves)
    if moved != len(moves):
        raise RuntimeError(f"{moved} of {len(moves)} counters stood where their lock held them")
    await documents.insert(connection, rows=rows)
    return {(row["kind"], row["cause_key"]): row["id"] for row in rows}


def _row(draft: DocumentDraft, *, series: str, sequence: int, now: datetime) -> dict[str, Any]:
    document_id, number = new_id(), document_number(series, sequence)
    content = {**draft.content, "number": number, "issued_at": now.isoformat()}
    digest = document_hash(
        document_id=document_id,
        kind=draft.kind,
        number=number,
        issuer=draft.issuer,
        content=content,
    )
    return {
        "id": document_id,
        "kind": draft.kind.value,
        "issuer": draft.issuer,
        "series": series,
        "number": sequence,
        "cause_key": draft.cause_key,
        "seller_id": draft.seller_id,
        "order_id": draft.order_id,
        "period": draft.period,
        "currency": draft.currency,
        "total_minor": draft.total_minor,
        "content": content,
        "hash": "\\x" + digest.hex(),
        "issued_at": now,
    }
