"""The port for documents on paper: a sheet in, the bytes of a file out."""

from collections.abc import Sequence
from typing import Protocol

from gosellr.utils.document_sheets import Sheet
from gosellr.utils.document_tables import Table


class DocumentNotRendered(Exception):
    """The sheet couldn't be laid out, or not in time."""


class DocumentTooLong(DocumentNotRendered):
    """It has more rows than a file of this kind may have: asked for again, it is no shorter."""


class DocumentRenderer(Protocol):
    """Lays out sheets and tables. Raises `DocumentNotRendered`, `DocumentTooLong`."""

    async def pdf(self, sheet: Sheet) -> bytes:
        """The sheet as PDF: the same sheet gives the same bytes."""

    async def workbook(self, tables: Sequence[Table]) -> bytes:
        """The tables as XLSX, one sheet each, in which nothing is a formula."""
