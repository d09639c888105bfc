"""Turns an order stream into what the market will be asked to do, and says what it can't be asked.

Nothing is left out in silence: whatever doesn't reach the market as the data has it becomes a
`Remark`, which carries by how much it lowers each figure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bench.replay.figures import Figures, figures_of
from bench.replay.payments import PARTS_MAX, Part, put_together, settle, with_gift_cards
from bench.replay.source import Customer, Item, Order, Review


class Outcome(StrEnum):
    """Where an order of the data ends in the market."""

    PENDING_PAYMENT = "pending_payment"
    PAID = "paid"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED_UNPAID = "cancelled before payment"
    CANCELLED = "cancelled and refunded"
    REFUNDED_SHIPPED = "shipped, then refunded"
    REFUNDED_DELIVERED = "delivered, then refunded"

    @property
    def is_paid(self) -> bool:
        """Whether the money was taken, be it given back later or not."""
        return self not in {Outcome.PENDING_PAYMENT, Outcome.CANCELLED_UNPAID}

    @property
    def is_refunded(self) -> bool:
        """Whether all the money goes back."""
        return self in {
            Outcome.CANCELLED,
            Outcome.REFUNDED_SHIPPED,
            Outcome.REFUNDED_DELIVERED,
        }

    @property
    def is_cancelled(self) -> bool:
        """Whether the order is called off before anything is sent."""
        return self in {Outcome.CANCELLED, Outcome.CANCELLED_UNPAID}

    @property
    def is_shipped(self) -> bool:
        """Whether the parcels leave."""
        return self.is_delivered or self in {Outcome.SHIPPED, Outcome.REFUNDED_SHIPPED}

    @property
    def is_delivered(self) -> bool:
        """Whether the parcels arrive."""
        return self in {Outcome.DELIVERED, Outcome.REFUNDED_DELIVERED}

    @property
    def status(self) -> str:
        """The order's status in the market."""
        return {
            Outcome.CANCELLED_UNPAID: "cancelled",
            Outcome.CANCELLED: "cancelled",
            Outcome.REFUNDED_SHIPPED: "shipped",
            Outcome.REFUNDED_DELIVERED: "delivered",
        }.get(self, self.value)


CALLED_OFF = frozenset({"canceled", "unavailable"})
STATUS_OUTCOMES: Mapping[str, Outcome] = {
    "created": Outcome.PENDING_PAYMENT,
    "approved": Outcome.PAID,
    "invoiced": Outcome.PROCESSING,
    "processing": Outcome.PROCESSING,
    "shipped": Outcome.SHIPPED,
    "delivered": Outcome.DELIVERED,
}


class RemarkKind(StrEnum):
    """What isn't in the market as it is in the data, or deserves to be listed."""

    WITHOUT_GOODS = "order without goods: can't be placed"
    WITHOUT_CUSTOMER = "order of nobody in the customer file: can't be placed"
    TWO_PRICES = "order that shows one listing at two prices: can't be placed"
    STATUS_UNKNOWN = "order in a status that the map doesn't know: not placed"
    PAYMENT_DIFFERS = "payments differ from goods and freight (instalment interest): cut to fit"
    PAYMENT_OF_NOTHING = "payment part over nothing: left out"
    PAYMENT_MERGED = (
        "more payment parts than an order may have: the smallest of a kind put together"
    )
    VOUCHER_AT_GATEWAY = (
        "voucher of an order that is never paid, or beside two other payments: at the gateway"
    )
    PAYMENT_MISSING = "no payment in the data: paid in one part"
    REVIEW_UNDELIVERED = "review of an order that wasn't delivered: not posted"
    REVIEW_REPLACED = "earlier review of an order that has a later one: not posted"
    REVIEW_SCORE = "review without a score of 1 to 5: not posted"
    REFUNDED_AFTER_SHIPPING = "called off after it was sent: ends in a full refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """`effects` is by how much the market's figures stay below the data's because of this."""

    kind: RemarkKind
    order_id: str
    detail: str = ""
    effects: Mapping[str, int] = field(default_factory=dict)


class Listing(NamedTuple):
    """What is on sale: one product of one seller, by the data's ids."""

    product_id: str
    seller_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Pieces of one listing at the price it must show when the order is placed."""

    listing: Listing
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """An order as the market shall have it. `freight_minor` is by the data's seller id."""

    id: str
    purchased_at: datetime
    source_status: str
    outcome: Outcome
    customer: Customer
    lines: tuple[Line, ...]
    freight_minor: Mapping[str, int]
    payments: tuple[Part, ...]
    review: Review | None

    @property
    def goods_minor(self) -> int:
        """What the lines cost."""
        return sum(line.unit_price_minor * line.quantity for line in self.lines)

    @property
    def total_minor(self) -> int:
        """Goods and freight: what the order has to show and take."""
        return self.goods_minor + sum(self.freight_minor.values())

    @property
    def gift_cards(self) -> tuple[tuple[int, Part], ...]:
        """The parts that gift cards pay, with their places among all parts."""
        return tuple(pair for pair in enumerate(self.payments) if pair[1].by_gift_card)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All orders in time order, what has to be on sale for them, and what isn't as in the data.

    `listings` has the first price and the pieces ordered; `movable` are those whose price moves;
    `sellers_lost` counts those of whom nothing can be placed.
    """

    orders: tuple[PlannedOrder, ...]
    listings: Mapping[Listing, tuple[int, int]]
    movable: frozenset[Listing]
    price_moves: int
    remarks: tuple[Remark, ...]
    sellers_lost: int

    @property
    def unexpressed(self) -> Figures:
        """By how much each figure of the market stays below the data's, remark by remark."""
        total: Figures = Counter()
        for remark in self.remarks:
            total.update(remark.effects)
        total["sellers"] = self.sellers_lost
        return total

    @property
    def seller_ids(self) -> tuple[str, ...]:
        """Everybody who sells something, in order of the first sale."""
        return tuple(dict.fromkeys(listing.seller_id for listing in self.listings))


def make_plan(orders: Iterable[Order]) -> Plan:
    """Plan a stream that is sorted by time."""
    planned: list[PlannedOrder] = []
    remarks: list[Remark] = []
    lost: set[str] = set()
    for order in orders:
        obstacle = _obstacle(order)
        if obstacle is not None:
            lost.update(item.seller_id for item in order.items)
            remarks.append(
                Remark(
                    kind=obstacle,
                    order_id=order.id,
                    detail=f"{order.status}, paid {order.paid_minor}",
                    effects=figures_of(order),
                )
            )
            continue
        planned.append(_planned(order, remarks))
    listings: dict[Listing, tuple[int, int]] = {}
    shown: dict[Listing, int] = {}
    movable: set[Listing] = set()
    moves = 0
    for placed in planned:
        for line in placed.lines:
            first, units = listings.get(line.listing, (line.unit_price_minor, 0))
            listings[line.listing] = (first, units + line.quantity)
            if shown.get(line.listing, line.unit_price_minor) != line.unit_price_minor:
                movable.add(line.listing)
                moves += 1
            shown[line.listing] = line.unit_price_minor
    return Plan(
        orders=tuple(planned),
        listings=listings,
        movable=frozenset(movable),
        price_moves=moves,
        remarks=tuple(remarks),
        sellers_lost=len(lost - {listing.seller_id for listing in listings}),
    )


def outcome_of(order: Order) -> Outcome | None:
    """Where the order ends; None for a status that the map doesn't know."""
    if order.status not in CALLED_OFF:
        return STATUS_OUTCOMES.get(order.status)
    if order.is_delivered:
        return Outcome.REFUNDED_DELIVERED
    if order.is_shipped:
        return Outcome.REFUNDED_SHIPPED
    return Outcome.CANCELLED if order.is_approved else Outcome.CANCELLED_UNPAID


def _obstacle(order: Order) -> RemarkKind | None:
    if not order.items:
        return RemarkKind.WITHOUT_GOODS
    if order.customer is None:
        return RemarkKind.WITHOUT_CUSTOMER
    if outcome_of(order) is None:
        return RemarkKind.STATUS_UNKNOWN
    prices: defaultdict[Listing, set[int]] = defaultdict(set)
    for item in order.items:
        prices[_listing(item)].add(item.price_minor)
    if any(len(shown) > 1 for shown in prices.values()):
        return RemarkKind.TWO_PRICES
    return None


def _planned(order: Order, remarks: list[Remark]) -> PlannedOrder:
    outcome = outcome_of(order)
    assert outcome is not None
    assert order.customer is not None
    lines: Counter[Listing] = Counter()
    prices: dict[Listing, int] = {}
    freight: Counter[str] = Counter()
    for item in order.items:
        lines[_listing(item)] += 1
        prices[_listing(item)] = item.price_minor
        freight[item.seller_id] += item.freight_minor
    parts = settle(order.tenders, total_minor=order.items_minor + order.freight_minor)
    planned = PlannedOrder(
        id=order.id,
        purchased_at=order.purchased_at,
        source_status=order.status,
        outcome=outcome,
        customer=order.customer,
        lines=tuple(
            Line(listing=listing, quantity=quantity, unit_price_minor=prices[listing])
            for listing, quantity in lines.items()
        ),
        freight_minor=dict(freight),
        payments=with_gift_cards(put_together(parts), is_paid=outcome.is_paid),
        review=_review(order, outcome, remarks),
    )
    if outcome in {Outcome.REFUNDED_SHIPPED, Outcome.REFUNDED_DELIVERED}:
        remarks.append(
            Remark(
                kind=RemarkKind.REFUNDED_AFTER_SHIPPING,
                order_id=order.id,
                detail=f"{planned.total_minor} go back",
            )
        )
    remarks += _payment_remarks(order, parts)
    vouchers = sum(part.is_voucher and not part.by_gift_card for part in planned.payments)
    if vouchers:
        remarks.append(
            Remark(
                kind=RemarkKind.VOUCHER_AT_GATEWAY, order_id=order.id, detail=f"{vouchers} parts"
            )
        )
    return planned


def _review(order: Order, outcome: Outcome, remarks: list[Remark]) -> Review | None:
    chosen: Review | None = None
    for review in reversed(order.reviews):
        if outcome is not Outcome.DELIVERED:
            kind = RemarkKind.REVIEW_UNDELIVERED
        elif not 1 <= review.score <= 5:
            kind = RemarkKind.REVIEW_SCORE
        elif chosen is not None:
            kind = RemarkKind.REVIEW_REPLACED
        else:
            chosen = review
            continue
        effects = {"reviews": 1, "review_scores": review.score}
        remarks.append(
            Remark(kind=kind, order_id=order.id, detail=f"score {review.score}", effects=effects)
        )
    return chosen


def _payment_remarks(order: Order, parts: tuple[Part, ...]) -> list[Remark]:
    def remark(kind: RemarkKind, detail: str, effects: Mapping[str, int]) -> Remark:
        kept = {name: effect for name, effect in effects.items() if effect}
        return Remark(kind=kind, order_id=order.id, detail=detail, effects=kept)

    remarks = [
        remark(RemarkKind.PAYMENT_OF_NOTHING, tender.kind, {"payments": 1})
        for tender in order.tenders
        if not tender.amount_minor
    ]
    total_minor = order.items_minor + order.freight_minor
    if order.paid_minor != total_minor:
        effects: Figures = Counter(orders_total_ne_payments=1)
        effects["payments"] = sum(bool(tender.amount_minor) for tender in order.tenders)
        effects["payments"] -= len(parts)
        effects["payment_cents"] = order.paid_minor - total_minor
        for tender in order.tenders:
            effects[f"payment_type_cents.{tender.kind}"] += tender.amount_minor
        for part in parts:
            effects[f"payment_type_cents.{part.kind}"] -= part.amount_minor
        detail = (
            f"paid {order.paid_minor}, order {total_minor},"
            f" difference {order.paid_minor - total_minor:+}"
        )
        kind = RemarkKind.PAYMENT_DIFFERS if order.paid_minor else RemarkKind.PAYMENT_MISSING
        remarks.append(remark(kind, detail, effects))
    if len(parts) > PARTS_MAX:
        effects = Counter(payments=len(parts) - PARTS_MAX)
        remarks.append(remark(RemarkKind.PAYMENT_MERGED, f"{len(parts)} parts", effects))
    return remarks


def _listing(item: Item) -> Listing:
    return Listing(item.product_id, item.seller_id)
