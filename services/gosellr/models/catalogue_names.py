"""What of the public catalogue a fact makes untrue: the one table from facts to names.

An answer that is kept depends on names, and a fact changes names. A product's own page depends
on the product and on the catalogue; a list on the cards; the tree on the cards, which it counts,
and the categories.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.models.events import Fact, FactType

CATALOGUE = "catalogue"
CARDS = "cards"
CATEGORIES = "categories"
EVERYTHING = (CATALOGUE, CARDS, CATEGORIES)

# More listings than this are called the whole catalogue.
NAMED_MAX = 200

# What happens to accounts, payments, payouts and parcels shows on no public page: what was held
# for an order doesn't count as available, and leaves the shelf and the hold together.
QUIET = frozenset(
    {
        FactType.ACCOUNT_REGISTERED,
        FactType.ACCOUNT_SESSIONS_REVOKED,
        FactType.SELLER_REGISTERED,
        FactType.SELLER_REJECTED,
        FactType.IMPORT_REQUESTED,
        FactType.IMPORT_FINISHED,
        FactType.ORDER_AUTHORIZED,
        FactType.ORDER_AUTHORIZATION_EXPIRING,
        FactType.ORDER_CAPTURED_SHORT,
        FactType.ORDER_PAID,
        FactType.ORDER_PAYMENT_FAILED,
        FactType.ORDER_EXPIRED,  # What it gives back is told as stock.
        FactType.ORDER_CANCELLED,  # Likewise.
        FactType.SELLER_ORDER_STATUS_CHANGED,
        FactType.SELLER_ORDER_CAPTURED,
        FactType.SELLER_ORDER_REDUCED,  # What it gives back is told as stock.
        FactType.SHIPMENT_CREATED,
        FactType.SHIPMENT_DELIVERED,
        FactType.REFUND_REQUESTED,
        FactType.REFUND_SUCCEEDED,
        FactType.REFUND_FAILED,
        FactType.SALE_RELEASED,
        FactType.PAYOUT_REQUESTED,
        FactType.PAYOUT_PAID,
        FactType.PAYOUT_FAILED,
        FactType.PAYOUT_FOUND_SENT,
        FactType.PAYOUT_CANCELLED,
        FactType.PAYOUT_SETTINGS_CHANGED,
        FactType.PAYOUT_DESTINATION_CHANGED,
        FactType.SELLER_TAX_IDENTITY_CHANGED,
        FactType.SELLER_LETTERHEAD_CHANGED,
        FactType.SELLER_TAX_IDENTITY_ASKED,
        FactType.SELLER_TAX_HOLD_LIFTED,
        FactType.SELLER_TAX_HOLD_RESTORED,
        FactType.TAX_RETURN_FILED,
        FactType.ORDER_CASH_PROMISED,
        FactType.ORDER_TRANSFER_AWAITED,
        FactType.ORDER_TRANSFER_PART_ARRIVED,
        FactType.RESERVE_RELEASED,
        FactType.RECOVERY_PLAN_CHANGED,
        FactType.ADJUSTMENT_PREPARED,
        FactType.ADJUSTMENT_APPROVED,
        FactType.ADJUSTMENT_REJECTED,
        FactType.ACCOUNT_PASSWORD_CHANGED,
        FactType.GIFT_CARD_RELEASED,
        FactType.GIFT_CARD_RESTORED,
        FactType.GIFT_CARD_SENT,
        FactType.STORED_VALUE_MOVED,
        FactType.STORE_CREDIT_GIVEN,
        FactType.PAYOUT_DESTINATION_WITHDRAWN,
        FactType.PROPOSAL_PREPARED,
        FactType.PROPOSAL_APPROVED,
        FactType.PROPOSAL_REJECTED,
        FactType.COMMISSION_RULE_CREATED,
        FactType.COMMISSION_RULE_CHANGED,
        FactType.COMMISSION_RULE_ENDED,
        FactType.BANK_FILE_MADE,
        FactType.BANK_FILE_EXECUTED,
        FactType.BANK_FILE_REJECTED,
        FactType.PAYOUT_RECALL_ASKED,
        FactType.PAYOUT_RECALL_REFUSED,
        FactType.PAYOUT_ACCOUNT_CHANGED,
        FactType.PAYOUT_ACCOUNT_BANK_FAILED,
        FactType.DISPUTE_OPENED,
        FactType.DISPUTE_MESSAGE_ADDED,
        FactType.DISPUTE_EVIDENCE_ADDED,
        FactType.DISPUTE_STATUS_CHANGED,
        FactType.DISPUTE_REVIEW_DUE,
        FactType.DISPUTE_REVIEW_OVERDUE,
        FactType.DISPUTE_CLOSED,
        FactType.CHARGEBACK_OPENED,
        FactType.CHARGEBACK_WON,
        FactType.CHARGEBACK_LOST,
        FactType.CHARGEBACK_REINSTATED,
        FactType.AUDIT_FOUND,
    }
)


def product_name(product_id: UUID | str) -> str:
    """The name of a product."""
    return f"product:{product_id}"


def is_shown(fields: Iterable[str]) -> bool:
    """Whether a product's page or card says any of these fields of its seller."""
    return "name" in fields


def offers_changed(aggregate_id: UUID, product_ids: Sequence[UUID]) -> list[Fact]:
    """The fact that the cards of these listings say something else; none where there are none."""
    if not product_ids:
        return []
    named = [str(one) for one in product_ids] if len(product_ids) <= NAMED_MAX else None
    return [Fact(FactType.OFFERS_CHANGED, aggregate_id, {"product_ids": named})]


def _of_itself(aggregate_id: UUID, _data: Mapping[str, Any]) -> Sequence[str]:
    return (product_name(aggregate_id),)


def _of_one(_aggregate_id: UUID, data: Mapping[str, Any]) -> Sequence[str]:
    return (product_name(data["product_id"]),)


def _of_an_order(_aggregate_id: UUID, data: Mapping[str, Any]) -> Sequence[str]:
    # Lists stay: only when the word for stock changes do cards, and that is told by itself.
    return [product_name(one) for one in data["product_ids"]]


def _of_offers(_aggregate_id: UUID, data: Mapping[str, Any]) -> Sequence[str]:
    if data["product_ids"] is None:
        return (CATALOGUE, CARDS)
    return [CARDS, *map(product_name, data["product_ids"])]


def _of_a_seller(_aggregate_id: UUID, _data: Mapping[str, Any]) -> Sequence[str]:
    return (CATALOGUE, CARDS)


def _of_a_seller_s_words(_aggregate_id: UUID, data: Mapping[str, Any]) -> Sequence[str]:
    return (CATALOGUE,) if is_shown(data["fields"]) else ()


_NAMES: Mapping[str, Callable[[UUID, Mapping[str, Any]], Sequence[str]]] = {
    FactType.PRODUCT_CREATED: _of_itself,
    FactType.PRODUCT_UPDATED: _of_itself,
    FactType.PRODUCT_STATUS_CHANGED: _of_itself,
    FactType.STOCK_CHANGED: _of_one,
    FactType.REVIEW_POSTED: _of_one,
    FactType.ORDER_PLACED: _of_an_order,
    FactType.OFFERS_CHANGED: _of_offers,
    FactType.SELLER_APPROVED: _of_a_seller,
    FactType.SELLER_SUSPENDED: _of_a_seller,
    FactType.SELLER_REINSTATED: _of_a_seller,
    FactType.SELLER_UPDATED: _of_a_seller_s_words,
    FactType.CATEGORY_CHANGED: lambda _aggregate_id, _data: EVERYTHING,
}


def names_of(fact_type: str, aggregate_id: UUID, data: Mapping[str, Any]) -> Sequence[str]:
    """The names that a fact changes; all of them where another release wrote it otherwise."""
    if fact_type in QUIET:
        return ()
    try:
        return _NAMES[fact_type](aggregate_id, data)
    except KeyError:
        return EVERYTHING
