"""A shop's accounts at providers that keep one for each seller: opened, told, and asked again."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import Conflict, DomainError, NotFound, ServiceUnavailable
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import connected_accounts
from gosellr.flows.connected_accounts import WaysBack
from gosellr.integrations.payouts.port import ConnectsSellers
from gosellr.models.connected_values import SellerAccount
from gosellr.services import connected_account_service
from gosellr.utils.permissions import Permission
from gosellr.web import notices
from gosellr.web.binding import connected as binding
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.shop_money_views import ConnectedListView

router = LateRouter(prefix="/seller/{seller_id}/payout-accounts", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.PAYOUT_ACCOUNT_READ)]
Writing = Annotated[Page, admit(Permission.PAYOUT_ACCOUNT_WRITE)]


@router.get("")
async def list_accounts(page: Reading, seller_id: UUID) -> Response:
    """Each provider that keeps accounts for sellers, and how the shop's stands there."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_ACCOUNT_READ)
    return await _show(page, shop)


@router.post("/{provider}")
async def connect(page: Writing, seller_id: UUID, provider: str) -> Response:
    """Open the account, or go on with it: the answer leads to the provider's own page."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_ACCOUNT_WRITE)
    _require_known(page, provider)
    try:
        onboarding = await connected_accounts.connect(
            page.market.payouts,
            WaysBack(base_url=page.market.settings.base_url),
            viewer=page.viewer,
            seller_id=seller_id,
            provider=provider,
        )
    except (Conflict, ServiceUnavailable) as refusal:
        return await _refused(page, shop, provider, refusal)
    # A form may not lead to another site, so the person follows a link there.
    return await _show(page, shop, links={provider: onboarding.url})


@router.post("/{provider}/refresh")
async def look_again(page: Reading, seller_id: UUID, provider: str) -> Response:
    """Ask the provider how the account stands now."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_ACCOUNT_READ)
    _require_known(page, provider)
    account = await _account(page, shop, provider)
    if account is None:
        raise NotFound
    try:
        await connected_accounts.look_again(page.market.payouts, account=account)
    except (Conflict, ServiceUnavailable) as refusal:
        return await _refused(page, shop, provider, refusal)
    return page.go(f"{shop.href}/payout-accounts", notice=notices.LOOKED_AGAIN)


def _providers(page: Page) -> list[str]:
    known = page.market.payout_providers.items()
    return sorted(name for name, one in known if isinstance(one, ConnectsSellers))


def _require_known(page: Page, provider: str) -> None:
    if provider not in _providers(page):
        raise NotFound


async def _account(page: Page, shop: Shop, provider: str) -> SellerAccount | None:
    try:
        return await ask(
            page.market.db,
            connected_account_service.find_account,
            viewer=page.viewer,
            seller_id=shop.id,
            provider=provider,
        )
    except NotFound:
        return None


async def _refused(page: Page, shop: Shop, provider: str, refusal: DomainError) -> Response:
    return await _show(page, shop, problems={provider: refusal.detail}, status=refusal.status)


async def _show(
    page: Page,
    shop: Shop,
    *,
    links: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    path = f"{shop.href}/payout-accounts"
    views = [
        binding.account(
            provider,
            await _account(page, shop, provider),
            path=f"{path}/{provider}",
            onboarding_href=(links or {}).get(provider, ""),
            problem=(problems or {}).get(provider, ""),
        )
        for provider in _providers(page)
    ]
    return await show(
        page,
        shop,
        "seller/connected.html",
        current="payout-accounts",
        status=status,
        connected=ConnectedListView(
            tuple(views),
            settings_href=f"{shop.href}/payout-settings",
            may_change=shop.may(Permission.PAYOUT_ACCOUNT_WRITE),
        ),
    )
