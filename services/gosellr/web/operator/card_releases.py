"""What expired gift cards were left with, and the market owes no more."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.services import card_release_service
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.web.binding import histories
from gosellr.web.gift_sale_views import CardReleaseListView, CardReleaseView, ReleasedSumView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page

router = LateRouter(prefix="/operator/gift-card-releases", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.GIFT_CARD_READ)]

_SHOWN = 24
_BASE = "/operator/gift-card-releases"


@router.get("")
async def list_releases(
    page: Reading, cursor: Annotated[str | None, Query(max_length=1000)] = None
) -> Response:
    """What was released, newest first, and how much of it stands."""
    found = await ask(
        page.market.db, card_release_service.list_releases, cursor=cursor, limit=_SHOWN
    )
    sums = await ask(page.market.db, card_release_service.standing)
    view = CardReleaseListView(
        releases=tuple(
            CardReleaseView(
                last_four=one.last_four,
                href=f"/operator/gift-cards/{one.card_id}",
                amount=Money(one.amount_minor, one.currency),
                is_income=not one.is_issued,
                expired_at=one.expired_at,
                released_at=one.released_at,
                restored_at=one.restored_at,
            )
            for one in found.items
        ),
        sums=tuple(
            ReleasedSumView(Money(minor, currency), is_income=not is_issued)
            for currency, is_issued, minor in sums
        ),
        pager=histories.pager(_BASE, [], found.next_cursor, is_first=cursor is None),
    )
    return await show(page, "operator/card_releases.html", current="/gift-cards", released=view)
