"""Imports: asked for, watched, and worked off batch by batch."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, decode_cursor, encode_cursor
from gosellr.models.events import Fact, FactType
from gosellr.models.import_values import ErrorRow, NewRun, RunState
from gosellr.queries import imports as queries
from gosellr.queries import outbox
from gosellr.queries.imports import ERRORS_KEPT_MAX
from gosellr.services import idempotency_service, import_batch
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.product_service import ReviewMode
from gosellr.services.seller_scope import seller_acted_for
from gosellr.utils.import_values import ImportedProduct
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

ImportFormat = Literal["gosellr", "shopify", "json"]

_UNFINISHED = frozenset({"waiting", "running"})
_SMALLEST_ID, _LARGEST_ID = 0, 2**63 - 1
_ROW_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What is to be imported: a file in the store, and what it doesn't say about itself.

    `category_id` is for products whose file names no category of the market's.
    """

    format: ImportFormat
    file_name: str
    currency: str
    storage_key: str = ""
    file_hash: bytes = b""
    category_id: UUID | None = None
    seller_id: UUID | None = None


def import_seller(viewer: Viewer, *, seller_id: UUID | None) -> UUID:
    """Whose products an import makes.

    Raises:
        InvalidInput, NotFound, NotAllowed: when the viewer imports for no such seller.
    """
    return seller_acted_for(viewer, seller_id=seller_id, permission=Permission.IMPORT_RUN)


async def request_import(
    connection: Connection,
    *,
    viewer: Viewer,
    order: ImportOrder,
    key: RequestKey | None = None,
    kept_for: timedelta,
    now: datetime,
) -> bytes | EarlierRequest:
    """Ask for an import; returns it as JSON, or what the key was used for before.

    Raises:
        InvalidInput: when there is no such category.
        NotFound, NotAllowed: when the viewer imports for no such seller.
        IdempotencyKeyReused: when the key stands for another request.
    """
    seller_id = import_seller(viewer, seller_id=order.seller_id)
    import_id = new_id()
    if key is not None:
        earlier = await idempotency_service.claim(
            connection, request=key, resource_id=str(import_id), now=now, kept_for=kept_for
        )
        if earlier is not None:
            return earlier
    has_seller, has_category = await queries.ground(
        connection, seller_id=seller_id, category_id=order.category_id
    )
    if not has_seller:
        raise NotFound
    if not has_category:
        raise InvalidInput.at("category_id", "category_unknown", "There is no such category")
    run = NewRun(
        id=import_id,
        seller_id=seller_id,
        requested_by=viewer.user_id,
        format=order.format,
        file_name=order.file_name,
        storage_key=order.storage_key,
        file_hash=order.file_hash,
        settings={
            "category_id": order.category_id,
            "currency": order.currency,
            "as_operator": viewer.is_operator,
        },
    )
    document = await queries.insert_run(connection, run, now=now)
    fact = Fact(
        FactType.IMPORT_REQUESTED,
        import_id,
        {"seller_id": str(seller_id), "format": order.format},
    )
    await outbox.append(connection, [fact], now=now)
    if key is not None:
        await idempotency_service.finish(
            connection, request=key, status=202, body=document, now=now
        )
    return document


async def import_document(connection: Connection, *, viewer: Viewer, import_id: UUID) -> bytes:
    """An import with how far it has come, as JSON.

    Raises:
        NotFound: unless the viewer may read the imports of its seller.
    """
    document = await queries.run_document(
        connection,
        import_id=import_id,
        everything=viewer.sees_everything,
        seller_ids=viewer.seller_ids_with(Permission.IMPORT_READ),
    )
    if document is None:
        raise NotFound
    return document


async def import_errors(
    connection: Connection,
    *,
    viewer: Viewer,
    import_id: UUID,
    cursor: str | None = None,
    limit: int,
) -> Page[ErrorRow]:
    """What was wrong with which row, in their order.

    Raises:
        NotFound: unless the viewer may read the imports of its seller.
    """
    await import_document(connection, viewer=viewer, import_id=import_id)
    after: tuple[int, int] | None = None
    if cursor is not None:
        row, error_id = decode_cursor(cursor, kinds=(int, int))
        if not (0 <= row <= _ROW_MAX and _SMALLEST_ID <= error_id <= _LARGEST_ID):
            raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
        after = row, error_id
    found = await queries.errors(connection, import_id=import_id, after=after, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], encode_cursor(last.row, last.id) if last else None)


async def all_import_errors(
    connection: Connection, *, viewer: Viewer, import_id: UUID
) -> Sequence[ErrorRow]:
    """Every error that is kept of an import. Raises what `import_errors` does."""
    page = await import_errors(
        connection, viewer=viewer, import_id=import_id, limit=2 * ERRORS_KEPT_MAX
    )
    return page.items


async def list_imports(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None = None,
    cursor: str | None = None,
    limit: int,
) -> tuple[bytes, str | None]:
    """A page of the imports that the viewer may read, newest first, as a JSON list."""
    after = after_moment(cursor)
    page = await queries.list_runs(
        connection,
        everything=viewer.sees_everything,
        seller_ids=viewer.seller_ids_with(Permission.IMPORT_READ),
        seller_id=seller_id,
        after=after,
        limit=limit,
    )
    if page.next_keys is None:
        return page.items, None
    moment_next, id_next = page.next_keys
    return page.items, encode_cursor(moment_next.isoformat(), str(id_next))


async def find_unfinished(connection: Connection, *, import_id: UUID) -> RunState | None:
    """An import that is still to be worked on; None when there is nothing left to do."""
    run = await queries.find_run(connection, import_id=import_id)
    return run if run is not None and run.status in _UNFINISHED else None


async def begin_import(
    connection: Connection, *, import_id: UUID, total_rows: int, now: datetime
) -> None:
    """Its file could be read to the end: write down how much there is to do."""
    await queries.begin_run(connection, import_id=import_id, total_rows=total_rows, now=now)


async def import_products(
    connection: Connection,
    *,
    import_id: UUID,
    behind_row: int,
    products: Sequence[ImportedProduct],
    review: ReviewMode,
    now: datetime,
) -> bool:
    """Work off the products that stand behind so many rows, and say how far it has come.

    False, and nothing done, when somebody else has worked on this import meanwhile.

    Raises:
        NotFound, SellerNotActive: when the seller can't list products any more.
    """
    run = await queries.lock_run(connection, import_id=import_id)
    if run is None or run.status not in _UNFINISHED or run.processed_rows != behind_row:
        return False
    outcome = await import_batch.work_off(
        connection, run=run, products=products, review=review, now=now
    )
    await queries.add_errors(
        connection,
        import_id=import_id,
        flaws=[
            (flaw.row, flaw.field, flaw.code, flaw.message, flaw.value) for flaw in outcome.flaws
        ],
    )
    rows = sum(product.row_count for product in products)
    await queries.advance(
        connection, import_id=import_id, processed_rows=behind_row + rows, tally=outcome.tally
    )
    return True


async def end_import(
    connection: Connection, *, import_id: UUID, failure: str | None = None, now: datetime
) -> None:
    """Close an import, and tell it; with a failure, one that can't go on."""
    counts = await queries.end_run(
        connection,
        import_id=import_id,
        status="failed" if failure else "finished",
        reason=failure,
        now=now,
    )
    if counts is not None:
        data = {**counts, "seller_id": str(counts["seller_id"]), "failure": failure}
        await outbox.append(connection, [Fact(FactType.IMPORT_FINISHED, import_id, data)], now=now)
