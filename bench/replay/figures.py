"""The figures an order stream adds up to, under the names of `expected.json`, flattened by dots.

Every figure but `sellers` is a sum over orders, so the part of it that an order left out would
have made is the figure of that order alone.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bench.replay.source import DataError, Order

Figures = Counter[str]

EXPECTED_FILE = "expected.json"
DELIVERED = "delivered"


def figures_of(order: Order) -> Figures:
    """What one order adds to every figure. Months count the orders that hold goods."""
    figures: Figures = Counter(
        {
            "orders": 1,
            "items": len(order.items),
            "payments": len(order.tenders),
            "reviews": len(order.reviews),
            "review_scores": sum(review.score for review in order.reviews),
            "item_cents": order.items_minor,
            "freight_cents": order.freight_minor,
            "payment_cents": order.paid_minor,
            f"status.{order.status}": 1,
        }
    )
    for tender in order.tenders:
        figures[f"payment_type_cents.{tender.kind}"] += tender.amount_minor
    if order.items:
        month = f"by_month.{order.purchased_at:%Y-%m}"
        figures[f"{month}.orders"] += 1
        figures[f"{month}.item_cents"] += order.items_minor
        figures[f"{month}.freight_cents"] += order.freight_minor
        is_moved = order.paid_minor != order.items_minor + order.freight_minor
        figures["orders_total_ne_payments"] += is_moved
        figures["multi_seller_orders"] += len({item.seller_id for item in order.items}) > 1
    if order.status == DELIVERED:
        for item in order.items:
            figures[f"delivered_seller_item_cents.{item.seller_id}"] += item.price_minor
    return figures


def add_up(orders: Iterable[Order]) -> Figures:
    """All figures of a stream, `sellers` included."""
    total: Figures = Counter()
    sellers: set[str] = set()
    for order in orders:
        total.update(figures_of(order))
        sellers.update(item.seller_id for item in order.items)
    total["sellers"] = len(sellers)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """How the figures that came with the data compare with its rows.

    `disagreements` is (figure, as the file says, as the rows say); `is_present` says whether
    there was a file, `covers_all` whether it can be compared at all.
    """

    is_present: bool
    covers_all: bool
    compared: int
    disagreements: tuple[tuple[str, str, str], ...]


def cross_check(folder: Path, figures: Figures, *, covers_all: bool) -> CrossCheck:
    """Hold `expected.json` against the figures of the rows themselves. Raises DataError.

    A part of the stream (`covers_all` False) can't be held against figures of the whole.
    """
    path = folder / EXPECTED_FILE
    if not path.exists() or not covers_all:
        return CrossCheck(
            is_present=path.exists(), covers_all=covers_all, compared=0, disagreements=()
        )
    try:
        written: dict[str, str] = dict(_flat(json.loads(path.read_text(encoding="utf-8"))))
    except (ValueError, AttributeError) as error:
        raise DataError(f"{path} can't be read: {error}") from error
    counted = {name: str(value) for name, value in figures.items() if value}
    counted |= _mean(figures, like=written.get("review_mean"))
    # What the file doesn't speak of isn't compared; a key that it leaves out of a group is.
    groups = {name.split(".")[0] for name in written}
    names = written.keys() | {name for name in counted if name.split(".")[0] in groups}
    disagreements = tuple(
        (name, written.get(name, "0"), counted.get(name, "0"))
        for name in sorted(names)
        if written.get(name, "0") != counted.get(name, "0")
    )
    return CrossCheck(
        is_present=True, covers_all=True, compared=len(names), disagreements=disagreements
    )


def _mean(figures: Mapping[str, int], *, like: str | None) -> dict[str, str]:
    """The mean score with as many digits as the file gives it."""
    if like is None or not figures["reviews"]:
        return {}
    digits = len(like.partition(".")[2])
    mean = round(Fraction(figures["review_scores"], figures["reviews"]), digits)
    return {"review_mean": str(int(mean)) if not digits else f"{float(mean):.{digits}f}"}


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
