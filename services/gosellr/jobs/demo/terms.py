"""What the demo market charges, keeps back and grants: tax, delivery, commission, reserves,
coupons, gift cards."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.gift_sale_values import GiftCardOffer
from gosellr.services import (
    commission_service,
    gift_sale_service,
    promotion_service,
    reserve_rule_service,
    shipping_service,
    tax_service,
)
from gosellr.services.commission_service import Word
from gosellr.services.promotion_service import CouponDraft
from gosellr.services.shipping_service import RateDraft
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.promotions import CouponFunding, CouponKind
from gosellr.utils.reserves import ReserveScope
from gosellr.utils.shipping import RateBasis
from gosellr.utils.viewer import Viewer

# Standard and reduced rates of value-added tax, in basis points.
_TAX_BPS = {
    "AT": (2000, 1000),
    "BE": (2100, 600),
    "DE": (1900, 700),
    "DK": (2500, 2500),
    "ES": (2100, 1000),
    "FI": (2550, 1400),
    "FR": (2000, 550),
    "IE": (2300, 1350),
    "IT": (2200, 1000),
    "LU": (1700, 800),
    "NL": (2100, 900),
    "PL": (2300, 800),
    "PT": (2300, 600),
    "SE": (2500, 1200),
}
_UNION = tuple(_TAX_BPS)
_COMMISSION_VAT_BPS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Zone:
    """Where somebody sends to, and at which prices. `shop` is None for the market's own."""

    shop: str | None
    name: str
    countries: tuple[str, ...]
    rates: tuple[RateDraft, ...]


def _flat(
    name: str, price_minor: int, days: tuple[int, int], *, free_over_minor: int | None = None
) -> RateDraft:
    return RateDraft(
        name=name,
        currency="EUR",
        price_minor=price_minor,
        delivery_days=days,
        free_over_minor=free_over_minor,
    )


def _by_weight(name: str, days: tuple[int, int], *brackets: tuple[int | None, int]) -> RateDraft:
    return RateDraft(
        name=name, currency="EUR", by=RateBasis.WEIGHT, brackets=brackets, delivery_days=days
    )


_ZONES = (
    _Zone(
        shop=None,
        name="European Union",
        countries=_UNION,
        rates=(
            _flat("Standard", 490, (2, 4), free_over_minor=6000),
            _flat("Express", 990, (1, 2)),
        ),
    ),
    _Zone(
        shop=None,
        name="Everywhere else",
        countries=("*",),
        rates=(_flat("Standard", 1490, (5, 12)), _flat("Express", 3900, (2, 5))),
    ),
    _Zone(
        shop="nordlys",
        name="European Union",
        countries=_UNION,
        rates=(
            _by_weight("Parcel or van", (3, 7), (2000, 590), (10000, 1290), (None, 6900)),
            _by_weight("Express", (1, 3), (2000, 1290), (10000, 2490), (None, 12900)),
        ),
    ),
    _Zone(
        shop="nordlys",
        name="Everywhere else",
        countries=("*",),
        rates=(_by_weight("Parcel or freight", (7, 21), (2000, 1990), (None, 19900)),),
    ),
    _Zone(
        shop="colmena",
        name="European Union",
        countries=_UNION,
        rates=(
            _flat("Standard", 390, (2, 5), free_over_minor=4500),
            _flat("Chilled express", 1190, (1, 2)),
        ),
    ),
    _Zone(
        shop="pfad",
        name="Germany and Austria",
        countries=("DE", "AT"),
        rates=(
            _flat("Standard", 450, (1, 3), free_over_minor=8000),
            _flat("Express", 890, (1, 1)),
        ),
    ),
    _Zone(
        shop="pfad",
        name="Rest of the Union",
        countries=tuple(country for country in _UNION if country not in {"DE", "AT"}),
        rates=(_flat("Standard", 790, (3, 6), free_over_minor=12000),),
    ),
)


async def set_terms(
    connection: Connection,
    *,
    operator: Viewer,
    owners: Mapping[str, tuple[UUID, Viewer]],
    categories: Mapping[str, UUID],
    since: datetime,
) -> None:
    """Set them all, in force `since`. `owners` are the shops' ids and owners by handle."""
    await _set_taxes(connection, since=since)
    await _set_delivery(connection, operator=operator, owners=owners, since=since)
    await _set_commission(
        connection, operator=operator, owners=owners, categories=categories, since=since
    )
    await _set_reserves(connection, operator=operator, categories=categories, since=since)
    await _set_coupons(connection, operator=operator, owners=owners, since=since)
    gift_cards = GiftCardOffer(
        currency="EUR",
        amounts_minor=(2500, 5000, 10_000),
        minimum_minor=1000,
        maximum_minor=25_000,
        valid_days=3 * 365,
        on_sale=True,
        updated_at=since,
        updated_by=operator.user_id,
    )
    await gift_sale_service.set_offer(connection, viewer=operator, offer=gift_cards)


async def _set_taxes(connection: Connection, *, since: datetime) -> None:
    for country, rates in _TAX_BPS.items():
        for tax_class, rate_bps in zip(("standard", "reduced"), rates, strict=True):
            await tax_service.create_rate(
                connection,
                fields={
                    "country": country,
                    "region": None,
                    "tax_class": tax_class,
                    "rate_bps": rate_bps,
                    "included": True,
                    "valid_from": since,
                    "valid_to": None,
                },
            )


async def _set_delivery(
    connection: Connection,
    *,
    operator: Viewer,
    owners: Mapping[str, tuple[UUID, Viewer]],
    since: datetime,
) -> None:
    for listed in _ZONES:
        seller_id, viewer = (None, operator) if listed.shop is None else owners[listed.shop]
        zone = await shipping_service.create_zone(
            connection,
            viewer=viewer,
            seller_id=seller_id,
            fields={"name": listed.name, "countries": listed.countries},
            now=since,
        )
        for rate in listed.rates:
            await shipping_service.create_rate(
                connection, viewer=viewer, zone_id=zone.id, draft=rate, now=since
            )


async def _set_commission(
    connection: Connection,
    *,
    operator: Viewer,
    owners: Mapping[str, tuple[UUID, Viewer]],
    categories: Mapping[str, UUID],
    since: datetime,
) -> None:
    rules: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Nordlys Studio, founding member", {"rate_bps": 800, "seller_id": owners["nordlys"][0]}),
        ("Food & pantry", {"rate_bps": 700, "category_id": categories["food"]}),
        (
            "Above 500 euros",
            {"rate_bps": 600, "currency": "EUR", "value_from_minor": 50_000, "cap_minor": 15_000},
        ),
        ("Everything else", {"rate_bps": 1000}),
    )
    for name, terms in rules:
        await commission_service.create_rule(
            connection,
            word=Word(operator.user_id),
            position=None,
            name=name,
            terms={"vat_bps": _COMMISSION_VAT_BPS, **terms},
            now=since,
        )


async def _set_reserves(
    connection: Connection,
    *,
    operator: Viewer,
    categories: Mapping[str, UUID],
    since: datetime,
) -> None:
    rules: tuple[tuple[str, dict[str, Any]], ...] = (
        (
            "Furniture, for two weeks more",
            {
                "scope": ReserveScope.CATEGORY,
                "category_id": categories["home/furniture"],
                "rate_bps": 500,
                "days": 14,
            },
        ),
        (
            "Shops in their first half year",
            {
                "scope": ReserveScope.NEW_ACCOUNT,
                "younger_than_days": 180,
                "rate_bps": 1000,
                "days": 30,
            },
        ),
    )
    for name, terms in rules:
        await reserve_rule_service.create_rule(
            connection, viewer=operator, name=name, terms=terms, now=since
        )


async def _set_coupons(
    connection: Connection,
    *,
    operator: Viewer,
    owners: Mapping[str, tuple[UUID, Viewer]],
    since: datetime,
) -> None:
    welcome = CouponDraft(
        code="WELCOME10",
        kind=CouponKind.PERCENT,
        value_bps=1000,
        funded_by=CouponFunding.MARKETPLACE,
        limit_per_customer=1,
        valid_from=since,
    )
    five_off = CouponDraft(
        code="NORDLYS5",
        kind=CouponKind.AMOUNT,
        amount_minor=500,
        minimum_minor=4000,
        currency="EUR",
        funded_by=CouponFunding.SELLER,
        valid_from=since,
    )
    shared = CouponDraft(
        code="MARKET15",
        kind=CouponKind.PERCENT,
        value_bps=1500,
        minimum_minor=5000,
        currency="EUR",
        funded_by=CouponFunding.SHARED,
        marketplace_share_bps=5000,
        valid_from=since,
        valid_to=since + timedelta(days=3650),
    )
    nordlys_id, ingrid = owners["nordlys"]
    for viewer, seller_id, draft in (
        (operator, None, welcome),
        (ingrid, nordlys_id, five_off),
        (operator, None, shared),
    ):
        await promotion_service.create_coupon(
            connection, viewer=viewer, seller_id=seller_id, draft=draft, now=since
        )
