"""Paid orders, and what happens to them afterwards, through the flows and services themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from gosellr.core.db import Connection
from gosellr.core.identity import fingerprint, new_id
from gosellr.core.transact import ask, transact
from gosellr.flows import captures, checkout, refunds
from gosellr.models.order_values import Order, Refund, SellerOrder
from gosellr.resources import Resources
from gosellr.services import fulfilment_service, order_service, shipment_service
from gosellr.services.checkout_service import CheckoutRequest, Tender
from gosellr.services.fulfilment_service import StatusRequest
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.ledger_service import Booking, book
from gosellr.services.refund_plan import RefundRequest
from gosellr.services.shipment_service import Parcel
from gosellr.utils.ledger import (
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    payout_in_transit,
    seller_available,
)
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.accounts import TestSeller, User, make_seller, make_user
from tests.factories.catalogue import MadeProduct, make_product, variant_draft
from tests.factories.orders import ADDRESS

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def a_key(key: str | None = None) -> RequestKey:
    """A request that nobody made before, or the one with this key."""
    return RequestKey(scope="test", key=key or uuid4().hex, request_hash=b"")


async def make_commission(
    connection: Connection,
    *,
    rate_bps: int = 1000,
    vat_bps: int = 2000,
    fixed_minor: int = 0,
    currency: str | None = None,
    on_shipping: bool = False,
    now: datetime = NOW,
) -> None:
    """What the marketplace takes of every sale from now on."""
    await connection.execute(
        "INSERT INTO commission_rule (id, position, currency, rate_bps, fixed_minor, vat_bps,"
        " on_shipping, created_at, updated_at) VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $7)",
        new_id(), currency, rate_bps, fixed_minor, vat_bps, on_shipping, now,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shop:
    """A seller with one product."""

    seller: TestSeller
    product: MadeProduct

    @property
    def viewer(self) -> Viewer:
        """The seller's owner."""
        return self.seller.viewer


async def make_shop(
    connection: Connection, *, price_minor: int = 5000, stock: int = 100, **variant: Any
) -> Shop:
    """A seller, and something to buy of it."""
    seller = await make_seller(connection, now=NOW, name=f"Shop {uuid4().hex[:8]}")
    product = await make_product(
        connection,
        seller=seller,
        variants=[variant_draft(price_minor=price_minor, stock=stock, **variant)],
    )
    return Shop(seller, product)


async def buy(
    resources: Resources,
    *items: tuple[Shop, int],
    buyer: User | None = None,
    tenders: Sequence[Tender] = (Tender(method="sandbox", token="tok_ok"),),
    coupons: tuple[str, ...] = (),
    **more: Any,
) -> Order:
    """An order as it stands after its gateway was asked."""
    placed = await checkout.place_order(
        resources.checkout,
        viewer=GUEST if buyer is None else buyer.viewer,
        request=CheckoutRequest(
            tenders=tuple(tenders),
            items=tuple((shop.product.variant_id, quantity) for shop, quantity in items),
            email="ada@example.com",
            shipping_address=ADDRESS,
            coupons=coupons,
            **more,
        ),
        key=a_key(),
    )
    assert placed.order is not None
    return placed.order


async def read(resources: Resources, order: Order) -> Order:
    """The order as it is now."""
    return await ask(resources.db, order_service.load_order, order_id=order.id)


def buyer_of(resources: Resources, order: Order) -> Viewer:
    """Whoever bought it: its account, or the guest who holds its key."""
    if order.user_id is not None:
        return Viewer(user_id=order.user_id, roles=frozenset({Role.BUYER}))
    token = checkout.order_token(resources.checkout, order.id)
    return Viewer(order_token_hash=fingerprint(token))


def part_of(order: Order, shop: Shop) -> SellerOrder:
    """The shop's part."""
    [part] = [one for one in order.parts if one.seller_id == shop.seller.id]
    return part


async def ship(
    resources: Resources,
    order: Order,
    shop: Shop,
    *,
    units: int | None = None,
    viewer: Viewer | None = None,
) -> UUID:
    """Send a parcel of the shop's only line: so many units, or all that is left."""
    part = part_of(order, shop)

    async def send() -> UUID | EarlierRequest:
        return await transact(
            resources.db,
            shipment_service.ship,
            viewer=viewer or shop.viewer,
            order_id=order.id,
            parcel=Parcel(
                seller_order_id=part.id,
                carrier="dhl",
                items=() if units is None else ((part.lines[0].id, units),),
                tracking_number="JD0001",
            ),
            policy=resources.policy,
            now=resources.clock.now(),
        )

    shipped = await captures.shipping(resources.captures, send)
    assert isinstance(shipped, UUID)
    return shipped


async def step(
    resources: Resources,
    order: Order,
    status: OrderStatus,
    *,
    viewer: Viewer,
    shop: Shop | None = None,
) -> None:
    """Ask for a status."""
    await transact(
        resources.db,
        fulfilment_service.request_status,
        viewer=viewer,
        order_id=order.id,
        request=StatusRequest(
            status=status, seller_order_id=None if shop is None else part_of(order, shop).id
        ),
        policy=resources.policy,
        now=resources.clock.now(),
    )


async def refund(
    resources: Resources,
    order: Order,
    shop: Shop,
    *,
    units: int | None = None,
    items: tuple[tuple[UUID, int], ...] = (),
    viewer: Viewer | None = None,
    **more: Any,
) -> Refund:
    """Ask for a refund of units of the shop's only line, or of what `more` says."""
    part = part_of(order, shop)
    requested = await refunds.request_refund(
        resources.refunds,
        viewer=viewer or shop.viewer,
        order_id=order.id,
        request=RefundRequest(
            seller_order_id=part.id,
            reason="broken",
            items=items if units is None else ((part.lines[0].id, units),),
            **more,
        ),
        key=a_key(),
    )
    assert requested.refund is not None
    return requested.refund


async def cancel(
    resources: Resources, order: Order, *, viewer: Viewer, shop: Shop | None = None
) -> Order:
    """Cancel the order, or the shop's part."""
    return await refunds.cancel_order(
        resources.refunds,
        viewer=viewer,
        order_id=order.id,
        seller_order_id=None if shop is None else part_of(order, shop).id,
        reason="changed my mind",
    )


async def make_buyer(connection: Connection) -> User:
    """Somebody who buys."""
    return await make_user(connection, now=NOW, name="Ada Lovelace")


async def balances(connection: Connection) -> dict[str, int]:
    """Debits less credits by kind of account; accounts at zero are left out."""
    rows = await connection.fetch(
        "SELECT split_part(account, ':', 1) AS account, sum(CASE direction WHEN 'debit'"
        " THEN amount_minor ELSE -amount_minor END)::bigint AS net"
        " FROM ledger_entry GROUP BY 1"
    )
    return {row["account"]: row["net"] for row in rows if row["net"]}


async def seller_owes(connection: Connection, shop: Shop) -> dict[str, int]:
    """What the accounts of one seller hold, in their own sense; zeros are left out."""
    rows = await connection.fetch(
        "SELECT split_part(account, ':', 1) AS account, sum(CASE direction WHEN 'credit'"
        " THEN amount_minor ELSE -amount_minor END)::bigint AS net"
        " FROM ledger_entry WHERE account LIKE '%:' || $1 GROUP BY 1",
        str(shop.seller.id),
    )
    return {
        row["account"].removeprefix("seller_"): -row["net"]
        if row["account"] == "seller_receivable"
        else row["net"]
        for row in rows
        if row["net"]
    }


async def stock(connection: Connection, shop: Shop) -> tuple[int, int]:
    """On hand and reserved, wherever it stands."""
    row = await connection.fetchrow(
        """
        SELECT sum(on_hand)::bigint AS on_hand, sum(reserved)::bigint AS reserved
        FROM stock_level WHERE variant_id = $1
        """,
        shop.product.variant_id,
    )
    assert row is not None
    return row["on_hand"], row["reserved"]


async def pay_out(resources: Resources, shop: Shop, amount_minor: int) -> None:
    """Send a seller what is available to it: the entries that a payout makes."""
    entries = (
        Entry(seller_available(shop.seller.id), Direction.DEBIT, amount_minor, "EUR"),
        Entry(payout_in_transit(shop.seller.id), Direction.CREDIT, amount_minor, "EUR"),
    )
    now = resources.clock.now()
    booking = Booking(
        draft=TransactionDraft(TransactionKind.SETTLEMENT, entries),
        cause_type="payout",
        cause_id=shop.seller.id,
        idempotency_key=uuid4().hex,
        actor="test",
        effective_at=now,
    )
    await transact(resources.db, book, bookings=[booking], now=now)
