"""The first of the operator's pages: what waits for somebody."""

from typing import Annotated

from starlette.responses import Response

from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.services import past_service, work_queue_service
from gosellr.utils.permissions import Permission, may
from gosellr.web.binding import queues
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page

router = LateRouter(prefix="/operator", include_in_schema=False)

Entering = Annotated[Page, staff(Permission.PAYOUT_READ)]


@router.get("")
async def show_desk(page: Entering) -> Response:
    """What waits for a person, counted, and what the last audit said."""
    waiting = await ask(page.market.db, work_queue_service.waiting, now=page.now)
    audit = await ask(page.market.db, work_queue_service.last_audit)
    roles = page.viewer.roles
    view = queues.desk(
        waiting,
        audit,
        is_past_open=await ask(page.market.db, past_service.is_open),
        may=lambda permission: may(roles, permission),
    )
    return await show(page, "operator/desk.html", current="", desk=view)
