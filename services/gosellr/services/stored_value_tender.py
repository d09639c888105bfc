"""Paying with stored value: found, set aside with the order, and spent or given back with it.

The guarded balance of a gift card or of a buyer's credit is what it can't be overspent by: value
is moved out of it in the transaction that writes the attempt, by the statement that books.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError, InvalidInput
from gosellr.models.order_values import Order
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries import stored_value
from gosellr.services import ledger_service, value_move_books
from gosellr.services.basket_service import Tender
from gosellr.services.ledger_service import Booking, InsufficientBalance
from gosellr.services.value_move_books import cards_of
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import gift_card, store_credit
from gosellr.utils.states import PaymentStatus
from gosellr.utils.stored_value import (
    GIFT_CARD,
    STORED_METHODS,
    NotEnoughValue,
    PartWish,
    TenderMismatch,
    divide_total,
)
from gosellr.utils.value_postings import stored_value_hold, stored_value_return
from gosellr.utils.viewer import Viewer

# Whoever was cut off before an order paid in full was settled is helped after this time.
_FINISH_AFTER = timedelta(seconds=20)
# A refund to a gift card that runs out can be spent for so long at least.
_REFUND_USABLE_FOR = timedelta(days=90)


class GiftCardRefused(DomainError):
    """The code can't pay: no card has it, or its card is over, stopped or in another currency.

    The answer is the same for all of these, so that nothing can be learnt by trying.
    """

    code = "gift_card_refused"
    status = 422
    title = "This gift card can't be used"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    account: str
    available_minor: int


def is_stored(tenders: Sequence[Tender]) -> bool:
    """Whether any part is paid with stored value."""
    return any(tender.method in STORED_METHODS for tender in tenders)


async def divide(
    connection: Connection,
    *,
    viewer: Viewer,
    tenders: Sequence[Tender],
    total_minor: int,
    currency: str,
    now: datetime,
) -> list[tuple[Tender, int]]:
    """How much each part pays, stored value first and with the account that it is taken from.

    Parts for which nothing is left are left out. Nothing is taken yet.

    Raises:
        GiftCardRefused, InsufficientBalance.
        InvalidInput: the amounts don't come to the total, two parts go through gateways, one
            card is named twice, or credit is asked for by nobody in particular.
    """
    if total_minor == 0:
        return []
    ordered = sorted(tenders, key=lambda tender: tender.method not in STORED_METHODS)
    if sum(tender.method not in STORED_METHODS for tender in ordered) > 1:
        raise InvalidInput.at(
            "payment_method", "one_gateway_part", "Beside stored value, one other way to pay"
        )
    sources = await _sources(connection, viewer=viewer, tenders=ordered, currency=currency, now=now)
    wishes = [
        PartWish(
            amount_minor=tender.amount_minor,
            available_minor=None if source is None else source.available_minor,
        )
        for tender, source in zip(ordered, sources, strict=True)
    ]
    try:
        given = divide_total(total_minor, wishes)
    except TenderMismatch:
        raise InvalidInput.at(
            "payment_method", "amounts_dont_sum", "The amounts have to sum to the total"
        ) from None
    except NotEnoughValue as error:
        source = sources[error.index]
        raise _too_little(
            ordered[error.index],
            available_minor=0 if source is None else source.available_minor,
            currency=currency,
        ) from None
    return [
        (tender if source is None else replace(tender, account=source.account), amount_minor)
        for tender, source, amount_minor in zip(ordered, sources, given, strict=True)
        if amount_minor
    ]


def _too_little(tender: Tender, *, available_minor: int, currency: str) -> InsufficientBalance:
    noun = "The gift card" if tender.method == GIFT_CARD else "Your store credit"
    return InsufficientBalance(
        f"{noun} holds less than it is to pay",
        extras={
            "method": tender.method,
            "balance": {"amount": available_minor, "currency": currency},
        },
    )


async def _sources(
    connection: Connection,
    *,
    viewer: Viewer,
    tenders: Sequence[Tender],
    currency: str,
    now: datetime,
) -> list[_Source | None]:
    """Where each part comes from; None for one that goes through a gateway."""
    cards = await _cards(connection, tenders)
    credit: _Source | None = None
    if any(_is_credit(tender) for tender in tenders):
        credit = await _credit_of(connection, viewer=viewer, currency=currency)
    found: list[_Source | None] = []
    for tender in tenders:
        if tender.method == GIFT_CARD:
            found.append(_source_of(cards.get(tender.code_hash or b""), currency, now))
        else:
            found.append(credit if _is_credit(tender) else None)
    accounts = [source.account for source in found if source is not None]
    if len(set(accounts)) < len(accounts):
        raise InvalidInput.at(
            "payment_method", "named_twice", "Name each gift card, and your credit, once"
        )
    return found


def _is_credit(tender: Tender) -> bool:
    return tender.method in STORED_METHODS and tender.method != GIFT_CARD


async def _cards(connection: Connection, tenders: Sequence[Tender]) -> dict[bytes, GiftCard]:
    hashes = [tender.code_hash for tender in tenders if tender.code_hash is not None]
    if not hashes:
        return {}
    cards = await stored_value.cards_of_codes(connection, code_hashes=hashes)
    return {card.code_hash: card for card in cards if card.code_hash is not None}


def _source_of(card: GiftCard | None, currency: str, now: datetime) -> _Source:
    if card is None or card.status_at(now) != "active" or card.currency != currency:
        raise GiftCardRefused("Check the code, and in which currency and until when it is good")
    return _Source(account=gift_card(card.id), available_minor=card.balance_minor)


async def _credit_of(connection: Connection, *, viewer: Viewer, currency: str) -> _Source:
    if viewer.user_id is None:
        raise InvalidInput.at(
            "payment_method", "sign_in_needed", "Sign in to pay with your store credit"
        )
    account = store_credit(viewer.user_id)
    held = await stored_value.held_in(connection, account=account)
    return _Source(account=account, available_minor=held.get(currency, 0))


async def hold(
    connection: Connection,
    *,
    order_id: UUID,
    currency: str,
    parts: Mapping[UUID, tuple[Tender, int]],
    now: datetime,
) -> None:
    """Set aside what stored value pays of an order; `parts` are its attempts, just written.

    Raises:
        GiftCardRefused: a card was stopped in the meantime.
        InsufficientBalance: somebody was quicker; nothing can be saved of the transaction.
    """
    held: dict[UUID, tuple[str, int]] = {
        payment_id: (tender.account, amount_minor)
        for payment_id, (tender, amount_minor) in parts.items()
        if tender.account is not None
    }
    if not held:
        return
    await _keep_active(connection, [account for account, _ in held.values()])
    # Beside a gateway's part the sweeper comes back for that one anyway.
    alone = len(held) == len(parts)
    accounts = {payment_id: account for payment_id, (account, _) in held.items()}
    noted = await stored_value.set_aside(
        connection, accounts=accounts, check_at=now + _FINISH_AFTER if alone else None, now=now
    )
    if noted != len(held):
        raise RuntimeError(f"the attempts of order {order_id} aren't as they were written")
    bookings = [
        _booking(
            draft=stored_value_hold(
                order_id=order_id, account=account, amount_minor=amount_minor, currency=currency
            ),
            order_id=order_id,
            payment_id=payment_id,
            actor="buyer",
            now=now,
        )
        for payment_id, (account, amount_minor) in held.items()
    ]
    try:
        await ledger_service.book(connection, bookings=bookings, now=now)
    except InsufficientBalance:
        raise InsufficientBalance(
            "Somebody has just spent a part of it; look what is left"
        ) from None


async def _keep_active(connection: Connection, accounts: Sequence[str]) -> None:
    # One card may pay several parts.
    card_ids = cards_of(sorted(set(accounts)))
    if card_ids and await stored_value.hold_active(connection, card_ids=card_ids) < len(card_ids):
        raise GiftCardRefused("Somebody has just stopped this gift card")


def _booking(*, draft: Any, order_id: UUID, payment_id: UUID, actor: str, now: datetime) -> Booking:
    return Booking(
        draft=draft,
        cause_type="payment",
        cause_id=payment_id,
        # Once per attempt, whoever comes to it.
        idempotency_key=str(payment_id),
        order_id=order_id,
        actor=actor,
        effective_at=now,
    )


async def capture(
    connection: Connection, *, order: Order, part_id: UUID | None = None, now: datetime
) -> Order:
    """What was set aside for a locked order, or for one part of it, pays for it from now on; gives
    the order like that."""
    waiting = {
        payment.id
        for payment in order.payments
        if payment.method in STORED_METHODS
        and payment.status == PaymentStatus.AUTHORIZED
        and (part_id is None or payment.seller_order_id in {None, part_id})
    }
    if not waiting:
        return order
    taken = await stored_value.capture(connection, order_id=order.id, part_id=part_id, now=now)
    if taken != waiting:
        raise RuntimeError(f"what is held for order {order.id} moved under its lock")
    return replace(
        order,
        payments=tuple(
            replace(
                payment,
                status=PaymentStatus.CAPTURED.value,
                captured_minor=payment.amount_minor,
                updated_at=now,
            )
            if payment.id in waiting
            else payment
            for payment in order.payments
        ),
    )


async def give_back(
    connection: Connection, *, order: Order, part_id: UUID | None = None, now: datetime
) -> None:
    """Give back, once, what was set aside for a locked order, or for one part of it, that came to
    nothing."""
    if not any(payment.method in STORED_METHODS for payment in order.payments):
        return
    returned = await stored_value.give_back(connection, order_id=order.id, part_id=part_id, now=now)
    await _return(
        connection,
        order=order,
        back={each.payment_id: (each.account, each.amount_minor) for each in returned},
        now=now,
    )


async def give_back_rest(connection: Connection, *, order: Order, now: datetime) -> None:
    """Give back, once, what captures have left of what was set aside for a locked order."""
    rest = {
        payment.id: (payment.account, payment.amount_minor - payment.captured_minor)
        for payment in order.payments
        if payment.secured_at is not None and payment.status == PaymentStatus.AUTHORIZED
    }
    back = {
        payment_id: (account, left_minor)
        for payment_id, (account, left_minor) in rest.items()
        if account is not None and left_minor
    }
    await _return(connection, order=order, back=back, now=now)


async def _return(
    connection: Connection,
    *,
    order: Order,
    back: Mapping[UUID, tuple[str, int]],
    now: datetime,
) -> None:
    """Book what goes back by each attempt, to where it can be spent."""
    over = await ready_for(connection, accounts=[account for account, _ in back.values()], now=now)
    await ledger_service.book(
        connection,
        bookings=[
            _booking(
                draft=stored_value_return(
                    order_id=order.id,
                    account=account,
                    amount_minor=amount_minor,
                    currency=order.currency,
                ),
                order_id=order.id,
                payment_id=payment_id,
                actor="system",
                now=now,
            )
            for payment_id, (account, amount_minor) in back.items()
        ],
        now=now,
    )
    await move_on(connection, order=order, landed=back.values(), over=over, now=now)


async def ready_for(
    connection: Connection, *, accounts: Sequence[str], until_least: bool = False, now: datetime
) -> set[UUID]:
    """Make gift cards ready for what comes back to them; gives those that can't be.

    One that ran out can be spent for a while again, and with `until_least` so can one that is
    about to.
    """
    over = await value_move_books.hold_over(connection, accounts=accounts)
    good = sorted(set(cards_of(accounts)) - over)
    if good:
        await stored_value.keep_usable(
            connection,
            card_ids=good,
            expiring_before=now + _REFUND_USABLE_FOR if until_least else now,
            until=now + _REFUND_USABLE_FOR,
        )
    return over


async def move_on(
    connection: Connection,
    *,
    order: Order,
    landed: Iterable[tuple[str, int]],
    over: Collection[UUID],
    now: datetime,
) -> None:
    """Move what came back to cards that can't be spent to where it can be."""
    sums: defaultdict[UUID, int] = defaultdict(int)
    for account, amount_minor in landed:
        for card_id in cards_of([account]):
            if card_id in over:
                sums[card_id] += amount_minor
    await value_move_books.move_on(connection, order=order, landed=sums, now=now)
