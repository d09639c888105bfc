"""Gift cards that are sent to somebody: at their time, again if asked, and claimed from the letter.

The letter holds no code: it leads to where the code is made and told, once.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.gift_sale_values import GiftCardPurchase
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries import gift_deliveries, gift_sales, outbox
from gosellr.services import gift_sale_books, gift_sale_service
from gosellr.services.gift_sale_service import CodeNotReady, CodeToldAlready
from gosellr.utils.viewer import Viewer

SENDS_MAX = 3
"""So often a card's letter is sent in all."""


class NobodyToSendTo(Conflict):
    """The card was bought for its buyer to give."""

    code = "gift_card_no_recipient"
    title = "This gift card isn't sent to anybody"


class SentEnough(Conflict):
    """A letter that doesn't arrive after so many tries won't."""

    code = "gift_card_sent_enough"
    title = "This gift card was sent as often as it can be"


async def due_deliveries(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """The purchases whose cards are to be sent now."""
    return await gift_deliveries.due(connection, now=now, limit=limit)


async def deliver(connection: Connection, *, order_id: UUID, now: datetime) -> bool:
    """Have the letter of a card written, once its time has come and its money; whether it was."""
    card_id = await gift_deliveries.note_first(connection, order_id=order_id, now=now)
    if card_id is None:
        return False
    await _tell(connection, order_id=order_id, card_id=card_id, sent_count=1, now=now)
    return True


async def send_again(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    recipient_email: str | None,
    now: datetime,
) -> GiftCardPurchase:
    """Have the letter sent once more, to another address if one is named: what the letters to the
    one before lead to is closed then. Before the first letter only the address changes.

    Raises:
        NotFound, NobodyToSendTo, CodeNotReady, CodeToldAlready, SentEnough.
        NotAllowed: the market sends nobody's presents.
    """
    purchase = await gift_sale_service.find(connection, viewer=viewer, order_id=order_id)
    if viewer.sees_everything:
        raise NotAllowed("Only who bought a gift card sends it")
    await gift_deliveries.hold_card(connection, order_id=order_id)
    # Read again: its code may have been told while this waited.
    purchase = await gift_sale_service.find(connection, viewer=viewer, order_id=order_id)
    known, claim_id = purchase.recipient_email, purchase.claim_id
    if known is None or claim_id is None:
        raise NobodyToSendTo
    email = recipient_email or known
    if purchase.card is None and email == known:
        raise CodeNotReady
    if purchase.card is not None and purchase.card.code_hash is not None:
        raise CodeToldAlready("Its code was shown already, so there is nothing to be sent")
    if purchase.sent_count >= SENDS_MAX:
        raise SentEnough(f"It is sent {SENDS_MAX} times at most")
    if not await gift_deliveries.note_again(
        connection,
        order_id=order_id,
        sent_count=purchase.sent_count,
        recipient_email=email,
        claim_id=claim_id if email == known else new_id(),
        now=now,
    ):
        raise SentEnough("It has just been sent")
    if purchase.sent_count and purchase.card_id is not None:
        await _tell(
            connection, order_id=order_id, card_id=purchase.card_id,
            sent_count=purchase.sent_count + 1, now=now,
        )  # fmt: skip
    return await gift_sale_service.find(connection, viewer=viewer, order_id=order_id)


async def find_claimed(connection: Connection, *, claim_id: UUID) -> GiftCardPurchase:
    """What a letter leads to. Whoever calls has proven that it has the letter.

    Raises:
        NotFound: it leads nowhere any more, or its card isn't there.
    """
    purchase = await gift_sales.find_claimed(connection, claim_id=claim_id)
    if purchase is None or purchase.card is None:
        raise NotFound
    return purchase


async def give_claimed_code(
    connection: Connection, *, claim_id: UUID, code_hash: bytes, last_four: str
) -> GiftCard:
    """Give the card that a letter leads to its code, which the caller then tells, once.

    Raises:
        NotFound, CodeToldAlready.
    """
    card = gift_sale_books.card_of(await find_claimed(connection, claim_id=claim_id))
    if not await gift_sales.give_code(
        connection, card_id=card.id, code_hash=code_hash, last_four=last_four
    ):
        raise CodeToldAlready("Whoever it was shown to has it; ask who gave you the card")
    return gift_sale_books.card_of(await find_claimed(connection, claim_id=claim_id))


async def _tell(
    connection: Connection, *, order_id: UUID, card_id: UUID, sent_count: int, now: datetime
) -> None:
    # Whom it goes to is nobody's business but the letter's.
    about = {"order_id": str(order_id), "sent_count": sent_count}
    fact = Fact(FactType.GIFT_CARD_SENT, card_id, about)
    await outbox.append(connection, [fact], now=now)
