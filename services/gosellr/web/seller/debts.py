"""What a shop owes the market, by which plan it pays, and what the market adjusted."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.services import statement_service
from gosellr.services.statement_service import MovementFilter, SellerBalance
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.web.binding import balances, histories
from gosellr.web.money_views import MoveView
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import shop_of, show
from gosellr.web.shop_money_views import OwedView, ShopDebtsView

router = LateRouter(prefix="/seller/{seller_id}/debts", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.TRANSACTION_READ)]

_MOVES_SHOWN = 12
_ADJUSTED = "adjusted"


@router.get("")
async def show_debts(page: Reading, seller_id: UUID) -> Response:
    """What is owed, by currency, and what made and lowered it of late."""
    shop = await shop_of(page, seller_id, Permission.TRANSACTION_READ)
    held = await ask(
        page.market.db,
        statement_service.seller_balances,
        viewer=page.viewer,
        seller_id=seller_id,
        policy=page.market.policy,
        now=page.now,
    )
    moves: list[MoveView] = []
    adjustments: list[MoveView] = []
    for one in held:
        moves += await _moves(page, seller_id, one.currency, pot="receivable")
        adjustments += await _moves(page, seller_id, one.currency, kind=_ADJUSTED)
    own = page.market.settings.default_currency
    view = ShopDebtsView(
        owed=tuple(
            OwedView(
                Money(one.receivable_minor, one.currency),
                () if one.plan is None else balances.plan(one.plan, now=page.now).facts,
            )
            for one in held or [SellerBalance(currency=own)]
        ),
        moves=tuple(sorted(moves, key=lambda move: move.at, reverse=True)),
        adjustments=tuple(sorted(adjustments, key=lambda move: move.at, reverse=True)),
        moves_href=f"{shop.href}/transactions?account=receivable",
        adjustments_href=f"{shop.href}/transactions?kind={_ADJUSTED}",
    )
    return await show(page, shop, "seller/debts.html", current="debts", debts=view)


async def _moves(
    page: Page, seller_id: UUID, currency: str, *, pot: str | None = None, kind: str | None = None
) -> list[MoveView]:
    found = await ask(
        page.market.db,
        statement_service.seller_movements,
        viewer=page.viewer,
        seller_id=seller_id,
        currency=currency,
        pot=pot,
        wanted=MovementFilter(kind=kind),
        cursor=None,
        limit=_MOVES_SHOWN,
    )
    return [histories.of_seller(one, orders=f"/seller/{seller_id}/orders") for one in found.items]
