"""What gateways' journals say against our own payments, one range of ids after the other."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.audit import MOVING, Offence, find_offences, first

# $1 a gateway, then its charges, whose ids come after $8 and go up to $9, and there are all that it
# has between them: so a payment without one shows in the same statement, and neither side is read
# more than once. A charge whose answer we still wait for may differ.
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
        FROM refund_part WHERE payment_id > $8 AND payment_id <= $9
        UNION ALL
        SELECT payment_id, amount_minor, status
        FROM payment_return WHERE payment_id > $8 AND payment_id <= $9
    ) AS each (payment_id, amount_minor, status) GROUP BY payment_id
), astray AS (
    -- Taken by single captures that paid for nothing: it counts for nothing but here.
    SELECT payment_id, sum(amount_minor)::bigint AS minor FROM payment_return
    WHERE capture_id IS NOT NULL AND payment_id > $8 AND payment_id <= $9 GROUP BY payment_id
), own AS (
    SELECT id, currency, status, secured_at,
           captured_minor + COALESCE(astray.minor, 0) AS captured_minor, fee_minor, disputed_minor
    FROM payment LEFT JOIN astray ON astray.payment_id = payment.id
    WHERE method = $1 AND id > $8 AND id <= $9
)
SELECT 'payment ' || COALESCE(charge.id, own.id), CASE
    WHEN own.id IS NULL THEN $1 || ' knows a charge that we never asked for'
    WHEN charge.id IS NULL THEN 'is captured, and ' || $1 || ' knows nothing of it'
    ELSE $1 || ' captured ' || charge.captured_minor || ', refunded ' || charge.refunded_minor
         || ' and kept ' || charge.fee_minor || ' ' || charge.currency
         || COALESCE(', banks took back ' || charge.disputed_minor, '')
         || '; we wrote ' || concat_ws(', ', own.captured_minor, COALESCE(gone.minor, 0),
                                       own.fee_minor, own.currency, own.disputed_minor) END
FROM charge FULL JOIN own ON own.id = charge.id
LEFT JOIN gone ON gone.payment_id = charge.id
WHERE own.id IS NULL
   OR CASE WHEN charge.id IS NULL THEN own.captured_minor > 0
      ELSE own.currency <> charge.currency
        OR (own.status NOT IN ('created', 'unknown', 'action_required')
            -- What is taken piece by piece is right at all times, but for the piece that is
            -- asked for.
            AND (own.status <> 'authorized' OR own.secured_at IS NOT NULL)
            AND (own.captured_minor, own.fee_minor) <> (charge.captured_minor, charge.fee_minor)
            AND NOT EXISTS (SELECT FROM payment_capture AS capture
                            WHERE capture.payment_id = own.id AND capture.check_at IS NOT NULL))
        OR (gone.returning IS NOT TRUE AND COALESCE(gone.minor, 0) <> charge.refunded_minor)
        -- Not every journal tells of banks.
        OR own.disputed_minor <> charge.disputed_minor
      END
""",
    rows=MOVING,
)


async def find_charge_offences(
    connection: Connection,
    *,
    gateway: str,
    charges: Sequence[tuple[str, str, int, int, int, int | None]],
    after: UUID,
    until: UUID,
) -> list[Offence]:
    """All of a gateway's charges with ids in this range, as (id, currency, captured, refunded,
    fee, disputed), against all of our own payments there: both ways."""
    columns = [[charge[place] for charge in charges] for place in range(6)]
    return await find_offences(connection, CHARGES_MATCH_PAYMENTS, gateway, *columns, after, until)
