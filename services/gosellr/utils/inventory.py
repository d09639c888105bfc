"""Stock decisions without a database: where to take units from, and what to say about them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


class InsufficientStock(ValueError):
    """More units are asked for than there are; `available` says how many there are."""

    def __init__(self, *, wanted: int, available: int) -> None:
        super().__init__(f"{wanted} wanted, {available} available")
        self.wanted = wanted
        self.available = available


class StockWord(StrEnum):
    """What a buyer reads about a variant's stock."""

    IN_STOCK = "in_stock"
    LOW_STOCK = "low_stock"
    SOLD_OUT = "sold_out"


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Units that may still be promised at one location."""

    location_id: UUID
    available: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """Units to take from one location."""

    location_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Units held for an order line at one location and not yet shipped."""

    id: UUID
    location_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class ReservationUse:
    """What a shipment takes out of one reservation, and what stays held in it."""

    reservation_id: UUID
    location_id: UUID
    taken: int
    remaining: int


@dataclass(frozen=True, slots=True)
class HoldSettings:
    """How long an unpaid order keeps its units, by how the buyer pays."""

    online: timedelta = timedelta(minutes=15)
    bank_transfer: timedelta = timedelta(days=5)


def demand_by_variant(lines: Iterable[tuple[UUID, int]]) -> dict[UUID, int]:
    """Sum what the lines of a cart ask of each variant, in id order.

    Lines that share a variant are only ever judged together, and whoever locks the stock in
    this order can't deadlock with another cart. Raises ValueError for less than one unit.
    """
    demand: dict[UUID, int] = {}
    for variant_id, quantity in lines:
        _check_quantity(quantity)
        demand[variant_id] = demand.get(variant_id, 0) + quantity
    return dict(sorted(demand.items()))


def shortages(demand: Mapping[UUID, int], available: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return the variants that can't be filled, each with the units that are left (never < 0)."""
    left = {variant_id: max(0, available.get(variant_id, 0)) for variant_id in demand}
    return {
        variant_id: left[variant_id]
        for variant_id in demand
        if left[variant_id] < demand[variant_id]
    }


def allocate(quantity: int, levels: Sequence[StockLevel]) -> tuple[Allocation, ...]:
    """Choose the locations that send a quantity; `levels` come in the seller's own order.

    The first location that can fill all of it does. Otherwise the fullest gives all it has and
    the rest is chosen in the same way, which makes for the fewest parcels. Ties go to the
    earlier location. Raises InsufficientStock, and ValueError for less than one unit.
    """
    _check_quantity(quantity)
    stocked = [level for level in levels if level.available > 0]
    total = sum(level.available for level in stocked)
    if total < quantity:
        raise InsufficientStock(wanted=quantity, available=total)
    taken: dict[UUID, int] = {}
    rest = quantity
    while rest:
        whole = next((level for level in stocked if level.available >= rest), None)
        level = whole or max(stocked, key=lambda candidate: candidate.available)
        stocked.remove(level)
        taken[level.location_id] = min(rest, level.available)
        rest -= taken[level.location_id]
    return tuple(
        Allocation(level.location_id, taken[level.location_id])
        for level in levels
        if level.location_id in taken
    )


def split_shipment(
    quantity: int, reservations: Sequence[Reservation], *, location_id: UUID | None = None
) -> tuple[ReservationUse, ...]:
    """Take a shipped quantity out of a line's reservations, in their order.

    Those at the location which the parcel leaves from come first. Raises InsufficientStock when
    less is held than shipped, so nothing leaves that wasn't ordered.
    """
    _check_quantity(quantity)
    held = sum(reservation.quantity for reservation in reservations)
    if held < quantity:
        raise InsufficientStock(wanted=quantity, available=held)
    uses: list[ReservationUse] = []
    rest = quantity
    for reservation in sorted(reservations, key=lambda one: one.location_id != location_id):
        taken = min(rest, reservation.quantity)
        if taken:
            remaining = reservation.quantity - taken
            uses.append(ReservationUse(reservation.id, reservation.location_id, taken, remaining))
            rest -= taken
    return tuple(uses)


def stock_word(available: int, *, low_stock_threshold: int = 5) -> StockWord:
    """Return the one word for a variant's stock, so that nobody ever reads "only 0 left"."""
    if available <= 0:
        return StockWord.SOLD_OUT
    return StockWord.LOW_STOCK if available <= low_stock_threshold else StockWord.IN_STOCK


def hold_until(
    *, payment_methods: Collection[str], placed_at: datetime, settings: HoldSettings
) -> datetime | None:
    """Return when an unpaid order gives its units back, or None when it keeps them.

    Cash on delivery is paid after shipping, so its hold doesn't expire. In a mixed tender the
    slowest method decides. Raises ValueError without a method or without a time zone.
    """
    if not payment_methods:
        raise ValueError("an order is paid by at least one method")
    if placed_at.utcoffset() is None:
        raise ValueError("placed_at needs a time zone")
    if "cash_on_delivery" in payment_methods:
        return None
    patience = settings.online
    if "bank_transfer" in payment_methods:
        patience = max(patience, settings.bank_transfer)
    return placed_at + patience


def _check_quantity(quantity: int) -> None:
    if quantity < 1:
        raise ValueError("a quantity is at least 1")
