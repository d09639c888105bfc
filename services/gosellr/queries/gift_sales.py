"""Gift cards on sale, and those that were sold: one card for each purchase, once it is paid."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.core.identity import new_id
from gosellr.models.gift_sale_values import GiftCardOffer, GiftCardPurchase
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries.stored_value import CARD
from gosellr.utils.stored_value import NO_CODE_YET

_OFFERS = """
SELECT currency, amounts_minor, minimum_minor, maximum_minor, valid_days, on_sale, updated_at,
       updated_by, released_after_days
FROM gift_card_offer
"""
OFFERS = f"{_OFFERS} ORDER BY currency"
OFFER = f"{_OFFERS} WHERE currency = $1"
SET_OFFER = """
INSERT INTO gift_card_offer (id, currency, amounts_minor, minimum_minor, maximum_minor, valid_days,
                             on_sale, updated_at, updated_by, released_after_days)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (currency) DO UPDATE
SET amounts_minor = excluded.amounts_minor, minimum_minor = excluded.minimum_minor,
    maximum_minor = excluded.maximum_minor, valid_days = excluded.valid_days,
    on_sale = excluded.on_sale, updated_at = excluded.updated_at,
    updated_by = excluded.updated_by, released_after_days = excluded.released_after_days
"""

ADD_PURCHASE = """
INSERT INTO gift_card_purchase (order_id, amount_minor, currency, valid_days, recipient_name,
                                message, created_at, recipient_email, deliver_at, claim_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_PURCHASES = """
SELECT order_id, amount_minor, currency, valid_days, recipient_name, message, created_at, card_id,
       lost_minor, recipient_email, deliver_at, claim_id, sent_count, sent_at
FROM gift_card_purchase
"""
PURCHASE = f"{_PURCHASES} WHERE order_id = $1"
PURCHASE_OF_CLAIM = f"{_PURCHASES} WHERE claim_id = $1"

ORDER_OF_CARD = """
SELECT orders.id, orders.number
FROM gift_card_purchase AS sold JOIN orders ON orders.id = sold.order_id
WHERE sold.card_id = $1
"""

# One purchase, one card: whoever comes second finds that there is one.
MAKE_CARD = f"""
WITH sold AS (
    UPDATE gift_card_purchase SET card_id = $2 WHERE order_id = $1 AND card_id IS NULL
    RETURNING amount_minor, currency, valid_days
)
INSERT INTO gift_card (id, last_four, amount_minor, currency, created_at, expires_at)
SELECT $2, '{NO_CODE_YET}', amount_minor, currency, $3::timestamptz,
       $3::timestamptz + valid_days * interval '24 hours'
FROM sold
RETURNING id
"""

# A code is given to a card once, and told by whoever gave it.
GIVE_CODE = """
UPDATE gift_card SET code_hash = $2, last_four = $3 WHERE id = $1 AND code_hash IS NULL
RETURNING id
"""

# All of these wait for whoever is spending the card, and they for these.
STOP = """
UPDATE gift_card SET deactivated_at = COALESCE(deactivated_at, $2),
    deactivated_by = CASE WHEN deactivated_at IS NULL THEN $3 ELSE deactivated_by END
WHERE id = $1
"""
START = """
UPDATE gift_card SET deactivated_at = NULL, deactivated_by = NULL
FROM gift_card_purchase AS sold
WHERE sold.order_id = $1 AND gift_card.id = sold.card_id AND gift_card.deactivated_at = $2
"""
FREEZE = """
UPDATE gift_card SET frozen_at = COALESCE(frozen_at, $2)
FROM gift_card_purchase AS sold
WHERE sold.order_id = $1 AND gift_card.id = sold.card_id
"""


def is_about_price(taken: str) -> str:
    """The condition under which a chargeback of a card's order, an SQL alias, is about the price of
    the card: not about another payment that was taken and paid for nothing."""
    return (
        "NOT EXISTS (SELECT FROM payment_return AS vain"
        f" WHERE vain.payment_id = {taken}.payment_id AND vain.capture_id IS NULL)"
    )


# No bank may still decide; of what one has won all must be made good, and some of the price left.
THAW = f"""
UPDATE gift_card SET frozen_at = NULL
FROM gift_card_purchase AS sold JOIN orders ON orders.id = sold.order_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status NOT IN ('won', 'lost')) AS undecided,
           COALESCE(sum(amount_minor - reinstated_minor) FILTER (WHERE status = 'lost'), 0)
               AS lost_minor
    FROM chargeback WHERE chargeback.order_id = sold.order_id AND {is_about_price("chargeback")}
) AS taken
WHERE sold.order_id = $1 AND gift_card.id = sold.card_id AND taken.undecided = 0
  AND taken.lost_minor = sold.lost_minor AND taken.lost_minor < orders.total_minor
RETURNING gift_card.id
"""
COUNT_LOST = "UPDATE gift_card_purchase SET lost_minor = lost_minor + $2 WHERE order_id = $1"

# What banks took of the price for good, beyond what the card has made good of it.
BORNE = f"""
SELECT (COALESCE(sum(taken.amount_minor - taken.reinstated_minor), 0) - sold.lost_minor)::bigint
FROM gift_card_purchase AS sold
LEFT JOIN chargeback AS taken ON taken.order_id = sold.order_id AND taken.status = 'lost'
                             AND {is_about_price("taken")}
WHERE sold.order_id = $1
GROUP BY sold.lost_minor
"""
# What banks gave back to a card and have not taken again, less what went on from there.
GIVEN_BACK = """
SELECT (COALESCE((
            SELECT sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                            ELSE -entry.amount_minor END)
            FROM ledger_transaction AS head
            JOIN ledger_entry AS entry ON entry.transaction_id = head.id
            WHERE head.order_id = $1 AND head.kind = 'chargeback_reinstated'
              AND split_part(entry.account, ':', 1) = 'gift_card'), 0)
    - COALESCE((SELECT sum(amount_minor) FROM stored_value_move WHERE order_id = $1), 0))::bigint
"""


async def offers(connection: Connection) -> list[GiftCardOffer]:
    """What is offered, by currency."""
    return [GiftCardOffer(*row) for row in await connection.fetch(OFFERS)]


async def find_offer(connection: Connection, *, currency: str) -> GiftCardOffer | None:
    """What is offered in a currency."""
    row = await connection.fetchrow(OFFER, currency)
    return None if row is None else GiftCardOffer(*row)


async def set_offer(connection: Connection, *, offer: GiftCardOffer) -> None:
    """Offer this in its currency from now on."""
    await connection.execute(
        SET_OFFER,
        new_id(),
        offer.currency,
        list(offer.amounts_minor),
        offer.minimum_minor,
        offer.maximum_minor,
        offer.valid_days,
        offer.on_sale,
        offer.updated_at,
        offer.updated_by,
        offer.released_after_days,
    )


async def add_purchase(connection: Connection, *, purchase: GiftCardPurchase) -> None:
    """Write what an order buys that was just written."""
    await connection.execute(
        ADD_PURCHASE,
        purchase.order_id,
        purchase.amount_minor,
        purchase.currency,
        purchase.valid_days,
        purchase.recipient_name,
        purchase.message,
        purchase.created_at,
        purchase.recipient_email,
        purchase.deliver_at,
        purchase.claim_id,
    )


async def find_purchase(connection: Connection, *, order_id: UUID) -> GiftCardPurchase | None:
    """What an order buys, with the card as it stands; None for an order of goods."""
    return await _purchase(connection, await connection.fetchrow(PURCHASE, order_id))


async def find_claimed(connection: Connection, *, claim_id: UUID) -> GiftCardPurchase | None:
    """The purchase that the letter of a card leads to; None where it leads nowhere any more."""
    return await _purchase(connection, await connection.fetchrow(PURCHASE_OF_CLAIM, claim_id))


async def _purchase(connection: Connection, row: Record | None) -> GiftCardPurchase | None:
    if row is None:
        return None
    found = None if row["card_id"] is None else await connection.fetchrow(CARD, row["card_id"])
    return GiftCardPurchase(**row, card=None if found is None else GiftCard(*found))


async def order_of_card(connection: Connection, *, card_id: UUID) -> tuple[UUID, int] | None:
    """The order that bought a card, with its number; None for one that was issued."""
    row = await connection.fetchrow(ORDER_OF_CARD, card_id)
    return None if row is None else (row["id"], row["number"])


async def make_card(
    connection: Connection, *, order_id: UUID, card_id: UUID, now: datetime
) -> bool:
    """Make the card of a purchase, without a code; False where there is one."""
    return await connection.fetchval(MAKE_CARD, order_id, card_id, now) is not None


async def give_code(
    connection: Connection, *, card_id: UUID, code_hash: bytes, last_four: str
) -> bool:
    """Give a card its code; False where it has one."""
    return await connection.fetchval(GIVE_CODE, card_id, code_hash, last_four) is not None


async def stop(connection: Connection, *, card_id: UUID, by: UUID | None, now: datetime) -> None:
    """Let a card be spent no more; one that was stopped before stays as it was."""
    await connection.execute(STOP, card_id, now, by)


async def start(connection: Connection, *, order_id: UUID, stopped_at: datetime) -> None:
    """Let a card be spent again that was stopped at that very moment."""
    await connection.execute(START, order_id, stopped_at)


async def freeze(connection: Connection, *, order_id: UUID, now: datetime) -> None:
    """Keep the card of a purchase from being spent."""
    await connection.execute(FREEZE, order_id, now)


async def thaw(connection: Connection, *, order_id: UUID) -> bool:
    """Let it be spent again, where a bank neither decides nor has won more than was made good; says
    whether that is so."""
    return await connection.fetchval(THAW, order_id) is not None


async def borne_minor(connection: Connection, *, order_id: UUID) -> int:
    """What of a card's price is the market's loss as it stands, in minor units."""
    minor: int = await connection.fetchval(BORNE, order_id)
    return minor


async def given_back_minor(connection: Connection, *, order_id: UUID) -> int:
    """What of a card's price that banks gave back to the card went nowhere yet, in minor units, as
    long as nobody took it; below zero where what went on was taken again."""
    minor: int = await connection.fetchval(GIVEN_BACK, order_id)
    return minor


async def count_lost(connection: Connection, *, order_id: UUID, amount_minor: int) -> None:
    """So much of a card went to the bank that took its price back; below zero, came back of it."""
    await connection.execute(COUNT_LOST, order_id, amount_minor)
