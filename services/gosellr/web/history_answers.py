"""Histories as answers of pages: a page, or all of it as a file."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from gosellr.core.errors import InvalidInput
from gosellr.flows import history_files
from gosellr.flows.history_files import READ_AT_ONCE, Columns, Read
from gosellr.web.pages import Page

FORMATS = frozenset({"csv", "xlsx"})
CSV = "text/csv"
# By this mark in front spreadsheets know UTF-8. Programs ask the API, whose tables bear none.
MARK = "\ufeff".encode()


async def history_file(page: Page, columns: Columns, read: Read, *, form: str) -> Response:
    """All movements as CSV or as a workbook.

    Raises:
        InvalidInput: there is no such form, or a workbook would have too many rows.
    """
    if form not in FORMATS:
        raise InvalidInput.at("format", "format_unknown", "There are files as csv and as xlsx")
    # Before the first byte, so that what is refused is refused in the usual way.
    first = await read(None, READ_AT_ONCE)
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{columns.name}.{form}"',
    }
    if form == "xlsx":
        made = await history_files.workbook(page.market.documents, columns, first, read)
        return Response(made.content, media_type=made.media_type, headers=headers)
    parts = history_files.csv_parts(columns, first, read)
    return StreamingResponse(_marked(parts), media_type=CSV, headers=headers)


async def _marked(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield MARK
    async for part in parts:
        yield part


def file_answer(content: bytes, *, media_type: str, name: str) -> Response:
    """A finished paper, to be kept by whoever asked for it."""
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    marked = MARK + content if media_type == CSV else content
    return Response(marked, media_type=media_type, headers=headers)
