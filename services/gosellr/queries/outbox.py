"""The outbox: facts written in the transaction they tell of, read later in one order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.events import Fact

APPEND = """
INSERT INTO outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)
SELECT id, type, aggregate_type, aggregate_id, data, $6
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[])
     AS fact (id, type, aggregate_type, aggregate_id, data)
"""


def columns_of(facts: Sequence[Fact]) -> tuple[list[Any], ...]:
    """Facts as the parallel arrays that `APPEND` unnests."""
    ids: list[UUID] = [new_id() for _ in facts]
    return (
        ids,
        [fact.type.value for fact in facts],
        [fact.aggregate_type for fact in facts],
        [fact.aggregate_id for fact in facts],
        [dict(fact.data) for fact in facts],
    )


async def append(connection: Connection, facts: Sequence[Fact], *, now: datetime) -> None:
    """Write the facts of the running transaction."""
    if facts:
        await connection.execute(APPEND, *columns_of(facts), now)
