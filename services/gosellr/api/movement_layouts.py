"""How movements are told: to a seller, to a buyer, to whoever runs the market."""

from typing import Any

from gosellr.api.exports import Layout
from gosellr.flows import history_files
from gosellr.flows.history_files import (
    balance_of,
    description_of,
    method_of,
    number_of,
    own_change,
    pot_of,
)
from gosellr.services.statement_service import Movement
from gosellr.utils.money import Money
from gosellr.utils.statements import describe_to_buyer


def _money(minor: int, movement: Movement) -> Money:
    return Money(minor, movement.currency)


def _seller_document(movement: Movement) -> dict[str, Any]:
    return {
        "id": movement.id,
        "transaction_id": movement.transaction_id,
        "kind": movement.kind,
        "description": description_of(movement),
        "account": pot_of(movement),
        "amount": _money(movement.change_minor, movement),
        "balance": _money(movement.balance_minor, movement),
        "order_id": movement.order_id,
        "order_number": number_of(movement),
        "seller_order_id": movement.seller_order_id,
        "refund_id": movement.refund_id,
        "payout_id": movement.payout_id,
        "effective_at": movement.effective_at,
        "booked_at": movement.booked_at,
    }


OF_SELLER = Layout(
    name=history_files.OF_SELLER.name,
    header=history_files.OF_SELLER.header,
    document=_seller_document,
    row=history_files.OF_SELLER.row,
)


def _buyer_document(movement: Movement) -> dict[str, Any]:
    return {
        "id": movement.id,
        "transaction_id": movement.transaction_id,
        "kind": movement.kind,
        "description": describe_to_buyer(movement.kind),
        "method": method_of(movement),
        "amount": _money(movement.change_minor, movement),
        "paid": _money(movement.balance_minor, movement),
        "order_id": movement.order_id,
        "order_number": number_of(movement),
        "refund_id": movement.refund_id,
        "booked_at": movement.booked_at,
    }


OF_BUYER = Layout(
    name=history_files.OF_BUYER.name,
    header=history_files.OF_BUYER.header,
    document=_buyer_document,
    row=history_files.OF_BUYER.row,
)


def journal_layout(*, has_balance: bool, account: str | None) -> Layout:
    """The journal's; the balance is in the sense of the `account` that was asked for."""
    columns = history_files.journal_columns(has_balance=has_balance, account=account)

    def document(movement: Movement) -> dict[str, Any]:
        held = _money(balance_of(movement, account=account), movement) if has_balance else None
        return {
            **_seller_fields(movement),
            "direction": movement.direction,
            "change": _money(own_change(movement), movement),
            "balance": held,
        }

    return Layout(name=columns.name, header=columns.header, document=document, row=columns.row)


def _seller_fields(movement: Movement) -> dict[str, Any]:
    return {
        "id": movement.id,
        "transaction_id": movement.transaction_id,
        "kind": movement.kind,
        "description": description_of(movement),
        "account": movement.account,
        "order_id": movement.order_id,
        "order_number": number_of(movement),
        "seller_order_id": movement.seller_order_id,
        "refund_id": movement.refund_id,
        "payout_id": movement.payout_id,
        "effective_at": movement.effective_at,
        "booked_at": movement.booked_at,
    }
