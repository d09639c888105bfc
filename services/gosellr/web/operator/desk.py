"""The frame of the operator's pages, and the first of them: what waits for somebody."""

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from gosellr.core.errors import NotAllowed, NotAuthenticated
from gosellr.core.transact import ask
from gosellr.services import work_queue_service
from gosellr.utils.permissions import Permission, may
from gosellr.web import console
from gosellr.web.binding import queues
from gosellr.web.money_views import ConsoleView, NavItemView
from gosellr.web.pages import Page, admit
from gosellr.web.views import LinkView, NoticeView

router = APIRouter(prefix="/operator", include_in_schema=False)

Entering = Annotated[Page, admit(Permission.PAYOUT_READ)]

_PAGES = (
    ("What waits", "", "list-checks", Permission.PAYOUT_READ),
    ("Payouts", "/payouts", "landmark", Permission.PAYOUT_READ),
    ("Cases", "/cases", "scale", Permission.DISPUTE_READ),
    ("Reconciliation", "/reconciliation", "layers", Permission.RECONCILIATION_READ),
    ("Gift cards", "/gift-cards", "gift", Permission.GIFT_CARD_READ),
    ("Letters", "/letters", "mail", Permission.LETTER_READ),
    ("Explain", "/explain", "search", Permission.LEDGER_READ),
)
_AT_MARKET = (LinkView("To the market", "/"),)


@router.get("")
async def show_desk(page: Entering) -> Response:
    """What waits for a person, counted, and what the last audit said."""
    require_staff(page)
    waiting = await ask(page.market.db, work_queue_service.waiting, now=page.now)
    audit = await ask(page.market.db, work_queue_service.last_audit)
    roles = page.viewer.roles
    view = queues.desk(waiting, audit, may=lambda permission: may(roles, permission))
    return await show(page, "operator/desk.html", current="", desk=view)


def require_staff(page: Page) -> None:
    """Let pass who runs the market or helps there.

    Raises:
        NotAuthenticated: nobody signed in, NotAllowed: for everybody else.
    """
    if page.viewer.is_guest:
        raise NotAuthenticated
    if not page.viewer.sees_everything:
        raise NotAllowed


async def show(
    page: Page,
    template: str,
    *,
    current: str,
    status: int = 200,
    notice: NoticeView | None = None,
    **values: Any,
) -> Response:
    """A page of the operator's, framed by those that this person may open."""
    nav = tuple(
        NavItemView(label, f"/operator{path}", icon, current=path == current)
        for label, path, icon, permission in _PAGES
        if may(page.viewer.roles, permission)
    )
    frame = ConsoleView("ops", "Running the market", "/operator", nav, _AT_MARKET)
    return await console.show(page, template, console=frame, status=status, notice=notice, **values)
