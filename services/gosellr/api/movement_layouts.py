"""How movements are told: to a seller, to a buyer, to whoever runs the market."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from gosellr.api.exports import Layout
from gosellr.services.statement_service import POTS, Movement
from gosellr.utils.ids import order_number
from gosellr.utils.ledger import Side, account_kind, account_owner
from gosellr.utils.money import Money, to_decimal_string
from gosellr.utils.statements import describe, describe_to_buyer

_ANY_ID = UUID(int=0)
_POT_OF = {account_kind(account_of(_ANY_ID)).name: pot for pot, account_of in POTS.items()}


def _money(minor: int, movement: Movement) -> Money:
    return Money(minor, movement.currency)


def _decimal(minor: int, movement: Movement) -> Decimal:
    return Decimal(to_decimal_string(minor, movement.currency))


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _number(movement: Movement) -> str | None:
    return None if movement.order_number is None else order_number(movement.order_number)


def _description(movement: Movement) -> str:
    return describe(
        kind=movement.kind, account=movement.account, is_credit=movement.direction == "credit"
    )


def _pot(movement: Movement) -> str:
    return _POT_OF[account_kind(movement.account).name]


def _seller_document(movement: Movement) -> dict[str, Any]:
    return {
        "id": movement.id,
        "transaction_id": movement.transaction_id,
        "kind": movement.kind,
        "description": _description(movement),
        "account": _pot(movement),
        "amount": _money(movement.change_minor, movement),
        "balance": _money(movement.balance_minor, movement),
        "order_id": movement.order_id,
        "order_number": _number(movement),
        "seller_order_id": movement.seller_order_id,
        "refund_id": movement.refund_id,
        "payout_id": movement.payout_id,
        "effective_at": movement.effective_at,
        "booked_at": movement.booked_at,
    }


OF_SELLER = Layout(
    name="transactions",
    header=(
        "booked_at", "effective_at", "description", "account", "order_number", "amount",
        "balance", "currency", "transaction_id", "kind",
    ),
    document=_seller_document,
    row=lambda each: (
        _instant(each.booked_at),
        _instant(each.effective_at),
        _description(each),
        _pot(each),
        _number(each),
        _decimal(each.change_minor, each),
        _decimal(each.balance_minor, each),
        each.currency,
        str(each.transaction_id),
        each.kind,
    ),
)  # fmt: skip


def _method(movement: Movement) -> str:
    kind = account_kind(movement.account)
    return str(account_owner(movement.account)) if kind.owner == "gateway" else kind.name


def _buyer_document(movement: Movement) -> dict[str, Any]:
    return {
        "id": movement.id,
        "transaction_id": movement.transaction_id,
        "kind": movement.kind,
        "description": describe_to_buyer(movement.kind),
        "method": _method(movement),
        "amount": _money(movement.change_minor, movement),
        "paid": _money(movement.balance_minor, movement),
        "order_id": movement.order_id,
        "order_number": _number(movement),
        "refund_id": movement.refund_id,
        "booked_at": movement.booked_at,
    }


OF_BUYER = Layout(
    name="payments",
    header=("booked_at", "description", "method", "order_number", "amount", "paid", "currency"),
    document=_buyer_document,
    row=lambda each: (
        _instant(each.booked_at),
        describe_to_buyer(each.kind),
        _method(each),
        _number(each),
        _decimal(each.change_minor, each),
        _decimal(each.balance_minor, each),
        each.currency,
    ),
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
            _instant(movement.booked_at),
            movement.kind,
            movement.account,
            movement.direction,
            _number(movement),
            _decimal(_own_change(movement), movement),
            None if held is None else _decimal(held, movement),
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
        "description": _description(movement),
        "account": movement.account,
        "order_id": movement.order_id,
        "order_number": _number(movement),
        "seller_order_id": movement.seller_order_id,
        "refund_id": movement.refund_id,
        "payout_id": movement.payout_id,
        "effective_at": movement.effective_at,
        "booked_at": movement.booked_at,
    }
