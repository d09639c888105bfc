"""Sets the stage: operator, categories, delivery, sellers, listings and the carrier's quotes."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.replay.api import Account, Api, money
from bench.replay.crowd import each
from bench.replay.market import Market, MarketError
from bench.replay.plan import Listing, Plan
from bench.replay.source import Catalogue, Product
from gosellr.integrations.shipping.port import CarrierQuote
from gosellr.integrations.shipping.sandbox import LoadedQuote, SandboxCarrier

COUNTRY = "BR"
COMMISSION_BPS = 1_000
"""What the market takes of goods: the data has no fees, and a comparison of none shows little."""
OPERATOR_EMAIL = "operator@replay.example.com"
_OTHER_CATEGORY = "others"
_QUOTES_PER_WRITE = 1000

Progress = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Offer:
    """A listing in the market, by the market's own ids."""

    product_id: str
    variant_id: str


@dataclass(frozen=True, slots=True)
class GiftCard:
    """A gift card that pays a part of an order, with the code that only its maker is told."""

    id: str
    code: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who and what is in the market, found by the data's own ids."""

    operator: Account
    currency: str
    country: str = COUNTRY
    category_ids: dict[str, str] = field(default_factory=dict)
    seller_ids: dict[str, str] = field(default_factory=dict)
    sellers: dict[str, Account] = field(default_factory=dict)
    offers: dict[Listing, Offer] = field(default_factory=dict)
    # By the order's id in the data, and the place of the part that it pays.
    gift_cards: dict[tuple[str, int], GiftCard] = field(default_factory=dict)


async def make_operator(api: Api, market: Market) -> Account:
    """Make the first operator with the command of the house, and sign in. Raises MarketError."""
    password = secrets.token_urlsafe(24)
    code, said = await market.command(
        "operator",
        "create",
        "--email",
        OPERATOR_EMAIL,
        "--name",
        "Replay operator",
        "--password-file",
        "-",
        stdin=f"{password}\n",
    )
    if code:
        raise MarketError(f"gosellr operator create ended with {code}: {said.strip()}")
    return await Account.sign_in(api, email=OPERATOR_EMAIL, password=password)


async def open_delivery(api: Api, stage: Stage) -> None:
    """One zone of the marketplace, and one rate in it whose price the sandbox carrier names."""
    zone = await api.post(
        "/shipping-zones", {"name": "Brasil", "countries": [COUNTRY]}, account=stage.operator
    )
    await api.post(
        "/shipping-rates",
        {
            "zone_id": zone["id"],
            "name": "Carrier",
            "carrier": SandboxCarrier.name,
            "currency": stage.currency,
            "delivery_days": [2, 30],
        },
        account=stage.operator,
    )


async def make_categories(api: Api, stage: Stage, plan: Plan, catalogue: Catalogue) -> None:
    """The categories that the listings need."""
    names = {_category_of(catalogue, listing) for listing in plan.listings}
    for name in sorted(names):
        title = name.replace("_", " ").strip().capitalize()
        category = await api.post("/categories", {"name": title}, account=stage.operator)
        stage.category_ids[name] = category["id"]


async def register_sellers(
    api: Api, stage: Stage, plan: Plan, catalogue: Catalogue, *, workers: int, done: Progress
) -> None:
    """An account for every seller of the stream, and the seller it owns."""

    async def register(source_id: str) -> None:
        home = catalogue.sellers.get(source_id)
        name = f"Loja {source_id[:8]}" + (f" {home.city}" if home else "")
        email = f"{source_id}@sellers.example.com"
        account = await Account.register(
            api, email=email, password=secrets.token_urlsafe(18), name=name
        )
        seller = await api.post(
            "/sellers/register",
            {"name": name, "legal_name": f"{name} Ltda", "email": email, "country": stage.country},
            account=account,
        )
        if seller["status"] != "active":
            raise MarketError(f"seller {source_id} is {seller['status']}, not active")
        await account.renew()
        stage.seller_ids[source_id] = seller["id"]
        stage.sellers[source_id] = account
        done()

    await each(plan.seller_ids, register, workers=workers)


async def list_products(
    api: Api, stage: Stage, plan: Plan, catalogue: Catalogue, *, workers: int, done: Progress
) -> None:
    """One listing per product and seller, at its first price, with the pieces that are ordered."""

    async def put_on_sale(listing: Listing) -> None:
        price_minor, units = plan.listings[listing]
        category = _category_of(catalogue, listing)
        body = {
            "title": f"{category.replace('_', ' ').capitalize()} {listing.product_id[:8]}",
            "description": f"Product {listing.product_id} of the catalogue.",
            "category_id": stage.category_ids[category],
            "status": "active",
            "variants": [
                {
                    "sku": listing.product_id,
                    "price": money(price_minor, stage.currency),
                    "stock": units,
                    **_measures(catalogue.products.get(listing.product_id)),
                }
            ],
        }
        product = await api.post("/products/create", body, account=stage.sellers[listing.seller_id])
        stage.offers[listing] = Offer(product["id"], product["variants"][0]["id"])
        done()

    await each(plan.listings, put_on_sale, workers=workers)


async def set_commission(api: Api, stage: Stage) -> None:
    """One rule for everybody: a share of the goods, none of the freight."""
    await api.post(
        "/commission-rules",
        {"name": "Of all goods", "rate_bps": COMMISSION_BPS},
        account=stage.operator,
    )


async def issue_gift_cards(
    api: Api, stage: Stage, plan: Plan, *, workers: int, done: Progress
) -> None:
    """A gift card for every voucher, of exactly its value, before anybody orders."""

    async def issue(wanted: tuple[str, int, int]) -> None:
        order_id, place, amount_minor = wanted
        card = await api.post(
            "/gift-cards",
            {"amount": money(amount_minor, stage.currency), "note": f"Order {order_id}"},
            account=stage.operator,
            headers={"Idempotency-Key": f"replay-card-{order_id}-{place}"},
        )
        stage.gift_cards[order_id, place] = GiftCard(card["id"], card["code"], amount_minor)
        done()

    wanted = [
        (order.id, place, part.amount_minor)
        for order in plan.orders
        for place, part in order.gift_cards
    ]
    await each(wanted, issue, workers=workers)


async def load_quotes(market: Market, stage: Stage, plan: Plan) -> int:
    """Tell the sandbox carrier what it asks for each parcel, by the reference of the order."""
    carrier = SandboxCarrier(market.home, timeout_seconds=10)
    count = 0
    try:
        batch: list[LoadedQuote] = []
        for quote in _quotes(stage, plan):
            batch.append(quote)
            if len(batch) == _QUOTES_PER_WRITE:
                count += await carrier.put_quotes(batch)
                batch = []
        return count + await carrier.put_quotes(batch)
    finally:
        carrier.close()


def _quotes(stage: Stage, plan: Plan) -> Iterator[LoadedQuote]:
    for order in plan.orders:
        for seller_id, freight_minor in order.freight_minor.items():
            yield LoadedQuote(
                reference=order.id,
                seller_id=stage.seller_ids[seller_id],
                quote=CarrierQuote(
                    service="standard",
                    name="Standard",
                    price_minor=freight_minor,
                    currency=stage.currency,
                    delivery_days=(2, 30),
                ),
            )


def _category_of(catalogue: Catalogue, listing: Listing) -> str:
    product = catalogue.products.get(listing.product_id)
    name = product.category if product else ""
    return catalogue.category_names.get(name, name) or _OTHER_CATEGORY


def _measures(product: Product | None) -> dict[str, Any]:
    if product is None:
        return {}
    measures: dict[str, Any] = {"weight_grams": product.weight_grams}
    if product.dimensions_mm is not None:
        measures["dimensions_mm"] = list(product.dimensions_mm)
    return measures
