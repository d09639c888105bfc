"""What somebody wants to buy, in either form of the request, brought to one priced basket."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import (
    Conflict,
    DomainError,
    InvalidInput,
    NotFound,
    VersionConflict,
)
from gosellr.queries import cart_views, offers
from gosellr.queries.cart_views import CartWithOffers
from gosellr.queries.market_terms import MarketTerms
from gosellr.queries.offers import FoundOffers, Offer, WantedGoods
from gosellr.services import terms_shelf
from gosellr.services.basket_issues import Issue
from gosellr.services.pricing_service import PricedBasket, PricingContext, price_basket
from gosellr.services.promotion_service import customer_key
from gosellr.services.reservation_service import OutOfStock
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.pricing import QuantityOutOfBounds
from gosellr.utils.shipping import Destination
from gosellr.utils.viewer import Viewer


class TotalChanged(Conflict):
    """The buyer agreed to another total. `extras` hold the new one."""

    code = "total_changed"
    title = "The total has changed"


class BasketBlocked(Conflict):
    """Something in the basket can't be bought like this; `extras` list the issues."""

    code = "basket_blocked"
    title = "Something in the bag needs a change"


class EmptyBasket(Conflict):
    """There is nothing to buy."""

    code = "empty_basket"
    title = "The bag is empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """How a part of the total is paid; without an amount it is all that is left.

    A gift card is known by the hash of its code; `account` is the account of the books that
    stored value is taken from, once that is found. Where cash is collected by several sellers,
    `part_index` says whose part of the order it pays.
    """

    method: str
    amount_minor: int | None = None
    token: str | None = None
    code_hash: bytes | None = None
    account: str | None = None
    part_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """What a buyer asks for. Either `cart_id` or `items`; the cart brings its own details."""

    tenders: tuple[Tender, ...]
    cart_id: UUID | None = None
    # The version of the cart that the buyer saw; another one isn't bought.
    cart_version: int | None = None
    items: tuple[tuple[UUID, int], ...] = ()
    email: str | None = None
    currency: str | None = None
    shipping_address: Mapping[str, Any] | None = None
    billing_address: Mapping[str, Any] | None = None
    coupons: tuple[str, ...] = ()
    expected_total_minor: int | None = None
    # Every currency that the request named for its amounts.
    expected_currencies: frozenset[str] = frozenset()
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """Either form of the request, brought to one."""

    user_id: UUID | None
    cart_id: UUID | None
    cart_version: int | None
    currency: str
    email: str
    shipping_address: Mapping[str, Any]
    billing_address: Mapping[str, Any] | None
    coupon_codes: tuple[str, ...]
    choices: Mapping[str, str]
    offers: Sequence[Offer]
    # Which version the market's terms had when the offers were read.
    terms_version: UUID | None

    @property
    def customer_key(self) -> str:
        """Whose coupon limits count."""
        return customer_key(user_id=self.user_id, email=self.email) or ""

    @property
    def destination(self) -> Destination:
        """Where it all goes."""
        return Destination(
            country=self.shipping_address["country"],
            region=self.shipping_address.get("region"),
            postal_code=self.shipping_address.get("postal_code", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedBasket:
    """A request whose basket is to be read, alone or together with others."""

    viewer: Viewer
    request: CheckoutRequest
    context: PricingContext

    @property
    def shares_with_none(self) -> Collection[Hashable]:
        """Whoever only reads stands in nobody's way."""
        return ()


@dataclass(frozen=True, slots=True)
class ReadBasket:
    """A basket, and the terms that it is sold under."""

    basket: Basket
    terms: MarketTerms


async def load_basket(
    connection: Connection, *, viewer: Viewer, request: CheckoutRequest, context: PricingContext
) -> tuple[Basket, MarketTerms, PricedBasket]:
    """The basket of a request, the terms it is sold under, and its prices.

    Raises:
        EmptyBasket, BasketBlocked, OutOfStock, TotalChanged, InvalidInput, NotFound,
        CarrierQuotesNeeded.
    """
    wanted = WantedBasket(viewer=viewer, request=request, context=context)
    (read,) = await read_baskets(connection, [wanted])
    if isinstance(read, DomainError):
        raise read
    return read.basket, read.terms, price(read, request=request, context=context)


async def read_baskets(
    connection: Connection, wanted: Sequence[WantedBasket]
) -> list[ReadBasket | DomainError]:
    """The baskets of several requests, in their order: a statement for all that name goods, and
    one for all that name a cart. What one of them can't be read for stands in its place."""
    goods = [_goods(one) for one in wanted if one.request.cart_id is None]
    carts = [(one.request.cart_id, one.viewer) for one in wanted if one.request.cart_id is not None]
    of_goods = iter(await offers.of_requests(connection, goods) if goods else ())
    of_carts = iter(await cart_views.show_each(connection, carts) if carts else ())
    return [
        await _with_terms(
            connection, one, next(of_goods if one.request.cart_id is None else of_carts)
        )
        for one in wanted
    ]


async def _with_terms(
    connection: Connection, wanted: WantedBasket, found: FoundOffers | CartWithOffers | None
) -> ReadBasket | DomainError:
    try:
        basket = (
            _basket_of_goods(wanted, found)
            if isinstance(found, FoundOffers)
            else _basket_of_cart(wanted, found)
        )
    except DomainError as error:
        return error
    terms = await terms_shelf.terms_of(
        connection,
        shelf=wanted.context.terms_shelf,
        version=basket.terms_version,
        country=basket.shipping_address["country"],
        seller_ids=sorted({offer.seller_id for offer in basket.offers}),
        currency=basket.currency,
        coupon_codes=basket.coupon_codes,
        customer_key=basket.customer_key,
        now=wanted.context.now,
    )
    return ReadBasket(basket, terms)


def _goods(wanted: WantedBasket) -> WantedGoods:
    """Two lines of one variant are judged together, or each alone would fit."""
    quantities: dict[UUID, int] = {}
    for variant_id, quantity in wanted.request.items:
        quantities[variant_id] = quantities.get(variant_id, 0) + quantity
    currency = wanted.request.currency or wanted.context.policy.default_currency
    return WantedGoods(list(quantities.items()), currency)


def _basket_of_goods(wanted: WantedBasket, found: FoundOffers) -> Basket:
    request = wanted.request
    email = request.email or wanted.viewer.email
    if not email:
        raise InvalidInput.at("email", "missing", "We need an e-mail address for the receipt")
    if request.shipping_address is None:
        raise InvalidInput.at("shipping_address", "missing", "Say where it should go")
    known = {offer.variant_id for offer in found.lines}
    for index, (variant_id, _) in enumerate(request.items):
        if variant_id not in known:
            raise InvalidInput.at(
                f"items.{index}.variant_id", "unknown_variant", "There is no such variant"
            )
    return Basket(
        user_id=wanted.viewer.user_id,
        cart_id=None,
        cart_version=None,
        currency=request.currency or wanted.context.policy.default_currency,
        email=email,
        shipping_address=request.shipping_address,
        billing_address=request.billing_address,
        coupon_codes=request.coupons,
        choices={},
        offers=found.lines,
        terms_version=found.terms_version,
    )


def _basket_of_cart(wanted: WantedBasket, shown: CartWithOffers | None) -> Basket:
    if shown is None:
        raise NotFound
    cart, found = shown.cart, shown.found
    if wanted.request.cart_version not in (None, cart.version):
        raise VersionConflict("The bag was changed elsewhere", extras={"version": cart.version})
    email = cart.email or wanted.viewer.email
    if not email:
        raise InvalidInput.at("email", "missing", "Put an e-mail address on the bag first")
    if cart.shipping_address is None:
        raise InvalidInput.at("shipping_address", "missing", "Put an address on the bag first")
    return Basket(
        user_id=wanted.viewer.user_id,
        cart_id=cart.id,
        cart_version=cart.version,
        currency=cart.currency,
        email=email,
        shipping_address=cart.shipping_address,
        billing_address=cart.billing_address,
        coupon_codes=tuple(cart.coupon_codes),
        choices=cart.shipping_choices,
        offers=found.lines,
        terms_version=found.terms_version,
    )


def price(read: ReadBasket, *, request: CheckoutRequest, context: PricingContext) -> PricedBasket:
    """What a basket that was read costs now.

    Raises:
        EmptyBasket, BasketBlocked, OutOfStock, TotalChanged, InvalidInput, CarrierQuotesNeeded.
    """
    priced = _priced(read.basket, read.terms, context)
    _check_expected(priced, request)
    return priced


def _priced(basket: Basket, terms: MarketTerms, context: PricingContext) -> PricedBasket:
    if not basket.offers:
        raise EmptyBasket
    try:
        priced = price_basket(
            offers=basket.offers,
            terms=terms,
            currency=basket.currency,
            destination=basket.destination,
            choices=basket.choices,
            coupon_codes=basket.coupon_codes,
            tax_included=context.policy.tax_included,
            carrier_quotes=context.carrier_quotes,
        )
    except QuantityOutOfBounds as error:
        raise InvalidInput.at("items", "quantity_out_of_bounds", str(error)) from error
    blocking = [issue for issue in priced.issues if issue.blocks]
    if blocking:
        raise _blocked(blocking, basket.offers)
    return priced


def _blocked(issues: Sequence[Issue], wanted: Sequence[Offer]) -> Conflict:
    by_key = {offer.key: offer for offer in wanted}
    short = [issue for issue in issues if issue.code in ("out_of_stock", "insufficient_stock")]
    if short and len(short) == len(issues):
        return OutOfStock(
            "Not enough is left of what you want to buy",
            extras={
                "variants": [
                    {
                        "variant_id": by_key[issue.item_id].variant_id,
                        "wanted": by_key[issue.item_id].quantity,
                        "available": issue.facts["available"],
                    }
                    for issue in short
                    if issue.item_id is not None
                ]
            },
        )
    error = BasketBlocked(
        issues[0].message,
        extras={
            "issues": [
                {
                    "code": issue.code,
                    "message": issue.message,
                    "variant_id": None
                    if issue.item_id is None
                    else by_key[issue.item_id].variant_id,
                    "seller_id": issue.seller_id,
                    **issue.facts,
                }
                for issue in issues
            ]
        },
    )
    if len({issue.code for issue in issues}) == 1:
        # One kind of trouble speaks under its own name.
        error.code = issues[0].code  # type: ignore[misc]
    return error


def _check_expected(priced: PricedBasket, request: CheckoutRequest) -> None:
    total_minor = priced.quote.totals.total_minor
    if request.expected_currencies - {priced.currency} or request.expected_total_minor not in (
        None,
        total_minor,
    ):
        totals = priced.quote.totals
        raise TotalChanged(
            "The total isn't the one you agreed to; look at it again before you pay",
            extras={
                "quote": {
                    "currency": priced.currency,
                    **{
                        name: {"amount": amount, "currency": priced.currency}
                        for name, amount in (
                            ("subtotal", totals.subtotal_minor),
                            ("discount_total", totals.discount_total_minor),
                            ("shipping_total", totals.shipping_total_minor),
                            ("tax_total", totals.tax_total_minor),
                            ("total", total_minor),
                        )
                    },
                }
            },
        )
