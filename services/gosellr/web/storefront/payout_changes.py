"""A new payout account that nobody wanted: withdrawn by the link in the letter about it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict
from gosellr.core.late_routes import LateRouter
from gosellr.flows import payout_withdrawals as flow
from gosellr.utils.permissions import Permission
from gosellr.web.money_views import PayoutChangeView
from gosellr.web.pages import Page, admit

router = LateRouter(prefix="/payout-changes", include_in_schema=False)

Told = Annotated[Page, admit(Permission.ACCOUNT_RECOVER)]


@router.get("/{destination_id}")
async def show_change(
    page: Told, destination_id: UUID, token: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """What was changed, for whoever has the letter."""
    return await _show(page, destination_id, token)


@router.post("/{destination_id}")
async def withdraw(page: Told, destination_id: UUID) -> Response:
    """Undo it. A link alone does nothing: programs that read letters follow links."""
    token = page.form.get("token", "")[:100]
    try:
        await flow.withdraw(
            page.market.payouts,
            page.market.secret_key,
            destination_id=destination_id,
            token=token,
        )
    except Conflict as refusal:
        words = refusal.detail or refusal.title
        return await _show(page, destination_id, token, refusal=words, status=refusal.status)
    return await _show(page, destination_id, token)


async def _show(
    page: Page, destination_id: UUID, token: str, *, refusal: str = "", status: int = 200
) -> Response:
    change = await flow.look(
        page.market.payouts, page.market.secret_key, destination_id=destination_id, token=token
    )
    view = PayoutChangeView(
        href=f"/payout-changes/{destination_id}",
        token=token,
        shop=change.seller,
        last_four=change.last_four,
        previous_last_four=change.previous_last_four or "",
        changed_at=change.created_at,
        usable_from=change.usable_from,
        withdrawn_at=change.withdrawn_at,
        may_withdraw=change.may_withdraw(page.now),
        refusal=refusal,
    )
    return await page.show("store/payout_change.html", status=status, personal=True, change=view)
