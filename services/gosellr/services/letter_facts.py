"""What facts are about, read for many of them at once: each kind of thing by one statement."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import FactType, RecordedFact
from gosellr.models.letter_values import (
    Addressee,
    FormerContact,
    MadeRefund,
    SentParcel,
    SoldOrder,
    ToldCase,
    ToldChargeback,
    ToldGift,
    ToldPayout,
    ToldSeller,
    Tray,
)
from gosellr.queries import letter_subjects
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letters import Audience, LetterKind, plain

OPERATORS_MAX = 50
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# An address that was given up longer ago may be anybody's by now.
FORMER_FOR = timedelta(days=30)

OF_ORDERS = frozenset(
    {
        FactType.ORDER_PAID,
        FactType.ORDER_AUTHORIZED,
        FactType.ORDER_CASH_PROMISED,
        FactType.ORDER_TRANSFER_AWAITED,
        FactType.ORDER_TRANSFER_PART_ARRIVED,
        FactType.ORDER_AUTHORIZATION_EXPIRING,
        FactType.ORDER_CAPTURED_SHORT,
        FactType.ORDER_EXPIRED,
        FactType.ORDER_CANCELLED,
        FactType.SELLER_ORDER_STATUS_CHANGED,
        FactType.SELLER_ORDER_REDUCED,
        FactType.STORED_VALUE_MOVED,
        FactType.STORE_CREDIT_GIVEN,
    }
)
OF_PARCELS = frozenset({FactType.SHIPMENT_CREATED})
OF_REFUNDS = frozenset({FactType.REFUND_SUCCEEDED, FactType.REFUND_FAILED})
OF_CASES = frozenset(
    {
        FactType.DISPUTE_OPENED,
        FactType.DISPUTE_MESSAGE_ADDED,
        FactType.DISPUTE_STATUS_CHANGED,
        FactType.DISPUTE_CLOSED,
    }
)
OF_PAYOUTS = frozenset({FactType.PAYOUT_PAID, FactType.PAYOUT_FAILED, FactType.PAYOUT_FOUND_SENT})
_MOVED_ACCOUNTS = frozenset(
    {FactType.PAYOUT_DESTINATION_CHANGED, FactType.PAYOUT_DESTINATION_WITHDRAWN}
)
OF_SELLERS = frozenset(
    {
        FactType.SELLER_APPROVED,
        FactType.SELLER_REJECTED,
        FactType.SELLER_SUSPENDED,
        FactType.SELLER_REINSTATED,
        FactType.SELLER_UPDATED,
        FactType.SELLER_TAX_IDENTITY_ASKED,
        *_MOVED_ACCOUNTS,
    }
)
OF_GIFTS = frozenset({FactType.GIFT_CARD_SENT})
OF_OPERATORS = frozenset({FactType.CHARGEBACK_OPENED, FactType.AUDIT_FOUND})

OF_ACCOUNTS = frozenset({FactType.ACCOUNT_REGISTERED, FactType.ACCOUNT_PASSWORD_CHANGED})
_OF_SHOPS = OF_PAYOUTS | OF_SELLERS
_OF_BUYERS = OF_ORDERS | OF_PARCELS | OF_REFUNDS | OF_GIFTS | OF_ACCOUNTS
_TOLD = _OF_BUYERS | OF_CASES | _OF_SHOPS | OF_OPERATORS
# Few in any market. Somebody waits for what follows from them, or would want to stop it.
_URGENT = OF_OPERATORS | {
    FactType.ORDER_TRANSFER_AWAITED,
    FactType.ORDER_TRANSFER_PART_ARRIVED,
    *_MOVED_ACCOUNTS,
    FactType.PAYOUT_FOUND_SENT,
    FactType.SELLER_UPDATED,
    FactType.ACCOUNT_PASSWORD_CHANGED,
}

TRAYS: Mapping[Tray, frozenset[FactType]] = {Tray.URGENT: _URGENT, Tray.OTHER: _TOLD - _URGENT}
"""The facts that letters may follow from, by where they wait for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be written to whom; which fact it follows from is said beside it."""

    kind: LetterKind
    audience: Audience
    recipient: str
    context: Mapping[str, Any]
    order_id: UUID | None = None
    seller_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """Everything that some facts are about, by its id."""

    orders: Mapping[UUID, SoldOrder] = field(default_factory=dict)
    parcels: Mapping[UUID, SentParcel] = field(default_factory=dict)
    refunds: Mapping[UUID, MadeRefund] = field(default_factory=dict)
    cases: Mapping[UUID, ToldCase] = field(default_factory=dict)
    payouts: Mapping[UUID, ToldPayout] = field(default_factory=dict)
    chargebacks: Mapping[UUID, ToldChargeback] = field(default_factory=dict)
    sellers: Mapping[UUID, ToldSeller] = field(default_factory=dict)
    people: Mapping[UUID, Addressee] = field(default_factory=dict)
    former_contacts: Sequence[FormerContact] = ()
    # Cases that took a step, and when: what was said with it stands in the letter about it.
    moved_cases: frozenset[tuple[UUID, datetime]] = frozenset()
    operators: Sequence[Addressee] = ()
    # By their cards.
    gifts: Mapping[UUID, ToldGift] = field(default_factory=dict)


async def read_subjects(connection: Connection, facts: Sequence[RecordedFact]) -> Subjects:
    """Everything that these facts are about, as it is now."""
    parcels = await _parcels(connection, _ids(facts, OF_PARCELS))
    refunds = await _refunds(connection, _ids(facts, OF_REFUNDS))
    cases = await _cases(connection, _ids(facts, OF_CASES))
    payouts = await _payouts(connection, _ids(facts, OF_PAYOUTS))
    chargebacks = await _chargebacks(connection, _ids(facts, {FactType.CHARGEBACK_OPENED}))
    orders = await _orders(
        connection,
        {
            *_ids(facts, OF_ORDERS),
            *_named(facts, OF_ORDERS, "order_id"),
            *(one.order_id for one in parcels.values()),
            *(one.order_id for one in refunds.values()),
            *(one.order_id for one in cases.values()),
            *(one.order_id for one in chargebacks.values()),
        },
    )
    sellers = await _sellers(
        connection,
        {
            *_ids(facts, OF_SELLERS - _MOVED_ACCOUNTS),
            *_named(facts, _MOVED_ACCOUNTS, "seller_id"),
            *(one.seller_id for one in cases.values() if one.seller_id is not None),
            *(one.seller_id for one in payouts.values()),
        },
    )
    to_operators = OF_OPERATORS | {
        FactType.PAYOUT_DESTINATION_WITHDRAWN,
        FactType.PAYOUT_FOUND_SENT,
    }
    has_operators = any(fact.type in to_operators for fact in facts)
    return Subjects(
        orders=orders,
        parcels=parcels,
        refunds=refunds,
        cases=cases,
        payouts=payouts,
        chargebacks=chargebacks,
        sellers=sellers,
        people=await _people(connection, facts),
        former_contacts=await _former_contacts(connection, facts),
        moved_cases=await _moved_cases(connection, facts),
        operators=await letter_subjects.operators(connection, limit=OPERATORS_MAX)
        if has_operators
        else (),
        gifts=await _gifts(connection, _ids(facts, OF_GIFTS)),
    )


def options_text(options: Mapping[str, Any]) -> str:
    """What was chosen, in brackets; empty where nothing could be."""
    said = ", ".join(plain(value) for value in options.values())
    return f" ({said})" if said else ""


def money(amount_minor: int, currency: str) -> dict[str, Any]:
    """An amount as plain JSON."""
    return {"amount": amount_minor, "currency": currency}


def moment(at: datetime | None) -> str | None:
    """A moment as plain JSON."""
    return None if at is None else at.isoformat()


def _ids(facts: Iterable[RecordedFact], types: Collection[str]) -> set[UUID]:
    return {fact.aggregate_id for fact in facts if fact.type in types}


def _named(facts: Iterable[RecordedFact], types: Collection[str], member: str) -> set[UUID]:
    """What facts name in their data. One that another release wrote otherwise names nothing."""
    return {
        UUID(told)
        for fact in facts
        if fact.type in types and _ID.fullmatch(told := str(fact.data.get(member)))
    }


async def _orders(connection: Connection, ids: set[UUID]) -> dict[UUID, SoldOrder]:
    found = await letter_subjects.orders(connection, order_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _parcels(connection: Connection, ids: set[UUID]) -> dict[UUID, SentParcel]:
    found = await letter_subjects.parcels(connection, shipment_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _refunds(connection: Connection, ids: set[UUID]) -> dict[UUID, MadeRefund]:
    found = await letter_subjects.refunds(connection, refund_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _cases(connection: Connection, ids: set[UUID]) -> dict[UUID, ToldCase]:
    found = await letter_subjects.cases(connection, dispute_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _payouts(connection: Connection, ids: set[UUID]) -> dict[UUID, ToldPayout]:
    found = await letter_subjects.payouts(connection, payout_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _chargebacks(connection: Connection, ids: set[UUID]) -> dict[UUID, ToldChargeback]:
    found = await letter_subjects.chargebacks(connection, chargeback_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _gifts(connection: Connection, ids: set[UUID]) -> dict[UUID, ToldGift]:
    found = await letter_subjects.gifts(connection, card_ids=sorted(ids)) if ids else []
    return {one.card_id: one for one in found}


async def _sellers(connection: Connection, ids: set[UUID]) -> dict[UUID, ToldSeller]:
    found = await letter_subjects.sellers(connection, seller_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _moved_cases(
    connection: Connection, facts: Sequence[RecordedFact]
) -> frozenset[tuple[UUID, datetime]]:
    """The steps of cases in which something was said lately. Step and word are one commit, but
    aren't always read together."""
    ids = _ids(facts, {FactType.DISPUTE_MESSAGE_ADDED})
    if not ids:
        return frozenset()
    return await letter_subjects.steps_of_cases(
        connection,
        dispute_ids=sorted(ids),
        types=sorted(OF_CASES - {FactType.DISPUTE_MESSAGE_ADDED}),
    )


async def _people(connection: Connection, facts: Sequence[RecordedFact]) -> dict[UUID, Addressee]:
    ids = _named(facts, {FactType.SELLER_UPDATED}, "user_id") | _ids(facts, OF_ACCOUNTS)
    found = await letter_subjects.people(connection, user_ids=sorted(ids)) if ids else []
    return {one.id: one for one in found}


async def _former_contacts(
    connection: Connection, facts: Sequence[RecordedFact]
) -> Sequence[FormerContact]:
    moved = _MOVED_ACCOUNTS
    renamed = [
        fact
        for fact in facts
        if fact.type == FactType.SELLER_UPDATED and "email" in str(fact.data.get("fields"))
    ]
    seller_ids = _named(facts, moved, "seller_id") | {fact.aggregate_id for fact in renamed}
    if not seller_ids:
        return ()
    return await letter_subjects.former_contacts(
        connection,
        seller_ids=sorted(seller_ids),
        since=min(fact.occurred_at for fact in facts) - FORMER_FOR,
    )
