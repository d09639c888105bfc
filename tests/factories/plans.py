"""What a statement really reads: counted by the database itself, row by row."""

import json
from typing import Any

from gosellr.core.db import Connection


async def rows_read(connection: Connection, statement: str, *arguments: Any, of: str) -> int:
    """How many rows of a table a statement looks at, those that it throws away included.

    It is run for that, and what it wrote is undone.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        told = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments)
    finally:
        await transaction.rollback()
    [root] = json.loads(told) if isinstance(told, str) else told
    return _counted(root["Plan"], of)


def _counted(node: dict[str, Any], table: str) -> int:
    own = 0
    if node.get("Relation Name") == table and node["Node Type"] != "ModifyTable":
        looked_at = sum(
            node.get(name, 0)
            for name in (
                "Actual Rows",
                "Rows Removed by Filter",
                "Rows Removed by Index Recheck",
            )
        )
        own = round(looked_at * node["Actual Loops"])
    return own + sum(_counted(each, table) for each in node.get("Plans", ()))
