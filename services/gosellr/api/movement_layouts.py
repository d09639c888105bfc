"""How movements are told: to a seller, to a buyer, to whoever runs the market."""

from decimal import Decimal
from typing import Any

from gosellr.api.exports import Layout
from gosellr.flows import history_files
from gosellr.flows.history_files import (
    decimal_of,
    description_of,
    instant_of,
    method_of,
    number_of,
    pot_of,
)
from gosellr.services.statement_service import Movement
from gosellr.utils.ledger import Side, account_kind
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


def _sign(account: str) -> int:
    """1 for an account that grows by credits, else -1."""
    return 1 if account_kind(account).side in {Side.LIABILITY, Side.INCOME} else -1


def _own_change(movement: Movement) -> int:
    """By how much its own account grew."""
    return _sign(movement.account) * movement.change_minor


def journal_layout(*, has_balance: bool, account: str | None) -> Layout:
    """The journal's; the balance is in the sense of the `account` that was asked for."""

    def balance(movement: Movement) -> int | None:
        if not has_balance:
            return None
        return (1 if account is None else _sign(account)) * movement.balance_minor

    def document(movement: Movement) -> dict[str, Any]:
        held = balance(movement)
        told = _seller_fields(movement)
        return {
            **told,
            "direction": movement.direction,
            "change": _money(_own_change(movement), movement),
            "balance": None if held is None else _money(held, movement),
        }

    def row(movement: Movement) -> tuple[str | Decimal | None, ...]:
        held = balance(movement)
        return (
            instant_of(movement.booked_at),
            movement.kind,
            movement.account,
            movement.direction,
            number_of(movement),
            decimal_of(_own_change(movement), movement),
            None if held is None else decimal_of(held, movement),
            movement.currency,
            str(movement.transaction_id),
        )

    return Layout(
        name="journal",
        header=(
            "booked_at", "kind", "account", "direction", "order_number", "change", "balance",
            "currency", "transaction_id",
        ),
        document=document,
        row=row,
    )  # fmt: skip


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
