"""What we know under the names that a provider gives its movements."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.reconciliation_values import Movement
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.reconciliation import Known, MovementAmounts

# By our own key first, else by the provider's. Of chargebacks and payouts, what was booked of each
# step: a movement confirms one of them.
KNOWN = """
WITH asked AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bigint[])
        AS line (id, kind, key, related, amount)
), subject AS (
    SELECT asked.id AS movement_id, payment.id, payment.currency, payment.captured_minor AS amount,
           payment.fee_minor AS fee, true AS is_confirmed
    FROM asked JOIN payment ON payment.id = asked.key
    WHERE asked.kind = 'charge' AND payment.method = $1 AND payment.captured_minor > 0
      AND payment.secured_at IS NULL
  UNION ALL
    SELECT asked.id, payment.id, payment.currency, payment.captured_minor, payment.fee_minor, true
    FROM asked JOIN payment ON payment.gateway_reference = asked.related
    WHERE asked.kind = 'charge' AND asked.key IS NULL AND payment.method = $1
      AND payment.captured_minor > 0 AND payment.secured_at IS NULL
  UNION ALL
    -- One that took another amount than it was to take is known by what it took.
    SELECT asked.id, capture.id, payment.currency,
           COALESCE(astray.amount_minor, capture.amount_minor), capture.fee_minor,
           capture.status = 'succeeded' OR astray.id IS NOT NULL
    FROM asked JOIN payment_capture AS capture ON capture.id = asked.key
         JOIN payment ON payment.id = capture.payment_id
         LEFT JOIN payment_return AS astray ON astray.capture_id = capture.id
    WHERE asked.kind = 'charge' AND payment.method = $1
  UNION ALL
    -- Several captures of one charge: each of them may be meant.
    SELECT asked.id, capture.id, payment.currency,
           COALESCE(astray.amount_minor, capture.amount_minor), capture.fee_minor, true
    FROM asked JOIN payment ON payment.method = $1 AND payment.secured_at IS NOT NULL
         JOIN payment_capture AS capture
           ON capture.payment_id = payment.id
          AND asked.related IN (capture.gateway_reference, payment.gateway_reference)
         LEFT JOIN payment_return AS astray ON astray.capture_id = capture.id
    WHERE asked.kind = 'charge' AND asked.key IS NULL
      AND (capture.status = 'succeeded' OR astray.id IS NOT NULL)
  UNION ALL
    SELECT asked.id, part.id, payment.currency, -part.amount_minor, 0, part.status = 'succeeded'
    FROM asked JOIN refund_part AS part ON part.id = asked.key
         JOIN payment ON payment.id = part.payment_id
    WHERE asked.kind = 'refund' AND payment.method = $1
  UNION ALL
    -- One that nobody asked for here may be several sellers': together they are the movement.
    SELECT asked.id, (array_agg(part.id ORDER BY part.id))[1], payment.currency,
           -sum(part.amount_minor)::bigint, 0, bool_and(part.status = 'succeeded')
    FROM asked JOIN refund_part AS part ON part.gateway_reference = asked.related
         JOIN payment ON payment.id = part.payment_id
    WHERE asked.kind = 'refund' AND asked.key IS NULL AND payment.method = $1
    GROUP BY asked.id, payment.id
  UNION ALL
    SELECT asked.id, back.id, payment.currency, -back.amount_minor, 0, back.status = 'succeeded'
    FROM asked JOIN payment_return AS back
           ON back.id = asked.key OR (asked.key IS NULL AND back.gateway_reference = asked.related)
         JOIN payment ON payment.id = back.payment_id
    WHERE asked.kind = 'refund' AND payment.method = $1
  UNION ALL
    SELECT asked.id, booked.id, back.currency,
           CASE booked.kind WHEN 'chargeback_opened' THEN -back.amount_minor
                            ELSE back.amount_minor END,
           CASE booked.kind WHEN 'chargeback_opened' THEN back.fee_minor ELSE 0 END, true
    FROM asked JOIN chargeback AS back
           ON back.gateway = $1 AND back.gateway_reference = asked.related
         JOIN ledger_transaction AS booked ON booked.idempotency_key = back.id::text
          AND booked.kind = CASE WHEN asked.amount < 0 THEN 'chargeback_opened'
                                 ELSE 'chargeback_won' END
    WHERE asked.kind = 'chargeback'
  UNION ALL
    SELECT asked.id, booked.id, payout.currency,
           CASE booked.kind WHEN 'payout_confirmed' THEN -payout.amount_minor
                            ELSE payout.amount_minor END, 0, true
    FROM asked JOIN payout
           ON payout.id = asked.key
           OR (asked.key IS NULL AND payout.provider_reference = asked.related)
         JOIN ledger_transaction AS booked ON booked.idempotency_key = payout.id::text
          AND booked.kind = CASE WHEN asked.amount < 0 THEN 'payout_confirmed'
                                 ELSE 'payout_returned' END
    WHERE asked.kind = 'payout' AND payout.provider = $1
)
SELECT DISTINCT movement_id, id, currency, amount, fee, is_confirmed,
       EXISTS (SELECT FROM provider_movement AS other
               WHERE other.subject_id = subject.id AND other.status = 'matched'
                 AND other.id <> movement_id) AS is_taken
FROM subject ORDER BY movement_id, id
"""


@dataclass(frozen=True, slots=True)
class KnownSubject:
    """What a movement is about, as far as we know it."""

    subject_id: UUID
    known: Known


async def known_subjects(
    connection: Connection, *, gateway: str, movements: Sequence[Movement]
) -> dict[UUID, list[KnownSubject]]:
    """What we know under the names of movements, by the movement's id; of a capture that isn't
    named by our own key, each that it may be."""
    rows = await connection.fetch(
        KNOWN,
        gateway,
        [one.id for one in movements],
        [one.kind.value for one in movements],
        [one.key for one in movements],
        [one.related for one in movements],
        [one.amount_minor for one in movements],
    )
    found: dict[UUID, list[KnownSubject]] = {}
    for row in rows:
        known = Known(
            amounts=MovementAmounts(
                currency=row["currency"], amount_minor=row["amount"], fee_minor=row["fee"]
            ),
            is_confirmed=row["is_confirmed"],
            is_taken=row["is_taken"],
        )
        found.setdefault(row["movement_id"], []).append(KnownSubject(row["id"], known))
    return found
