"""Bank transfers as they are told and answered."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Moment,
    MoneyIn,
    MoneyOut,
    NoCard,
    PageFilters,
    PageOut,
    Reason,
    RequestModel,
    line,
)
from gosellr.flows.bank_transfers import TakenStatement, ToSend, TypedAccount
from gosellr.services.hand_refund_service import SentTransfer
from gosellr.services.receipt_service import TakenReceipt
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.creditor_reference import in_groups, parse_reference, reference_of
from gosellr.utils.iban import parse_iban
from gosellr.utils.ids import order_number
from gosellr.utils.moments import is_within_reason
from gosellr.utils.receipts import ReceiptOutcome

Document = dict[str, Any]


def _only_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a day is written as YYYY-MM-DD")  # noqa: TRY004  (pydantic's way)
    return value


def _within_reason(value: date) -> date:
    if not is_within_reason(value):
        raise ValueError("this is no day that a market has")
    return value


Day = Annotated[
    date,
    BeforeValidator(_only_text),
    AfterValidator(_within_reason),
    Field(examples=["2026-03-03"], json_schema_extra={"maxLength": 10}),
]
BankName = Annotated[str, line(200)]
Reference = Annotated[
    str,
    line(60),
    AfterValidator(parse_reference),
    Field(description="A creditor reference (ISO 11649), blanks allowed"),
]
Iban = Annotated[str, line(60), AfterValidator(parse_iban)]
Holder = Annotated[str, line(140), NoCard]


class ReceiptIn(RequestModel):
    """A transfer that arrived. `transaction_id` is the bank's own name of it: the same one again
    counts once."""

    reference: Reference
    amount: MoneyIn
    value_date: Day
    transaction_id: BankName
    payer_name: Holder | None = None
    payer_iban: Iban | None = None

    def as_line(self) -> BankLine:
        """As a line of a statement."""
        return BankLine(
            transaction_id=self.transaction_id,
            amount_minor=self.amount.amount,
            currency=self.amount.currency,
            value_date=_moment(self.value_date),
            text=self.reference,
            payer_name=self.payer_name,
            payer_iban=self.payer_iban,
        )


class ReceiptAssign(RequestModel):
    """What a transfer was meant for."""

    reference: Reference


class TransferSent(RequestModel):
    """A transfer that left, by the bank's own name."""

    transaction_id: BankName
    sent_on: Day

    def as_value(self) -> SentTransfer:
        """As services take it."""
        return SentTransfer(transaction_id=self.transaction_id, sent_at=_moment(self.sent_on))


class RefundAccountIn(RequestModel):
    """Where money goes back to."""

    iban: Annotated[str, line(60)]
    holder: Holder

    def as_value(self) -> TypedAccount:
        """As flows take it."""
        return TypedAccount(iban=self.iban, holder=self.holder)


class HandRefundSent(TransferSent):
    """A refund that was sent; with the account it went to where nobody had named one."""

    account: RefundAccountIn | None = None


class HandRefundFailed(RequestModel):
    """Why a refund can't be sent."""

    reason: Reason


class HandRefundFilters(PageFilters):
    """Which page."""


class ReceiptOut(AnswerModel):
    """A transfer, and what became of it. `suspended` of it waits for a decision."""

    id: UUID
    transaction_id: str
    outcome: ReceiptOutcome
    amount: MoneyOut
    suspended: MoneyOut
    order_id: UUID | None
    known: bool


class BankStatementOut(AnswerModel):
    """What a statement brought. `skipped` lines are money that left the account; `reversed` ones
    undo something earlier and wait among the movements that nobody has explained; `proposed` ones
    wait for a second person."""

    known: int
    skipped: int
    reversed: int
    proposed: int
    outcomes: dict[str, int]
    items: list[ReceiptOut]


class RefundAccountOut(AnswerModel):
    """Where it goes."""

    iban: str
    holder: str | None


class HandRefundOut(AnswerModel):
    """Money that a person sends back: a refund, or a transfer that paid for nothing."""

    id: UUID
    kind: str
    refund_id: UUID | None
    order_id: UUID
    order_number: str
    amount: MoneyOut
    status: str
    transaction_id: str | None
    account: RefundAccountOut | None
    reference: Annotated[str, Field(description="What to write on it")]
    created_at: Moment


class HandRefundPageOut(PageOut[HandRefundOut]):
    """What waits to be sent, the longest first."""


class NamedAccountOut(AnswerModel):
    """The account that was named: its end is all that is shown."""

    last_four: str


def receipt_document(taken: TakenReceipt) -> Document:
    """A transfer as it is answered."""
    return {
        "id": taken.id,
        "transaction_id": taken.transaction_id,
        "outcome": taken.outcome,
        "amount": _money(taken.amount_minor, taken.currency),
        "suspended": _money(taken.suspended_minor, taken.currency),
        "order_id": taken.order_id,
        "known": taken.known,
    }


def statement_document(statement: TakenStatement) -> Document:
    """A statement as it is answered."""
    outcomes: dict[str, int] = {}
    for one in statement.taken:
        outcomes[one.outcome.value] = outcomes.get(one.outcome.value, 0) + 1
    return {
        "known": sum(one.known for one in statement.taken),
        "skipped": statement.skipped_count,
        "reversed": statement.reversed_count,
        "proposed": len(statement.proposed),
        "outcomes": outcomes,
        "items": [receipt_document(one) for one in statement.taken],
    }


def hand_refund_document(to_send: ToSend) -> Document:
    """Money to be sent back, as it is answered."""
    refund, account = to_send.refund, to_send.account
    return {
        "id": refund.id,
        "kind": refund.kind,
        "refund_id": refund.refund_id,
        "order_id": refund.order_id,
        "order_number": order_number(refund.order_number),
        "amount": _money(refund.amount_minor, refund.currency),
        "status": refund.status,
        "transaction_id": refund.reference,
        "account": None if account is None else {"iban": account.iban, "holder": account.holder},
        "reference": in_groups(reference_of(refund.id)),
        "created_at": refund.created_at,
    }


def _money(amount_minor: int, currency: str) -> Document:
    return {"amount": amount_minor, "currency": currency}


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
