"""What a provider asks for a chargeback: at once, later, and given back after all.

A fee is told by a report, by the provider's answer, or by its movement alone. Whoever hears of it
first books it, under the lock of its order; to the others it is known.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Chargeback, ReportedChargeback
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import chargeback_movements, chargebacks, disputes
from gosellr.services import chargeback_books, ledger_service, order_steps, refund_books
from gosellr.utils.dispute_postings import (
    FeeShare,
    chargeback_fee,
    chargeback_fee_returned,
)
from gosellr.utils.disputes import FeeBearer
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.money import split
from gosellr.utils.policy import MarketPolicy


def fee_shares(
    shares: Sequence[tuple[SellerOrder, int]], fee_minor: int, *, policy: MarketPolicy
) -> list[FeeShare]:
    """What each seller bears of a fee, by what it answers for of the chargeback."""
    if policy.disputes.fee_borne_by is not FeeBearer.SELLER or not shares or not fee_minor:
        return []
    borne = split(fee_minor, [share for _, share in shares])
    return [
        FeeShare(seller_id=part.seller_id, seller_order_id=part.id, amount_minor=amount_minor)
        for (part, _), amount_minor in zip(shares, borne, strict=True)
    ]


async def keep_up(
    connection: Connection,
    *,
    order: Order,
    known: Chargeback,
    reported: ReportedChargeback,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """What its gateway tells later: how far it has gone, and what it costs. A fee that a movement
    told before the gateway's answer does stays, unless that says that it was given back."""
    changed = await chargebacks.note_stage(
        connection,
        chargeback_id=known.id,
        stage=reported.stage,
        charges=reported.charges or known.charges,
    )
    if reported.fee_minor <= known.fee_minor and not reported.fee_returned:
        return changed
    booked = await bring_to(
        connection, order=order, chargeback=known, fee_minor=reported.fee_minor, policy=policy,
        now=now,
    )  # fmt: skip
    return changed or booked


async def bring_to(
    connection: Connection,
    *,
    order: Order,
    chargeback: Chargeback,
    fee_minor: int,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Book by how much a chargeback's fee is another than the books know; whether it is.

    The order is locked by the caller.
    """
    change_minor = fee_minor - chargeback.fee_minor
    if not change_minor:
        return False
    if not await chargebacks.change_fee(connection, chargeback=chargeback, fee_minor=fee_minor):
        raise RuntimeError(f"the fee of chargeback {chargeback.id} moved under its order's lock")
    if change_minor > 0:
        answering = await _shares(connection, order=order, chargeback=chargeback)
        draft = chargeback_fee(
            gateway=chargeback.gateway, amount_minor=change_minor, currency=chargeback.currency,
            shares=fee_shares(answering, change_minor, policy=policy),
        )  # fmt: skip
    else:
        draft = await _returned(connection, order, chargeback, -change_minor)
    await chargeback_books.book(
        connection, draft, chargeback=chargeback, number=chargeback.fee_count + 1, now=now
    )
    return True


async def _shares(
    connection: Connection, *, order: Order, chargeback: Chargeback
) -> list[tuple[SellerOrder, int]]:
    """What its sellers' cases are about now, which a refund that was refused since may have
    changed."""
    parts = {part.id: part for part in order.parts}
    cases = await disputes.of_chargeback(connection, chargeback_id=chargeback.id)
    return [
        (parts[case.seller_order_id], case.amount_minor)
        for case in cases
        # What a gift card was paid with is no seller's.
        if case.amount_minor and case.seller_order_id is not None
    ]


async def _returned(
    connection: Connection,
    order: Order,
    chargeback: Chargeback,
    amount_minor: int,
) -> TransactionDraft:
    """A fee, or a part of it, goes back to whoever bore it, as the books have it: who answers for
    the chargeback, and who is to bear fees, may have changed since."""
    borne = await chargebacks.fee_borne(connection, chargeback=chargeback)
    by_market_minor = chargeback.fee_minor - sum(one.amount_minor for one in borne)
    # Nobody gets more than it bore: all of them together bore the whole fee.
    *back, _ = split(amount_minor, [*(one.amount_minor for one in borne), by_market_minor])
    shares = [
        replace(one, amount_minor=part_minor)
        for one, part_minor in zip(borne, back, strict=True)
        if part_minor
    ]
    owed_minor: dict[UUID, int] = {}
    if shares:
        # Whoever recovers a debt holds these: so it can't be recovered and forgiven at once.
        accounts = [account for part in order.parts for account in refund_books.pots_of(part)]
        await ledger_service.locked_balances(
            connection, accounts=sorted(accounts), currency=order.currency
        )
        for share in shares:
            owed_minor[share.seller_id] = await ledger_service.receivable_of(
                connection, seller_id=share.seller_id, currency=order.currency
            )
    return chargeback_fee_returned(
        gateway=chargeback.gateway, amount_minor=amount_minor, currency=chargeback.currency,
        shares=shares, owed_minor=owed_minor,
    )  # fmt: skip


async def told_apart(connection: Connection, *, gateway: str, limit: int = 100) -> list[UUID]:
    """The chargebacks of a gateway for which a movement that waits asks a fee."""
    return await chargeback_movements.with_fees_told(connection, gateway=gateway, limit=limit)


async def book_told(
    connection: Connection, *, chargeback_id: UUID, policy: MarketPolicy, now: datetime
) -> bool:
    """Book what movements tell of a chargeback's fee beyond what the books know; whether any."""
    found = await chargebacks.load(connection, chargeback_id=chargeback_id)
    if found is None:
        return False
    order = await order_steps.lock_and_load(connection, order_id=found.order_id)
    chargeback = await chargebacks.load(connection, chargeback_id=chargeback_id)
    told_minor = await chargeback_movements.fee_told(connection, chargeback_id=chargeback_id)
    if chargeback is None or told_minor <= chargeback.fee_minor:
        return False
    return await bring_to(
        connection, order=order, chargeback=chargeback, fee_minor=told_minor, policy=policy, now=now
    )
