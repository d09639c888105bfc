"""What each way to pay that is offered can do: how money is taken, and how it goes back."""

from typing import Annotated

from starlette.responses import Response

from gosellr.core.late_routes import LateRouter
from gosellr.utils.permissions import Permission
from gosellr.web.binding import payment_ways as binding
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.SETTINGS_READ)]


@router.get("/payment-ways")
async def show_ways(page: Reading) -> Response:
    """Every way to pay that is offered, with its rules."""
    view = binding.ways(page.market.gateways, capture=page.market.policy.capture)
    return await show(page, "operator/payment_ways.html", current="/payment-ways", offered=view)
