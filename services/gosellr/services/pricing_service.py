"""Turns offers and terms into a priced basket: parcels, delivery choices, totals, what is amiss.

The arithmetic is in `utils`; here it is only asked the right questions.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.errors import InvalidInput
from gosellr.queries.market_terms import MarketTerms, TaxRate
from gosellr.queries.offers import Offer
from gosellr.services import basket_issues
from gosellr.services.basket_issues import Issue
from gosellr.services.terms_shelf import TermsShelf
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import AmountOutOfBounds
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.pricing import LineRequest, Quote, ShippingRequest, quote
from gosellr.utils.promotions import CouponTerms
from gosellr.utils.regions import region_code
from gosellr.utils.shipping import (
    Destination,
    Parcel,
    ShippingOption,
    cheapest,
    options_for,
)

SHIPPING_TAX_CLASS = "shipping"
STANDARD_TAX_CLASS = "standard"
# A market that has set up no delivery at all sends free of charge.
FREE_DELIVERY = ShippingOption(UUID(int=0), "Standard delivery", 0, (2, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelGoods:
    """Pieces of a variant in a parcel; the weight is that of one piece."""

    variant_id: UUID
    quantity: int
    weight_grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierQuestion:
    """What a carrier has to be asked before a parcel can be priced.

    The question is the key of its answer, so that a basket which changes in the meantime is
    never priced with an answer to something else.
    """

    carrier: str
    rate_id: UUID
    seller_id: UUID
    destination: Destination
    currency: str
    goods: tuple[ParcelGoods, ...]

    @property
    def weight_grams(self) -> int:
        """The weight of the whole parcel."""
        return sum(piece.weight_grams * piece.quantity for piece in self.goods)


# No options: the carrier refused or was silent, and only the price lists remain.
CarrierQuotes = Mapping[CarrierQuestion, Sequence[ShippingOption]]


class CarrierQuotesNeeded(Exception):
    """Not a failure: the flow asks the carriers, outside of any transaction, and comes back."""

    def __init__(self, questions: Sequence[CarrierQuestion]) -> None:
        super().__init__("carriers have to be asked")
        self.questions = tuple(questions)


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingContext:
    """What every price depends on besides the basket: the market's policy, the moment, what the
    process keeps of the market's terms, and what carriers answered (None before they were asked).
    """

    policy: MarketPolicy
    now: datetime
    terms_shelf: TermsShelf
    carrier_quotes: CarrierQuotes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBasket:
    """A basket with its quote. `offers` are the lines that are in it, by key."""

    currency: str
    quote: Quote
    offers: Mapping[UUID, Offer]
    unavailable: tuple[Offer, ...]
    options: Mapping[UUID, tuple[ShippingOption, ...]]
    chosen: Mapping[UUID, ShippingOption]
    issues: tuple[Issue, ...]


def price_basket(
    *,
    offers: Sequence[Offer],
    terms: MarketTerms,
    currency: str,
    destination: Destination | None,
    choices: Mapping[str, str],
    coupon_codes: Sequence[str],
    tax_included: bool,
    carrier_quotes: CarrierQuotes | None,
) -> PricedBasket:
    """Price a basket as it can be bought now.

    `choices` maps seller ids to option ids; without one the cheapest option is taken.
    `tax_included` speaks where the destination has no rate.

    Raises:
        CarrierQuotesNeeded: when a carrier has to be asked whose answer isn't in
            `carrier_quotes`.
        InvalidInput: when the amounts grow beyond what money may be.
    """
    sellable, unavailable = _sorted_out(offers)
    by_seller: dict[UUID, list[Offer]] = {}
    for offer in sellable:
        by_seller.setdefault(offer.seller_id, []).append(offer)

    taxes = _Taxes(terms.taxes, destination, included=tax_included)
    lines = [_line_request(offer, taxes) for offer in sellable]
    coupons = _valid(coupon_codes, terms)
    try:
        options = _options(
            by_seller,
            # What delivery costs depends on the goods after discounts, never the other way round.
            subtotals=_discounted(lines, coupons, currency=currency),
            terms=terms,
            currency=currency,
            destination=destination,
            carrier_quotes=carrier_quotes,
        )
        chosen = _choose(options, choices)
        priced = quote(
            currency=currency,
            tax_included=taxes.included,
            lines=lines,
            shipping=[_shipping_request(*choice, taxes) for choice in chosen.items()],
            coupons=coupons,
        )
    except AmountOutOfBounds as error:
        raise InvalidInput.at("items", "amount_out_of_bounds", str(error)) from error
    return PricedBasket(
        currency=currency,
        quote=priced,
        offers={offer.key: offer for offer in sellable},
        unavailable=unavailable,
        options=options,
        chosen=chosen,
        issues=tuple(
            basket_issues.found(
                sellable=sellable,
                unavailable=unavailable,
                currency=currency,
                options=None if destination is None else options,
                choices=choices,
                coupon_codes=coupon_codes,
                coupons=terms.coupons.keys(),
                outcomes=priced.coupons,
            )
        ),
    )


def destination_of(address: Mapping[str, Any] | None) -> Destination | None:
    """As much of an address as prices depend on."""
    if address is None:
        return None
    return Destination(
        country=address["country"],
        region=address.get("region"),
        postal_code=address.get("postal_code") or "",
    )


def _sorted_out(offers: Sequence[Offer]) -> tuple[list[Offer], tuple[Offer, ...]]:
    """What can be sold, and what stands in the basket all the same."""
    sellable = [offer for offer in offers if offer.buyable and offer.unit_price_minor is not None]
    keys = {offer.key for offer in sellable}
    return sellable, tuple(offer for offer in offers if offer.key not in keys)


def _valid(codes: Sequence[str], terms: MarketTerms) -> list[CouponTerms]:
    """The coupons behind codes, in their order, each once."""
    known = dict.fromkeys(code.lower() for code in codes)
    return [terms.coupons[code].terms for code in known if code in terms.coupons]


def _discounted(
    lines: Sequence[LineRequest], coupons: Sequence[CouponTerms], *, currency: str
) -> dict[UUID, int]:
    """What each seller's goods come to after coupons, in minor units."""
    if not coupons:
        subtotals: dict[UUID, int] = {}
        for line in lines:
            gross_minor = line.unit_price_minor * line.quantity
            subtotals[line.seller_id] = subtotals.get(line.seller_id, 0) + gross_minor
        return subtotals
    goods = quote(currency=currency, tax_included=True, lines=lines, coupons=coupons)
    return {parcel.seller_id: parcel.totals.total_minor for parcel in goods.parcels}


_UNTAXED = TaxRate(STANDARD_TAX_CLASS, None, 0, True)


class _Taxes:
    """The rates at a destination, by class; the region's own rate wins over its country's."""

    def __init__(
        self, rates: Sequence[TaxRate], destination: Destination | None, *, included: bool
    ) -> None:
        fitting = [
            rate for rate in rates if rate.region is None or _lies_in(rate.region, destination)
        ]
        self._of_class: dict[str, TaxRate] = {}
        for rate in sorted(fitting, key=lambda rate: rate.region is not None):
            self._of_class[rate.tax_class] = rate
        self.included = all(rate.included for rate in fitting) if fitting else included

    def of_class(self, tax_class: str) -> TaxRate:
        """The rate of a class, else the standard one, else none."""
        standard = self._of_class.get(STANDARD_TAX_CLASS, _UNTAXED)
        return self._of_class.get(tax_class, standard)


def _lies_in(region: str, destination: Destination | None) -> bool:
    if destination is None:
        return False
    country = destination.country
    return region_code(region, country=country) == region_code(
        destination.region or "", country=country
    )


def _line_request(offer: Offer, taxes: _Taxes) -> LineRequest:
    tax = taxes.of_class(offer.tax_class)
    return LineRequest(
        key=offer.key,
        seller_id=offer.seller_id,
        unit_price_minor=offer.unit_price_minor or 0,
        quantity=offer.quantity,
        tax_rate_bps=tax.rate_bps,
        tax_remitted_to=tax.remitted_to,
        variant_id=offer.variant_id,
        product_id=offer.product_id,
    )


def _shipping_request(seller_id: UUID, option: ShippingOption, taxes: _Taxes) -> ShippingRequest:
    tax = taxes.of_class(SHIPPING_TAX_CLASS)
    return ShippingRequest(
        seller_id=seller_id,
        price_minor=option.price_minor,
        tax_rate_bps=tax.rate_bps,
        tax_remitted_to=tax.remitted_to,
        option_id=str(option.id),
        name=option.name,
    )


def _options(
    by_seller: Mapping[UUID, Sequence[Offer]],
    *,
    subtotals: Mapping[UUID, int],
    terms: MarketTerms,
    currency: str,
    destination: Destination | None,
    carrier_quotes: CarrierQuotes | None,
) -> dict[UUID, tuple[ShippingOption, ...]]:
    if destination is None:
        return {}
    answers = carrier_quotes or {}
    options: dict[UUID, tuple[ShippingOption, ...]] = {}
    unasked: list[CarrierQuestion] = []
    for seller_id, offers in by_seller.items():
        if not any(zone.seller_id in {None, seller_id} for zone in terms.zones):
            options[seller_id] = (FREE_DELIVERY,)
            continue
        goods = tuple(
            ParcelGoods(
                variant_id=offer.variant_id,
                quantity=offer.quantity,
                weight_grams=offer.weight_grams,
            )
            for offer in offers
        )
        parcel = Parcel(
            seller_id=seller_id,
            currency=currency,
            subtotal_minor=subtotals[seller_id],
            weight_grams=sum(piece.weight_grams * piece.quantity for piece in goods),
            items=sum(piece.quantity for piece in goods),
        )
        found: list[ShippingOption] = []
        for option in options_for(parcel, terms.zones, terms.rates, destination):
            if option.id not in terms.carriers:
                found.append(option)
                continue
            question = CarrierQuestion(
                carrier=terms.carriers[option.id],
                rate_id=option.id,
                seller_id=seller_id,
                destination=destination,
                currency=currency,
                goods=goods,
            )
            if question in answers:
                found += answers[question]
            else:
                unasked.append(question)
        options[seller_id] = tuple(
            sorted(found, key=lambda option: (option.price_minor, option.name, option.id))
        )
    if unasked:
        raise CarrierQuotesNeeded(unasked)
    return options


def _choose(
    options: Mapping[UUID, tuple[ShippingOption, ...]], choices: Mapping[str, str]
) -> dict[UUID, ShippingOption]:
    chosen: dict[UUID, ShippingOption] = {}
    for seller_id, offered in options.items():
        wanted = choices.get(str(seller_id))
        option = next((option for option in offered if str(option.id) == wanted), None)
        option = option or cheapest(offered)
        if option is not None:
            chosen[seller_id] = option
    return chosen
