"""Money of lost chargebacks that came back: with whom it is, and what another one takes of it.

Its sale stays undone, so nothing of that is left to be taken: whoever had got the money gives it,
each its share of what it has of it. Everything here runs under the order's lock.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Chargeback
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import chargebacks, ledger, payment_returns
from gosellr.queries.ledger import BookedTransaction
from gosellr.services import chargeback_books, ledger_service
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import (
    SUSPENSE,
    Direction,
    Entry,
    TransactionKind,
    seller_available,
)
from gosellr.utils.reinstated_postings import (
    chargeback_lost_again,
    held_minor_of,
    held_of,
    loss_minor_of,
    sellers_of,
    taken_of_parts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a chargeback asks of one seller, in the buyer's money: of its sale, and of what had
    come back. `own_minor` is what of the latter the seller itself gives."""

    part: SellerOrder
    sale_minor: int = 0
    came_back_minor: int = 0
    own_minor: int = 0

    @property
    def amount_minor(self) -> int:
        """All of it."""
        return self.sale_minor + self.came_back_minor


@dataclass(frozen=True, slots=True)
class Moved:
    """All that lost chargebacks of a payment took, gave back and took again, by the one that
    did. `sent_by_hand` is what of what came back was sent on to the buyer since."""

    transactions: Sequence[tuple[UUID, BookedTransaction]]
    sent_by_hand: Sequence[Entry] = ()

    @property
    def came_back(self) -> list[Entry]:
        """By which money came back, whichever bank gave it, and was taken since: what those have
        of it who had got it."""
        moved = [
            entry
            for _, one in self.transactions
            if one.kind != TransactionKind.CHARGEBACK_LOST
            for entry in one.entries
        ]
        return [*moved, *self.sent_by_hand]

    def taken_by(self, chargeback_id: UUID) -> list[Entry]:
        """What one of them holds, of whom, and what of it is the market's loss."""
        return [
            entry
            for cause_id, one in self.transactions
            if cause_id == chargeback_id
            for entry in one.entries
        ]

    def given_back_by(self, chargeback_id: UUID) -> list[Entry]:
        """What one of them gave back, less what it took of that again."""
        return [
            entry
            for cause_id, one in self.transactions
            if cause_id == chargeback_id and one.kind == TransactionKind.CHARGEBACK_REINSTATED
            for entry in one.entries
        ]


async def moved_of(connection: Connection, *, payment_id: UUID) -> Moved:
    """What lost chargebacks of a payment have moved by now."""
    causes = await chargebacks.moved_of_payment(connection, payment_id=payment_id)
    found = await ledger.find_all(connection, transaction_ids=list(causes))
    moved = Moved([(causes[one.id], one) for one in found])
    waited = [entry for entry in moved.came_back if entry.account == SUSPENSE]
    if not waited:
        return moved
    held_minor = await payment_returns.held_minor(connection, payment_id=payment_id)
    if held_minor >= 0:
        return moved
    gone = Entry(SUSPENSE, Direction.DEBIT, -held_minor, waited[0].currency)
    return replace(moved, sent_by_hand=(gone,))


async def asked_of(
    connection: Connection,
    *,
    order: Order,
    chargeback: Chargeback,
    sale: Sequence[tuple[SellerOrder, int]],
) -> list[Asked]:
    """What a chargeback asks of each seller, where `sale` is what it asks of the sale: beyond that
    it is about what had come back to its payment, and of which none before it is undecided.
    Sellers of whom it asks nothing are left out."""
    left_minor = chargeback.amount_minor - sum(minor for _, minor in sale)
    came_back: dict[UUID, tuple[int, int]] = {}
    if left_minor > 0:
        asked_minor = await chargebacks.asked_before(connection, chargeback=chargeback)
        moved = await moved_of(connection, payment_id=chargeback.payment_id)
        came_back = taken_of_parts(
            moved.came_back, amount_minor=left_minor, before_minor=asked_minor
        )
    of_sale = {part.id: minor for part, minor in sale}
    asked = [
        Asked(
            part=part,
            sale_minor=of_sale.get(part.id, 0),
            came_back_minor=came_back.get(part.id, (0, 0))[0],
            own_minor=came_back.get(part.id, (0, 0))[1],
        )
        for part in order.parts
    ]
    return [one for one in asked if one.amount_minor]


async def take(
    connection: Connection, *, chargeback: Chargeback, amount_minor: int, now: datetime
) -> int:
    """Let a lost chargeback take so much of what had come back to its payment; gives how much it
    took, which is less where there isn't so much."""
    moved = await moved_of(connection, payment_id=chargeback.payment_id)
    taken_minor = min(amount_minor, held_minor_of(held_of(moved.came_back)))
    if taken_minor <= 0:
        return 0
    await _take(connection, chargeback, entries=moved.came_back, amount_minor=taken_minor, now=now)
    return taken_minor


async def make_good(connection: Connection, *, came_back_of: Chargeback, now: datetime) -> None:
    """Let what came back of a lost chargeback make good what the market bore of others of its
    payment, because by then nothing was left that their sellers could give: as if it had come back
    before them."""
    payment_id = came_back_of.payment_id
    for one in await chargebacks.lost_of_payment(connection, payment_id=payment_id):
        moved = await moved_of(connection, payment_id=payment_id)
        borne_minor = loss_minor_of(moved.taken_by(one.id))
        taken_minor = min(borne_minor, held_minor_of(held_of(moved.came_back)))
        if taken_minor > 0:
            await _take(
                connection, one, entries=moved.came_back, amount_minor=taken_minor,
                came_back_of=came_back_of, now=now,
            )  # fmt: skip


async def _take(
    connection: Connection,
    chargeback: Chargeback,
    *,
    entries: Sequence[Entry],
    amount_minor: int,
    came_back_of: Chargeback | None = None,
    now: datetime,
) -> None:
    """Let a chargeback take of what came back; where `came_back_of` is given, that makes good what
    the market bore."""
    accounts = {seller_available(seller_id): seller_id for seller_id in sellers_of(entries)}
    held = await ledger_service.locked_balances(
        connection, accounts=sorted(accounts), currency=chargeback.currency
    )
    draft = chargeback_lost_again(
        entries,
        gateway=chargeback.gateway,
        amount_minor=amount_minor,
        currency=chargeback.currency,
        available_minor={accounts[name]: minor for name, minor in held.items()},
        was_borne=came_back_of is not None,
    )
    number = None
    if came_back_of is not None:
        # It may come back more than once, and each time something is made good.
        number = f"{came_back_of.id}/{came_back_of.reinstated_count}"
    await chargeback_books.book(connection, draft, chargeback=chargeback, number=number, now=now)
