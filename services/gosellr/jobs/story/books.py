"""Chapter 9: the books are opened, everything is added up, and the audit looks."""

from collections.abc import Mapping
from typing import Final

from gosellr.core.transact import ask
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.jobs.story.month import Differs
from gosellr.jobs.story.pen import money
from gosellr.jobs.story.stage import CURRENCY, Shop, Stage
from gosellr.services import explanation_service, ledger_service, statement_service
from gosellr.services.audit_service import NAMES, Finding
from gosellr.services.statement_service import BookedTransaction, Movement
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import (
    ACCOUNT_KINDS,
    Direction,
    Entry,
    Side,
    TransactionKind,
    account_kind,
)
from gosellr.utils.statements import describe
from gosellr.utils.stored_value import GIFT_CARD

_MOVEMENTS_MAX: Final = 10_000

# Where the buyer's money itself is; all other accounts say whose it is.
_MONEY: Final = frozenset(
    {
        "gateway_clearing",
        "refund_in_transit",
        "dispute_receivable",
        "gateway_fee",
        "stored_value_held",
        "gift_card",
        "store_credit",
    }
)
_BUYERS_MONEY: Final = frozenset({"gateway_clearing", "stored_value_held"})
_RETURNED: Final = {
    TransactionKind.REFUND_CONFIRMED: frozenset({"gateway_clearing", "gift_card", "store_credit"}),
    TransactionKind.CHARGEBACK_LOST: frozenset({"dispute_receivable"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How an order's money was divided: what was paid less what went back is whose it is.

    `shares` are in the order of booking, by whose they are; what the marketplace gave is negative.
    """

    order: str
    paid_minor: int
    returned_minor: int
    shares: dict[str, int]


async def explained(stage: Stage) -> None:
    """Each seller's movements, with the balance after each."""
    stage.pen.chapter(9, "The books, opened")
    for shop in stage.shops.values():
        await _explain(stage, shop)


async def _explain(stage: Stage, shop: Shop) -> None:
    told = await ask(
        stage.resources.db,
        explanation_service.explain,
        subject=str(shop.id),
        limit=_MOVEMENTS_MAX,
    )
    rows = [
        (
            f"{one.booked_at:%d %b %H:%M}  {_meaning(one)}",
            "" if one.order_number is None else order_number(one.order_number),
            one.account.partition(":")[0].removeprefix("seller_"),
            _figure(one.change_minor),
            _figure(one.balance_minor),
        )
        for one in reversed(told.movements)
    ]
    stage.pen.table(
        f"{shop.name}: what the marketplace owes it, movement by movement",
        ("", "order", "account", "amount", "balance"),
        rows,
    )


def _meaning(one: Movement) -> str:
    return describe(kind=one.kind, account=one.account, is_credit=one.direction == "credit")


async def trial_balance(stage: Stage) -> dict[str, int]:
    """What all accounts hold by kind, debits positive: it sums to zero.

    Raises:
        Differs: it doesn't.
    """
    accounts = sorted({one.account for one in stage.journal.movements})
    held = await ask(stage.resources.db, ledger_service.balances, accounts=accounts)
    by_kind: dict[str, int] = {}
    for (account, _), minor in held.items():
        kind = account_kind(account)
        grows_by_credit = kind.side in {Side.LIABILITY, Side.INCOME}
        by_kind[kind.name] = by_kind.get(kind.name, 0) + (-minor if grows_by_credit else minor)
    in_order = {name: by_kind[name] for name in ACCOUNT_KINDS if by_kind.get(name)}
    debit_minor = sum(minor for minor in in_order.values() if minor > 0)
    credit_minor = -sum(minor for minor in in_order.values() if minor < 0)
    stage.pen.table(
        f"Trial balance of {len(accounts)} accounts, by kind where there is anything left",
        ("", "debit", "credit"),
        [
            *(
                (name, _figure(minor) if minor > 0 else "", _figure(-minor) if minor < 0 else "")
                for name, minor in in_order.items()
            ),
            ("all together", _figure(debit_minor), _figure(credit_minor)),
        ],
    )
    if debit_minor != credit_minor:
        raise Differs(f"debits are {debit_minor}, credits {credit_minor}")
    return in_order


async def divided(stage: Stage) -> list[Division]:
    """How the money of each order was divided.

    Raises:
        Differs: the shares aren't what the buyer paid, less what went back.
    """
    divisions = []
    for name in stage.orders:
        order = await stage.order(name)
        booked = await ask(stage.resources.db, statement_service.order_ledger, order_id=order.id)
        one = _division(stage, order_number(order.number), booked)
        stays_minor = one.paid_minor - one.returned_minor
        if sum(one.shares.values()) != stays_minor:
            raise Differs(f"{one.order}: {one.shares} of {stays_minor}")
        parts = " + ".join(
            f"{_figure(payment.captured_minor)} by {_WAYS.get(payment.method, payment.method)}"
            for payment in order.payments
        )
        stage.pen.say(
            f"{one.order}: Ada paid {parts} and got {_figure(one.returned_minor)} back."
            f" {money(stays_minor, CURRENCY)} stay{_told(one.shares)}."
        )
        divisions.append(one)
    return divisions


def _told(shares: Mapping[str, int]) -> str:
    """Whose the money is, in a sum: first what somebody has, then what the marketplace gave."""
    if not shares:
        return ""
    has = " + ".join(f"{_figure(minor)} {whose}" for whose, minor in shares.items() if minor > 0)
    gave = "".join(f" − {_figure(-minor)} {whose}" for whose, minor in shares.items() if minor < 0)
    return f" = {has}{gave}"


def _division(stage: Stage, order: str, booked: list[BookedTransaction]) -> Division:
    paid_minor = returned_minor = 0
    shares: dict[str, int] = {}
    for transaction in booked:
        for entry in transaction.entries:
            kind = account_kind(entry.account).name
            if transaction.kind == TransactionKind.SALE and _is_paid(entry):
                paid_minor += entry.amount_minor
            if entry.direction is Direction.CREDIT and kind in _RETURNED.get(
                TransactionKind(transaction.kind), ()
            ):
                returned_minor += entry.amount_minor
            if kind not in _MONEY:
                whose = _whose(stage, entry.account)
                shares[whose] = shares.get(whose, 0) + _credited_minor(entry)
    return Division(
        order=order,
        paid_minor=paid_minor,
        returned_minor=returned_minor,
        shares={whose: minor for whose, minor in shares.items() if minor},
    )


def _is_paid(entry: Entry) -> bool:
    kind = account_kind(entry.account).name
    return entry.direction is Direction.DEBIT and kind in _BUYERS_MONEY


def _credited_minor(entry: Entry) -> int:
    return entry.amount_minor if entry.direction is Direction.CREDIT else -entry.amount_minor


def _whose(stage: Stage, account: str) -> str:
    kind = account_kind(account)
    if kind.owner == "seller":
        return stage.name_of(account).partition(" · ")[2]
    return _WORDS.get(kind.name, kind.name)


_WORDS: Final = {
    "commission": "commission",
    "tax_payable": "tax on commission",
    "promotion_cost": "that the marketplace gave with the coupon",
}
_WAYS: Final = {GIFT_CARD: "gift card", SandboxGateway.name: "card"}


async def audited(stage: Stage) -> list[Finding]:
    """Everything that is wrong with this market."""
    await upkeep.roll_up_ledger(stage.resources)
    await upkeep.seal_ledger(stage.resources)
    found = await audit_market(
        stage.resources.db,
        gateways=stage.resources.gateways,
        payout_providers=stage.resources.payout_providers,
        now=stage.clock.now(),
    )
    if not found:
        stage.pen.say(f"The audit: all {len(NAMES)} invariants hold.")
    for finding in found:
        stage.pen.table(
            f"The audit: “{finding.name}” is broken",
            ("row", "problem"),
            [(row.row, row.problem) for row in finding.rows],
        )
    return found


def _figure(minor: int) -> str:
    return money(minor, CURRENCY).removesuffix(f" {CURRENCY}")
