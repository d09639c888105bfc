"""The market as a whole: its numbers."""

from fastapi import APIRouter, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Anyone, Market
from gosellr.api.schemas.marketplace import StatsOut
from gosellr.core.transact import ask
from gosellr.services import marketplace_service
from gosellr.utils.money import Money

router = APIRouter(prefix="/marketplace", tags=["marketplace"])


@router.get("/stats", operation_id="get_stats", responses={200: {"model": StatsOut}})
async def get_stats(_viewer: Anyone, market: Market) -> Response:
    """What was sold, earned and given back, as the ledger has it at this moment."""
    as_of = market.clock.now()
    figures = await ask(market.db, marketplace_service.read_figures)
    money = figures.money
    return answer(
        {
            "orders": figures.order_count,
            "gmv": [Money(each.gmv_minor, each.currency) for each in money],
            "commission": [Money(each.commission_minor, each.currency) for each in money],
            "sellers_active": figures.active_seller_count,
            "products_active": figures.active_product_count,
            "refunded": [Money(each.refunded_minor, each.currency) for each in money],
            "as_of": as_of,
        }
    )
