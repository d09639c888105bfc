"""How many rows each table has: proof that the floor writes what the product writes."""

from collections.abc import Mapping

import asyncpg

from gosellr.core.db import SCHEMA


async def row_counts(dsn: str) -> dict[str, int]:
    """The rows of every table of the market."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_stat_user_tables WHERE schemaname = $1", SCHEMA
        )
        return {
            str(name): await connection.fetchval(f'SELECT count(*) FROM {SCHEMA}."{name}"')  # noqa: S608
            for (name,) in names
        }
    finally:
        await connection.close()


def written(
    before: Mapping[str, int], after: Mapping[str, int], *, operations: int
) -> dict[str, float]:
    """New rows per operation, of tables that got any."""
    return {
        name: (count - before.get(name, 0)) / operations
        for name, count in after.items()
        if operations and count != before.get(name, 0)
    }


def difference(product: Mapping[str, float], floor: Mapping[str, float]) -> str | None:
    """Where the floor didn't write what every operation of the product writes; None if it did.

    What only some operations write, a hot product's buckets for example, isn't compared.
    """
    always = {name: rows for name, rows in product.items() if rows >= 1 and rows == int(rows)}
    wrong = [
        f"{name}: {floor.get(name, 0):g} rows and not {rows:g}"
        for name, rows in sorted(always.items())
        if floor.get(name, 0) != rows
    ]
    return "; ".join(wrong) or None
