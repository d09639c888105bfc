"""Bookings of every recipe, small enough to be counted by hand."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from gosellr.core.db import Connection, Database
from gosellr.services.ledger_service import Booked, Booking, book
from gosellr.utils import postings
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.postings import GatewayAmount, ReleasePlan, SellerSources, SoldParcel, SoldPart
from gosellr.utils.refunds import RefundShares

BOOKED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GATEWAY = "sandbox"
VAT_TO = "marketplace"


@dataclass(frozen=True, slots=True)
class Sold:
    """The example of the recipe: 120.00 with 20 % tax inside, 12.00 of it the marketplace's
    promotion, 10 % commission and its VAT. The seller gets 108.00."""

    order_id: UUID = field(default_factory=uuid4)
    seller_order_id: UUID = field(default_factory=uuid4)
    order_line_id: UUID = field(default_factory=uuid4)
    seller_id: UUID = field(default_factory=uuid4)
    currency: str = "EUR"

    def sale(self) -> Booking:
        part = SoldPart(
            order_line_id=self.order_line_id,
            goods_minor=12_000,
            tax_minor=2_000,
            promotion_minor=1_200,
            commission_minor=1_000,
            commission_vat_minor=200,
        )
        draft = postings.sale(
            order_id=self.order_id,
            currency=self.currency,
            tax_included=True,
            captured=[GatewayAmount(gateway=GATEWAY, amount_minor=10_800)],
            parcels=[
                SoldParcel(
                    seller_order_id=self.seller_order_id,
                    seller_id=self.seller_id,
                    parts=(part,),
                )
            ],
            commission_vat_jurisdiction=VAT_TO,
        )
        return self.booking(draft, key=f"order:{self.order_id}")

    def fee(self, amount_minor: int = 100) -> Booking:
        draft = postings.provider_fee(
            gateway=GATEWAY, amount_minor=amount_minor, currency=self.currency
        )
        return self.booking(draft, key=f"payment:{self.order_id}")

    def release(self, *, available_minor: int = 10_800, reserved_minor: int = 0) -> Booking:
        plan = ReleasePlan(
            recovered_minor=0, reserved_minor=reserved_minor, available_minor=available_minor
        )
        draft = postings.release(
            seller_order_id=self.seller_order_id,
            seller_id=self.seller_id,
            currency=self.currency,
            plan=plan,
        )
        return self.booking(draft, key=f"seller_order:{self.seller_order_id}")

    def refund(self, refund_id: UUID, sources: SellerSources) -> Booking:
        """Half of the line: 54.00 to the buyer, out of `sources` that sum to 54.00."""
        shares = RefundShares(
            quantity=1,
            buyer_minor=5_400,
            promotion_minor=600,
            goods_minor=6_000,
            tax_minor=1_000,
            commission_minor=500,
            commission_vat_minor=100,
            commission_reversed_minor=500,
            commission_vat_reversed_minor=100,
        )
        draft = postings.refund_intent(
            refund_id=refund_id,
            seller_order_id=self.seller_order_id,
            seller_id=self.seller_id,
            currency=self.currency,
            parts=[(self.order_line_id, shares)],
            sources=sources,
            through=[GatewayAmount(gateway=GATEWAY, amount_minor=5_400)],
            commission_vat_jurisdiction=VAT_TO,
        )
        return self.booking(draft, key=f"refund:{refund_id}")

    def refund_confirmed(self, refund_id: UUID) -> Booking:
        draft = postings.refund_confirmed(
            refund_id=refund_id,
            gateway=GATEWAY,
            amount_minor=5_400,
            currency=self.currency,
            seller_order_id=self.seller_order_id,
        )
        return self.booking(draft, key=f"refund:{refund_id}")

    def booking(self, draft: TransactionDraft, *, key: str) -> Booking:
        return Booking(
            draft=draft,
            cause_type="order",
            cause_id=self.order_id,
            idempotency_key=key,
            order_id=self.order_id,
            actor="system",
            effective_at=BOOKED_AT,
            facts={"note": "Größe", "rate_bps": 1000},
        )


async def booked(connection: Connection, *bookings: Booking) -> list[Booked]:
    """Book them at a fixed time."""
    return await book(connection, bookings=bookings, now=BOOKED_AT)


async def until_settled(books: Database) -> None:
    """Until the transactions that run elsewhere in the cluster let the jobs see."""
    waits = True
    while waits:
        async with books.connection() as connection:
            waits = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM ledger_transaction"
                " WHERE written_by >= pg_snapshot_xmin(pg_current_snapshot()))"
            )
        await asyncio.sleep(0.01)
