"""An order with everything that belongs to it, as values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.utils.captures import money_came
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.states import RefundStatus
from gosellr.utils.tracking import tracking_page


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A sold line, frozen at sale, with what became of it since."""

    id: UUID
    seller_order_id: UUID
    seller_id: UUID
    variant_id: UUID
    product_id: UUID
    position: int
    sku: str
    title: str
    options: Mapping[str, str]
    picture: str | None
    category_id: UUID | None
    quantity: int
    unit_price_minor: int
    gross_minor: int
    seller_discount_minor: int
    marketplace_discount_minor: int
    goods_minor: int
    tax_class: str
    tax_rate_bps: int
    # The jurisdiction that gets the tax from the marketplace; None where the seller remits it.
    tax_remitted_to: str | None
    tax_minor: int
    total_minor: int
    weight_grams: int
    commission: Mapping[str, Any] | None
    commission_minor: int
    commission_vat_minor: int
    shipped_quantity: int
    delivered_quantity: int
    refunded_quantity: int
    withdrawn_quantity: int
    called_off_quantity: int
    refunded_minor: int
    refunded_goods_minor: int
    refunded_tax_minor: int
    refunded_marketplace_discount_minor: int
    refunded_commission_minor: int
    refunded_commission_vat_minor: int

    @property
    def discount_minor(self) -> int:
        """What the buyer saved on the line."""
        return self.seller_discount_minor + self.marketplace_discount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel on its way."""

    id: UUID
    seller_order_id: UUID
    carrier: str
    tracking_number: str | None
    tracking_url: str | None
    status: str
    shipped_at: datetime
    delivered_at: datetime | None
    items: Sequence[Mapping[str, Any]]

    @property
    def followed_at(self) -> str | None:
        """Where it can be followed: as its sender said, else on its carrier's own page."""
        return self.tracking_url or tracking_page(self.carrier, self.tracking_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerOrder:
    """One seller's part of an order."""

    id: UUID
    order_id: UUID
    seller_id: UUID
    seller_name: str
    seller_slug: str
    index: int
    currency: str
    status: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    shipping_option: Mapping[str, Any]
    shipping_seller_discount_minor: int
    shipping_marketplace_discount_minor: int
    shipping_goods_minor: int
    shipping_tax_rate_bps: int
    shipping_tax_remitted_to: str | None
    shipping_tax_minor: int
    shipping_total_minor: int
    shipping_commission_minor: int
    shipping_commission_vat_minor: int
    shipping_refunded_minor: int
    shipping_refunded_goods_minor: int
    shipping_refunded_tax_minor: int
    shipping_refunded_marketplace_discount_minor: int
    shipping_refunded_commission_minor: int
    shipping_refunded_commission_vat_minor: int
    commission_minor: int
    commission_vat_minor: int
    net_minor: int
    refunded_minor: int
    pending_minor: int
    release_due_at: datetime | None
    released_at: datetime | None
    ship_by: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    captured_at: datetime | None
    version: int
    # Whether a bank has taken its money back, and hasn't decided yet.
    charged_back: bool
    lines: tuple[OrderLine, ...]
    shipments: tuple[Shipment, ...]

    @property
    def remitted_to(self) -> dict[UUID | None, str]:
        """Where the tax of lines goes that the marketplace remits; None is the delivery's."""
        where: dict[UUID | None, str] = {
            line.id: line.tax_remitted_to for line in self.lines if line.tax_remitted_to is not None
        }
        if self.shipping_tax_remitted_to is not None:
            where[None] = self.shipping_tax_remitted_to
        return where

    @property
    def remitted_minor(self) -> int:
        """The tax that the marketplace remits of it."""
        shipping_minor = 0 if self.shipping_tax_remitted_to is None else self.shipping_tax_minor
        return shipping_minor + sum(
            line.tax_minor for line in self.lines if line.tax_remitted_to is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureReturn:
    """Money that an attempt took in vain, on its way back: what it was to take, and what it took.
    `capture_id` names the one capture that did, where money is taken as goods leave, and
    `seller_order_ids` the parts that it was to pay for."""

    asked_minor: int
    amount_minor: int
    # What its gateway kept of a capture that took it.
    fee_minor: int
    reason: str
    status: str
    capture_id: UUID | None
    seller_order_ids: tuple[UUID, ...]
    # Whether a person still has to say how it was dealt with.
    case_is_open: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One attempt to pay one part of an order."""

    id: UUID
    order_id: UUID
    method: str
    part: int
    tender: int
    amount_minor: int
    currency: str
    status: str
    token: str | None
    gateway_reference: str | None
    decline_code: str | None
    action_url: str | None
    captured_minor: int
    refunded_minor: int
    fee_minor: int
    disputed_minor: int
    sent_count: int
    # The account in the books that a gift card's or store credit's part comes from.
    account: str | None
    # Of an order that is captured at shipment: since when this attempt stands for its money,
    # until when that is set aside, and whether it may be taken piece by piece.
    secured_at: datetime | None
    authorized_until: datetime | None
    captures_many: bool
    # Of cash on delivery: the part whose seller collects it; of stored value beside the cash of
    # several sellers: the part that it pays for.
    seller_order_id: UUID | None
    created_at: datetime
    updated_at: datetime
    # Whether all that it took goes back; and each amount that does, single captures' as well.
    returned: bool
    returns: tuple[CaptureReturn, ...]

    @property
    def standing(self) -> str:
        """Its state, but declined where a capture came short and nothing is set aside any more:
        its gateway says captured, and it pays for nothing more."""
        came_short = any(one.capture_id is not None for one in self.returns)
        return "declined" if came_short and self.status != "authorized" else self.status

    @property
    def taken_minor(self) -> int:
        """All that was taken by it, what paid for nothing as well."""
        astray = sum(one.amount_minor for one in self.returns if one.capture_id is not None)
        return self.captured_minor + astray

    @property
    def given_back_minor(self) -> int:
        """What went back: by refunds, and of what paid for nothing once that is there."""
        back = sum(one.amount_minor for one in self.returns if one.status == "succeeded")
        return self.refunded_minor + back


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One step of an order's history."""

    sequence: int
    seller_order_id: UUID | None
    kind: str
    from_status: str | None
    to_status: str | None
    actor: str
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back, or back."""

    id: UUID
    # None where a gift card was taken back.
    seller_order_id: UUID | None
    amount_minor: int
    currency: str
    reason: str
    status: str
    borne_by: str
    effects: Mapping[str, Any]
    failure_reason: str | None
    created_at: datetime
    finished_at: datetime | None
    dispute_id: UUID | None
    lines: Sequence[Mapping[str, Any]]
    # As asked for, where one operator alone gave it, and what one alone said became of it.
    given_alone_minor: int = 0
    settled_alone_minor: int = 0

    @property
    def is_under_way(self) -> bool:
        """Whether a gateway may still refuse some of it."""
        return self.status in {RefundStatus.PENDING, RefundStatus.UNKNOWN}

    @property
    def part_key(self) -> str | None:
        """The part that it is of, in plain JSON."""
        return None if self.seller_order_id is None else str(self.seller_order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A buyer's order. A seller who looks gets its own parts only."""

    id: UUID
    number: int
    user_id: UUID | None
    cart_id: UUID | None
    email: str
    currency: str
    tax_included: bool
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    captured_minor: int
    refunded_minor: int
    status: str
    payment_status: str
    shipping_address: Mapping[str, Any]
    billing_address: Mapping[str, Any] | None
    coupon_codes: Sequence[str]
    reference: str | None
    placed_at: datetime
    paid_at: datetime | None
    expires_at: datetime | None
    capture_at: str
    event_count: int
    version: int
    # Cases of its lines, and chargebacks, that aren't closed.
    open_dispute_count: int
    # Whether the viewer may see the whole order, or only parts of it.
    whole: bool
    parts: tuple[SellerOrder, ...]
    payments: tuple[Payment, ...]
    events: tuple[OrderEvent, ...]
    refunds: tuple[Refund, ...]

    @property
    def lines(self) -> tuple[OrderLine, ...]:
        """All lines, part by part."""
        return tuple(line for part in self.parts for line in part.lines)

    def is_paid_for(self, part: SellerOrder) -> bool:
        """Whether a part's money came: with the order's, in cash, or as its goods left."""
        return money_came(
            collected=[one.status for one in self.payments if one.seller_order_id == part.id],
            capture_at=self.capture_at,
            captured_at=part.captured_at,
            paid_at=self.paid_at,
        )

    def pays_for_nothing(self, payment_id: UUID) -> bool:
        """Whether all that a payment took goes back, or nothing of the order is paid for at all.
        Needs the whole order."""
        [payment] = [one for one in self.payments if one.id == payment_id]
        if payment.returned:
            return True
        return not (self.buys_card or any(self.is_paid_for(part) for part in self.parts))

    def taken_in_vain(self, part: SellerOrder) -> tuple[CaptureReturn, ...]:
        """What captures for a part took that came short, oldest first. Needs the whole order."""
        return tuple(
            one
            for payment in self.payments
            for one in payment.returns
            if part.id in one.seller_order_ids
        )

    @property
    def buys_card(self) -> bool:
        """Whether it was paid and bought a gift card. Needs the whole order."""
        return not self.parts and self.paid_at is not None

    @property
    def uncaptured(self) -> tuple[SellerOrder, ...]:
        """The parts whose money is still to be taken. Needs the whole order."""
        return tuple(
            part for part in self.parts if part.status != "cancelled" and not self.is_paid_for(part)
        )

    @property
    def awaits_capture(self) -> bool:
        """Whether any of its money is still to be taken. What buys a gift card has no parts."""
        return bool(self.uncaptured) or (not self.parts and self.paid_at is None)


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order in a list. For a seller, `parts` are its own."""

    id: UUID
    number: int
    status: str
    payment_status: str
    email: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    refunded_minor: int
    tax_included: bool
    placed_at: datetime
    reference: str | None
    version: int
    parts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MissingLabel:
    """A parcel that waits for its label."""

    shipment_id: UUID
    order_id: UUID
    service: str
