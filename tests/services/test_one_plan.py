"""The plan of an order's page: the same whoever asks, so that PostgreSQL keeps it."""

import json

import pytest

from gosellr.core.db import Connection
from gosellr.queries.orders import GRAPH_BY_ID, GRAPH_BY_NUMBER

GUEST = "false, NULL, '\\x01', '{}'"
OPERATOR = "true, gen_random_uuid(), NULL, '{}'"


async def cost(connection: Connection, mode: str, values: str) -> float:
    await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked ({values})")
    [said] = json.loads(plan) if isinstance(plan, str) else plan
    return float(said["Plan"]["Total Cost"])


@pytest.mark.parametrize(
    ("statement", "kind", "key"),
    [(GRAPH_BY_ID, "uuid", "gen_random_uuid()"), (GRAPH_BY_NUMBER, "bigint", "7")],
    ids=["by id", "by number"],
)
async def test_who_asks_makes_no_plan_cheaper(
    connection: Connection, statement: str, kind: str, key: str
) -> None:
    """Were it cheaper for one of them, it would be made anew each time, for twice its cost."""
    await connection.execute(f"PREPARE asked (boolean, uuid, bytea, uuid[], {kind}) AS {statement}")
    kept = await cost(connection, "force_generic_plan", f"{GUEST}, {key}")
    costs = [
        await cost(connection, "force_custom_plan", f"{who}, {key}") for who in (GUEST, OPERATOR)
    ]
    await connection.execute("DEALLOCATE asked")
    assert costs == [kept, kept]
