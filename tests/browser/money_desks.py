"""What the operator's desks of money and a shop's own show: debts, files, transfers, cash."""

from datetime import UTC, datetime

from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import cash_terms_service, release_service
from gosellr.services.basket_service import Tender
from gosellr.utils.ids import order_number
from gosellr.utils.order_states import OrderStatus
from tests.browser.market import Market
from tests.factories.accounts import User
from tests.factories.balances import agree, approve, make_rule, prepare
from tests.factories.payouts import pay
from tests.factories.sales import Shop, buy, make_shop, part_of, refund, ship, step
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of
from tests.flows.test_bank_files import make, set_bank, with_bank


async def make_desks(
    market: Market, resources: Resources, shop: Shop, olu: User
) -> tuple[dict[str, str], dict[str, str]]:
    """Fill them; gives the shop's further pages and the operator's."""
    await make_rule(resources, rate_bps=1000, days=30, caps={"EUR": 500_000})
    await make_rule(resources, "new_account", rate_bps=2500, days=60, younger_than_days=90)
    sold = await buy(resources, (shop, 3))
    await ship(resources, sold, shop)
    await step(resources, sold, OrderStatus.DELIVERED, viewer=shop.viewer)
    await transact(resources.db, release_service.release_due, now=datetime.now(UTC))
    for settled in (shop, Shop(market.sellers["Casa Verde"], shop.product)):
        own = f"seller_receivable:{settled.seller.id}"
        owed = await prepare(resources, (own, "debit", 4_200), ("fee_income", "credit", 4_200))
        await approve(resources, owed.id)
    await agree(resources, shop, share_bps=2500)
    waiting = await prepare(
        resources,
        ("goodwill_cost", "debit", 1_500),
        (f"seller_available:{shop.seller.id}", "credit", 1_500),
    )
    async with resources.db.connection() as connection:
        other = await make_shop(connection, price_minor=4_500)
    filed = await _filed(resources, other)
    receipt = await _transfers(offline(resources), other)
    await _cash(offline(resources), other)
    back = await market.value("SELECT id FROM refund_part ORDER BY created_at DESC LIMIT 1")
    parcel = await market.value(
        "SELECT seller_order_id FROM payment WHERE method = 'cash_on_delivery' LIMIT 1"
    )
    unpaid = await buy(offline(resources), (shop, 2), tenders=BY_TRANSFER)
    number, part = order_number(unpaid.number), part_of(unpaid, shop)
    first, desk = f"/seller/{shop.seller.id}", "/operator"
    return (
        {
            "debts": f"{first}/debts",
            "payout-accounts": f"{first}/payout-accounts",
            "orders": f"{first}/orders",
            "order": f"{first}/orders/{order_number(sold.number)}",
        },
        {
            "balances": f"{desk}/balances",
            "debtor": f"{desk}/balances/{shop.seller.id}",
            "adjustments": f"{desk}/adjustments",
            "adjustment-new": f"{desk}/adjustments/new",
            "payout-preview": f"{desk}/payouts/run/preview",
            "orders": f"{desk}/orders",
            "order": f"{desk}/orders/{number}",
            "call-off": f"{desk}/orders/{number}/parts/{part.id}/call-off",
            "refund": f"{desk}/orders/{number}/parts/{part.id}/refund",
            "adjustment": f"{desk}/adjustments/{waiting.id}",
            "reserve-rules": f"{desk}/reserve-rules",
            "bank-files": f"{desk}/bank-files",
            "bank-file": f"{desk}/bank-files/{filed}",
            "transfers": f"{desk}/transfers",
            "suspense": f"{desk}/transfers?view=suspense",
            "receipt": f"{desk}/transfers/receipts/{receipt}",
            "to-send": f"{desk}/transfers?view=refunds",
            "hand-refund": f"{desk}/transfers/refunds/{back}",
            "cash": f"{desk}/cash",
            "parcel": f"{desk}/cash/{parcel}",
            "credit": f"{desk}/credit",
            "buyer-credit": f"{desk}/credit/{olu.id}",
        },
    )


async def _filed(resources: Resources, shop: Shop) -> object:
    """A bank file with a payment that waits for the bank."""
    own = with_bank(resources)
    await set_bank(own, shop)
    order = await buy(own, (shop, 1))
    await ship(own, order, shop)
    await step(own, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    await transact(own.db, release_service.release_due, now=datetime.now(UTC))
    await pay(own, shop)
    return (await make(own)).value.id


async def _transfers(resources: Resources, shop: Shop) -> object:
    """One that is expected, one that is nobody's, and one that has to be sent back."""
    expected = await buy(resources, (shop, 1), tenders=BY_TRANSFER)
    reference = transfer_of(expected).gateway_reference or ""
    await arrive(resources, 1_500, text=reference, name="IN-2026-11-0001")
    paid = await buy(resources, (shop, 2), tenders=BY_TRANSFER)
    await arrive(resources, 9_000, text=transfer_of(paid).gateway_reference or "", payer_iban=None)
    await refund(resources, paid, shop, units=1)
    return (await arrive(resources, 6_660, text="lamps", name="IN-2026-11-0002")).id


async def _cash(resources: Resources, shop: Shop) -> None:
    """A parcel on its way that is paid at the door."""
    await transact(
        resources.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": 20_000},
        now=datetime.now(UTC),
    )
    in_cash = (Tender(method="cash_on_delivery"),)
    order = await buy(resources, (shop, 1), tenders=in_cash)
    await ship(resources, order, shop)
