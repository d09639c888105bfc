"""Orders as they are asked for and answered."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from gosellr.api.schemas.carts import AddressIn, AddressOut
from gosellr.api.schemas.common import (
    AnswerModel,
    Currency,
    Email,
    Moment,
    MoneyIn,
    MoneyOut,
    NoCard,
    PageFilters,
    Quantity,
    RequestModel,
    SellerReference,
    line,
)
from gosellr.api.schemas.terms import MomentIn
from gosellr.services.basket_service import CheckoutRequest, Tender

PaymentMethod = Literal[
    "sandbox",
    "stripe",
    "paypal",
    "bank_transfer",
    "cash_on_delivery",
    "gift_card",
    "store_credit",
]
Token = Annotated[str, line(200), NoCard]
TENDERS_MAX = 32
LINES_MAX = 200

OrderStatusName = Literal[
    "pending_payment",
    "paid",
    "processing",
    "partially_shipped",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
]


class TenderIn(RequestModel):
    """One part of a mixed tender."""

    method: PaymentMethod
    amount: MoneyIn | None = None
    token: Token | None = None


class OrderItemIn(RequestModel):
    """A variant, and how many of it."""

    variant_id: UUID
    quantity: Quantity


class PaymentCreate(RequestModel):
    """How an order is paid: one method, or several with their amounts."""

    payment_method: (
        PaymentMethod | Annotated[list[TenderIn], Field(min_length=1, max_length=TENDERS_MAX)]
    )
    payment_token: Token | None = None

    def tenders(self) -> tuple[Tender, ...]:
        """The parts, in minor units."""
        if isinstance(self.payment_method, str):
            return (Tender(method=self.payment_method, token=self.payment_token),)
        return tuple(
            Tender(
                method=part.method,
                amount_minor=None if part.amount is None else part.amount.amount,
                token=part.token,
            )
            for part in self.payment_method
        )

    def currencies(self) -> set[str]:
        """The currencies that the parts name."""
        if isinstance(self.payment_method, str):
            return set()
        return {part.amount.currency for part in self.payment_method if part.amount is not None}


class OrderCreate(PaymentCreate):
    """Either `cart_id`, or everything in one call."""

    cart_id: UUID | None = None
    items: Annotated[list[OrderItemIn], Field(max_length=LINES_MAX)] | None = None
    email: Email | None = None
    currency: Currency | None = None
    shipping_address: AddressIn | None = None
    billing_address: AddressIn | None = None
    shipping_choice: Literal["cheapest"] | None = None
    coupons: Annotated[list[Annotated[str, line(64), NoCard]], Field(max_length=5)] | None = None
    expected_total: MoneyIn | None = None
    reference: Annotated[str, line(100), NoCard] | None = None

    @model_validator(mode="after")
    def one_form(self) -> Self:
        """A cart brings its own details; without one they are all said here."""
        own = {"items", "email", "currency", "shipping_address", "billing_address",
               "shipping_choice", "coupons"}  # fmt: skip
        if self.cart_id is not None:
            told_twice = sorted(own & self.model_fields_set)
            if told_twice:
                raise ValueError(f"with cart_id, leave out: {', '.join(told_twice)}")
        elif not self.items:
            raise ValueError("say what to buy: cart_id, or items")
        elif self.shipping_address is None:
            raise ValueError("say where it goes: shipping_address")
        if self.expected_total is not None and self.currencies() - {self.expected_total.currency}:
            raise ValueError("one order has one currency")
        return self

    def request(self) -> CheckoutRequest:
        """The same for the flow."""
        return CheckoutRequest(
            tenders=self.tenders(),
            cart_id=self.cart_id,
            items=tuple((item.variant_id, item.quantity) for item in self.items or ()),
            email=self.email,
            currency=self.currency,
            shipping_address=_plain(self.shipping_address),
            billing_address=_plain(self.billing_address),
            coupons=tuple(self.coupons or ()),
            expected_total_minor=None
            if self.expected_total is None
            else self.expected_total.amount,
            expected_currencies=frozenset(
                self.currencies()
                | ({self.expected_total.currency} if self.expected_total is not None else set())
            ),
            reference=self.reference,
        )


def _plain(address: AddressIn | None) -> dict[str, Any] | None:
    return None if address is None else address.model_dump()


class OrderFilters(PageFilters):
    """What to list, and in which capacity."""

    as_: Annotated[Literal["buyer", "seller", "operator"] | None, Field(alias="as")] = None
    status: OrderStatusName | None = None
    seller: UUID | None = None
    q: Annotated[str, line(100)] | None = None
    from_: Annotated[MomentIn | None, Field(alias="from")] = None
    to: MomentIn | None = None


class OrderItemOut(AnswerModel):
    """A sold line, frozen at sale. Commission is for its seller and the operator."""

    id: UUID
    variant_id: UUID
    product_id: UUID
    sku: str
    title: str
    options: dict[str, str]
    picture: str | None
    quantity: int
    unit_price: MoneyOut
    discount: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    shipped_quantity: int
    delivered_quantity: int
    refunded_quantity: int
    called_off_quantity: Annotated[
        int, Field(description="Called off before they were paid for; not part of `quantity`")
    ]
    commission: dict[str, Any] | None = None


class ShipmentItemOut(AnswerModel):
    """Pieces of a line in a parcel."""

    order_item_id: UUID
    quantity: int


class ShipmentOut(AnswerModel):
    """A parcel."""

    id: UUID
    seller_order_id: UUID
    items: list[ShipmentItemOut]
    carrier: str
    tracking_number: str | None
    tracking_url: str | None
    status: Literal["label_created", "in_transit", "delivered", "returned", "lost"]
    shipped_at: Moment
    delivered_at: Moment | None


class ShippingOut(AnswerModel):
    """How a parcel travels."""

    option: dict[str, Any]
    price: MoneyOut
    tax: MoneyOut
    total: MoneyOut


class TotalsOut(AnswerModel):
    """The figures of a part."""

    subtotal: MoneyOut
    discount_total: MoneyOut
    shipping_total: MoneyOut
    tax_total: MoneyOut
    total: MoneyOut
    refunded_total: MoneyOut


class SellerOrderOut(AnswerModel):
    """One seller's part."""

    id: UUID
    number: str
    seller: SellerReference
    status: OrderStatusName
    items: list[OrderItemOut]
    shipping: ShippingOut
    totals: TotalsOut
    commission: MoneyOut | None = None
    commission_vat: MoneyOut | None = None
    net: MoneyOut | None = None
    shipments: list[ShipmentOut]
    ship_by: Moment | None
    shipped_at: Moment | None
    delivered_at: Moment | None
    completed_at: Moment | None
    cancelled_at: Moment | None
    cancel_reason: str | None
    captured_at: Moment | None = None
    charged_back: Annotated[
        bool,
        Field(
            description="A bank has taken its money back and hasn't decided yet: what is shipped"
            " now may never be paid for"
        ),
    ] = False
    version: int


class TransferOut(AnswerModel):
    """The bank transfer that the buyer is asked for."""

    iban: str
    bic: str | None
    holder: str
    reference: Annotated[str, Field(description="Creditor reference, ISO 11649")]
    amount: MoneyOut
    pay_by: Annotated[Moment | None, Field(description="Until then the goods are held")]


class NextActionOut(AnswerModel):
    """What the buyer has to do at the gateway; for a bank transfer `url` is a payto URI."""

    url: str
    bank_transfer: TransferOut | None = None


class PaymentReturnOut(AnswerModel):
    """Captured money that paid for nothing and goes back by itself; `asked` is what was to be
    captured."""

    asked: MoneyOut
    amount: MoneyOut
    reason: Literal["short_payment", "order_closed", "paid_already"]
    status: Literal["pending", "succeeded", "failed", "unknown"]
    created_at: Moment


class PaymentOut(AnswerModel):
    """One attempt to pay. `captured` is all that was taken by it and `refunded` what of that went
    back, also what paid for nothing: each such amount is one of `returns`."""

    id: UUID
    method: str
    status: str
    amount: MoneyOut
    captured: MoneyOut
    refunded: MoneyOut
    returns: list[PaymentReturnOut] = Field(default=[])
    decline_code: str | None
    next_action: NextActionOut | None
    authorized_until: Moment | None = None
    created_at: Moment


class TimelineOut(AnswerModel):
    """One step of an order's history."""

    at: Moment
    kind: str
    actor: str
    seller_order_id: UUID | None
    data: dict[str, Any]


class OrderOut(AnswerModel):
    """An order. A seller gets its own parts only, with their totals."""

    id: UUID
    number: str
    status: OrderStatusName
    payment_status: Literal[
        "unpaid",
        "pending",
        "authorized",
        "paid",
        "partially_refunded",
        "refunded",
        "failed",
        "disputed",
    ]
    buyer: dict[str, Any]
    email: str | None
    currency: str
    tax_included: bool
    subtotal: MoneyOut
    discount_total: MoneyOut
    shipping_total: MoneyOut
    tax_total: MoneyOut
    total: MoneyOut
    refunded_total: MoneyOut
    coupons: list[str]
    reference: str | None
    seller_orders: list[SellerOrderOut]
    payments: list[PaymentOut]
    shipping_address: AddressOut | None
    billing_address: AddressOut | None
    timeline: list[TimelineOut]
    placed_at: Moment
    paid_at: Moment | None
    expires_at: Moment | None
    version: int
    access_token: str | None = None
    next_action: NextActionOut | None = None


class ListedPartOut(AnswerModel):
    """A part in a list."""

    id: UUID
    number: str
    seller: SellerReference
    status: OrderStatusName
    item_count: int
    total: MoneyOut
    refunded_total: MoneyOut


class ListedOrderOut(AnswerModel):
    """An order in a list."""

    id: UUID
    number: str
    status: OrderStatusName
    payment_status: str
    email: str | None
    currency: str
    subtotal: MoneyOut
    discount_total: MoneyOut
    shipping_total: MoneyOut
    tax_total: MoneyOut
    total: MoneyOut
    refunded_total: MoneyOut
    reference: str | None
    seller_orders: list[ListedPartOut]
    placed_at: Moment
    version: int
