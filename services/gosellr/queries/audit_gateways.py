"""What gateways say of charges, held against our own rows; as in `audit`, and read like it."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.audit import Offence, find_offences, first

# $1 a gateway, the others its charges. A charge whose answer we still wait for may differ.
CHARGES_MATCH_PAYMENTS = first("""
SELECT 'payment ' || charge.id, CASE
    WHEN payment.id IS NULL THEN $1 || ' knows a charge that we never asked for'
    ELSE $1 || ' captured ' || charge.captured_minor || ', refunded ' || charge.refunded_minor
         || ' and kept ' || charge.fee_minor || ' ' || charge.currency || ', banks took back '
         || charge.disputed_minor || '; we wrote ' || concat_ws(', ', payment.captured_minor,
         payment.refunded_minor, payment.fee_minor, payment.currency, payment.disputed_minor) END
FROM unnest($2::uuid[], $3::bpchar[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
     AS charge (id, currency, captured_minor, refunded_minor, fee_minor, disputed_minor)
LEFT JOIN LATERAL (
    SELECT own.id, own.currency, own.captured_minor, own.fee_minor, own.status,
           own.disputed_minor, own.secured_at, COALESCE((SELECT sum(amount_minor) FROM refund_part
                     WHERE payment_id = own.id AND status = 'succeeded'
                       AND credited_account IS NULL), 0)
           + COALESCE((SELECT sum(amount_minor) FROM payment_return
                       WHERE payment_id = own.id AND status = 'succeeded'), 0) AS refunded_minor,
           EXISTS (SELECT FROM refund_part
                   WHERE payment_id = own.id AND status IN ('pending', 'unknown'))
           OR EXISTS (SELECT FROM payment_return
                      WHERE payment_id = own.id AND status IN ('pending', 'unknown')) AS returning
    FROM payment AS own WHERE own.id = charge.id AND own.method = $1
) AS payment ON true
WHERE payment.id IS NULL
   OR payment.currency <> charge.currency
   OR (payment.status NOT IN ('created', 'unknown', 'action_required')
       -- What is taken piece by piece is right at all times, but for the piece that is asked for.
       AND (payment.status <> 'authorized' OR payment.secured_at IS NOT NULL)
       AND NOT EXISTS (SELECT FROM payment_capture AS capture
                       WHERE capture.payment_id = payment.id AND capture.check_at IS NOT NULL)
       AND (payment.captured_minor, payment.fee_minor)
           <> (charge.captured_minor, charge.fee_minor))
   OR (NOT payment.returning AND payment.refunded_minor <> charge.refunded_minor)
   -- Not every journal tells of banks.
   OR payment.disputed_minor <> charge.disputed_minor
""")

CAPTURED_AT = """
SELECT id FROM payment WHERE method = $1 AND captured_minor > 0 AND id > $2
ORDER BY id LIMIT $3
"""


async def find_charge_offences(
    connection: Connection,
    *,
    gateway: str,
    charges: Sequence[tuple[UUID, str, int, int, int, int | None]],
) -> list[Offence]:
    """Charges as (id, currency, captured, refunded, fee, disputed) against our own rows."""
    columns = [list(column) for column in zip(*charges, strict=True)]
    return await find_offences(connection, CHARGES_MATCH_PAYMENTS, gateway, *columns)


async def find_captured(
    connection: Connection, *, gateway: str, after: UUID, limit: int
) -> list[UUID]:
    """Our own payments with captured money at a gateway, by id."""
    return [row["id"] for row in await connection.fetch(CAPTURED_AT, gateway, after, limit)]
