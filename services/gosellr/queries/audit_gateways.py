"""What gateways' journals say against our own payments, batch by batch."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.audit import MOVING, Offence, find_offences, first

# $1 a gateway, the others its charges. A charge whose answer we still wait for may differ.
CHARGES_MATCH_PAYMENTS = first(
    """
WITH charge AS (
    SELECT * FROM unnest($2::uuid[], $3::bpchar[], $4::bigint[], $5::bigint[], $6::bigint[],
                         $7::bigint[])
         AS charge (id, currency, captured_minor, refunded_minor, fee_minor, disputed_minor)
), gone AS (
    SELECT payment_id, sum(amount_minor) FILTER (WHERE status = 'succeeded') AS minor,
           bool_or(status IN ('pending', 'unknown')) AS returning
    FROM (
        -- What goes to stored value isn't the gateway's, but one that is open may yet be.
        SELECT payment_id, CASE WHEN credited_account IS NULL THEN amount_minor ELSE 0 END, status
        FROM refund_part WHERE payment_id = ANY($2::uuid[])
        UNION ALL
        SELECT payment_id, amount_minor, status
        FROM payment_return WHERE payment_id = ANY($2::uuid[])
    ) AS each (payment_id, amount_minor, status) GROUP BY payment_id
)
SELECT 'payment ' || charge.id, CASE
    WHEN payment.id IS NULL THEN $1 || ' knows a charge that we never asked for'
    ELSE $1 || ' captured ' || charge.captured_minor || ', refunded ' || charge.refunded_minor
         || ' and kept ' || charge.fee_minor || ' ' || charge.currency
         || COALESCE(', banks took back ' || charge.disputed_minor, '')
         || '; we wrote ' || concat_ws(', ', payment.captured_minor, COALESCE(gone.minor, 0),
                                       payment.fee_minor, payment.currency,
                                       payment.disputed_minor) END
FROM charge LEFT JOIN payment ON payment.id = charge.id AND payment.method = $1
LEFT JOIN gone ON gone.payment_id = charge.id
WHERE payment.id IS NULL
   OR payment.currency <> charge.currency
   OR (payment.status NOT IN ('created', 'unknown', 'action_required')
       -- What is taken piece by piece is right at all times, but for the piece that is asked for.
       AND (payment.status <> 'authorized' OR payment.secured_at IS NOT NULL)
       AND NOT EXISTS (SELECT FROM payment_capture AS capture
                       WHERE capture.payment_id = payment.id AND capture.check_at IS NOT NULL)
       AND (payment.captured_minor, payment.fee_minor)
           <> (charge.captured_minor, charge.fee_minor))
   OR (gone.returning IS NOT TRUE AND COALESCE(gone.minor, 0) <> charge.refunded_minor)
   -- Not every journal tells of banks.
   OR payment.disputed_minor <> charge.disputed_minor
""",
    rows=MOVING,
)

CAPTURED_AT = """
SELECT id::text FROM payment WHERE method = $1 AND captured_minor > 0 AND id > $2
ORDER BY id LIMIT $3
"""


async def find_charge_offences(
    connection: Connection,
    *,
    gateway: str,
    charges: Sequence[tuple[str, str, int, int, int, int | None]],
) -> list[Offence]:
    """Charges as (id, currency, captured, refunded, fee, disputed) against our own rows."""
    columns = [list(column) for column in zip(*charges, strict=True)]
    return await find_offences(connection, CHARGES_MATCH_PAYMENTS, gateway, *columns)


async def find_captured(
    connection: Connection, *, gateway: str, after: UUID, limit: int
) -> list[str]:
    """Our own payments with captured money at a gateway, by id; as text, like the charges'."""
    return [row[0] for row in await connection.fetch(CAPTURED_AT, gateway, after, limit)]
