"""A gift card that was made in place of one that can't be spent: looked at, its code shown once."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import Conflict, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import gift_sales as flow
from gosellr.models.order_values import Order
from gosellr.services import order_service, replacement_card_service
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission, may
from gosellr.web.binding import value_moves
from gosellr.web.pages import Page, admit

router = LateRouter(prefix="/orders/{number}/replacement-cards", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.ORDER_READ)]
Asking = Annotated[Page, admit(Permission.ORDER_PAY)]


@router.get("/{card_id}")
async def show_card(page: Reading, number: str, card_id: UUID) -> Response:
    """The card and what is left on it."""
    return await _show(page, await _order(page, number), card_id)


@router.post("/{card_id}")
async def show_code(page: Asking, number: str, card_id: UUID) -> Response:
    """Make the code and show it by this answer, and never again."""
    order = await _order(page, number)
    viewer = page.visit.for_order(number).viewer
    try:
        told = await flow.tell_replacement_code(
            page.market.stored_value, viewer=viewer, order_id=order.id, card_id=card_id
        )
    except Conflict as refusal:
        words = refusal.detail or refusal.title
        return await _show(page, order, card_id, refusal=words, status=refusal.status)
    return await _show(page, order, card_id, code=told.code)


async def _order(page: Page, number: str) -> Order:
    return await ask(
        page.market.db,
        order_service.find_order_by_number,
        viewer=page.visit.for_order(number).viewer,
        number=number,
    )


async def _show(
    page: Page, order: Order, card_id: UUID, *, code: str = "", refusal: str = "", status: int = 200
) -> Response:
    viewer = page.visit.for_order(order_number(order.number)).viewer
    found = await ask(
        page.market.db, replacement_card_service.moves_of_order, viewer=viewer, order_id=order.id
    )
    moves = [move for move in found if move.to_card_id == card_id]
    if not moves:
        raise NotFound
    view = value_moves.card(
        moves,
        number=order.number,
        may_ask=may(viewer.roles, Permission.ORDER_PAY) and not viewer.sees_everything,
        code=code,
        refusal=refusal,
    )
    return await page.show("store/gift_replacement.html", status=status, personal=True, gift=view)
