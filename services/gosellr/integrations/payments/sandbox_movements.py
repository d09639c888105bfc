"""The sandbox gateway's movements, as a provider lists them for reconciliation."""

import sqlite3

from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments.port import GatewayMovement
from gosellr.integrations.payments.sandbox_store import Movement, MovementKind


def movements_after(
    connection: sqlite3.Connection, after: str, limit: int
) -> list[GatewayMovement]:
    """Captures and refunds that moved money, oldest first, from behind a cursor on."""
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
