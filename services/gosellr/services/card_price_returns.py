"""The price of a gift card that a bank gives back after the books said that it is lost.

It is as if the bank had never taken that much: the market's loss goes first, and the rest is on the
card again, or where what is on such a card goes.
"""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.dispute_values import Chargeback, ReportedChargeback
from gosellr.models.events import FactType
from gosellr.models.order_values import Order
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries import chargebacks, gift_sales, value_moves
from gosellr.services import (
    chargeback_books,
    chargeback_returns,
    gift_sale_books,
    stored_value_tender,
)
from gosellr.utils.ledger import gift_card
from gosellr.utils.value_postings import gift_card_price_came_back, gift_card_price_taken_again


async def keep_up(
    connection: Connection,
    *,
    order: Order,
    known: Chargeback,
    reported: ReportedChargeback,
    now: datetime,
) -> bool:
    """Bring what came back of a lost chargeback of a card's price, of a locked order, to what its
    gateway tells; whether that was anything. What a person has explained stays that."""
    back_minor = await chargeback_returns.told_minor(connection, known=known, reported=reported)
    if back_minor is None:
        return False
    purchase = await gift_sales.find_purchase(connection, order_id=order.id)
    if purchase is None:
        raise NotFound
    card = gift_sale_books.card_of(purchase)
    # Whoever spends it has done so before, or finds it as it is after this.
    await value_moves.hold_cards(connection, card_ids=[card.id])
    loss_minor = await gift_sales.borne_minor(connection, order_id=order.id)
    changed = await chargebacks.reinstate(
        connection, chargeback=known, reinstated_minor=back_minor, now=now
    )
    if changed is None:
        raise RuntimeError(f"chargeback {known.id} moved under its order's lock")
    minor = back_minor - known.reinstated_minor
    if minor > 0:
        await _give(
            connection, changed, order=order, card=card, amount_minor=minor,
            loss_minor=loss_minor, now=now,
        )  # fmt: skip
    else:
        await _take(connection, changed, card=card, amount_minor=-minor, now=now)
    await chargeback_books.tell(
        connection, FactType.CHARGEBACK_REINSTATED, chargeback=changed, amount_minor=back_minor,
        now=now,
    )  # fmt: skip
    return True


async def go_on(connection: Connection, *, order: Order, now: datetime) -> None:
    """Let what banks gave back to a card that is over, of a locked order, go on from it once none
    of them decides any more. What was on the card when it was stopped stays there."""
    purchase = await gift_sales.find_purchase(connection, order_id=order.id)
    if purchase is None or purchase.card is None or purchase.card.frozen_at is not None:
        return
    card = purchase.card
    over = await value_moves.hold_cards(connection, card_ids=[card.id])
    left_minor = min(
        await gift_sale_books.held_on(connection, card=card),
        await gift_sales.given_back_minor(connection, order_id=order.id),
    )
    if over and left_minor > 0:
        landed = [(gift_card(card.id), left_minor)]
        await stored_value_tender.move_on(
            connection, order=order, landed=landed, over=over, now=now
        )


async def _give(
    connection: Connection,
    chargeback: Chargeback,
    *,
    order: Order,
    card: GiftCard,
    amount_minor: int,
    loss_minor: int,
    now: datetime,
) -> None:
    draft = gift_card_price_came_back(
        card_id=card.id, gateway=chargeback.gateway, amount_minor=amount_minor,
        loss_minor=loss_minor, currency=chargeback.currency,
    )  # fmt: skip
    account = gift_card(card.id)
    landed_minor = sum(one.amount_minor for one in draft.entries if one.account == account)
    await gift_sales.count_lost(connection, order_id=order.id, amount_minor=-landed_minor)
    is_thawed = await gift_sales.thaw(connection, order_id=order.id)
    over = await stored_value_tender.ready_for(
        connection, accounts=[account], until_least=True, now=now
    )
    await chargeback_books.book(
        connection, draft, chargeback=chargeback, number=chargeback.reinstated_count, now=now
    )
    if is_thawed and landed_minor:
        # While another bank decides, it stays where that one finds it.
        await stored_value_tender.move_on(
            connection, order=order, landed=[(account, landed_minor)], over=over, now=now
        )


async def _take(
    connection: Connection,
    chargeback: Chargeback,
    *,
    card: GiftCard,
    amount_minor: int,
    now: datetime,
) -> None:
    order_id = chargeback.order_id
    taken_minor = min(await gift_sale_books.held_on(connection, card=card), amount_minor)
    await gift_sales.count_lost(connection, order_id=order_id, amount_minor=taken_minor)
    draft = gift_card_price_taken_again(
        card_id=card.id,
        gateway=chargeback.gateway,
        taken_minor=taken_minor,
        borne_minor=amount_minor - taken_minor,
        currency=chargeback.currency,
    )
    await chargeback_books.book(
        connection, draft, chargeback=chargeback, number=chargeback.reinstated_count, now=now
    )
    await gift_sale_books.freeze(connection, order_id=order_id, now=now)
    await gift_sale_books.thaw(connection, order_id=order_id)
