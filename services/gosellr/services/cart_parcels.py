"""A priced basket as its buyer sees it: one parcel per seller, with what can't be bought too."""

from collections.abc import Mapping
from uuid import UUID

from gosellr.queries.offers import Offer
from gosellr.services.pricing_service import PricedBasket
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.pricing import QuotedLine, Totals
from gosellr.utils.shipping import ShippingOption

_NOTHING = Totals(
    subtotal_minor=0,
    discount_total_minor=0,
    shipping_total_minor=0,
    tax_total_minor=0,
    total_minor=0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """One thing in a cart. Without `quoted` it can't be bought, and no total includes it."""

    id: UUID
    variant_id: UUID
    product_id: UUID
    title: str
    slug: str
    sku: str
    options: Mapping[str, str]
    picture: str | None
    quantity: int
    unit_price_minor: int | None
    available: int
    quoted: QuotedLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartParcel:
    """What one seller sends. `options` is empty before the address is known."""

    seller_id: UUID
    seller_name: str
    seller_slug: str
    lines: tuple[CartLine, ...]
    options: tuple[ShippingOption, ...]
    chosen: ShippingOption | None
    totals: Totals


def parcels_of(basket: PricedBasket) -> tuple[CartParcel, ...]:
    """The parcels of a basket, in the order in which their sellers first appear."""
    quoted_lines = {line.key: line for line in basket.quote.lines}
    totals = {parcel.seller_id: parcel.totals for parcel in basket.quote.parcels}
    by_seller: dict[UUID, list[Offer]] = {}
    for offer in (*basket.offers.values(), *basket.unavailable):
        by_seller.setdefault(offer.seller_id, []).append(offer)
    return tuple(
        CartParcel(
            seller_id=seller_id,
            seller_name=offers[0].seller_name,
            seller_slug=offers[0].seller_slug,
            lines=tuple(_line(offer, quoted_lines.get(offer.key)) for offer in offers),
            options=basket.options.get(seller_id, ()),
            chosen=basket.chosen.get(seller_id),
            totals=totals.get(seller_id, _NOTHING),
        )
        for seller_id, offers in by_seller.items()
    )


def _line(offer: Offer, quoted: QuotedLine | None) -> CartLine:
    return CartLine(
        id=offer.key,
        variant_id=offer.variant_id,
        product_id=offer.product_id,
        title=offer.title,
        slug=offer.slug,
        sku=offer.sku,
        options=offer.options,
        picture=offer.picture,
        quantity=offer.quantity,
        unit_price_minor=offer.unit_price_minor,
        available=max(0, offer.available) if offer.buyable else 0,
        quoted=quoted,
    )
