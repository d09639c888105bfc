"""Money of lost chargebacks that came back: with whom it is, and what another one takes of it.

Its sale stays undone, so nothing of that is left to be taken: whoever had got the money gives it,
each what of it the giving back had given them. Everything here runs under the order's lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Chargeback
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import chargebacks, ledger
from gosellr.services import chargeback_books, ledger_service
from gosellr.utils.ledger import CHARGEBACK_LOSS, Entry, TransactionKind, seller_available
from gosellr.utils.reinstated_postings import (
    chargeback_lost_again,
    held_minor_of,
    held_of,
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


async def asked_of(
    connection: Connection,
    *,
    order: Order,
    chargeback: Chargeback,
    sale: Sequence[tuple[SellerOrder, int]],
) -> list[Asked]:
    """What a chargeback asks of each seller, where `sale` is what it asks of the sale: beyond that
    it is about what had come back, the oldest first, and of which none before it is undecided.
    Sellers of whom it asks nothing are left out."""
    left_minor = chargeback.amount_minor - sum(minor for _, minor in sale)
    came_back: dict[UUID, tuple[int, int]] = {}
    if left_minor > 0:
        asked_minor = await chargebacks.asked_before(connection, chargeback=chargeback)
        for one in await chargebacks.reinstated_of_payment(
            connection, payment_id=chargeback.payment_id
        ):
            entries = await entries_of(connection, chargeback_id=one.id)
            held_minor = max(0, held_minor_of(held_of(entries)))
            passed_minor = min(asked_minor, held_minor)
            asked_minor -= passed_minor
            taken_minor = min(left_minor, held_minor - passed_minor)
            left_minor -= taken_minor
            for sign, minor in ((1, passed_minor + taken_minor), (-1, passed_minor)):
                _add(came_back, sign, taken_of_parts(entries, amount_minor=minor))
    of_sale = {part.id: minor for part, minor in sale}
    asked = [
        Asked(
            part=part,
            sale_minor=of_sale.get(part.id, 0),
            came_back_minor=max(0, came_back.get(part.id, (0, 0))[0]),
            own_minor=max(0, came_back.get(part.id, (0, 0))[1]),
        )
        for part in order.parts
    ]
    return [one for one in asked if one.amount_minor]


def _add(
    sums: dict[UUID, tuple[int, int]], sign: int, more: Mapping[UUID, tuple[int, int]]
) -> None:
    for part_id, (minor, own_minor) in more.items():
        before = sums.get(part_id, (0, 0))
        sums[part_id] = before[0] + sign * minor, before[1] + sign * own_minor


async def take(
    connection: Connection, *, chargeback: Chargeback, amount_minor: int, now: datetime
) -> int:
    """Let a lost chargeback take so much of what had come back of others of its payment, the oldest
    first; gives how much it took, which is less where there isn't so much."""
    left_minor = amount_minor
    for one in await chargebacks.reinstated_of_payment(
        connection, payment_id=chargeback.payment_id
    ):
        entries = await entries_of(connection, chargeback_id=one.id)
        taken_minor = min(left_minor, held_minor_of(held_of(entries)))
        if taken_minor > 0:
            taking = _Taking(chargeback=chargeback, came_back_of=one, amount_minor=taken_minor)
            await _take(connection, taking, entries=entries, now=now)
            left_minor -= taken_minor
    return amount_minor - left_minor


async def make_good(connection: Connection, *, payment_id: UUID, now: datetime) -> None:
    """Let what came back of lost chargebacks of a payment, and is still there, make good what the
    market bore of others, because by then nothing was left that its sellers could give: as if it
    had come back before them."""
    lost = await chargebacks.lost_of_payment(connection, payment_id=payment_id)
    for other in await chargebacks.reinstated_of_payment(connection, payment_id=payment_id):
        for one in lost:
            if one.id != other.id:
                await _make_good(connection, one, came_back_of=other, now=now)


async def _make_good(
    connection: Connection, one: Chargeback, *, came_back_of: Chargeback, now: datetime
) -> None:
    borne_minor, again_minor = await _borne_minor(connection, one)
    for due_minor, is_again in ((again_minor, True), (borne_minor, False)):
        # Of others alone: what made its own loss smaller makes good nothing.
        entries = [
            entry
            for entry in await entries_of(connection, chargeback_id=came_back_of.id)
            if entry.account != CHARGEBACK_LOSS
        ]
        taken_minor = min(due_minor, held_minor_of(held_of(entries)))
        if taken_minor > 0:
            taking = _Taking(
                chargeback=one, came_back_of=came_back_of, amount_minor=taken_minor,
                was_borne=True, is_again=is_again,
            )  # fmt: skip
            await _take(connection, taking, entries=entries, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    chargeback: Chargeback
    came_back_of: Chargeback
    amount_minor: int
    was_borne: bool = False
    # Whether the market bore it because its own bank took once more what another had taken already.
    is_again: bool = False

    @property
    def number(self) -> str:
        """Tells it from others of its chargeback."""
        number = str(self.came_back_of.id)
        if not self.was_borne:
            return number
        # Either may come back more than once, and each time something is made good.
        number += f"/{self.came_back_of.reinstated_count}/{self.chargeback.reinstated_count}"
        return f"{number}/again" if self.is_again else number

    @property
    def facts(self) -> dict[str, str]:
        """By which it is found again."""
        facts = {"came_back_of": str(self.came_back_of.id)}
        return {**facts, "taken_again": "yes"} if self.is_again else facts


async def _take(
    connection: Connection, taking: _Taking, *, entries: Sequence[Entry], now: datetime
) -> None:
    chargeback = taking.chargeback
    accounts = {seller_available(seller_id): seller_id for seller_id in sellers_of(entries)}
    held = await ledger_service.locked_balances(
        connection, accounts=sorted(accounts), currency=chargeback.currency
    )
    draft = chargeback_lost_again(
        entries,
        gateway=chargeback.gateway,
        amount_minor=taking.amount_minor,
        currency=chargeback.currency,
        available_minor={accounts[name]: minor for name, minor in held.items()},
        was_borne=taking.was_borne,
    )
    await chargeback_books.book(
        connection,
        draft,
        chargeback=chargeback,
        number=taking.number,
        facts=taking.facts,
        now=now,
    )


async def _borne_minor(connection: Connection, chargeback: Chargeback) -> tuple[int, int]:
    """What the market bears of a lost chargeback by now: because it was lost, and because its bank
    took again what another one had taken. Each loss is counted with the chargeback that made it."""
    lost = await chargebacks.lost_by(connection, chargeback_id=chargeback.id)
    back = await chargebacks.came_back_by(connection, chargeback_id=chargeback.id)
    all_minor = sum(
        entry.signed_minor
        for one in await ledger.find_all(connection, transaction_ids=[*lost, *back])
        if one.cause_id == chargeback.id
        for entry in one.entries
        if entry.account == CHARGEBACK_LOSS
    )
    held_minor = held_minor_of(held_of(await entries_of(connection, chargeback_id=chargeback.id)))
    again_minor = max(0, min(all_minor, -held_minor))
    return all_minor - again_minor, again_minor


async def entries_of(connection: Connection, *, chargeback_id: UUID) -> list[Entry]:
    """By which money of a lost chargeback came back, and was taken since: only what those have of
    it who had got it. What it makes good of another one, which is booked last, is that one's, where
    its bank had taken that again."""
    ids = await chargebacks.came_back_by(connection, chargeback_id=chargeback_id)
    entries: list[Entry] = []
    for one in await ledger.find_all(connection, transaction_ids=ids):
        if one.kind != TransactionKind.CHARGEBACK_LOST_AGAIN:
            entries += one.entries
        elif one.cause_id == chargeback_id:
            entries += one.entries[-1:]
        else:
            entries += one.entries[:-1]
    return entries
