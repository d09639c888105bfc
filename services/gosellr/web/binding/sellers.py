"""Shops: beside a product, on a card, and on a page of their own."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel import Locale

from gosellr.web.binding.pictures import hue_of, media_picture
from gosellr.web.views import AttributeView, RatingView, SellerView

_TAGLINE_LENGTH = 120
_POLICY_WORDS = {
    "shipping": "Delivery",
    "returns": "Returns",
    "returns_days": "Days to return",
    "contact": "Contact",
    "handling_days": "Days to pack",
}


def shop_href(slug: str) -> str:
    """The address of a shop's page."""
    return f"/s/{slug}"


def seller(document: Mapping[str, Any], *, locale: str = "en") -> SellerView:
    """A shop as its own card tells of it."""
    stars = document["rating"]
    since = document.get("approved_at") or document["created_at"]
    return SellerView(
        name=document["name"],
        href=shop_href(document["slug"]),
        city=Locale.parse(locale).territories.get(document["country"], document["country"]),
        rating=RatingView(Decimal(str(stars["average"])), stars["count"])
        if stars["count"]
        else None,
        since=_day(since),
        tagline=_tagline(document["description"]),
        logo=media_picture(document["logo"], hue=hue_of(document["slug"])),
        hue=hue_of(document["slug"]),
    )


def policies(document: Mapping[str, Any]) -> tuple[AttributeView, ...]:
    """What a shop says about delivery and returns; only plain words and numbers are shown."""
    return tuple(
        AttributeView(_POLICY_WORDS.get(key, key.replace("_", " ").capitalize()), str(value))
        for key, value in document["policies"].items()
        if isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    )


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).date()


def _tagline(description: str) -> str:
    first = description.strip().partition("\n")[0]
    if len(first) <= _TAGLINE_LENGTH:
        return first
    return first[:_TAGLINE_LENGTH].rsplit(" ", 1)[0] + " …"
