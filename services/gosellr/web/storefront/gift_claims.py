"""A gift card that somebody was sent: where its letter leads, and its code shown once."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict
from gosellr.core.late_routes import LateRouter
from gosellr.flows import gift_deliveries as flow
from gosellr.models.gift_sale_values import GiftCardPurchase
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.web.gift_sale_views import ClaimedGiftView
from gosellr.web.pages import Page, admit

router = LateRouter(prefix="/gift-cards/claims", include_in_schema=False)

Checking = Annotated[Page, admit(Permission.GIFT_CARD_CHECK)]


@router.get("/{claim_id}")
async def show_card(
    page: Checking, claim_id: UUID, token: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """The card, for whoever has the letter."""
    return await _show(page, claim_id, token)


@router.post("/{claim_id}")
async def show_code(page: Checking, claim_id: UUID) -> Response:
    """Make the code and show it by this answer, and never again."""
    token = page.form.get("token", "")[:100]
    try:
        told = await flow.claim(
            page.market.stored_value, viewer=page.viewer, claim_id=claim_id, token=token
        )
    except Conflict as refusal:
        words = refusal.detail or refusal.title
        return await _show(page, claim_id, token, refusal=words, status=refusal.status)
    return await _show(page, claim_id, token, code=told.code)


async def _show(
    page: Page,
    claim_id: UUID,
    token: str,
    *,
    code: str = "",
    refusal: str = "",
    status: int = 200,
) -> Response:
    found = await flow.look(
        page.market.stored_value, viewer=page.viewer, claim_id=claim_id, token=token
    )
    view = _view(found, token=token, code=code, refusal=refusal)
    return await page.show("store/gift_claim.html", status=status, personal=True, gift=view)


def _view(found: GiftCardPurchase, *, token: str, code: str, refusal: str) -> ClaimedGiftView:
    card = found.card
    return ClaimedGiftView(
        href=f"/gift-cards/claims/{found.claim_id}",
        token=token,
        amount=Money(found.amount_minor, found.currency),
        balance=Money(0 if card is None else card.balance_minor, found.currency),
        recipient_name=found.recipient_name or "",
        message=found.message or "",
        expires_at=None if card is None else card.expires_at,
        may_ask=card is not None and card.code_hash is None,
        code=code,
        refusal=refusal,
    )
