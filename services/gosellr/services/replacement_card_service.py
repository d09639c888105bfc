"""What went on from gift cards that can't be spent, as its buyer sees it, and a new card's code."""

from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.models.stored_value_values import GiftCard, ValueMove
from gosellr.queries import gift_sales, orders, stored_value, value_moves
from gosellr.services.gift_sale_service import CodeToldAlready
from gosellr.utils.viewer import Viewer


async def moves_of_order(
    connection: Connection, *, viewer: Viewer, order_id: UUID
) -> list[ValueMove]:
    """What came back of an order and went on, oldest first. For its buyer and the market.

    Raises:
        NotFound: there is no such order, or it is somebody else's, or the viewer sees a part of it.
    """
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    if order is None or not order.whole:
        raise NotFound
    return await value_moves.of_order(connection, order_id=order_id)


async def give_code(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    card_id: UUID,
    code_hash: bytes,
    last_four: str,
) -> GiftCard:
    """Give a card that was made in place of another its code, which the caller then tells, once.

    Raises:
        NotFound, CodeToldAlready.
        NotAllowed: the market has no business with a buyer's code.
    """
    moves = await moves_of_order(connection, viewer=viewer, order_id=order_id)
    if card_id not in {move.to_card_id for move in moves}:
        raise NotFound
    if viewer.sees_everything:
        raise NotAllowed("Only who bought is told the code")
    if not await gift_sales.give_code(
        connection, card_id=card_id, code_hash=code_hash, last_four=last_four
    ):
        raise CodeToldAlready("It can't be shown again: ask us to stop this card")
    card = await stored_value.find_card(connection, card_id=card_id)
    if card is None:
        raise NotFound
    return card
