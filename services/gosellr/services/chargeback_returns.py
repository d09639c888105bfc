"""What a bank gives back after the books said that it is lost: its sellers' and the market's again,
each by what it had borne.

The sale stays undone: its refunds, its papers and its stock are as the loss left them. A report may
come twice or late: what is written is how much of it stands as given back.
"""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Chargeback, ReportedChargeback
from gosellr.models.events import FactType
from gosellr.models.order_values import Order
from gosellr.queries import chargeback_movements, chargebacks, payment_returns
from gosellr.queries.chargebacks import AWARDED
from gosellr.services import (
    came_back_books,
    chargeback_books,
    ledger_service,
    movement_books,
)
from gosellr.utils.ledger import TransactionDraft, seller_available
from gosellr.utils.reinstated_postings import (
    chargeback_reinstated,
    chargeback_taken_again,
    sellers_of,
)


async def keep_up(
    connection: Connection,
    *,
    order: Order,
    known: Chargeback,
    reported: ReportedChargeback,
    now: datetime,
) -> bool:
    """Bring what came back of a lost chargeback of a locked order of goods to what its gateway
    tells; whether that was anything. What had paid for nothing waits in suspense again, and is a
    case."""
    pays_for_nothing = order.pays_for_nothing(known.payment_id)
    back_minor = await told_minor(connection, known=known, reported=reported)
    if back_minor is None:
        return False
    if known.reinstated_minor:
        known = await _book(connection, known, back_minor=0, now=now)
    if back_minor:
        known = await _book(connection, known, back_minor=back_minor, now=now)
    await came_back_books.make_good(connection, came_back_of=known, now=now)
    if pays_for_nothing:
        await movement_books.make_good(
            connection, payment_id=known.payment_id, order_id=order.id,
            number=f"{known.id}/{known.reinstated_count}", now=now,
        )  # fmt: skip
        await payment_returns.open_cases_of(connection, payment_id=known.payment_id, now=now)
    await chargeback_books.tell(
        connection, FactType.CHARGEBACK_REINSTATED, chargeback=known, amount_minor=back_minor,
        now=now,
    )  # fmt: skip
    return True


async def told_minor(
    connection: Connection, *, known: Chargeback, reported: ReportedChargeback
) -> int | None:
    """How much of a lost chargeback is given back by now, as its gateway tells; None where that is
    no news, or where a person has explained it before it was heard of."""
    if known.status != "lost" or reported.status == "open":
        return None
    back_minor = 0
    if reported.status == "won":
        back_minor = max(0, known.amount_minor - reported.kept_minor)
    if back_minor == known.reinstated_minor:
        return None
    if await chargeback_movements.was_explained(
        connection, gateway=known.gateway, chargeback_id=known.id
    ):
        return None
    return back_minor


async def is_known(connection: Connection, reported: ReportedChargeback) -> bool:
    """Whether the books have one of this name."""
    known = await chargebacks.find(
        connection, gateway=reported.gateway, gateway_reference=reported.gateway_reference
    )
    return known is not None


async def is_kept_of_lost(connection: Connection, reported: ReportedChargeback) -> bool:
    """Whether it is what the buyer keeps of one that is lost altogether in the books: that came
    back but for this."""
    whole = await chargebacks.find(
        connection, gateway=reported.gateway,
        gateway_reference=reported.gateway_reference.removesuffix(AWARDED),
    )  # fmt: skip
    return whole is not None and whole.status == "lost"


async def _book(
    connection: Connection, known: Chargeback, *, back_minor: int, now: datetime
) -> Chargeback:
    changed = await chargebacks.reinstate(
        connection, chargeback=known, reinstated_minor=back_minor, now=now
    )
    if changed is None:
        raise RuntimeError(f"chargeback {known.id} moved under its order's lock")
    draft = await _draft(connection, known, back_minor=back_minor)
    undoes = await chargebacks.causes_of(connection, chargeback_id=known.id) if back_minor else []
    await chargeback_books.book(
        connection, draft, chargeback=known, number=changed.reinstated_count, undoes=undoes,
        now=now,
    )  # fmt: skip
    return changed


async def _draft(connection: Connection, known: Chargeback, *, back_minor: int) -> TransactionDraft:
    moved = await came_back_books.moved_of(connection, payment_id=known.payment_id)
    if not back_minor:
        return chargeback_taken_again(
            moved.came_back, own=moved.given_back_by(known.id), gateway=known.gateway,
            amount_minor=known.reinstated_minor, currency=known.currency,
        )  # fmt: skip
    taken = moved.taken_by(known.id)
    sellers = sellers_of(taken)
    # Whoever recovers a debt holds these: so it can't be recovered and forgiven at once.
    await ledger_service.locked_balances(
        connection, accounts=sorted(map(seller_available, sellers)), currency=known.currency
    )
    owed_minor = {
        seller_id: await ledger_service.receivable_of(
            connection, seller_id=seller_id, currency=known.currency
        )
        for seller_id in sellers
    }
    return chargeback_reinstated(
        taken, gateway=known.gateway, amount_minor=back_minor, currency=known.currency,
        owed_minor=owed_minor,
    )  # fmt: skip
