"""A gift card that was sold is taken back: what is left on it goes to whoever paid for it."""

from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.gift_sale_values import GiftCardPurchase
from gosellr.models.order_values import Order, Payment
from gosellr.models.proposal_values import Proposal
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries import gift_sales, orders, outbox, refunds
from gosellr.services import (
    gift_sale_books,
    idempotency_service,
    ledger_service,
    order_steps,
    proposal_service,
    refund_books,
    refund_limits,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.ledger_service import Booking
from gosellr.services.refund_requests import RefundChanged
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import SellerSources
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.refunds import RefundShares
from gosellr.utils.states import Actor
from gosellr.utils.value_postings import gift_card_taken_back
from gosellr.utils.viewer import Viewer

# A gateway that hasn't answered by then is asked what became of the refund.
_FIRST_CHECK_AFTER = timedelta(seconds=20)


class NothingLeftOnCard(Conflict):
    """All of it was spent, or went back before."""

    code = "gift_card_empty"
    title = "Nothing is left on this gift card"


class GiftCardFrozen(Conflict):
    """Its price can't go back twice: by the bank, and by us."""

    code = "gift_card_frozen"
    title = "The bank of its buyer has taken back what was paid for this gift card"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A card that is taken back: of a locked order, under the id that it was asked for by."""

    order: Order
    purchase: GiftCardPurchase
    refund_id: UUID
    reason: str
    actor_id: UUID | None
    is_sole_word: bool


def subject_of(card_id: UUID) -> str:
    """What a proposal to take a card back is about."""
    return f"gift_card:{card_id}"


async def open_refund(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    reason: str,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | Proposal | EarlierRequest:
    """Stop a card that was sold and book what is left on it as on its way back; gives the refund.
    Or propose to, where one operator alone may not give so much back.

    Whoever is spending the card has done so before, or can't any more.

    Raises:
        NotFound, NotAllowed, NothingLeftOnCard, GiftCardFrozen, IdempotencyKeyReused: and then
            nothing was changed.
        RefundChanged: in this moment so much came back to the card that it takes two.
        ProposalWaits: somebody has proposed it already.
    """
    order, purchase = await _bought(connection, viewer=viewer, order_id=order_id)
    refund_id = new_id()
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(refund_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    card = gift_sale_books.card_of(purchase)
    if card.frozen_at is not None:
        raise GiftCardFrozen
    # Nobody is kept from spending it by what is only proposed: so this much may be gone by then.
    shown_minor = min(card.balance_minor, _left_minor(_paid_by(order)))
    if shown_minor <= 0:
        raise NothingLeftOnCard
    if refund_limits.takes_two(order, amount_minor=shown_minor, policy=policy):
        made = await _propose(
            connection, viewer=viewer, order=order, card=card, refund_id=refund_id,
            amount_minor=shown_minor, reason=reason, now=now,
        )  # fmt: skip
        if made.id != refund_id:
            await idempotency_service.point_at(connection, request=key, resource_id=str(made.id))
        return made
    asked = _Asked(
        order=order, purchase=purchase, refund_id=refund_id, reason=reason,
        actor_id=viewer.user_id, is_sole_word=True,
    )  # fmt: skip
    amount_minor = await _stop(connection, asked, now=now)
    if refund_limits.takes_two(order, amount_minor=amount_minor, policy=policy):
        raise RefundChanged
    await _write(connection, asked, amount_minor=amount_minor, now=now)
    return refund_id


async def take_back_as_proposed(
    connection: Connection, held: Proposal, *, viewer: Viewer, now: datetime
) -> None:
    """Take back the card that somebody else proposed to, held by its second person: under the
    proposal's id.

    Raises:
        NotAllowed: the viewer bought it.
        RefundChanged, NothingLeftOnCard, GiftCardFrozen: less is on it, or more, than was proposed.
    """
    order, purchase = await _bought(connection, viewer=viewer, order_id=UUID(held.wish["order_id"]))
    if gift_sale_books.card_of(purchase).frozen_at is not None:
        raise GiftCardFrozen
    asked = _Asked(
        order=order, purchase=purchase, refund_id=held.id, reason=held.reason,
        actor_id=held.prepared_by, is_sole_word=False,
    )  # fmt: skip
    amount_minor = await _stop(connection, asked, now=now)
    if amount_minor != held.wish["amount_minor"]:
        raise RefundChanged
    await _write(connection, asked, amount_minor=amount_minor, now=now)


async def find_waiting(connection: Connection, *, card_id: UUID) -> Proposal | None:
    """What waits for a second person about this card. For operators."""
    return await proposal_service.find_waiting(connection, subject=subject_of(card_id))


async def _bought(
    connection: Connection, *, viewer: Viewer, order_id: UUID
) -> tuple[Order, GiftCardPurchase]:
    """The locked order that bought a card, for who may take it back."""
    if not viewer.is_operator:
        raise NotAllowed("Only the marketplace takes gift cards back")
    order = (await order_steps.take_order(connection, viewer=viewer, order_id=order_id)).order
    purchase = await gift_sales.find_purchase(connection, order_id=order_id)
    if purchase is None or purchase.card is None:
        raise NotFound
    if viewer.is_buyer_of(order.user_id, sees_whole=False):
        raise NotAllowed("Nobody gives themselves back what they bought")
    return order, purchase


async def _propose(
    connection: Connection,
    *,
    viewer: Viewer,
    order: Order,
    card: GiftCard,
    refund_id: UUID,
    amount_minor: int,
    reason: str,
    now: datetime,
) -> Proposal:
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.GIFT_CARD_REFUND,
        subject=subject_of(card.id),
        reason=reason,
        wish={
            "order_id": str(order.id),
            "order_number": order_number(order.number),
            "buyer_id": None if order.user_id is None else str(order.user_id),
            "card_last_four": card.last_four,
            "amount_minor": amount_minor,
            "currency": order.currency,
        },
        proposal_id=refund_id,
        now=now,
    )


async def _stop(connection: Connection, asked: _Asked, *, now: datetime) -> int:
    """Let nobody spend the card any more; gives what is to go back."""
    card = gift_sale_books.card_of(asked.purchase)
    await gift_sales.stop(connection, card_id=card.id, by=asked.actor_id, now=now)
    held_minor = await gift_sale_books.held_on(connection, card=card)
    amount_minor = min(held_minor, _left_minor(_paid_by(asked.order)))
    if amount_minor <= 0:
        raise NothingLeftOnCard
    return amount_minor


def _left_minor(payment: Payment) -> int:
    return payment.captured_minor - payment.refunded_minor - payment.disputed_minor


def _paid_by(order: Order) -> Payment:
    [payment] = [one for one in order.payments if one.status == "captured" and not one.returned]
    return payment


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    order: Order,
    refund_id: UUID,
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> UUID:
    """Book the intent; gives its transaction."""
    booking = Booking(
        draft=draft,
        cause_type="refund",
        cause_id=refund_id,
        idempotency_key=str(refund_id),
        order_id=order.id,
        actor=f"{Actor.OPERATOR.value}:{actor_id or '-'}",
        effective_at=now,
        facts={"reason": reason},
    )
    [booked] = await ledger_service.book(connection, bookings=[booking], now=now)
    return booked.transaction_id


async def _write(
    connection: Connection, asked: _Asked, *, amount_minor: int, now: datetime
) -> None:
    order, refund_id, reason = asked.order, asked.refund_id, asked.reason
    payment = _paid_by(order)
    draft = gift_card_taken_back(
        card_id=gift_sale_books.card_of(asked.purchase).id,
        refund_id=refund_id,
        gateway=payment.method,
        amount_minor=amount_minor,
        currency=order.currency,
    )
    transaction_id = await _book(
        connection, draft, order=order, refund_id=refund_id, reason=reason,
        actor_id=asked.actor_id, now=now,
    )  # fmt: skip
    effects = refund_books.effects_of(
        total=RefundShares(),
        sources=SellerSources(),
        amount_minor=amount_minor,
        goodwill_returned_minor=0,
        by_marketplace=False,
    )
    await refunds.insert(
        connection,
        refund={
            "id": refund_id,
            "order_id": order.id,
            "seller_order_id": None,
            "seller_id": None,
            "amount_minor": amount_minor,
            "currency": order.currency,
            "reason": reason,
            # No seller has sold it, so none gives anything back.
            "borne_by": "marketplace",
            "effects": {**effects, "transaction_id": str(transaction_id)},
            "requested_by": asked.actor_id,
            "created_at": now,
            "dispute_id": None,
            "given_alone_minor": amount_minor if asked.is_sole_word else 0,
        },
        lines=[],
        parts=[
            {
                "id": new_id(),
                "refund_id": refund_id,
                "payment_id": payment.id,
                "amount_minor": amount_minor,
                "credited_account": None,
                "created_at": now,
                "check_at": now + _FIRST_CHECK_AFTER,
            }
        ],
    )
    change = gift_sale_books.counted(
        order_id=order.id, payment_id=payment.id, amount_minor=amount_minor
    )
    if not await refunds.count(connection, change=change, sign=1):
        raise RuntimeError(f"the counters of order {order.id} moved under its lock")
    await _tell(
        connection, order=order, refund_id=refund_id, amount_minor=amount_minor, reason=reason,
        actor_id=asked.actor_id, now=now,
    )  # fmt: skip


async def _tell(
    connection: Connection,
    *,
    order: Order,
    refund_id: UUID,
    amount_minor: int,
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    event = {
        "kind": "refund_requested",
        "actor": Actor.OPERATOR.value,
        "actor_id": actor_id,
        "data": {
            "refund_id": str(refund_id),
            "amount": {"amount": amount_minor, "currency": order.currency},
            "reason": reason,
        },
    }
    await orders.append_events(connection, order_id=order.id, events=[event], now=now)
    about = {"order_id": str(order.id), "seller_order_id": None}
    fact = Fact(FactType.REFUND_REQUESTED, refund_id, about)
    await outbox.append(connection, [fact], now=now)
