"""Where the money went: by tender, and by seller and month, as planned and as the market says.

Months are the data's: each order counts in the one in which it was placed there. Per seller and
month `sales` are what buyers paid for goods and freight, `refunds` what went back of it, `fees`
the commission that stayed with the market, and `net` what its ledger owes the seller for it.
Per tender, `paid` is what it paid for orders and `refunded` what it got back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.replay.figures import Figures
from bench.replay.plan import Outcome, Plan, PlannedOrder

# What a seller's money may lie in; a credit there is owed to the seller.
SELLER_ACCOUNTS = (
    "seller_pending:",
    "seller_available:",
    "seller_reserve:",
    "seller_receivable:",
    "payout_in_transit:",
)
_COMMISSION = "commission"
_BPS = 10_000


def fee_of(goods_minor: int, *, commission_bps: int) -> int:
    """The commission of a line over goods without tax, rounded half up."""
    return (2 * goods_minor * commission_bps + _BPS) // (2 * _BPS)


def expected_money(plan: Plan, *, commission_bps: int) -> Figures:
    """What the tenders, the sellers and the gift cards must show when all went as planned."""
    figures: Figures = Counter()
    for order in plan.orders:
        _expect_tenders(figures, order)
        if order.outcome.is_paid:
            _expect_sales(figures, order, commission_bps=commission_bps)
    return figures


def _expect_tenders(figures: Figures, order: PlannedOrder) -> None:
    for part in order.payments:
        if order.outcome.is_paid:
            figures[f"tender_cents.{part.method}.paid"] += part.amount_minor
        if order.outcome.is_refunded:
            figures[f"tender_cents.{part.method}.refunded"] += part.amount_minor
    for _, part in order.gift_cards:
        figures["gift_card_cents.issued"] += part.amount_minor
        figures["gift_cards"] += 1
        # What is cancelled before it is paid goes back as well; what waits stays set aside.
        if order.outcome.is_refunded or order.outcome is Outcome.CANCELLED_UNPAID:
            figures["gift_card_cents.left"] += part.amount_minor


def _expect_sales(figures: Figures, order: PlannedOrder, *, commission_bps: int) -> None:
    sales = Counter(order.freight_minor)
    fees: Counter[str] = Counter()
    for line in order.lines:
        goods_minor = line.unit_price_minor * line.quantity
        sales[line.listing.seller_id] += goods_minor
        fees[line.listing.seller_id] += fee_of(goods_minor, commission_bps=commission_bps)
    for source_id, sales_minor in sales.items():
        name = _name(source_id, order)
        figures[f"{name}.sales"] += sales_minor
        if order.outcome.is_refunded:
            figures[f"{name}.refunds"] += sales_minor
        else:
            figures[f"{name}.fees"] += fees[source_id]
            figures[f"{name}.net"] += sales_minor - fees[source_id]


def add_money(
    figures: Figures,
    order: PlannedOrder,
    *,
    document: Any,
    ledger: Any,
    source_ids: Mapping[str, str],
) -> None:
    """Add what the market says of one order."""
    for payment in document["payments"]:
        name = f"tender_cents.{payment['method']}"
        figures[f"{name}.paid"] += payment["captured"]["amount"]
        figures[f"{name}.refunded"] += payment["refunded"]["amount"]
    names = {}
    for part in document["seller_orders"]:
        names[part["id"]] = _name(source_ids.get(part["seller"]["id"], "unknown"), order)
        if document["paid_at"] is not None:
            figures[f"{names[part['id']]}.sales"] += part["totals"]["total"]["amount"]
        figures[f"{names[part['id']]}.refunds"] += part["totals"]["refunded_total"]["amount"]
    for transaction in ledger["transactions"]:
        for entry in transaction["entries"]:
            is_credit = entry["direction"] == "credit"
            signed_minor = entry["amount"] if is_credit else -entry["amount"]
            if entry["account"] == _COMMISSION:
                figures[f"{names[entry['seller_order_id']]}.fees"] += signed_minor
            elif entry["account"].startswith(SELLER_ACCOUNTS):
                figures[f"{names[entry['seller_order_id']]}.net"] += signed_minor


def add_gift_cards(figures: Figures, cards: Sequence[Any]) -> None:
    """Add what the market says of its gift cards."""
    for card in cards:
        figures["gift_cards"] += 1
        figures["gift_card_cents.issued"] += card["amount"]["amount"]
        figures["gift_card_cents.left"] += card["balance"]["amount"]


def _name(source_id: str, order: PlannedOrder) -> str:
    return f"seller_month_cents.{source_id}.{order.purchased_at:%Y-%m}"
