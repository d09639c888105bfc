"""An import: its file is stored, asked for, and worked off batch by batch behind its last row.

A crash between two batches costs nothing but reading the file again; whoever takes the import up
goes on behind the last row that was written, and two who do so at once don't both write.
"""

import asyncio
from collections.abc import AsyncIterable, Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.errors import DomainError
from gosellr.core.transact import ask, transact
from gosellr.integrations.files.port import FileStore, FileTooLarge
from gosellr.services import idempotency_service, import_service
from gosellr.services.idempotency_service import EarlierRequest
from gosellr.services.import_service import ImportOrder
from gosellr.services.product_service import ReviewMode
from gosellr.utils.import_formats import READERS
from gosellr.utils.import_table import decoded
from gosellr.utils.import_values import ImportedProduct, Setup, Unreadable
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.viewer import Viewer

IMPORT_BYTES_MAX = 64 * 1024 * 1024
BATCH_PRODUCTS = 100

_GONE = "The file is gone from the store: send it again"


class ImportFileRefused(DomainError):
    """There is no file, or one that can't be an import."""

    code = "import_file_refused"
    status = 422
    title = "This file can't be imported"


class ImportFileTooLarge(ImportFileRefused):
    """The file has more bytes than the market takes."""

    code = "import_file_too_large"
    status = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPowers:
    """What importing needs of its process."""

    db: Database
    files: FileStore
    clock: Clock
    review: ReviewMode
    keys_kept_for: timedelta


async def request_import(
    powers: ImportPowers,
    *,
    viewer: Viewer,
    order: ImportOrder,
    content: AsyncIterable[bytes],
    idempotency_key: str | None,
) -> bytes | EarlierRequest:
    """Store a file and ask for its import; returns the import as JSON.

    Raises:
        ImportFileRefused, ImportFileTooLarge: as they say.
        InvalidInput, NotFound, NotAllowed, IdempotencyKeyReused: see `import_service`.
    """
    import_service.import_seller(viewer, seller_id=order.seller_id)
    try:
        file = await powers.files.put(content, bytes_max=IMPORT_BYTES_MAX)
    except FileTooLarge as refusal:
        raise ImportFileTooLarge(str(refusal)) from None
    if not file.byte_size:
        raise ImportFileRefused("The file is empty")
    order = replace(order, storage_key=file.key, file_hash=file.sha256)
    key = None
    if idempotency_key is not None:
        # The body itself differs each time: its parts are set apart by a random word.
        said = (order.format, order.currency, order.category_id, order.seller_id, file.key)
        key = idempotency_service.request_key(
            caller=f"user:{viewer.user_id}",
            route="create_import",
            key=idempotency_key,
            body="\n".join(map(str, said)).encode(),
        )
    return await transact(
        powers.db,
        import_service.request_import,
        viewer=viewer,
        order=order,
        key=key,
        kept_for=powers.keys_kept_for,
        now=powers.clock.now(),
    )


async def run_import(
    powers: ImportPowers, *, import_id: UUID, batches_max: int | None = None
) -> None:
    """Work an import off, from its first row or behind the last one that was written.

    With `batches_max`, no more than so many batches: what is left is for the next call.
    """
    run = await ask(powers.db, import_service.find_unfinished, import_id=import_id)
    if run is None:
        return
    source = await powers.files.open(run.storage_key)
    if source is None:
        await _end(powers, import_id, _GONE)
        return
    setup = Setup(currency=run.settings["currency"])
    with closing(source):
        try:
            total_rows = await asyncio.to_thread(_count_rows, source, run.format, setup)
        except Unreadable as unreadable:
            await _end(powers, import_id, str(unreadable))
            return
        await transact(
            powers.db,
            import_service.begin_import,
            import_id=import_id,
            total_rows=total_rows,
            now=powers.clock.now(),
        )
        products = _read(source, run.format, setup)
        await asyncio.to_thread(_skip_rows, products, run.processed_rows)
        await _work_off(powers, import_id, products, run.processed_rows, batches_max)


async def _work_off(
    powers: ImportPowers,
    import_id: UUID,
    products: Iterator[ImportedProduct],
    row: int,
    batches_max: int | None,
) -> None:
    batches = 0
    while batch := await asyncio.to_thread(_next_batch, products):
        if batches == batches_max:
            return
        try:
            written = await transact(
                powers.db,
                import_service.import_products,
                import_id=import_id,
                behind_row=row,
                products=batch,
                review=powers.review,
                now=powers.clock.now(),
            )
        except DomainError as refusal:
            await _end(powers, import_id, refusal.detail)
            return
        if not written:
            return
        batches += 1
        row += sum(product.row_count for product in batch)
    await _end(powers, import_id, None)


async def _end(powers: ImportPowers, import_id: UUID, failure: str | None) -> None:
    await transact(
        powers.db,
        import_service.end_import,
        import_id=import_id,
        failure=failure,
        now=powers.clock.now(),
    )


def _read(source: BinaryIO, file_format: str, setup: Setup) -> Iterator[ImportedProduct]:
    source.seek(0)
    return READERS[file_format](decoded(source), setup)


def _count_rows(source: BinaryIO, file_format: str, setup: Setup) -> int:
    return sum(product.row_count for product in _read(source, file_format, setup))


def _skip_rows(products: Iterator[ImportedProduct], rows: int) -> None:
    while rows > 0 and (product := next(products, None)) is not None:
        rows -= product.row_count


def _next_batch(products: Iterator[ImportedProduct]) -> list[ImportedProduct]:
    return list(islice(products, BATCH_PRODUCTS))
