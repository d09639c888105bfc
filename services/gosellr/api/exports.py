"""Histories as answers: a page as JSON, or all of it as CSV, as lines of JSON or as a workbook.

An export reads page after page, each over a connection of its own, so that a slow reader holds
none: however long it takes, the balances chain from the first line to the last. CSV and lines of
JSON are streamed; a workbook can't be, and holds no more rows than its bound.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from fastapi import Response
from starlette.responses import StreamingResponse

from gosellr.api.answers import answer, json_bytes
from gosellr.core.errors import InvalidInput
from gosellr.core.pagination import DEFAULT_LIMIT, Page
from gosellr.flows.documents import MEDIA_TYPES, make_workbook
from gosellr.resources import Resources
from gosellr.services.statement_service import Movement
from gosellr.utils.csv_text import csv_rows
from gosellr.utils.document_tables import Table
from gosellr.utils.lazy_dataclasses import dataclass

CSV = "text/csv"
JSON_LINES = "application/x-ndjson"
XLSX = MEDIA_TYPES["xlsx"]
EXPORTED_AT_ONCE = 1_000
WORKBOOK_ROWS_MAX = 20_000

Read = Callable[[str | None, int], Awaitable[Page[Movement]]]
Cells = Sequence[str | int | Decimal | None]

EXPORTS: dict[str, Any] = {
    "content": {
        CSV: {"schema": {"type": "string"}},
        JSON_LINES: {"schema": {"type": "string"}},
        XLSX: {"schema": {"type": "string", "format": "binary"}},
    },
    "headers": {
        "X-Next-Cursor": {
            "description": "Of an export with a limit: the way to the next page, if there is one.",
            "schema": {"type": "string"},
        }
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How movements are told: each as JSON, and as a row under a header."""

    name: str
    header: Sequence[str]
    document: Callable[[Movement], dict[str, Any]]
    row: Callable[[Movement], Cells]

    def chunk(self, movements: Sequence[Movement], media_type: str) -> bytes:
        """Movements as a part of a file."""
        if media_type == CSV:
            return csv_rows(map(self.row, movements)).encode()
        return b"".join(json_bytes(self.document(one)) + b"\n" for one in movements)

    def head(self, media_type: str) -> bytes:
        """What such a file begins with."""
        return csv_rows([self.header]).encode() if media_type == CSV else b""


def media_type_of(accept: str) -> str | None:
    """The kind of export that is named; None for a caller who also takes JSON."""
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if "application/json" in named:
        return None
    return next((known for known in (CSV, JSON_LINES, XLSX) if known in named), None)


async def history_answer(
    market: Resources,
    read: Read,
    layout: Layout,
    *,
    accept: str,
    cursor: str | None,
    limit: int | None,
) -> Response:
    """A page as JSON. As an export, all there is from the cursor on, or as many as the limit.

    Raises:
        InvalidInput: a workbook would have too many rows.
    """
    media_type = media_type_of(accept)
    if media_type is None:
        page = await read(cursor, limit or DEFAULT_LIMIT)
        items = [layout.document(one) for one in page.items]
        return answer({"items": items, "next_cursor": page.next_cursor}, headers={"Vary": "Accept"})
    # Before the first byte, so that what is refused is refused in the usual way.
    page = await read(cursor, limit or EXPORTED_AT_ONCE)
    headers = _headers(layout, media_type)
    if media_type == XLSX:
        return await _workbook(market, read, layout, page, is_whole=limit is None)
    if limit is None:
        chunks = _chunks(read, layout, page, media_type)
        return StreamingResponse(chunks, media_type=media_type, headers=headers)
    if page.next_cursor is not None:
        headers["X-Next-Cursor"] = page.next_cursor
    content = layout.head(media_type) + layout.chunk(page.items, media_type)
    return Response(content, media_type=media_type, headers=headers)


async def _chunks(
    read: Read, layout: Layout, page: Page[Movement], media_type: str
) -> AsyncIterator[bytes]:
    yield layout.head(media_type) + layout.chunk(page.items, media_type)
    while page.next_cursor is not None:
        page = await read(page.next_cursor, EXPORTED_AT_ONCE)
        yield layout.chunk(page.items, media_type)


async def _workbook(
    market: Resources, read: Read, layout: Layout, page: Page[Movement], *, is_whole: bool
) -> Response:
    rows = [*map(layout.row, page.items)]
    while is_whole and page.next_cursor is not None:
        page = await read(page.next_cursor, EXPORTED_AT_ONCE)
        rows += map(layout.row, page.items)
        if len(rows) > WORKBOOK_ROWS_MAX:
            raise InvalidInput.at(
                "from",
                "too_many_rows",
                f"A workbook holds {WORKBOOK_ROWS_MAX} rows: ask for a shorter time, or for CSV",
            )
    table = Table(layout.name.capitalize(), layout.header, rows)
    made = await make_workbook(market.documents, table, name=layout.name)
    headers = _headers(layout, XLSX)
    if page.next_cursor is not None:
        headers["X-Next-Cursor"] = page.next_cursor
    return Response(made.content, media_type=XLSX, headers=headers)


def _headers(layout: Layout, media_type: str) -> dict[str, str]:
    ending = {CSV: "csv", JSON_LINES: "jsonl", XLSX: "xlsx"}[media_type]
    return {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "Content-Disposition": f'attachment; filename="{layout.name}.{ending}"',
    }
