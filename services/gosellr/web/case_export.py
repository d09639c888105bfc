"""A case as one file to be kept: a folder with its story as a table, and all that was handed in."""

import asyncio
import io
from collections.abc import AsyncIterator
from uuid import UUID
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from starlette.responses import Response, StreamingResponse

from gosellr.models.dispute_values import DisputeFile, DisputeFolder
from gosellr.utils.csv_text import csv_text
from gosellr.web.binding import case_files
from gosellr.web.case_views import CaseView
from gosellr.web.history_answers import MARK
from gosellr.web.pages import Page


class _Outlet(io.RawIOBase):
    """What the folder is written to, and taken from part by part: no more than one file of it is
    ever held."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, part: object) -> int:
        """Keep a part until it is taken."""
        content = bytes(part)  # type: ignore[call-overload]
        self._parts.append(content)
        return len(content)

    def take(self) -> bytes:
        """What was written since."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


async def case_file(page: Page, folder: DisputeFolder, view: CaseView) -> Response:
    """The case as this reader sees it, with its files."""
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="case-{folder.dispute.id}.zip"',
    }
    parts = _parts(page, folder, view)
    return StreamingResponse(parts, media_type="application/zip", headers=headers)


async def _parts(page: Page, folder: DisputeFolder, view: CaseView) -> AsyncIterator[bytes]:
    outlet, gone = _Outlet(), set[UUID]()
    with ZipFile(outlet, "w", ZIP_STORED) as folder_file:
        for place, one in enumerate(folder.files, start=1):
            content = await _content(page, one)
            if content is None:
                gone.add(one.id)
                continue
            name = ZipInfo(case_files.name_of(one, place=place), one.at.timetuple()[:6])
            folder_file.writestr(name, content)
            yield outlet.take()
        # Last, when it is known what isn't there any more.
        table = csv_text(case_files.HEADER, case_files.rows(folder, view, gone=gone))
        made = ZipInfo("case.csv", page.now.timetuple()[:6])
        folder_file.writestr(made, MARK + table.encode())
    yield outlet.take()


async def _content(page: Page, file: DisputeFile) -> bytes | None:
    opened = await page.market.files.open(file.storage_key)
    if opened is None:
        return None
    with opened:
        return await asyncio.to_thread(opened.read)
