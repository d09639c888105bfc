"""Money that has moved in the browser's market: payouts, cases, a chargeback, gift cards."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from playwright.async_api import BrowserContext

from gosellr.core.identity import new_secret
from gosellr.core.transact import transact
from gosellr.flows import documents, payouts, reconciliation
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import account_service, reconciliation_service, release_service
from gosellr.services.account_service import Device
from gosellr.utils.ids import order_number
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.reconciliation import MovementKind
from tests.browser.market import Market
from tests.browser.money_desks import make_desks
from tests.factories.accounts import User, make_operator, make_user
from tests.factories.disputes import escalate, hand_in, open_case, say, take_back
from tests.factories.payouts import set_account
from tests.factories.sales import Shop, a_key, buy, refund, ship, step
from tests.factories.stored_value import grant_credit, make_card


@dataclass(frozen=True, slots=True)
class Affairs:
    """Who has to do with money here, and the pages that tell of it."""

    buyer: User
    seller: User
    operator: User
    buyer_pages: dict[str, str]
    seller_pages: dict[str, str]
    operator_pages: dict[str, str]


async def sign_in(context: BrowserContext, market: Market, user: User) -> None:
    """Go on in this browser as somebody."""
    token = new_secret()
    await transact(
        market.resources.db,
        account_service.open_session,
        user_id=user.id,
        token=token,
        checked_hash="",
        device=Device(),
        now=datetime.now(UTC),
        kind="web",
    )
    await context.add_cookies([{"name": "session", "value": token, "url": market.url}])


async def make_affairs(market: Market) -> Affairs:
    """Two shops that were paid, or weren't; Ada, who complains; Olu, who decides."""
    resources = replace(
        market.resources, settings=market.resources.settings.model_copy(update={"release_days": 0})
    )
    now = datetime.now(UTC)
    async with resources.db.connection() as connection:
        ada = await make_user(connection, now=now, name="Ada Lindqvist")
        olu = await make_operator(connection, now=now)
    kettle = Shop(market.sellers["Kettle & Co"], market.products["Bread board in oak"])
    casa = Shop(market.sellers["Casa Verde"], market.products["Sunflower, one metre"])
    orders = [await _sold(resources, kettle, ada) for _ in range(3)]
    await _sold(resources, casa, ada)
    await transact(resources.db, release_service.release_due, now=datetime.now(UTC))
    await refund(resources, orders[0], kettle, units=1)
    await _cases(resources, orders, kettle, ada)
    await documents.issue_invoices(resources.documents, order_ids=[one.id for one in orders])
    await _payouts(resources, kettle, casa, olu)
    await grant_credit(resources, ada, 2_500)
    await make_card(resources, 5_000, note="a raffle")
    await _provider(resources, olu)
    affairs = await _pages(market, ada, kettle, olu, orders)
    of_shop, of_market = await make_desks(market, resources, kettle, olu)
    affairs.seller_pages.update(of_shop)
    affairs.operator_pages.update(of_market)
    return affairs


async def _sold(resources: Resources, shop: Shop, buyer: User) -> Order:
    order = await buy(resources, (shop, 2), buyer=buyer)
    await ship(resources, order, shop)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    return order


async def _cases(resources: Resources, orders: list[Order], shop: Shop, buyer: User) -> None:
    case = await open_case(resources, orders[0], shop, viewer=buyer.viewer, units=1)
    await hand_in(resources, case, viewer=buyer.viewer)
    await say(resources, case, viewer=shop.viewer, answer=True)
    await escalate(resources, case, viewer=buyer.viewer)
    await open_case(resources, orders[1], shop, viewer=buyer.viewer)
    await take_back(resources, orders[2], fee_minor=1_500)


async def _payouts(resources: Resources, paid: Shop, failing: Shop, olu: User) -> None:
    await set_account(resources, paid)
    await set_account(resources, failing, Behaviour.DECLINE)
    for shop in (paid, failing):
        await payouts.request_payout(
            resources.payouts, viewer=olu.viewer, seller_id=shop.seller.id, currency="EUR",
            key=a_key(),
        )  # fmt: skip


async def _provider(resources: Resources, olu: User) -> None:
    await reconciliation.pull(
        resources.db, gateways=resources.gateways, gateway="sandbox", viewer=olu.viewer,
        now=datetime.now(UTC),
    )  # fmt: skip
    await transact(
        resources.db,
        reconciliation_service.import_movements,
        gateway="sandbox",
        source="document",
        movements=[
            NewMovement(
                reference="fee_november", kind=MovementKind.FEE, currency="EUR",
                amount_minor=-1_230, occurred_at=datetime.now(UTC),
            )
        ],
        imported_by=olu.id,
        now=datetime.now(UTC),
    )  # fmt: skip


async def _pages(market: Market, ada: User, shop: Shop, olu: User, orders: list[Order]) -> Affairs:
    first, number = f"/seller/{shop.seller.id}", order_number(orders[0].number)
    case = await market.value("SELECT id FROM dispute WHERE status = 'under_review'")
    back = await market.value("SELECT id FROM dispute WHERE kind = 'chargeback'")
    asked = await market.value("SELECT id FROM dispute WHERE status = 'awaiting_seller'"
                               " AND kind = 'buyer'")  # fmt: skip
    paid = await market.value("SELECT id FROM payout WHERE status = 'paid'")
    failed = await market.value("SELECT id FROM payout WHERE status = 'failed'")
    movement = await market.value("SELECT id FROM provider_movement WHERE status = 'unmatched'")
    card = await market.value("SELECT id FROM gift_card LIMIT 1")
    return Affairs(
        ada, shop.seller.owner, olu,
        {
            "order": f"/orders/{number}",
            "report": f"/orders/{number}/problems/new",
            "case": f"/orders/{number}/problems/{case}",
            "credit": "/account",
            "payments": "/account/payments",
            "my-cases": "/account/cases",
            "orders": "/orders",
        },
        {
            "money": f"{first}/money",
            "transactions": f"{first}/transactions",
            "payouts": f"{first}/payouts",
            "payout": f"{first}/payouts/{paid}",
            "payout-settings": f"{first}/payout-settings",
            "tax-identity": f"{first}/tax-identity",
            "letterhead": f"{first}/letterhead",
            "papers": f"{first}/papers",
            "cases": f"{first}/cases",
            "case": f"{first}/cases/{asked}",
            "chargeback": f"{first}/cases/{back}",
        },
        {
            "desk": "/operator",
            "payouts": "/operator/payouts",
            "payout": f"/operator/payouts/{failed}",
            "cases": "/operator/cases?view=open",
            "case": f"/operator/cases/{case}",
            "chargeback": f"/operator/cases/{back}",
            "reconciliation": "/operator/reconciliation",
            "movement": f"/operator/reconciliation/{movement}",
            "gift-cards": "/operator/gift-cards",
            "gift-card": f"/operator/gift-cards/{card}",
            "explain": f"/operator/explain?subject={number}",
            "transactions": "/operator/transactions",
            "tax-report": "/operator/tax-report",
            "tax-returns": "/operator/tax-returns",
            "payment-ways": "/operator/payment-ways",
            "tax-rates": "/operator/tax-rates",
        },
    )  # fmt: skip
