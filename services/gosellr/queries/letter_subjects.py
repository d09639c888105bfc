"""What letters tell of: orders, parcels, refunds, cases, payouts and people, many at a time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.rows import from_row
from gosellr.models.letter_values import (
    Addressee,
    FormerContact,
    MadeRefund,
    SentParcel,
    SoldLine,
    SoldOrder,
    SoldPart,
    TakenInVain,
    ToldCase,
    ToldChargeback,
    ToldGift,
    ToldPayout,
    ToldSeller,
)

ORDERS = """
SELECT orders.id, number, email, coalesce(shipping_address ->> 'name', '') AS name,
       user_id IS NULL AS is_guest, currency::text, total_minor, placed_at, paid_at, expires_at,
       capture_at,
       ARRAY(SELECT DISTINCT method FROM payment WHERE payment.order_id = orders.id) AS methods,
       (SELECT json_agg(json_build_object(
            'id', part.id, 'seller_id', part.seller_id, 'seller', seller.name,
            'email', seller.email, 'index', part.index, 'status', part.status,
            'total_minor', part.total_minor, 'shipping_minor', part.shipping_total_minor,
            'net_minor', part.net_minor, 'cancel_reason', part.cancel_reason,
            'ship_by', part.ship_by, 'captured_at', part.captured_at,
            'in_vain', (SELECT json_agg(json_build_object(
                            'amount_minor', back.amount_minor, 'status', back.status))
                        FROM payment_capture AS capture
                             JOIN payment_return AS back ON back.capture_id = capture.id
                        WHERE capture.order_id = orders.id
                          AND part.id = ANY(capture.seller_order_ids)),
            'lines', (SELECT json_agg(json_build_object(
                          'id', line.id, 'title', line.title, 'options', line.options,
                          'quantity', line.quantity, 'total_minor', line.total_minor)
                          ORDER BY line.position)
                      FROM order_line AS line WHERE line.seller_order_id = part.id))
            ORDER BY part.index)
        FROM seller_order AS part JOIN seller ON seller.id = part.seller_id
        WHERE part.order_id = orders.id) AS parts
FROM orders WHERE orders.id = ANY($1::uuid[])
"""

PARCELS = """
SELECT shipment.id, order_id, seller_order_id, carrier, tracking_number, tracking_url,
       (SELECT coalesce(json_agg(json_build_object(
            'title', line.title, 'options', line.options, 'quantity', item.quantity)
            ORDER BY line.position), '[]')
        FROM shipment_item AS item JOIN order_line AS line ON line.id = item.order_line_id
        WHERE item.shipment_id = shipment.id) AS items
FROM shipment WHERE shipment.id = ANY($1::uuid[])
"""

REFUNDS = """
SELECT refund.id, order_id, seller_order_id, amount_minor, currency::text, reason, borne_by,
       (SELECT coalesce(sum(part.amount_minor), 0) FROM refund_part AS part
        WHERE part.refund_id = refund.id AND part.credited_account IS NOT NULL)::bigint
       AS credited_minor
FROM refund WHERE refund.id = ANY($1::uuid[])
"""

CASES = """
SELECT dispute.id, kind, dispute.order_id, dispute.seller_order_id, dispute.seller_id, reason,
       status, amount_minor, award_minor, currency::text, outcome, decision,
       opened_at, due_at, line.title
FROM dispute LEFT JOIN order_line AS line ON line.id = dispute.order_line_id
WHERE dispute.id = ANY($1::uuid[])
"""

STEPS_OF_CASES = """
SELECT aggregate_id, occurred_at FROM outbox_event
WHERE aggregate_type = 'dispute' AND aggregate_id = ANY($1::uuid[]) AND type = ANY($2::text[])
"""

# Those whose seller is to answer, and soon; the first at $1 is the last that was read before.
CASES_NEARLY_DUE = """
SELECT id, due_at FROM dispute
WHERE status = 'awaiting_seller' AND seller_id IS NOT NULL
  AND (due_at, id) > ($1, $2) AND due_at <= $3
ORDER BY due_at, id
LIMIT $4
"""

PAYOUTS = """
SELECT payout.id, payout.seller_id, amount_minor, currency::text, destination.last_four,
       failure_reason, payout.provider
FROM payout JOIN payout_destination AS destination ON destination.id = payout.destination_id
WHERE payout.id = ANY($1::uuid[])
"""

CHARGEBACKS = """
SELECT id, order_id, gateway, amount_minor, fee_minor, currency::text, reason, evidence_due_at
FROM chargeback WHERE id = ANY($1::uuid[])
"""

SELLERS = """
SELECT id, name, email::text, status, status_reason,
       ARRAY(SELECT account.email::text
             FROM seller_member AS member JOIN user_account AS account
                  ON account.id = member.user_id
             WHERE member.seller_id = seller.id AND member.role = 'owner'
               AND account.status = 'active' AND account.email IS NOT NULL
             ORDER BY member.created_at, account.id) AS owner_emails
FROM seller WHERE id = ANY($1::uuid[])
"""

FORMER_CONTACTS = """
SELECT seller_id, email::text, replaced_at FROM former_contact
WHERE seller_id = ANY($1::uuid[]) AND replaced_at >= $2
ORDER BY replaced_at, id
LIMIT 1000
"""

# Before the address is written over: nothing where it stays the same.
KEEP_CONTACT = """
INSERT INTO former_contact (id, seller_id, email, replaced_at)
SELECT $1, held.id, held.email, $4
FROM (SELECT id, email FROM seller WHERE id = $2 FOR UPDATE) AS held
WHERE held.email <> $3::citext
"""

PEOPLE = """
SELECT id, name, email::text FROM user_account
WHERE id = ANY($1::uuid[]) AND status = 'active' AND email IS NOT NULL
"""

OPERATORS = """
SELECT id, name, email::text FROM user_account
WHERE 'operator' = ANY(roles) AND status = 'active' AND email IS NOT NULL
ORDER BY id
LIMIT $1
"""


GIFTS = """
SELECT sold.card_id, sold.order_id, sold.recipient_email, sold.recipient_name,
       account.name AS giver, sold.message, sold.claim_id, sold.amount_minor,
       sold.currency::text, card.expires_at
FROM gift_card_purchase AS sold JOIN gift_card AS card ON card.id = sold.card_id
JOIN orders ON orders.id = sold.order_id
LEFT JOIN user_account AS account ON account.id = orders.user_id AND account.status = 'active'
WHERE sold.card_id = ANY($1::uuid[]) AND sold.claim_id IS NOT NULL AND card.code_hash IS NULL
"""


async def orders(connection: Connection, *, order_ids: Sequence[UUID]) -> list[SoldOrder]:
    """Orders with their sellers' parts and lines."""
    return [
        SoldOrder(
            **{
                **row,
                "parts": tuple(
                    from_row(
                        SoldPart,
                        part,
                        lines=tuple(from_row(SoldLine, line) for line in part["lines"] or ()),
                        in_vain=tuple(
                            from_row(TakenInVain, back) for back in part["in_vain"] or ()
                        ),
                    )
                    for part in row["parts"] or ()
                ),
            }
        )
        for row in map(dict, await connection.fetch(ORDERS, order_ids))
    ]


async def parcels(connection: Connection, *, shipment_ids: Sequence[UUID]) -> list[SentParcel]:
    """Parcels with what lies in them."""
    return [SentParcel(**row) for row in await connection.fetch(PARCELS, shipment_ids)]


async def refunds(connection: Connection, *, refund_ids: Sequence[UUID]) -> list[MadeRefund]:
    """Refunds."""
    return [MadeRefund(**row) for row in await connection.fetch(REFUNDS, refund_ids)]


async def cases(connection: Connection, *, dispute_ids: Sequence[UUID]) -> list[ToldCase]:
    """Cases as they stand."""
    return [ToldCase(**row) for row in await connection.fetch(CASES, dispute_ids)]


async def steps_of_cases(
    connection: Connection, *, dispute_ids: Sequence[UUID], types: Sequence[str]
) -> frozenset[tuple[UUID, datetime]]:
    """When these cases took steps that such facts tell of."""
    rows = await connection.fetch(STEPS_OF_CASES, dispute_ids, types)
    return frozenset((row["aggregate_id"], row["occurred_at"]) for row in rows)


async def cases_nearly_due(
    connection: Connection, *, after: tuple[datetime, UUID], until: datetime, limit: int
) -> list[tuple[datetime, UUID]]:
    """Deadlines up to then, of cases that wait for their seller's answer, behind this one."""
    rows = await connection.fetch(CASES_NEARLY_DUE, *after, until, limit)
    return [(row["due_at"], row["id"]) for row in rows]


async def payouts(connection: Connection, *, payout_ids: Sequence[UUID]) -> list[ToldPayout]:
    """Payouts with the end of the account each went to."""
    return [ToldPayout(**row) for row in await connection.fetch(PAYOUTS, payout_ids)]


async def chargebacks(
    connection: Connection, *, chargeback_ids: Sequence[UUID]
) -> list[ToldChargeback]:
    """What banks took back."""
    rows = await connection.fetch(CHARGEBACKS, chargeback_ids)
    return [ToldChargeback(**row) for row in rows]


async def sellers(connection: Connection, *, seller_ids: Sequence[UUID]) -> list[ToldSeller]:
    """Sellers with the addresses of their owners."""
    return [ToldSeller(**row) for row in await connection.fetch(SELLERS, seller_ids)]


async def former_contacts(
    connection: Connection, *, seller_ids: Sequence[UUID], since: datetime
) -> list[FormerContact]:
    """Addresses that these sellers had until some time since then."""
    rows = await connection.fetch(FORMER_CONTACTS, seller_ids, since)
    return [FormerContact(**row) for row in rows]


async def keep_contact(
    connection: Connection, *, contact_id: UUID, seller_id: UUID, new_email: str, now: datetime
) -> None:
    """Keep the address that a seller has, because it is about to have another."""
    await connection.execute(KEEP_CONTACT, contact_id, seller_id, new_email, now)


async def people(connection: Connection, *, user_ids: Sequence[UUID]) -> list[Addressee]:
    """Those of these people who have an address here."""
    return [Addressee(**row) for row in await connection.fetch(PEOPLE, user_ids)]


async def operators(connection: Connection, *, limit: int) -> list[Addressee]:
    """Whoever runs the market."""
    return [Addressee(**row) for row in await connection.fetch(OPERATORS, limit)]


async def gifts(connection: Connection, *, card_ids: Sequence[UUID]) -> list[ToldGift]:
    """Cards that are sent to somebody and whose code nobody knows yet."""
    return [ToldGift(**row) for row in await connection.fetch(GIFTS, card_ids)]
