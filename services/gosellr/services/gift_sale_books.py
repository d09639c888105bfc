"""A gift card that was sold, in the books: made when its price was captured, and what is taken off
it when that price goes back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.identity import new_id
from gosellr.models.dispute_values import Chargeback
from gosellr.models.gift_sale_values import GiftCardPurchase
from gosellr.models.order_values import Order, Payment, Refund
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries import gift_sales, refunds, value_moves
from gosellr.services import chargeback_books, ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.services.sale_books import caused_by_order
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ledger import gift_card
from gosellr.utils.postings import refund_failed
from gosellr.utils.refunds import RefundShares
from gosellr.utils.value_postings import (
    gift_card_charged_back,
    gift_card_sold,
    gift_card_taken_back,
)


async def sold(
    connection: Connection, *, order: Order, paying: Sequence[Payment], now: datetime
) -> Booking:
    """Make the card that a locked order buys, whose money is complete, and say what to book."""
    # One gateway pays for a card, and stored value never does.
    [payment] = paying
    card_id = new_id()
    if not await gift_sales.make_card(connection, order_id=order.id, card_id=card_id, now=now):
        raise RuntimeError(f"order {order.id} buys nothing, or has its card already")
    draft = gift_card_sold(
        card_id=card_id,
        gateway=payment.method,
        amount_minor=payment.captured_minor,
        currency=order.currency,
    )
    return caused_by_order(order, paying, draft=draft, now=now)


async def held_on(connection: Connection, *, card: GiftCard) -> int:
    """What a card holds, locked until the commit."""
    account = gift_card(card.id)
    held = await ledger_service.locked_balances(
        connection, accounts=[account], currency=card.currency
    )
    return held.get(account, 0)


async def undo_refund(
    connection: Connection, *, order: Order, refund: Refund, payment_id: UUID, now: datetime
) -> Refund:
    """The gateway refused: all of it is on the card again, which can be spent as before; gives the
    refund as it is then."""
    purchase = await _with_card(connection, order.id)
    [payment] = [one for one in order.payments if one.id == payment_id]
    [part] = await refunds.parts_of(connection, refund_id=refund.id)
    intent = gift_card_taken_back(
        card_id=card_of(purchase).id,
        refund_id=refund.id,
        gateway=payment.method,
        amount_minor=refund.amount_minor,
        currency=order.currency,
    )
    booking = Booking(
        draft=refund_failed(intent.entries),
        cause_type="refund",
        cause_id=refund.id,
        idempotency_key=str(part.id),
        order_id=order.id,
        actor=f"gateway:{payment.method}",
        effective_at=now,
        corrects_id=UUID(refund.effects["transaction_id"]),
    )
    await ledger_service.book(connection, bookings=[booking], now=now)
    change = counted(order_id=order.id, payment_id=payment_id, amount_minor=refund.amount_minor)
    if not await refunds.count(connection, change=change, sign=-1):
        raise RuntimeError(f"the counters of order {order.id} moved under its lock")
    await gift_sales.start(connection, order_id=order.id, stopped_at=refund.created_at)
    return replace(refund, status="failed")


def counted(*, order_id: UUID, payment_id: UUID, amount_minor: int) -> refunds.Change:
    """By how much a refund of a card moves the counters of its order and payment."""
    return refunds.Change(
        order_id=order_id,
        seller_order_id=None,
        amount_minor=amount_minor,
        pending_minor=0,
        lines={},
        shipping=RefundShares(),
        payments={payment_id: amount_minor},
    )


async def freeze(connection: Connection, *, order_id: UUID, now: datetime) -> None:
    """A bank took back what a card was paid with: nobody spends it until that is decided."""
    await gift_sales.freeze(connection, order_id=order_id, now=now)


async def thaw(connection: Connection, *, order_id: UUID) -> None:
    """The card is good again for what of its price no bank took, unless one still decides, or what
    one took for good isn't made good yet."""
    await gift_sales.thaw(connection, order_id=order_id)


async def charged_back(connection: Connection, *, chargeback: Chargeback, now: datetime) -> None:
    """The bank keeps it: what is left on the card makes it good, as far as that goes; beyond that
    the card is good again."""
    card = card_of(await _with_card(connection, chargeback.order_id))
    # Whoever gives something back to it has done so before, or finds that the bank has won.
    await value_moves.hold_cards(connection, card_ids=[card.id])
    taken_minor = min(await held_on(connection, card=card), chargeback.amount_minor)
    await gift_sales.count_lost(connection, order_id=chargeback.order_id, amount_minor=taken_minor)
    draft = gift_card_charged_back(
        card_id=card.id,
        gateway=chargeback.gateway,
        taken_minor=taken_minor,
        borne_minor=chargeback.amount_minor - taken_minor,
        currency=chargeback.currency,
    )
    await chargeback_books.book(connection, draft, chargeback=chargeback, now=now)
    await thaw(connection, order_id=chargeback.order_id)


async def _with_card(connection: Connection, order_id: UUID) -> GiftCardPurchase:
    purchase = await gift_sales.find_purchase(connection, order_id=order_id)
    if purchase is None:
        raise NotFound
    return purchase


def card_of(purchase: GiftCardPurchase) -> GiftCard:
    """The card of a purchase that was paid.

    Raises:
        NotFound: it wasn't.
    """
    if purchase.card is None:
        raise NotFound
    return purchase.card
