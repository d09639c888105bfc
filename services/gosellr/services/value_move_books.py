"""What comes back to a gift card that can't be spent any more goes on to where it can be.

Whoever bought with an account gets it as store credit, a guest on a new card, whose code the order
tells like that of a card that was bought. It is never paid out: what came from a card stays value.
Where a bank has taken the card's price back for good, nobody is owed it a second time: it makes the
market's loss good.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order
from gosellr.models.stored_value_values import ValueMove
from gosellr.queries import gift_sales, outbox, value_moves
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.utils.ledger import account_kind, account_owner, gift_card, store_credit
from gosellr.utils.stored_value import GIFT_CARD
from gosellr.utils.value_postings import gift_card_loss_made_good, stored_value_moved


def cards_of(accounts: Sequence[str]) -> list[UUID]:
    """The gift cards among these accounts."""
    return [
        UUID(account_owner(account))
        for account in accounts
        if account_kind(account).name == GIFT_CARD
    ]


async def hold_over(connection: Connection, *, accounts: Sequence[str]) -> set[UUID]:
    """Keep the gift cards among these accounts as they are until the commit; gives those that can't
    be spent any more. Before their balances are locked: whoever spends takes them in that order."""
    card_ids = cards_of(sorted(set(accounts)))
    if not card_ids:
        return set()
    over = await value_moves.hold_cards(connection, card_ids=card_ids)
    return over | set(await value_moves.losses(connection, card_ids=card_ids))


async def move_on(
    connection: Connection, *, order: Order, landed: Mapping[UUID, int], now: datetime
) -> None:
    """Move on what has just come back, in minor units, to gift cards that can't be spent, under the
    lock of the order that they had paid."""
    if not landed:
        return
    owed = await _make_good(connection, landed=landed, currency=order.currency, now=now)
    moves: list[ValueMove] = []
    for card_id, amount_minor in sorted(owed.items()):
        to_card_id = None
        if order.user_id is None:
            to_card_id = await _replacement(
                connection, order=order, replaces_id=card_id, amount_minor=amount_minor, now=now
            )
        move = ValueMove(
            id=new_id(),
            order_id=order.id,
            from_card_id=card_id,
            to_card_id=to_card_id,
            to_user_id=order.user_id,
            amount_minor=amount_minor,
            currency=order.currency,
            created_at=now,
        )
        await value_moves.add(connection, move=move)
        moves.append(move)
    if not moves:
        return
    bookings = [_booking(move, now=now) for move in moves]
    await ledger_service.book(connection, bookings=bookings, now=now)
    await outbox.append(connection, [_fact(move) for move in moves], now=now)


async def _make_good(
    connection: Connection, *, landed: Mapping[UUID, int], currency: str, now: datetime
) -> dict[UUID, int]:
    """Where a card's bank has won, what comes back makes the loss good, as what was left on it did;
    gives what is owed to somebody beyond that. A card that is good again by that keeps it."""
    losses = await value_moves.losses(connection, card_ids=list(landed))
    owed = dict(landed)
    bookings: list[Booking] = []
    thawed: set[UUID] = set()
    for card_id, loss in sorted(losses.items()):
        minor = min(landed[card_id], loss.minor)
        if minor <= 0:
            continue
        owed[card_id] -= minor
        await gift_sales.count_lost(connection, order_id=loss.order_id, amount_minor=minor)
        if await gift_sales.thaw(connection, order_id=loss.order_id):
            thawed.add(card_id)
        draft = gift_card_loss_made_good(card_id=card_id, amount_minor=minor, currency=currency)
        bookings.append(
            Booking(
                draft=draft,
                cause_type="chargeback",
                cause_id=loss.chargeback_id,
                # Each time that something comes back, which whoever returns it does once.
                idempotency_key=str(new_id()),
                order_id=loss.order_id,
                actor="system",
                effective_at=now,
            )
        )
    if bookings:
        await ledger_service.book(connection, bookings=bookings, now=now)
    if thawed:
        thawed -= await value_moves.hold_cards(connection, card_ids=sorted(thawed))
    return {card_id: minor for card_id, minor in owed.items() if minor and card_id not in thawed}


async def _replacement(
    connection: Connection, *, order: Order, replaces_id: UUID, amount_minor: int, now: datetime
) -> UUID:
    """One card for all that comes back of an order: its guest has one code to keep."""
    known = await value_moves.replacement(connection, order_id=order.id)
    if known is not None:
        await value_moves.fill_replacement(connection, card_id=known, amount_minor=amount_minor)
        return known
    card_id = new_id()
    await value_moves.make_replacement(
        connection,
        card_id=card_id,
        replaces_id=replaces_id,
        amount_minor=amount_minor,
        currency=order.currency,
        now=now,
    )
    return card_id


def _booking(move: ValueMove, *, now: datetime) -> Booking:
    return Booking(
        draft=stored_value_moved(
            card_id=move.from_card_id,
            credited=_credited(move),
            amount_minor=move.amount_minor,
            currency=move.currency,
        ),
        cause_type="stored_value_move",
        cause_id=move.id,
        idempotency_key=str(move.id),
        order_id=move.order_id,
        actor="system",
        effective_at=now,
    )


def _credited(move: ValueMove) -> str:
    if move.to_card_id is not None:
        return gift_card(move.to_card_id)
    if move.to_user_id is None:
        raise RuntimeError(f"move {move.id} goes nowhere")
    return store_credit(move.to_user_id)


def _fact(move: ValueMove) -> Fact:
    about = {
        "order_id": str(move.order_id),
        "amount": {"amount": move.amount_minor, "currency": move.currency},
        "to": "store_credit" if move.to_card_id is None else "gift_card",
        "gift_card_id": None if move.to_card_id is None else str(move.to_card_id),
    }
    return Fact(FactType.STORED_VALUE_MOVED, move.id, about)
