"""Imports: their runs, how far they have come, and what was wrong with which row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.import_values import ErrorRow, KnownProduct, NewRun, RunState, Tally
from gosellr.queries.product_cards import instant
from gosellr.utils.lazy_dataclasses import dataclass

ERRORS_KEPT_MAX = 10_000

_DOCUMENT = f"""json_build_object(
    'id', run.id,
    'seller_id', run.seller_id,
    'format', run.format,
    'file_name', run.file_name,
    'status', run.status,
    'category_id', run.settings -> 'category_id',
    'currency', run.settings -> 'currency',
    'total_rows', run.total_rows,
    'processed_rows', run.processed_rows,
    'created', run.created_count,
    'updated', run.updated_count,
    'unchanged', run.unchanged_count,
    'failed', run.failed_count,
    'pictures_skipped', run.pictures_skipped_count,
    'failure_reason', run.failure_reason,
    'created_at', {instant("run.created_at")},
    'started_at', {instant("run.started_at")},
    'finished_at', {instant("run.finished_at")})"""

INSERT_RUN = f"""
INSERT INTO import_run AS run (id, seller_id, requested_by, format, file_name, storage_key,
                               file_hash, settings, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING convert_to({_DOCUMENT}::text, 'UTF8')
"""

RUN_DOCUMENT = f"""
SELECT convert_to({_DOCUMENT}::text, 'UTF8') FROM import_run AS run
WHERE run.id = $1 AND ($2::boolean OR run.seller_id = ANY($3::uuid[]))
"""

LIST_RUNS = f"""
SELECT coalesce(json_agg({_DOCUMENT} ORDER BY run.created_at DESC, run.id DESC)
                FILTER (WHERE run.place <= $6), '[]')::text AS items,
       count(*) AS rows,
       (array_agg(run.created_at ORDER BY run.place))[$6] AS last_at,
       (array_agg(run.id ORDER BY run.place))[$6] AS last_id
FROM (
    SELECT import_run.*, row_number() OVER (ORDER BY created_at DESC, id DESC) AS place
    FROM import_run
    WHERE ($1::boolean OR seller_id = ANY($2::uuid[]))
      AND ($3::uuid IS NULL OR seller_id = $3)
      AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
    ORDER BY created_at DESC, id DESC LIMIT $6 + 1
) AS run
"""

ERRORS = """
SELECT id, row, field, code, message, value FROM import_error
WHERE import_id = $1 AND ($2::int IS NULL OR (row, id) > ($2, $3::bigint))
ORDER BY row, id LIMIT $4
"""

_STATE = """
SELECT id, seller_id, requested_by, format, storage_key, status, processed_rows, settings
FROM import_run WHERE id = $1
"""

FIND_RUN = _STATE

LOCK_RUN = _STATE + "FOR UPDATE"

# Two imports of one seller would see the same SKU as new: they write one after the other.
LOCK_SELLER = "SELECT pg_advisory_xact_lock(hashtextextended('gosellr.import:' || $1, 0))"

BEGIN_RUN = """
UPDATE import_run
SET status = 'running', total_rows = $2, started_at = coalesce(started_at, $3)
WHERE id = $1 AND status IN ('waiting', 'running')
"""

ADVANCE = """
UPDATE import_run
SET processed_rows = $2, created_count = created_count + $3, updated_count = updated_count + $4,
    unchanged_count = unchanged_count + $5, failed_count = failed_count + $6,
    pictures_skipped_count = pictures_skipped_count + $7
WHERE id = $1
"""

ADD_ERRORS = f"""
INSERT INTO import_error (import_id, row, field, code, message, value)
SELECT $1, flaw.* FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS flaw (row, field, code, message, value)
WHERE (SELECT count(*) FROM import_error WHERE import_id = $1) < {ERRORS_KEPT_MAX}
"""

END_RUN = """
UPDATE import_run SET status = $2, failure_reason = $3, finished_at = $4
WHERE id = $1 AND status IN ('waiting', 'running')
RETURNING seller_id, created_count AS created, updated_count AS updated,
          unchanged_count AS unchanged, failed_count AS failed
"""

# One by one, as `products.SELLING_GROUND` does and for its reason.
KNOWN_PRODUCTS = """
WITH found AS (
    SELECT named.id FROM unnest($2::text[]) AS asked (key) CROSS JOIN LATERAL (
        SELECT product.id FROM product
        WHERE product.seller_id = $1 AND product.source_key = asked.key
        OFFSET 0) AS named
    UNION
    SELECT listed.product_id FROM unnest($3::text[]) AS asked (sku) CROSS JOIN LATERAL (
        SELECT variant.product_id FROM variant
        WHERE variant.seller_id = $1 AND variant.sku = asked.sku AND variant.archived_at IS NULL
        OFFSET 0) AS listed
)
SELECT product.id, product.source_key, product.source_hash, product.status, product.title,
       coalesce((SELECT jsonb_object_agg(variant.sku, variant.id) FROM variant
                 WHERE variant.product_id = product.id AND variant.archived_at IS NULL), '{}')
           AS skus
FROM found CROSS JOIN LATERAL (
    SELECT * FROM product WHERE product.id = found.id OFFSET 0) AS product
"""

# A category by its path, by one it had before, or by its name where only one has it.
CATEGORIES_NAMED = """
SELECT asked.word, coalesce(
    (SELECT id FROM category WHERE category.path = asked.path AND archived_at IS NULL),
    (SELECT category.id FROM category_former_path AS former
     JOIN category ON category.id = former.category_id AND category.archived_at IS NULL
     WHERE former.path = asked.path),
    (SELECT (array_agg(category.id))[1] FROM category
     WHERE lower(category.name) = lower(asked.word) AND archived_at IS NULL
     HAVING count(*) = 1)) AS category_id
FROM unnest($1::text[], $2::text[]) AS asked (word, path)
"""

GROUND = """
SELECT EXISTS (SELECT FROM seller WHERE id = $1) AS seller_exists,
       $2::uuid IS NULL OR EXISTS (SELECT FROM category WHERE id = $2 AND archived_at IS NULL)
           AS category_exists
"""

SET_SOURCES = """
UPDATE product SET source_key = draft.source_key, source_hash = draft.source_hash
FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS draft (id, source_key, source_hash)
WHERE product.id = draft.id
"""


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of imports: finished JSON, and where the next one begins."""

    items: bytes
    next_keys: tuple[datetime, UUID] | None


async def insert_run(connection: Connection, run: NewRun, *, now: datetime) -> bytes:
    """Write an import; returns it as JSON."""
    document: bytes = await connection.fetchval(
        INSERT_RUN,
        run.id,
        run.seller_id,
        run.requested_by,
        run.format,
        run.file_name,
        run.storage_key,
        run.file_hash,
        run.settings,
        now,
    )
    return document


async def run_document(
    connection: Connection, *, import_id: UUID, everything: bool, seller_ids: Sequence[UUID]
) -> bytes | None:
    """An import as JSON, if it is of one of these sellers."""
    document: bytes | None = await connection.fetchval(
        RUN_DOCUMENT, import_id, everything, seller_ids
    )
    return document


async def list_runs(
    connection: Connection,
    *,
    everything: bool,
    seller_ids: Sequence[UUID],
    seller_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> RunPage:
    """One page of the imports of these sellers, newest first."""
    after_at, after_id = after or (None, None)
    row = await connection.fetchrow(
        LIST_RUNS, everything, seller_ids, seller_id, after_at, after_id, limit
    )
    assert row is not None  # noqa: S101 - an aggregate makes one row
    more = (row["last_at"], row["last_id"]) if row["rows"] > limit else None
    return RunPage(row["items"].encode(), more)


async def errors(
    connection: Connection, *, import_id: UUID, after: tuple[int, int] | None, limit: int
) -> list[ErrorRow]:
    """What was wrong, row by row, behind `after` (row, id)."""
    after_row, after_id = after or (None, None)
    rows = await connection.fetch(ERRORS, import_id, after_row, after_id, limit)
    return [ErrorRow(**dict(row)) for row in rows]


async def find_run(connection: Connection, *, import_id: UUID) -> RunState | None:
    """An import as it stands."""
    row = await connection.fetchrow(FIND_RUN, import_id)
    return None if row is None else RunState(**dict(row))


async def lock_run(connection: Connection, *, import_id: UUID) -> RunState | None:
    """An import as it stands, its own and its seller's until the commit."""
    row = await connection.fetchrow(LOCK_RUN, import_id)
    if row is None:
        return None
    await connection.execute(LOCK_SELLER, str(row["seller_id"]))
    return RunState(**dict(row))


async def begin_run(
    connection: Connection, *, import_id: UUID, total_rows: int, now: datetime
) -> None:
    """Write down how much there is to do."""
    await connection.execute(BEGIN_RUN, import_id, total_rows, now)


async def advance(
    connection: Connection, *, import_id: UUID, processed_rows: int, tally: Tally
) -> None:
    """Write down how far an import has come."""
    await connection.execute(
        ADVANCE,
        import_id,
        processed_rows,
        tally.created,
        tally.updated,
        tally.unchanged,
        tally.failed,
        tally.pictures_skipped,
    )


async def add_errors(
    connection: Connection,
    *,
    import_id: UUID,
    flaws: Sequence[tuple[int, str, str, str, str]],
) -> None:
    """Keep what is wrong, as (row, field, code, message, value); the first ten thousand or so."""
    if flaws:
        columns = [list(column) for column in zip(*flaws, strict=True)]
        await connection.execute(ADD_ERRORS, import_id, *columns)


async def end_run(
    connection: Connection, *, import_id: UUID, status: str, reason: str | None, now: datetime
) -> Mapping[str, Any] | None:
    """Close an import; its counts, or None where it was closed before."""
    row = await connection.fetchrow(END_RUN, import_id, status, reason, now)
    return None if row is None else dict(row)


async def known_products(
    connection: Connection, *, seller_id: UUID, keys: Sequence[str], skus: Sequence[str]
) -> list[KnownProduct]:
    """The seller's products that have one of these names or SKUs."""
    rows = await connection.fetch(KNOWN_PRODUCTS, seller_id, keys, skus)
    return [KnownProduct(**dict(row)) for row in rows]


async def categories_named(connection: Connection, *, paths: Mapping[str, str]) -> dict[str, UUID]:
    """Categories by words for them, as far as there are any; `paths` gives each word's path."""
    rows = await connection.fetch(CATEGORIES_NAMED, list(paths), list(paths.values()))
    return {row["word"]: row["category_id"] for row in rows if row["category_id"] is not None}


async def ground(
    connection: Connection, *, seller_id: UUID, category_id: UUID | None
) -> tuple[bool, bool]:
    """Whether there is such a seller, and such a category where one is named."""
    row = await connection.fetchrow(GROUND, seller_id, category_id)
    assert row is not None  # noqa: S101 - a look without a table makes one row
    return row["seller_exists"], row["category_exists"]


async def set_sources(
    connection: Connection, *, sources: Sequence[tuple[UUID, str, bytes]]
) -> None:
    """Let products be known by (id, key, hash) of what a file said of them."""
    if sources:
        columns = [list(column) for column in zip(*sources, strict=True)]
        await connection.execute(SET_SOURCES, *columns)
