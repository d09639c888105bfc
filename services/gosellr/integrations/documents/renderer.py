"""Documents laid out beside the application: a compiler that hangs or eats memory ends alone.

Each file gets a process of its own, as pictures do, with a limit of time and one of how many run
at once. What people wrote travels as data and is never read as markup or as a formula.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from gosellr.integrations.documents.port import DocumentNotRendered, DocumentTooLong
from gosellr.utils.document_sheets import Sheet
from gosellr.utils.document_tables import Table

_SOURCE_ROOT = Path(__file__).resolve().parents[3]
_WORKER = "gosellr.integrations.documents.worker"
# On paper a row costs far more time and memory than in a workbook.
PAPER_ROWS_MAX = 7_500
WORKBOOK_ROWS_MAX = 20_000


class ProcessRenderer:
    """Renders in processes of their own, at most `most_at_once` at a time; the others wait."""

    def __init__(
        self, *, most_at_once: int = 2, timeout_seconds: float = 30.0, fonts: Path | None = None
    ) -> None:
        """`fonts` is a folder with fonts for what the shipped one lacks."""
        self._fonts = None if fonts is None else str(fonts)
        self._timeout_seconds = timeout_seconds
        self._places = asyncio.Semaphore(most_at_once)

    async def pdf(self, sheet: Sheet) -> bytes:
        """The sheet as PDF: the same sheet gives the same bytes."""
        _check_size(sum(len(table.rows) for table in sheet.tables), most=PAPER_ROWS_MAX)
        return await self._ask({"form": "pdf", "sheet": sheet.plain(), "fonts": self._fonts})

    async def workbook(self, tables: Sequence[Table]) -> bytes:
        """The tables as XLSX, one sheet each, in which nothing is a formula."""
        _check_size(sum(len(table.rows) for table in tables), most=WORKBOOK_ROWS_MAX)
        listed = [
            {"name": table.name, "header": table.header, "rows": table.rows} for table in tables
        ]
        return await self._ask({"form": "xlsx", "tables": listed})

    async def _ask(self, question: Mapping[str, Any]) -> bytes:
        # Decimals travel as objects, so that the worker can tell them from text.
        written = orjson.dumps(question, default=_decimal)
        async with self._places:
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _WORKER,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_bare_environment(),
                cwd=_SOURCE_ROOT,
            )
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    answer, _ = await worker.communicate(written)
            except TimeoutError as error:
                raise DocumentNotRendered("the document takes too long") from error
            finally:
                if worker.returncode is None:
                    worker.kill()
                    await worker.wait()
        if worker.returncode != 0:
            raise DocumentNotRendered("the document can't be laid out")
        return answer


def _check_size(rows: int, *, most: int) -> None:
    if rows > most:
        raise DocumentTooLong(f"{rows} rows are more than the {most} of such a file")


def _decimal(value: object) -> dict[str, str]:
    return {"decimal": str(value)}


def _bare_environment() -> dict[str, str]:
    """What Python needs to start, and none of the shop's secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(_SOURCE_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
