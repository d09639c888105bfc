"""Sales paid at PayPal, its reports delivered, and its movements taken up."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import webhooks
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import reconciliation_service
from gosellr.services.checkout_service import Tender
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.paypal_movements import figures_of, related_to
from gosellr.utils.reconciliation import MovementKind
from tests.factories.sales import Shop, buy, make_buyer, make_shop, ship, step
from tests.integrations.paypal_api.account import Account, Document, money
from tests.integrations.paypal_api.server import FakePayPal, make_gateway


@dataclass(frozen=True, slots=True)
class PayPalSale:
    """A delivered order of 100.00 EUR, paid at PayPal."""

    market: Resources
    connection: Connection
    server: FakePayPal
    shop: Shop
    order: Order

    @property
    def capture(self) -> Document:
        """What PayPal took for it."""
        [capture] = self.server.account.captures()
        return capture

    async def report_all(self) -> None:
        """PayPal sends all of its reports, the old ones too."""
        for _, headers, body in self.server.deliveries():
            await webhooks.receive(
                db=self.market.db,
                gateways=self.market.gateways,
                clock=self.market.clock,
                policy=self.market.policy,
                payout_powers=self.market.payouts,
                gateway="paypal",
                headers=headers,
                body=body,
            )

    async def tell(
        self, *rows: tuple[str, str, int, str | None], fee_change_minor: int = 0
    ) -> None:
        """Import movements: the name, the event's code, the change, and what it refers to."""
        await transact(
            self.market.db,
            reconciliation_service.import_movements,
            gateway="paypal",
            source="document",
            movements=[_movement(row, fee_change_minor, self.market.clock.now()) for row in rows],
            imported_by=None,
            now=self.market.clock.now(),
        )

    async def movements(self) -> dict[str, tuple[Any, ...]]:
        """Each imported movement: its state, why it waits, and what of it is unexplained."""
        rows = await self.connection.fetch(
            "SELECT reference, status, mismatch, unexplained_minor FROM provider_movement"
        )
        return {row["reference"]: tuple(row)[1:] for row in rows}

    async def booked(self, kind: str) -> list[tuple[str, str, int]]:
        """The entries of all transactions of a kind, in order."""
        rows = await self.connection.fetch(
            "SELECT split_part(account, ':', 1) AS account, direction, amount_minor"
            " FROM ledger_entry AS entry"
            " JOIN ledger_transaction AS head ON head.id = entry.transaction_id"
            " WHERE head.kind = $1 ORDER BY head.id, entry.direction DESC, account",
            kind,
        )
        return [tuple(row) for row in rows]


def _movement(
    row: tuple[str, str, int, str | None], fee_change_minor: int, now: datetime
) -> NewMovement:
    name, code, change_minor, reference = row
    kind, amount_minor, fee_minor = figures_of(
        code, change_minor=change_minor, fee_change_minor=fee_change_minor
    )
    return NewMovement(
        reference=name,
        kind=MovementKind(kind),
        currency="EUR",
        amount_minor=amount_minor,
        fee_minor=fee_minor,
        related=related_to(kind, name=name, reference=reference),
        occurred_at=now,
    )


async def sell(
    resources: Resources, connection: Connection, clock: ManualClock, **more: Any
) -> PayPalSale:
    """Bought for 100.00 at PayPal, sent and arrived."""
    server = FakePayPal(Account(clock))
    market = replace(resources, gateways={"paypal": make_gateway(server, clock)}, **more)
    shop = await make_shop(connection, price_minor=10_000)
    order = await buy(
        market, (shop, 1), buyer=await make_buyer(connection), tenders=[Tender(method="paypal")]
    )
    sale = PayPalSale(market, connection, server, shop, order)
    server.account.approve(next(iter(server.account.orders.values())))
    await sale.report_all()
    await ship(market, order, shop)
    await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
    return sale


def give_back(sale: PayPalSale, amount_minor: int, *, kind: str = "REFUNDED") -> str:
    """Money goes back at PayPal without us, by hand or (`REVERSED`) by PayPal; gives its name."""
    account = sale.server.account
    account.refund_kind = kind
    refund = account.refund(sale.capture["id"], {"amount": money(amount_minor, "EUR")})
    name: str = refund["id"]
    return name
