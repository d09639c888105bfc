"""Products: cards for lists, and one listing with the variant that is chosen."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson
from markupsafe import Markup

from gosellr.core.rich_text import to_html
from gosellr.models.review_values import Review
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money, to_decimal_string
from gosellr.web.binding.attributes import Rules, label, spoken
from gosellr.web.binding.categories import category_href
from gosellr.web.binding.pictures import hue_of, media_picture
from gosellr.web.binding.sellers import shop_href
from gosellr.web.formats import LOW_STOCK_BELOW
from gosellr.web.views import (
    AttributeView,
    LinkView,
    OfferView,
    OptionValueView,
    OptionView,
    PagerView,
    ProductCardView,
    ProductView,
    RatingView,
    ReviewView,
    SellerView,
)

Document = Mapping[str, Any]

_BPS = 10_000
_QUANTITY_MAX = 20
_SIMILAR_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reviews:
    """A page of what buyers wrote; `later` says that it isn't the first one."""

    items: Sequence[Review]
    next_cursor: str | None
    later: bool = False


def product_href(slug: str) -> str:
    """The address of a listing's page."""
    return f"/p/{slug}"


def cards(items: bytes) -> tuple[ProductCardView, ...]:
    """The cards of a finished JSON list."""
    return tuple(card(document) for document in orjson.loads(items))


def distinct(found: Sequence[ProductCardView]) -> tuple[ProductCardView, ...]:
    """Of cards with one title the first: the same thing at several shops, where room is short."""
    first: dict[str, ProductCardView] = {}
    for one in found:
        first.setdefault(one.title, one)
    return tuple(first.values())


def card(document: Document) -> ProductCardView:
    """One product in a list."""
    price = money(document["price"])
    compare_at = _above(document.get("compare_at_price"), price)
    sold_out = document["availability"] == "sold_out"
    return ProductCardView(
        id=document["id"],
        title=document["title"],
        href=product_href(document["slug"]),
        price=price,
        price_is_from=document["price_is_from"],
        compare_at=compare_at,
        discount_bps=_discount_bps(price, compare_at),
        seller_name=document["seller"]["name"],
        picture=media_picture(document.get("media"), hue=hue_of(document["id"])),
        rating=rating(document.get("rating")),
        available=0 if sold_out else LOW_STOCK_BELOW,
        few_left=document["availability"] == "low_stock",
    )


def product(
    document: Document,
    *,
    variant_id: str | None,
    similar: Sequence[ProductCardView] = (),
    reviews: Reviews | None = None,
    rules: Rules | None = None,
    base_url: str = "",
) -> ProductView:
    """A listing with one of its variants: the wanted one, else the first that can be had.

    `rules` tell how its attributes read. The same item at another shop is among the offers and so
    not `similar`.
    """
    variants: list[Document] = list(document["variants"])
    chosen = _chosen(variants, variant_id)
    price = money(chosen["price"])
    href = product_href(document["slug"])
    hue = hue_of(document["id"])
    seller = document["seller"]
    return ProductView(
        id=document["id"],
        title=document["title"],
        href=href,
        variant_id=chosen["id"],
        price=price,
        seller=SellerView(name=seller["name"], href=shop_href(seller["slug"]), hue=hue),
        available=max(0, chosen["available"]),
        compare_at=_above(chosen.get("compare_at_price"), price),
        pictures=tuple(
            picture
            for media in document["media"]
            if (picture := media_picture(media, hue=hue, described=True)) is not None
        ),
        breadcrumb=(
            LinkView("Home", "/"),
            *(LinkView(one["name"], category_href(one["path"])) for one in document["breadcrumb"]),
            LinkView(document["title"], href),
        ),
        options=_options(document["options"], variants, chosen=chosen, href=href),
        maximum_quantity=_QUANTITY_MAX,
        rating=rating(document.get("rating")),
        reviews=() if reviews is None else tuple(_review(one) for one in reviews.items),
        reviews_pager=PagerView() if reviews is None else _reviews_pager(reviews, href),
        offers=tuple(_offer(offer, product_id=document["id"]) for offer in document["offers"]),
        # It was cleaned when it was written; what is shown as HTML is cleaned again.
        description_html=Markup(to_html(document["description_html"])),  # noqa: S704
        attributes=_attributes(document, chosen, rules or {}),
        similar=_similar(document, similar),
        structured_data=_structured(document, chosen, price=price, url=base_url + href),
    )


def money(document: Document) -> Money:
    """An amount as the catalogue tells of it."""
    return Money(document["amount"], document["currency"])


def rating(document: Document | None) -> RatingView | None:
    """Stars, where there are any."""
    if not document or not document["count"]:
        return None
    return RatingView(Decimal(str(document["average"])), document["count"])


def _above(compare_at: Document | None, price: Money) -> Money | None:
    """An earlier price, where it was a higher one."""
    if compare_at is None:
        return None
    earlier = money(compare_at)
    return earlier if earlier.amount > price.amount else None


def _discount_bps(price: Money, compare_at: Money | None) -> int:
    if compare_at is None:
        return 0
    return (compare_at.amount - price.amount) * _BPS // compare_at.amount


def _chosen(variants: Sequence[Document], variant_id: str | None) -> Document:
    wanted = next((one for one in variants if one["id"] == variant_id), None)
    in_stock = next((one for one in variants if one["available"] > 0), None)
    return wanted or in_stock or variants[0]


def _options(
    axes: Sequence[Document], variants: Sequence[Document], *, chosen: Document, href: str
) -> tuple[OptionView, ...]:
    """Each option with a link per value to the variant nearest to the chosen one."""
    views = []
    for axis in axes:
        name = axis["name"]
        values = []
        for value in axis["values"]:
            target = _nearest(variants, {**chosen["options"], name: value}, name)
            if target is not None:
                values.append(
                    OptionValueView(
                        label=value,
                        href=f"{href}?variant={target['id']}",
                        selected=chosen["options"].get(name) == value,
                        available=target["available"] > 0,
                    )
                )
        if len(variants) > 1 and values:
            views.append(OptionView(name, tuple(values)))
    return tuple(views)


def _nearest(
    variants: Sequence[Document], options: Mapping[str, str], name: str
) -> Document | None:
    """The variant with this value of the option that shares most of the others."""
    fitting = [one for one in variants if one["options"].get(name) == options[name]]
    return max(
        fitting,
        key=lambda one: sum(one["options"].get(key) == value for key, value in options.items()),
        default=None,
    )


def _offer(document: Document, *, product_id: str) -> OfferView:
    seller = document["seller"]
    return OfferView(
        seller=SellerView(
            name=seller["name"],
            href=shop_href(seller["slug"]),
            rating=rating(document.get("rating")),
        ),
        variant_id="",
        total=money(document["price"]),
        arrives="",
        href=product_href(document["slug"]),
        available=LOW_STOCK_BELOW if document["in_stock"] else 0,
        current=document["product_id"] == product_id,
    )


def _similar(document: Document, found: Sequence[ProductCardView]) -> tuple[ProductCardView, ...]:
    same = {document["id"], *(offer["product_id"] for offer in document["offers"])}
    return distinct([one for one in found if one.id not in same])[:_SIMILAR_SHOWN]


def _review(review: Review) -> ReviewView:
    return ReviewView(
        id=str(review.id),
        author=review.author_name,
        written_at=review.created_at,
        stars=review.rating,
        title=review.title,
        body=review.body,
        # Only who bought it, and got it, may write.
        verified=True,
    )


def _reviews_pager(reviews: Reviews, href: str) -> PagerView:
    cursor = reviews.next_cursor
    return PagerView(
        next_href=f"{href}?{urlencode({'reviews': cursor})}#reviews" if cursor else "",
        previous_href=f"{href}#reviews" if reviews.later else "",
    )


def _attributes(document: Document, chosen: Document, rules: Rules) -> tuple[AttributeView, ...]:
    rows = [("Brand", document["brand"])] if document["brand"] else []
    rows += [
        (label(key, rules), spoken(key, value, rules))
        for key, value in document["attributes"].items()
    ]
    if chosen["weight_grams"]:
        rows.append(("Weight", _weight(chosen["weight_grams"])))
    return tuple(AttributeView(label, value) for label, value in rows)


def _weight(grams: int) -> str:
    if grams < 1000:
        return f"{grams} g"
    return f"{Decimal(grams) / 1000:.1f} kg".replace(".0 kg", " kg")


def _structured(
    document: Document, chosen: Document, *, price: Money, url: str
) -> dict[str, object]:
    """What search engines read (schema.org, Product)."""
    data: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": document["title"],
        "sku": chosen["sku"],
        "url": url,
        "offers": {
            "@type": "Offer",
            "price": to_decimal_string(price.amount, price.currency),
            "priceCurrency": price.currency,
            "availability": "https://schema.org/InStock"
            if chosen["available"] > 0
            else "https://schema.org/OutOfStock",
            "url": url,
        },
    }
    if stars := rating(document.get("rating")):
        data["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": str(stars.average),
            "reviewCount": stars.count,
        }
    return data
