"""Turns a month's rows into orders and refunds, and lists every row that can't be either.

A credit note names no invoice. Each of its lines is matched to the latest earlier sale of the same
customer and SKU that has units left, then to the one before, and so on. Those at the same price
come first: units of them are refunded. Of the others the credit's value is, as a free amount, at
most what was paid. What remains is listed with its value, so that the market's net and that of the
list make the month's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bench.replay.payments import Part
from bench.replay.plan import Line, Listing, Outcome, Plan, PlannedOrder
from bench.replay.source import Customer
from bench.retail.source import Row

SELLER = "retail"
LINES_MAX = 200
"""As many lines as the market takes in one order."""
UNITS_MAX = 10_000
"""As many units as it takes in one line."""
_KIND = "account"
_STATUS = "invoiced"


class RestKind(StrEnum):
    """Why a row, or some of its units, isn't in the market."""

    NO_PRICE = "row without a price above zero: nothing that was sold"
    TOO_FINE = "sale at a price finer than a penny"
    TOO_MANY = "sale of more units than a line may have"
    WRITTEN_OFF = "negative quantity on an invoice: stock written off"
    CREDIT_FINE = "credit at a price finer than a penny"
    CREDIT_POSITIVE = "positive quantity on a credit note"
    NOBODY = "credit that names no customer"
    NO_SALE = "credit without an earlier sale of this customer and SKU in the month"
    TOO_DEAR = "credit above what its earlier sale took for the units"
    NO_UNITS = "credit over more units than are left of earlier sales"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Units of a row that didn't reach the market; the value is the row's, negative for credits."""

    kind: RestKind
    invoice: str
    sku: str
    units: int
    value_pence: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRefund:
    """What a credit note gives back of one order: units by listing, or else a free amount."""

    credit_note: str
    order_id: str
    units: Mapping[Listing, int]
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetailPlan:
    """Orders and refunds in time order, and the rest. `matched` counts credit lines by how."""

    plan: Plan
    refunds: tuple[PlannedRefund, ...]
    rest: tuple[Rest, ...]
    matched: Mapping[str, int]

    @property
    def sales_minor(self) -> int:
        """What all orders come to."""
        return sum(order.total_minor for order in self.plan.orders)

    @property
    def credits_minor(self) -> int:
        """What all refunds come to."""
        return sum(refund.amount_minor for refund in self.refunds)

    @property
    def rest_pence(self) -> Decimal:
        """What the rest adds to the month."""
        return sum((one.value_pence for one in self.rest), Decimal())


@dataclass(slots=True)
class _Sale:
    """Units of a listing in an order that haven't been credited yet."""

    order_id: str
    listing: Listing
    price_minor: int
    at: datetime
    left: int


@dataclass(slots=True)
class _Credit:
    """A credit note's line, and how many of its units look for their sale still."""

    row: Row
    missing: int
    sales: int = 0
    is_valued: bool = False

    @property
    def how(self) -> str:
        """How it found its sale."""
        if self.missing:
            return "a part of its units"
        if self.is_valued:
            return "an earlier sale at another price, by its value"
        return "the latest earlier sale" if self.sales == 1 else "several earlier sales"


@dataclass(slots=True)
class _Builder:
    orders: list[PlannedOrder] = field(default_factory=list)
    sales: defaultdict[tuple[str, str], list[_Sale]] = field(
        default_factory=lambda: defaultdict(list)
    )
    # By credit note and order, in the sequence of the notes.
    given_back: dict[tuple[str, str], Counter[Listing]] = field(default_factory=dict)
    given_pence: Counter[tuple[str, str]] = field(default_factory=Counter)
    rest: list[Rest] = field(default_factory=list)
    matched: Counter[str] = field(default_factory=Counter)

    def leave(self, kind: RestKind, row: Row, units: int | None = None) -> None:
        """List a row, or so many of its units."""
        units = row.quantity if units is None else units
        self.rest.append(
            Rest(
                kind=kind,
                invoice=row.invoice,
                sku=row.sku,
                units=units,
                value_pence=row.price_pence * units,
            )
        )


def make_plan(rows: Iterable[Row]) -> RetailPlan:
    """Plan a month whose rows are sorted by time."""
    builder = _Builder()
    invoices: dict[str, list[Row]] = {}
    credit_rows: list[Row] = []
    for row in rows:
        kind = _unsold(row)
        if kind is not None:
            builder.leave(kind, row)
        elif row.is_credit:
            credit_rows.append(row)
        else:
            invoices.setdefault(row.invoice, []).append(row)
    for invoice, own in invoices.items():
        _add_orders(builder, invoice, own)
    _match(builder, credit_rows)
    listings = _listings(builder.orders)
    return RetailPlan(
        plan=Plan(
            orders=tuple(builder.orders),
            listings=listings,
            movable=frozenset(),
            price_moves=0,
            remarks=(),
            sellers_lost=0,
        ),
        refunds=_refunds(builder, listings),
        rest=tuple(builder.rest),
        matched=builder.matched,
    )


def _refunds(
    builder: _Builder, listings: Mapping[Listing, tuple[int, int]]
) -> tuple[PlannedRefund, ...]:
    """Units before amounts, since an amount leaves less for each unit of its order."""
    of_units = (
        PlannedRefund(
            credit_note=credit_note,
            order_id=order_id,
            units=units,
            amount_minor=sum(listings[one][0] * count for one, count in units.items()),
        )
        for (credit_note, order_id), units in builder.given_back.items()
    )
    of_amounts = (
        PlannedRefund(credit_note=credit_note, order_id=order_id, units={}, amount_minor=pence)
        for (credit_note, order_id), pence in builder.given_pence.items()
    )
    return (*of_units, *of_amounts)


def _unsold(row: Row) -> RestKind | None:
    """Why a row can be neither sold nor given back, whatever else the month holds."""
    is_whole = row.price_pence == row.price_pence.to_integral_value()
    if row.quantity <= 0 and not row.is_credit:
        return RestKind.WRITTEN_OFF
    if row.price_pence <= 0:
        return RestKind.NO_PRICE
    if row.is_credit:
        return _not_given_back(row, is_whole=is_whole)
    if not is_whole:
        return RestKind.TOO_FINE
    return RestKind.TOO_MANY if row.quantity > UNITS_MAX else None


def _not_given_back(row: Row, *, is_whole: bool) -> RestKind | None:
    if row.quantity >= 0:
        return RestKind.CREDIT_POSITIVE
    if not row.customer:
        return RestKind.NOBODY
    return None if is_whole else RestKind.CREDIT_FINE


def _add_orders(builder: _Builder, invoice: str, rows: Sequence[Row]) -> None:
    """An order for an invoice, or several where it has more lines than an order may have.

    The same goods at the same price are one line, as far as it may have so many units.
    """
    orders: list[Counter[Listing]] = [Counter()]
    for row in rows:
        listing = listing_of(row)
        place = next(
            (
                order
                for order in orders
                if order[listing] + row.quantity <= UNITS_MAX
                and (order[listing] or len(+order) < LINES_MAX)
            ),
            None,
        )
        if place is None:
            orders.append(place := Counter())
        place[listing] += row.quantity
    first = rows[0]
    for number, units in enumerate(orders, start=1):
        order_id = invoice if number == 1 else f"{invoice}/{number}"
        lines = tuple(
            Line(listing=listing, quantity=quantity, unit_price_minor=_price_of(listing))
            for listing, quantity in units.items()
            if quantity
        )
        builder.orders.append(_order(order_id, first, lines))
        for line in lines:
            sku = line.listing.product_id.rpartition("@")[0]
            builder.sales[first.customer, sku].append(
                _Sale(order_id, line.listing, line.unit_price_minor, first.at, line.quantity)
            )


def _order(order_id: str, first: Row, lines: tuple[Line, ...]) -> PlannedOrder:
    total_minor = sum(line.unit_price_minor * line.quantity for line in lines)
    return PlannedOrder(
        id=order_id,
        purchased_at=first.at,
        source_status=_STATUS,
        outcome=Outcome.PAID,
        customer=Customer(
            person_id=first.customer or f"guest-{first.invoice}",
            postal_prefix="EC1A",
            city=first.country,
            state="London",
        ),
        lines=lines,
        freight_minor={},
        payments=(Part(kind=_KIND, amount_minor=total_minor),),
        review=None,
    )


def listing_of(row: Row) -> Listing:
    """What is on sale: a SKU at one price, so that prices needn't move between orders."""
    return Listing(f"{row.sku}@{int(row.price_pence)}", SELLER)


def _price_of(listing: Listing) -> int:
    return int(listing.product_id.rpartition("@")[2])


def _match(builder: _Builder, credit_rows: Sequence[Row]) -> None:
    """All credits find their units at the same price before any takes units at another."""
    found = [_Credit(row, missing=-row.quantity) for row in credit_rows]
    for is_same_price in (True, False):
        for credit in found:
            _take(builder, credit, is_same_price=is_same_price)
    for credit in found:
        if not _earlier(builder, credit.row):
            builder.leave(RestKind.NO_SALE, credit.row)
        elif credit.missing:
            builder.leave(RestKind.NO_UNITS, credit.row, -credit.missing)
        if credit.sales:
            builder.matched[credit.how] += 1


def _earlier(builder: _Builder, row: Row) -> list[_Sale]:
    return [sale for sale in builder.sales[row.customer, row.sku] if sale.at <= row.at]


def _take(builder: _Builder, credit: _Credit, *, is_same_price: bool) -> None:
    row = credit.row
    for sale in reversed(_earlier(builder, row)):
        units = min(credit.missing, sale.left)
        if not units or (sale.price_minor == row.price_pence) is not is_same_price:
            continue
        credit.missing -= units
        credit.sales += 1
        sale.left -= units
        if is_same_price:
            place = row.invoice, sale.order_id
            builder.given_back.setdefault(place, Counter())[sale.listing] += units
        else:
            credit.is_valued = True
            _give_value(builder, row, sale, units)


def _give_value(builder: _Builder, row: Row, sale: _Sale, units: int) -> None:
    """Give the credit's value of units that were sold at another price, as far as they took it."""
    each_pence = min(int(row.price_pence), sale.price_minor)
    builder.given_pence[row.invoice, sale.order_id] += each_pence * units
    above_pence = row.price_pence - each_pence
    if above_pence:
        builder.rest.append(
            Rest(
                kind=RestKind.TOO_DEAR,
                invoice=row.invoice,
                sku=row.sku,
                units=0,
                value_pence=-above_pence * units,
            )
        )


def _listings(orders: Iterable[PlannedOrder]) -> dict[Listing, tuple[int, int]]:
    """Every listing with its price and the pieces that are ordered of it."""
    listings: dict[Listing, tuple[int, int]] = {}
    for order in orders:
        for line in order.lines:
            _, units = listings.get(line.listing, (0, 0))
            listings[line.listing] = (line.unit_price_minor, units + line.quantity)
    return listings
