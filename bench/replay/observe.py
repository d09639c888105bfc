"""Reads the outcome back through the API: every order, its books, and the reviews of products."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.replay.api import Api
from bench.replay.crowd import each
from bench.replay.figures import DELIVERED, Figures
from bench.replay.money_figures import (
    SELLER_ACCOUNTS,
    add_gift_cards,
    add_money,
    expected_money,
    fee_of,
)
from bench.replay.payments import Part
from bench.replay.plan import Outcome, Plan, PlannedOrder
from bench.replay.play import Played
from bench.replay.stage import COMMISSION_BPS, Stage

_PAGE = 100


@dataclass(slots=True)
class Observed:
    """What the market says. `data` are the figures of the stream, `books` those of the ledger."""

    data: Figures = field(default_factory=Counter)
    books: Figures = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)
    stats: Mapping[str, Any] = field(default_factory=dict)


async def observe(
    observed: Observed,
    *,
    api: Api,
    stage: Stage,
    plan: Plan,
    played: Mapping[str, Played],
    workers: int,
    done: Callable[[], None],
) -> None:
    """Read everything back into `observed`. Raises ApiRefusedError where the market won't say."""
    await _list_orders(api, stage, played, observed)
    source_ids = {seller_id: source_id for source_id, seller_id in stage.seller_ids.items()}
    sellers: set[str] = set()

    async def look_at(order: PlannedOrder) -> None:
        if order.id in played:
            path = f"/orders/{played[order.id].order_id}"
            document = await api.get(path, account=stage.operator)
            ledger = await api.get(f"{path}/ledger", account=stage.operator)
            sellers.update(_add_order(observed, order, document, source_ids))
            _add_ledger(observed.books, ledger, source_ids)
            add_money(
                observed.books, order, document=document, ledger=ledger, source_ids=source_ids
            )
        done()

    await each(plan.orders, look_at, workers=workers)
    observed.data["sellers"] = len(sellers)
    cards = [card async for card in pages(api, "/gift-cards", account=stage.operator, params={})]
    add_gift_cards(observed.books, cards)
    await _count_reviews(api, stage, plan, observed, workers=workers)
    for order in plan.orders:
        if order.review is not None and order.id in played and played[order.id].reviewed:
            observed.data["reviews"] += 1
            observed.data["review_scores"] += order.review.score
    observed.stats = await api.get("/marketplace/stats")


def expected_books(plan: Plan) -> Figures:
    """What the ledger and the totals must hold when everything went as planned."""
    books: Figures = Counter(
        {
            "listed_orders": len(plan.orders),
            "ledger_imbalance_cents": 0,
            "discount_cents": 0,
            "tax_cents": 0,
        }
    )
    for order in plan.orders:
        total_minor = order.total_minor
        books["total_cents"] += total_minor
        books[f"outcome.{order.outcome.value}"] += 1
        if order.outcome.is_paid:
            books["captured_cents"] += total_minor
        if order.outcome.is_refunded:
            books["refunded_cents"] += total_minor
        elif order.outcome.is_paid:
            for line in order.lines:
                name = f"ledger_seller_cents.{line.listing.seller_id}"
                goods_minor = line.unit_price_minor * line.quantity
                books[name] += goods_minor - fee_of(goods_minor, commission_bps=COMMISSION_BPS)
            for seller_id, freight_minor in order.freight_minor.items():
                books[f"ledger_seller_cents.{seller_id}"] += freight_minor
        if order.review is not None:
            books["line_reviews"] += len(order.lines)
            books["line_review_scores"] += len(order.lines) * order.review.score
    books.update(expected_money(plan, commission_bps=COMMISSION_BPS))
    return books


async def _list_orders(
    api: Api, stage: Stage, played: Mapping[str, Played], observed: Observed
) -> None:
    known = {order.order_id for order in played.values()}
    found: set[str] = set()
    async for row in pages(api, "/orders/", account=stage.operator, params={"as": "operator"}):
        observed.books["listed_orders"] += 1
        found.add(row["id"])
    observed.mismatches += [f"listed, but not placed here: {one}" for one in sorted(found - known)]
    observed.mismatches += [f"placed, but not listed: {one}" for one in sorted(known - found)]


async def pages(api: Api, path: str, *, params: Mapping[str, Any], **options: Any) -> Any:
    """Every row of a list, page by page."""
    cursor: str | None = None
    while True:
        query = {**params, "limit": _PAGE} | ({"cursor": cursor} if cursor else {})
        page = await api.get(path, params=query, **options)
        for row in page["items"]:
            yield row
        cursor = page["next_cursor"]
        if cursor is None:
            return


async def _count_reviews(
    api: Api, stage: Stage, plan: Plan, observed: Observed, *, workers: int
) -> None:
    reviewed = {
        stage.offers[line.listing].product_id
        for order in plan.orders
        if order.review is not None
        for line in order.lines
    }

    async def count(product_id: str) -> None:
        async for review in pages(api, f"/products/{product_id}/reviews", params={}):
            observed.books["line_reviews"] += 1
            observed.books["line_review_scores"] += review["rating"]

    await each(sorted(reviewed), count, workers=workers)


def _add_order(
    observed: Observed, order: PlannedOrder, document: Any, source_ids: Mapping[str, str]
) -> set[str]:
    """Add one order to the figures; gives the data's ids of its sellers."""
    data, books = observed.data, observed.books
    goods: Counter[str] = Counter()
    freight: Counter[str] = Counter()
    for part in document["seller_orders"]:
        source_id = source_ids.get(part["seller"]["id"], "unknown")
        freight[source_id] += part["totals"]["shipping_total"]["amount"]
        for item in part["items"]:
            goods[source_id] += item["total"]["amount"]
            data["items"] += item["quantity"]
    payments = [
        (payment["method"], payment["amount"]["amount"]) for payment in document["payments"]
    ]
    amounts = [amount_minor for _, amount_minor in payments]
    total_minor = document["total"]["amount"]
    month = f"by_month.{order.purchased_at:%Y-%m}"
    for name in ("orders", f"{month}.orders"):
        data[name] += 1
    for prefix in ("", f"{month}."):
        data[f"{prefix}item_cents"] += goods.total()
        data[f"{prefix}freight_cents"] += freight.total()
    data["payments"] += len(amounts)
    data["payment_cents"] += sum(amounts)
    data["multi_seller_orders"] += len(goods) > 1
    data["orders_total_ne_payments"] += sum(amounts) != total_minor
    for kind, amount_minor in kinds_of(order.payments, payments):
        data[f"payment_type_cents.{kind}"] += amount_minor
    books["total_cents"] += total_minor
    books["discount_cents"] += document["discount_total"]["amount"]
    books["tax_cents"] += document["tax_total"]["amount"]
    books["refunded_cents"] += document["refunded_total"]["amount"]
    books["captured_cents"] += sum(
        payment["captured"]["amount"] for payment in document["payments"]
    )
    problem = _problem_of(order, document, goods=goods, freight=freight)
    if problem is None:
        data[f"status.{order.source_status}"] += 1
        books[f"outcome.{order.outcome.value}"] += 1
        if order.source_status == DELIVERED:
            for source_id, goods_minor in goods.items():
                data[f"delivered_seller_item_cents.{source_id}"] += goods_minor
    else:
        observed.mismatches.append(f"{order.id}: {problem}")
    return set(goods)


def kinds_of(planned: tuple[Part, ...], payments: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The data's word for each payment that the market holds, told by its method and amount."""
    waiting = list(planned)
    kinds = []
    for payment in payments:
        _, amount_minor = payment
        match = next(
            (part for part in waiting if (part.method, part.amount_minor) == payment), None
        )
        if match is not None:
            waiting.remove(match)
        kinds.append((match.kind if match else "unplanned", amount_minor))
    return kinds


def _problem_of(
    order: PlannedOrder, document: Any, *, goods: Counter[str], freight: Counter[str]
) -> str | None:
    """The first thing in which the market's order isn't the planned one."""
    planned_goods: Counter[str] = Counter()
    for line in order.lines:
        planned_goods[line.listing.seller_id] += line.unit_price_minor * line.quantity
    refunded_minor = order.total_minor if order.outcome.is_refunded else 0
    captured_minor = order.total_minor if order.outcome.is_paid else 0
    captured = sum(payment["captured"]["amount"] for payment in document["payments"])
    checks: tuple[tuple[str, object, object], ...] = (
        ("reference", order.id, document["reference"]),
        ("status", order.outcome.status, document["status"]),
        ("total", order.total_minor, document["total"]["amount"]),
        ("goods by seller", planned_goods, goods),
        ("freight by seller", Counter(order.freight_minor), freight),
        ("captured", captured_minor, captured),
        ("refunded", refunded_minor, document["refunded_total"]["amount"]),
        ("payment status", _payment_status(order.outcome), document["payment_status"]),
    )
    for name, planned, found in checks:
        if found != planned:
            return f"{name} is {found}, not {planned}"
    return None


def _payment_status(outcome: Outcome) -> str:
    if outcome.is_refunded:
        return "refunded"
    if outcome.is_paid:
        return "paid"
    return "pending" if outcome is Outcome.PENDING_PAYMENT else "unpaid"


def _add_ledger(books: Figures, ledger: Any, source_ids: Mapping[str, str]) -> None:
    """Add what each seller is owed, and by how much debits and credits differ, if they do."""
    for transaction in ledger["transactions"]:
        balance: Counter[str] = Counter()
        for entry in transaction["entries"]:
            amount_minor = entry["amount"]
            signed_minor = amount_minor if entry["direction"] == "credit" else -amount_minor
            balance[entry["currency"]] += signed_minor
            kind, _, owner = entry["account"].partition(":")
            if f"{kind}:" in SELLER_ACCOUNTS:
                name = f"ledger_seller_cents.{source_ids.get(owner, owner)}"
                books[name] += signed_minor
        books["ledger_imbalance_cents"] += sum(abs(amount) for amount in balance.values())
