"""Where a provider sends a seller back to that told it who it is, and where it gets a new page."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import connected_accounts
from gosellr.flows.connected_accounts import WaysBack
from gosellr.services import connected_account_service
from gosellr.utils.permissions import Permission
from gosellr.web import notices
from gosellr.web.pages import Page, admit

router = LateRouter(prefix="/payout-accounts", include_in_schema=False)

Owner = Annotated[Page, admit(Permission.PAYOUT_ACCOUNT_WRITE)]


@router.get("/{account_id}/return")
async def come_back(page: Owner, account_id: UUID) -> Response:
    """Ask the provider how the account stands: that somebody came back says nothing."""
    market = page.market
    account = await ask(
        market.db, connected_account_service.find_own, viewer=page.viewer, account_id=account_id
    )
    account = await connected_accounts.look_again(market.payouts, account=account)
    return page.go(
        f"/seller/{account.seller_id}/payout-accounts",
        notice=notices.CONNECTED if account.is_ready else notices.NOT_CONNECTED_YET,
    )


@router.get("/{account_id}/onboarding")
async def go_on(page: Owner, account_id: UUID) -> Response:
    """A page of the provider's was used up: lead to a fresh one."""
    market = page.market
    account = await ask(
        market.db, connected_account_service.find_own, viewer=page.viewer, account_id=account_id
    )
    ways = WaysBack(base_url=market.settings.base_url)
    onboarding = await connected_accounts.onboard(market.payouts, ways, account=account)
    return page.go(onboarding.url)
