"""Shapes of carts: what buyers send, and the priced document they get."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from gosellr.api.schemas.common import (
    AnswerModel,
    Country,
    Currency,
    Email,
    Filters,
    MoneyOut,
    Name,
    NoCard,
    Quantity,
    RequestModel,
    SellerReference,
    Version,
    line,
)
from gosellr.services.basket_issues import Issue
from gosellr.services.cart_parcels import CartLine, CartParcel
from gosellr.services.cart_service import CartView
from gosellr.utils.money import Money
from gosellr.utils.pricing import Totals

CouponCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_-]{3,40}$"),
    NoCard,
    Field(examples=["SPRING26"]),
]


class CartCreate(RequestModel):
    """A new cart."""

    currency: Currency | None = None


class CartItemAdd(RequestModel):
    """Units to put in; what is there already adds up."""

    variant_id: UUID
    quantity: Quantity = 1
    version: Version | None = None


class CartItemChange(RequestModel):
    """How many of an item are wanted."""

    quantity: Quantity
    version: Version | None = None


class AddressIn(RequestModel):
    """A postal address."""

    name: Name
    line1: Name
    line2: Annotated[str, line(200, min_length=0), NoCard] | None = None
    city: Annotated[str, line(120), NoCard]
    region: Annotated[str, line(60, min_length=0), NoCard] | None = None
    postal_code: Annotated[str, line(16, min_length=0), NoCard]
    country: Country
    phone: Annotated[str, line(40, min_length=0), NoCard] | None = None


class CartAddresses(RequestModel):
    """Who buys, and where it goes; what is left out stays, null empties it."""

    email: Email | None = None
    shipping_address: AddressIn | None = None
    billing_address: AddressIn | None = None
    version: Version | None = None


class ShippingChoices(RequestModel):
    """How sellers send their parcels: option ids by seller id."""

    choices: Annotated[dict[UUID, UUID], Field(min_length=1, max_length=200)]
    version: Version | None = None


class CouponAdd(RequestModel):
    """A coupon's code, in whatever case."""

    code: CouponCode
    version: Version | None = None


class CouponFilter(Filters):
    """Which code to take out; without one, all of them."""

    code: CouponCode | None = None
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class CartVersion(RequestModel):
    """The version that the change is made to."""

    version: Version | None = None


class VersionFilter(Filters):
    """The version that the change is made to."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class AddressOut(AnswerModel):
    """A postal address."""

    name: str
    line1: str
    line2: str | None = None
    city: str
    region: str | None = None
    postal_code: str
    country: str
    phone: str | None = None


class ShippingOptionOut(AnswerModel):
    """A way to send a parcel; days are the fewest and the most."""

    id: UUID
    name: str
    price: MoneyOut
    delivery_days: tuple[int, int]


class ParcelShippingOut(AnswerModel):
    """How a parcel may be sent, and what is chosen: the cheapest until the buyer chooses."""

    options: list[ShippingOptionOut]
    chosen: UUID | None


class CartItemOut(AnswerModel):
    """A line. `total` is null while it can't be bought: then no total includes it."""

    id: UUID
    variant_id: UUID
    product_id: UUID
    title: str
    slug: str
    sku: str
    options: dict[str, str]
    picture: str | None
    quantity: int
    unit_price: MoneyOut | None
    discount: MoneyOut
    tax: MoneyOut
    total: MoneyOut | None
    available: int = Field(description="Units left; 0 for what isn't on sale")


class ParcelOut(AnswerModel):
    """What one seller sends."""

    seller: SellerReference
    items: list[CartItemOut]
    shipping: ParcelShippingOut
    subtotal: MoneyOut
    discount: MoneyOut
    shipping_total: MoneyOut
    tax_total: MoneyOut
    total: MoneyOut


class CartCouponOut(AnswerModel):
    """A code of the cart, what it takes off, and why it takes nothing."""

    code: str
    discount: MoneyOut
    refusal: str | None


class IssueOut(AnswerModel):
    """Something to know before paying; what `blocks` has to be mended first."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    blocks: bool
    item_id: UUID | None
    seller_id: UUID | None


class CartOut(AnswerModel):
    """A cart as it could be bought now. `token` is there once, when a guest's cart is made."""

    id: UUID
    token: str | None = None
    status: Literal["open", "ordered", "merged"]
    currency: str
    tax_included: bool
    email: str | None
    shipping_address: AddressOut | None
    billing_address: AddressOut | None
    parcels: list[ParcelOut]
    coupons: list[CartCouponOut]
    subtotal: MoneyOut
    discount_total: MoneyOut
    shipping_total: MoneyOut
    tax_total: MoneyOut
    total: MoneyOut
    issues: list[IssueOut]
    version: int


class SellerOptionsOut(AnswerModel):
    """One seller's ways to send."""

    seller: SellerReference
    options: list[ShippingOptionOut]
    chosen: UUID | None


class ShippingOptionsOut(AnswerModel):
    """The ways to send each parcel; none before the address is known."""

    parcels: list[SellerOptionsOut]


def cart_document(view: CartView) -> dict[str, Any]:
    """A cart as it is answered."""
    cart, quote = view.cart, view.basket.quote
    document: dict[str, Any] = {
        "id": cart.id,
        "status": cart.status,
        "currency": cart.currency,
        "tax_included": quote.tax_included,
        "email": cart.email,
        "shipping_address": cart.shipping_address,
        "billing_address": cart.billing_address,
        "parcels": [_parcel(parcel, cart.currency) for parcel in view.parcels],
        "coupons": _coupons(view),
        **_totals(quote.totals, cart.currency, discount="discount_total"),
        "issues": [_issue(issue) for issue in view.basket.issues],
        "version": cart.version,
    }
    return document if view.token is None else document | {"token": view.token}


def shipping_options_document(view: CartView) -> dict[str, Any]:
    """The ways to send each parcel."""
    return {
        "parcels": [
            {"seller": _seller(parcel), **_shipping(parcel, view.cart.currency)}
            for parcel in view.parcels
        ]
    }


def _parcel(parcel: CartParcel, currency: str) -> dict[str, Any]:
    return {
        "seller": _seller(parcel),
        "items": [_item(line, currency) for line in parcel.lines],
        "shipping": _shipping(parcel, currency),
        **_totals(parcel.totals, currency, discount="discount"),
    }


def _seller(parcel: CartParcel) -> dict[str, Any]:
    return {"id": parcel.seller_id, "name": parcel.seller_name, "slug": parcel.seller_slug}


def _shipping(parcel: CartParcel, currency: str) -> dict[str, Any]:
    return {
        "options": [
            {
                "id": option.id,
                "name": option.name,
                "price": Money(option.price_minor, currency),
                "delivery_days": option.delivery_days,
            }
            for option in parcel.options
        ],
        "chosen": parcel.chosen.id if parcel.chosen else None,
    }


def _item(line: CartLine, currency: str) -> dict[str, Any]:
    price_minor, quoted = line.unit_price_minor, line.quoted
    return {
        "id": line.id,
        "variant_id": line.variant_id,
        "product_id": line.product_id,
        "title": line.title,
        "slug": line.slug,
        "sku": line.sku,
        "options": line.options,
        "picture": line.picture,
        "quantity": line.quantity,
        "unit_price": None if price_minor is None else Money(price_minor, currency),
        "discount": Money(quoted.discount_minor if quoted else 0, currency),
        "tax": Money(quoted.tax_minor if quoted else 0, currency),
        "total": Money(quoted.total_minor, currency) if quoted else None,
        "available": line.available,
    }


def _totals(totals: Totals, currency: str, *, discount: str) -> dict[str, Money]:
    return {
        "subtotal": Money(totals.subtotal_minor, currency),
        discount: Money(totals.discount_total_minor, currency),
        "shipping_total": Money(totals.shipping_total_minor, currency),
        "tax_total": Money(totals.tax_total_minor, currency),
        "total": Money(totals.total_minor, currency),
    }


def _coupons(view: CartView) -> list[dict[str, Any]]:
    outcomes = {outcome.code.lower(): outcome for outcome in view.basket.quote.coupons}
    documents = []
    for code in view.cart.coupon_codes:
        outcome = outcomes.get(code.lower())
        documents.append(
            {
                "code": outcome.code if outcome else code,
                "discount": Money(outcome.discount_minor if outcome else 0, view.cart.currency),
                "refusal": outcome.refusal if outcome else "unknown",
            }
        )
    return documents


def _issue(issue: Issue) -> dict[str, Any]:
    return {
        **issue.facts,
        "code": issue.code,
        "message": issue.message,
        "blocks": issue.blocks,
        "item_id": issue.item_id,
        "seller_id": issue.seller_id,
    }
