"""The market's terms, kept in the memory of a process for as long as they are the newest.

Whoever reads the offers of a basket reads in the same statement which version the terms have
(`FoundOffers.terms_version`). What is kept under another version is never used, so nobody has to
be told of a change: a shelf that has heard of nothing is as right as one that has.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import market_terms
from gosellr.queries.market_terms import LoadedTerms, MarketTerms, OwnTerms, TaxRate
from gosellr.utils.lazy_dataclasses import dataclass, replace

T = TypeVar("T")

# An entry counts as many as it has terms, and one for itself: some ten megabytes.
SIZE_MAX = 20_000
# More than there are.
COUNTRIES_MAX = 300


@dataclass(frozen=True, slots=True)
class _CountryTaxes:
    """A country's rates of a moment and of all later ones."""

    rates: tuple[TaxRate, ...]
    since: datetime


class TermsShelf:
    """Terms of one version: of the market and of each seller by currency, taxes by country.

    A basket's terms are put together from these, so the combinations of sellers don't matter.
    What was used longest ago makes room.
    """

    def __init__(self, *, size_max: int = SIZE_MAX, countries_max: int = COUNTRIES_MAX) -> None:
        self._size_max = size_max
        self._countries_max = countries_max
        self._version: UUID | None = None
        self._own: OrderedDict[tuple[UUID | None, str], OwnTerms] = OrderedDict()
        self._taxes: OrderedDict[str, _CountryTaxes] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """How much is kept of sellers' and the market's own terms."""
        return self._size

    def find(
        self,
        *,
        version: UUID | None,
        country: str | None,
        seller_ids: Sequence[UUID],
        currency: str,
        now: datetime,
    ) -> MarketTerms | None:
        """The terms of a basket, without coupons; None unless all of them are here, at that
        version."""
        if version is None or version != self._version:
            return None
        taxes: tuple[TaxRate, ...] = ()
        if country is not None:
            of_country = self._taxes.get(country)
            # Clocks differ: what had ended when it was loaded wasn't loaded.
            if of_country is None or now < of_country.since:
                return None
            self._taxes.move_to_end(country)
            taxes = of_country.rates
        own = []
        for owner in (None, *seller_ids):
            terms = self._own.get((owner, currency))
            if terms is None:
                return None
            self._own.move_to_end((owner, currency))
            own.append(terms)
        return compose(taxes=taxes, own=own, now=now)

    def keep(
        self, loaded: LoadedTerms, *, country: str | None, currency: str, now: datetime
    ) -> None:
        """Keep what was loaded at a moment; whatever is here of another version goes."""
        if loaded.version is None:
            return
        if loaded.version != self._version:
            self._own.clear()
            self._taxes.clear()
            self._size = 0
            self._version = loaded.version
        if country is not None:
            kept = self._taxes.get(country)
            if kept is None or now < kept.since:
                self._taxes[country] = _CountryTaxes(loaded.taxes, now)
            if len(self._taxes) > self._countries_max:
                self._taxes.popitem(last=False)
        for owner, terms in loaded.own.items():
            if (owner, currency) not in self._own:
                self._own[owner, currency] = terms
                self._size += 1 + terms.count
        while self._size > self._size_max:
            _, oldest = self._own.popitem(last=False)
            self._size -= 1 + oldest.count


async def terms_of(
    connection: Connection,
    *,
    shelf: TermsShelf,
    version: UUID | None,
    country: str | None,
    seller_ids: Sequence[UUID],
    currency: str,
    coupon_codes: Sequence[str],
    customer_key: str | None,
    now: datetime,
) -> MarketTerms:
    """The terms for goods of these sellers, sent to this country, in this currency, now.

    `version` is what the terms had when the offers were read. Where the shelf has something of
    another one, or not everything, all of them are loaded, so that versions never mix. Coupons
    are always read: their uses are counted.
    """
    terms = shelf.find(
        version=version, country=country, seller_ids=seller_ids, currency=currency, now=now
    )
    if terms is None:
        loaded = await market_terms.load(
            connection, country=country, seller_ids=seller_ids, currency=currency, now=now
        )
        shelf.keep(loaded, country=country, currency=currency, now=now)
        terms = compose(taxes=loaded.taxes, own=list(loaded.own.values()), now=now)
    if not coupon_codes:
        return terms
    coupons = await market_terms.load_coupons(
        connection, codes=coupon_codes, currency=currency, customer_key=customer_key, now=now
    )
    return replace(terms, coupons=coupons)


def compose(*, taxes: Iterable[TaxRate], own: Sequence[OwnTerms], now: datetime) -> MarketTerms:
    """Terms of several owners as those of one basket, each kind in its order.

    Where only one of them has any of a kind, which is the market most of the time, it is shared.
    """
    positions = _united(terms.positions for terms in own)
    return MarketTerms(
        taxes=tuple(rate for rate in taxes if rate.is_valid(now)),
        zones=_merged((terms.zones for terms in own), place=lambda zone: zone.id),
        rates=_merged(
            (terms.rates for terms in own), place=lambda rate: (positions[rate.id], rate.id)
        ),
        carriers=_united(terms.carriers for terms in own),
        commission_rules=_merged(
            (terms.commission_rules for terms in own), place=lambda rule: (rule.position, rule.id)
        ),
    )


def _merged(parts: Iterable[tuple[T, ...]], *, place: Callable[[T], Any]) -> tuple[T, ...]:
    filled = [part for part in parts if part]
    if len(filled) > 1:
        return tuple(sorted(chain.from_iterable(filled), key=place))
    return filled[0] if filled else ()


def _united(parts: Iterable[Mapping[UUID, T]]) -> Mapping[UUID, T]:
    filled = [part for part in parts if part]
    if len(filled) == 1:
        return filled[0]
    return {key: value for part in filled for key, value in part.items()}
