"""What the bag, the checkout and the order pages are told."""

from dataclasses import field
from datetime import date, datetime
from typing import Literal

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.views import (
    BadgeKind,
    ChoiceView,
    FormView,
    LinkView,
    PagerView,
    PictureView,
    SellerView,
)


@dataclass(frozen=True, slots=True)
class BadgeView:
    """A state in one word, never told by colour alone."""

    label: str
    kind: BadgeKind = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class AmountRowView:
    """One line of a sum; a discount or refund is negative. `word` stands for an amount of zero."""

    label: str
    amount: Money
    note: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class SummaryView:
    """Rows, and the total they add up to. `tax_note` tells the tax that prices include."""

    rows: tuple[AmountRowView, ...]
    total: Money
    tax_note: str = ""


@dataclass(frozen=True, slots=True)
class LineView:
    id: str
    title: str
    href: str
    quantity: int
    unit_price: Money
    total: Money
    available: int
    picture: PictureView | None = None
    options: str = ""
    maximum_quantity: int = 10
    sellable: bool = True


@dataclass(frozen=True, slots=True)
class DeliveryOptionView:
    id: str
    label: str
    price: Money
    arrives: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ParcelView:
    """What one shop sends. `delivery_field` is the form field that carries the choice."""

    number: int
    seller: SellerView
    lines: tuple[LineView, ...]
    delivery_field: str = ""
    delivery: tuple[DeliveryOptionView, ...] = ()
    delivery_error: str = ""


@dataclass(frozen=True, slots=True)
class IssueView:
    """Something changed since it was put into the bag; nothing is charged until it is agreed."""

    kind: Literal["price", "stock", "gone", "coupon", "delivery"]
    title: str
    old_price: Money | None = None
    new_price: Money | None = None
    left: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class CouponView:
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class BagView:
    parcels: tuple[ParcelView, ...]
    summary: SummaryView | None
    coupons: tuple[CouponView, ...] = ()
    coupon_form: FormView = field(default_factory=FormView)
    issues: tuple[IssueView, ...] = ()
    item_count: int = 0


@dataclass(frozen=True, slots=True)
class PaymentMethodView:
    """A way to pay; `tokens` are the sandbox's test cards, empty for a real gateway."""

    id: str
    label: str
    icon: str
    note: str = ""
    chosen: bool = False
    tokens: tuple[ChoiceView, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckoutView:
    """One page, one form: contact, delivery, payment, review.

    `expected_total_minor` goes back with the form, so that a total which moved in the
    meantime is told before anything is charged; `idempotency_key` makes a double click one
    order. Before the address is known there is nothing to pay: `has_address` is false then.
    `blocked` says that something in the bag has to change first.
    """

    form: FormView
    parcels: tuple[ParcelView, ...]
    summary: SummaryView
    countries: tuple[ChoiceView, ...]
    payment_methods: tuple[PaymentMethodView, ...]
    idempotency_key: str
    cart_version: int
    expected_total_minor: int
    cart_id: str = ""
    issues: tuple[IssueView, ...] = ()
    notice: str = ""
    has_address: bool = True
    blocked: bool = False
    signed_in: bool = False
    # What the buyer may spend of their credit; None where there is none.
    store_credit: Money | None = None


@dataclass(frozen=True, slots=True)
class PayView:
    """Another try to pay an order that is placed and whose goods are held."""

    number: str
    pay_path: str
    order_href: str
    parcels: tuple[ParcelView, ...]
    summary: SummaryView
    payment_methods: tuple[PaymentMethodView, ...]
    form: FormView
    idempotency_key: str
    # What is still to be paid: less than the total where gift cards or credit pay a part.
    left: Money
    declined: str = ""
    # Whether the last try found nobody at the gateway.
    is_unreachable: bool = False
    # That the last try took another amount than it was to take, and where that is.
    short: str = ""
    held_until: datetime | None = None
    email: str = ""
    address_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxPayView:
    """The sandbox gateway's own page, where the buyer says yes or no."""

    action: str
    amount: Money
    number: str


@dataclass(frozen=True, slots=True)
class TimelineStepView:
    """`upcoming` steps come first and tell what happens next."""

    title: str
    at: datetime | None = None
    note: str = ""
    upcoming: bool = False


@dataclass(frozen=True, slots=True)
class ActionView:
    """A button of a parcel or an order: a link, or a form when `method` is post."""

    label: str
    href: str
    method: Literal["get", "post"] = "get"
    icon: str = ""
    kind: Literal["", "primary", "danger", "quiet"] = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OrderParcelView:
    number: int
    seller: SellerView
    badge: BadgeView
    lines: tuple[LineView, ...]
    timeline: tuple[TimelineStepView, ...]
    tracking: LinkView | None = None
    actions: tuple[ActionView, ...] = ()
    papers: tuple[LinkView, ...] = ()


@dataclass(frozen=True, slots=True)
class RefundView:
    at: datetime
    amount: Money
    reason: str
    badge: BadgeView


@dataclass(frozen=True, slots=True)
class TransferView:
    """The bank transfer that an order waits for; account and reference in groups of four."""

    iban: str
    bic: str
    holder: str
    reference: str
    amount: Money
    pay_by: datetime | None = None
    other_way_href: str = ""


@dataclass(frozen=True, slots=True)
class CaseLinkView:
    """A case about an order, and where it stands."""

    label: str
    href: str
    badge: BadgeView
    amount: Money


@dataclass(frozen=True, slots=True)
class MovedView:
    """What came back to a gift card that can't be spent, and where it is now; `href` tells more."""

    label: str
    amount: Money
    href: str
    link: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """`celebrate` is true once, right after the order was placed.

    `poll_href` is set while a payment's outcome is open: the page asks again by itself.
    """

    number: str
    placed_at: datetime
    badge: BadgeView
    parcels: tuple[OrderParcelView, ...]
    summary: SummaryView
    paid_with: str = ""
    # How much each way paid, or is set aside to pay, where there are several.
    paid_parts: tuple[AmountRowView, ...] = ()
    email: str = ""
    first_name: str = ""
    address_lines: tuple[str, ...] = ()
    refunds: tuple[RefundView, ...] = ()
    cases: tuple[CaseLinkView, ...] = ()
    actions: tuple[ActionView, ...] = ()
    # A bank has taken its money back and hasn't decided yet.
    charged_back: bool = False
    celebrate: bool = False
    pending_payment: bool = False
    poll_href: str = ""
    pay_href: str = ""
    transfer: TransferView | None = None
    # What is still to be paid at the door.
    cash_due: Money | None = None
    # Where the gift card is that it buys, if that is what it buys.
    gift_href: str = ""
    moved: tuple[MovedView, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderRowView:
    number: str
    href: str
    placed_on: date
    badge: BadgeView
    total: Money
    parcel_count: int
    pictures: tuple[PictureView, ...] = ()
    what: str = ""


@dataclass(frozen=True, slots=True)
class OrderListView:
    orders: tuple[OrderRowView, ...]
    pager: PagerView = field(default_factory=PagerView)
