"""The sandbox gateway's movements, as a provider lists them for reconciliation.

All that changed its balance with us is told: captures with their fees and refunds, what banks took
back and gave back, and what was sent to sellers out of it. A movement's place in the list is its
time and its name.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments.port import GatewayMovement
from gosellr.integrations.payments.sandbox_store import Movement, MovementKind
from gosellr.integrations.sqlite_file import SqliteFile

# What a bank took back, and gave back. A return that an older journal didn't note the time of is
# told beside what was taken.
_BANKS = """
SELECT told.reference || ':taken', told.reference, -told.amount_minor, told.fee_minor,
       charge.currency, told.opened_at,
       told.opened_at || ' chargeback ' || told.reference || ':taken' AS place
FROM dispute AS told JOIN charge USING (attempt_id)
WHERE place > :after
UNION ALL
SELECT told.reference || ':given_back', told.reference, told.amount_minor, 0, charge.currency,
       coalesce(given_back.at, told.opened_at),
       coalesce(given_back.at, told.opened_at) || ' chargeback ' || told.reference || ':given_back'
           AS place
FROM dispute AS told JOIN charge USING (attempt_id)
     LEFT JOIN given_back ON given_back.reference = told.reference
WHERE told.state = 'won' AND place > :after
ORDER BY place LIMIT :limit
"""


class TellsTransfers(Protocol):
    """A payout provider that is paid out of the gateway's balance, and says what it took."""

    async def taken(self) -> Sequence[GatewayMovement]:
        """Everything that it took for sellers, and what came back."""


async def movements_after(
    file: SqliteFile, after: str, limit: int, *, transfers: TellsTransfers | None
) -> list[GatewayMovement]:
    """So many movements, oldest first, from behind a cursor on."""
    own = await file.read(
        lambda connection: (
            _of_charges(connection, after, limit) + _of_banks(connection, after, limit)
        )
    )
    sent = [] if transfers is None else await transfers.taken()
    told = own + [one for one in sent if one.cursor > after]
    return sorted(told, key=lambda one: one.cursor)[:limit]


def _of_charges(connection: sqlite3.Connection, after: str, limit: int) -> list[GatewayMovement]:
    rows = connection.execute(
        "SELECT kind, movement_id, occurred_at || ' ' || kind || ' ' || movement_id AS place"
        " FROM movement WHERE outcome = 'accepted' AND kind IN ('capture', 'refund')"
        " AND place > ? ORDER BY place LIMIT ?",
        (after, limit),
    ).fetchall()
    found = (
        (store.find_movement(connection, MovementKind(kind), movement_id), cursor)
        for kind, movement_id, cursor in rows
    )
    return [_told(movement, cursor) for movement, cursor in found if movement is not None]


def _told(movement: Movement, cursor: str) -> GatewayMovement:
    is_refund = movement.kind is MovementKind.REFUND
    return GatewayMovement(
        reference=f"{movement.kind}:{movement.movement_id}",
        kind="refund" if is_refund else "charge",
        movement_id=movement.movement_id,
        gateway_reference=store.reference_of(movement.attempt_id),
        amount_minor=-movement.amount_minor if is_refund else movement.amount_minor,
        fee_minor=movement.fee_minor,
        currency=movement.currency,
        occurred_at=movement.occurred_at,
        cursor=cursor,
    )


def _of_banks(connection: sqlite3.Connection, after: str, limit: int) -> list[GatewayMovement]:
    rows = connection.execute(_BANKS, {"after": after, "limit": limit}).fetchall()
    return [
        GatewayMovement(
            reference=f"chargeback:{name}",
            kind="chargeback",
            movement_id=None,
            gateway_reference=reference,
            amount_minor=amount_minor,
            fee_minor=fee_minor,
            currency=currency,
            occurred_at=datetime.fromisoformat(at),
            cursor=place,
        )
        for name, reference, amount_minor, fee_minor, currency, at, place in rows
    ]
