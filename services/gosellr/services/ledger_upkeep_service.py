"""Rolling up and sealing the books: work for jobs, as far as nothing can be added behind it."""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.queries import ledger_upkeep
from gosellr.utils.ledger import FIRST_SEAL, batch_root, seal_hash

ROLL_UP_BATCH = 20_000
SEAL_BATCH = 1_000


async def roll_up(connection: Connection, *, limit: int = ROLL_UP_BATCH) -> int:
    """Bring the rolled-up balances closer to now; gives how many transactions were added.

    Zero means that all settled ones are in. Only time is saved by it: balances are the same
    before and after.
    """
    return await ledger_upkeep.roll_up(connection, limit=limit)


async def seal(connection: Connection, *, now: datetime, limit: int = SEAL_BATCH) -> int:
    """Seal the next settled transactions, chained to the last seal; gives how many.

    Zero means that none waits. The order is that of the database transactions that wrote them.
    """
    last = await ledger_upkeep.take_sealing(connection)
    last_id, previous_hash = last or (None, FIRST_SEAL)
    waiting = await ledger_upkeep.find_unsealed(connection, last_seal_id=last_id, limit=limit)
    if waiting:
        root_hash = batch_root(digest for _, digest in waiting)
        await ledger_upkeep.insert_seal(
            connection,
            transaction_ids=[transaction_id for transaction_id, _ in waiting],
            root_hash=root_hash,
            previous_hash=previous_hash,
            hash_=seal_hash(previous_hash=previous_hash, root_hash=root_hash),
            now=now,
        )
    return len(waiting)
