"""Money taken as goods leave: the intent first, then what the gateway said, each written once.

The share of a seller order is what it costs its buyer, to the last minor unit: the shares of an
order sum to what was set aside for it, so there is nothing to be rounded.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.core.identity import new_id
from gosellr.models.capture_values import DueCapture, PaymentCapture
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, Payment, SellerOrder
from gosellr.queries import captures, orders, outbox, payments
from gosellr.services import (
    ledger_service,
    order_steps,
    sale_books,
    share_origins,
    short_captures,
    stored_value_tender,
)
from gosellr.utils.captures import (
    AT_SHIPMENT,
    CaptureStatus,
    NotEnoughSetAside,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor, PaymentStatus

_FIRST_CHECK_AFTER = timedelta(seconds=20)
_CHECK_AGAIN_AT_MOST = timedelta(minutes=5)


class CapturePending(Conflict):
    """The gateway hasn't said yet whether it took the money; nothing is shipped before."""

    code = "capture_pending"
    title = "The money for this parcel is still being taken"

    def __init__(self) -> None:
        super().__init__(
            "The payment provider hasn't answered yet. It is asked again by itself; "
            "try again in a moment",
            headers={"Retry-After": "10"},
        )


class CaptureDeclined(Conflict):
    """The gateway doesn't give the money; `decline_code` says why. Nothing was shipped."""

    code = "capture_declined"
    title = "The money for this parcel couldn't be taken"


class AuthorizationExpired(Conflict):
    """What was set aside is no longer; nothing was shipped."""

    code = "authorization_expired"
    title = "The buyer's money is no longer set aside"


class CaptureNeeded(Conflict):
    """The money for these goods has to be taken before they leave: the story that ships does so,
    and ships then."""

    code = "capture_needed"
    title = "The money for this parcel has to be taken first"

    def __init__(self, *, order_id: UUID, seller_order_id: UUID) -> None:
        super().__init__(extras={"seller_order_id": seller_order_id})
        self.order_id = order_id
        self.seller_order_id = seller_order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureAnswer:
    """What a gateway said of a capture. UNKNOWN leaves it open; `astray_minor` is what a failed
    one took all the same, another amount than it was to take."""

    capture_id: UUID
    status: CaptureStatus
    astray_minor: int = 0
    fee_minor: int = 0
    # All that was kept of the charge so far, where its gateway tells only that.
    fee_total_minor: int | None = None
    gateway_reference: str | None = None
    decline_code: str | None = None


def require_captured(order: Order, part: SellerOrder) -> None:
    """Let goods leave only when their money is there.

    Raises:
        CaptureNeeded: it has to be taken first.
    """
    if order.capture_at == AT_SHIPMENT and not order.is_paid_for(part):
        raise CaptureNeeded(order_id=order.id, seller_order_id=part.id)


async def refuse_open(
    connection: Connection, *, order: Order, parts: Sequence[SellerOrder]
) -> None:
    """Keep parts of a locked order from changing while their money is being taken.

    Raises:
        CapturePending.
    """
    if order.capture_at != AT_SHIPMENT:
        return
    ids = {part.id for part in parts}
    for one in await captures.of_order(connection, order_id=order.id):
        if one.is_open and not ids.isdisjoint(one.seller_order_ids):
            raise CapturePending


async def open_capture(
    connection: Connection,
    *,
    order_id: UUID,
    seller_order_id: UUID,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | None:
    """Write down that the money for a seller order is to be taken; None where nothing has to be
    asked for it, since it is there, or never will be.

    Where its gateway takes what it keeps aside only once, all is taken for every part.

    Raises:
        CapturePending, ShortCaptureOpen, AuthorizationExpired, CaptureDeclined: and then nothing
            was changed.
    """
    order = await order_steps.lock_and_load(connection, order_id=order_id)
    part = next((one for one in order.uncaptured if one.id == seller_order_id), None)
    if part is None or order.capture_at != AT_SHIPMENT or part.status == "pending_payment":
        return None
    known = await captures.of_order(connection, order_id=order_id)
    charge = _standing_for(order)
    alone = charge is None or charge.captures_many
    covered = (part,) if alone else order.uncaptured
    ids = [one.id for one in covered]
    if any(one.is_open and not set(ids).isdisjoint(one.seller_order_ids) for one in known):
        raise CapturePending
    short_captures.refuse_open(order, covered, is_over=charge is None or _is_over(charge, now=now))
    if charge is not None:
        _check_standing(charge, now=now)
    try:
        origin = share_origins.origin_of(
            order, known, share_minor=sum(one.total_minor for one in covered)
        )
    except NotEnoughSetAside as error:
        # An earlier capture took some of it in vain.
        raise CaptureDeclined(
            "Less is set aside with the buyer's bank than this part costs: an earlier capture took"
            " some of it, which goes back to the buyer. The part can be cancelled",
            extras={"decline_code": "not_enough_set_aside"},
        ) from error
    capture_id = new_id()
    await captures.insert(
        connection,
        capture={
            "id": capture_id,
            "order_id": order_id,
            "payment_id": None if charge is None or not origin.gateway_minor else charge.id,
            "seller_order_ids": ids,
            "amount_minor": origin.gateway_minor,
            "stored_minor": origin.stored_minor,
            "stored": {str(key): minor for key, minor in origin.stored.items()},
            "final": len(covered) == len(order.uncaptured),
            "created_at": now,
            "check_at": now + _FIRST_CHECK_AFTER,
        },
    )
    if origin.gateway_minor:
        return capture_id
    taken = CaptureAnswer(capture_id=capture_id, status=CaptureStatus.SUCCEEDED)
    await record_answer(connection, order_id=order_id, answer=taken, policy=policy, now=now)
    return None


def _standing_for(order: Order) -> Payment | None:
    """The charge at a gateway that stands for an order; None where stored value pays it all."""
    found = [one for one in order.payments if one.secured_at is not None and one.account is None]
    return found[0] if found else None


def has_lapsed(order: Order, *, now: datetime) -> bool:
    """Whether money that was set aside for an order isn't any more."""
    charge = _standing_for(order)
    return charge is not None and _is_over(charge, now=now)


async def wants_of_money(connection: Connection, *, order: Order, part: SellerOrder) -> bool:
    """Whether a part of a locked order couldn't be paid for because captures came short: one isn't
    dealt with, or they left less set aside than it costs. What has expired since was set aside."""
    kept = [
        replace(one, status=PaymentStatus.AUTHORIZED)
        if one.status == PaymentStatus.EXPIRED
        else one
        for one in order.payments
    ]
    try:
        short_captures.refuse_open(order, [part], is_over=False)
        known = await captures.of_order(connection, order_id=order.id)
        before = replace(order, payments=tuple(kept))
        share_origins.origin_of(before, known, share_minor=part.total_minor)
    except (short_captures.ShortCaptureOpen, NotEnoughSetAside):
        return bool(order.taken_in_vain(part))
    return False


def _is_over(charge: Payment, *, now: datetime) -> bool:
    ended = charge.authorized_until is not None and charge.authorized_until <= now
    return ended or charge.status != PaymentStatus.AUTHORIZED


def _check_standing(charge: Payment, *, now: datetime) -> None:
    if _is_over(charge, now=now):
        raise AuthorizationExpired(
            "What the buyer's bank had set aside has ended. The part is cancelled by itself, and "
            "its stock is back on sale",
            extras={"authorized_until": charge.authorized_until},
        )


async def due_captures(connection: Connection, *, now: datetime, limit: int) -> list[DueCapture]:
    """Captures whose gateway has to be asked what became of them."""
    return await captures.due(connection, now=now, limit=limit)


async def due_capture(connection: Connection, *, capture_id: UUID) -> DueCapture | None:
    """A capture that is still to be sent, or answered; None when it is settled."""
    return await captures.due_one(connection, capture_id=capture_id)


async def record_answer(
    connection: Connection,
    *,
    order_id: UUID,
    answer: CaptureAnswer,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Write down what became of a capture, and book what it brought; once, however often it is
    said. Whether the money is there."""
    order = await order_steps.lock_and_load(connection, order_id=order_id)
    capture = await captures.find(connection, capture_id=answer.capture_id)
    if capture is None:
        raise RuntimeError(f"there is no capture {answer.capture_id}")
    if not capture.is_open:
        return capture.status == CaptureStatus.SUCCEEDED
    if answer.status is CaptureStatus.FAILED:
        await _fail(connection, order=order, capture=capture, answer=answer, now=now)
        return False
    if answer.status is not CaptureStatus.SUCCEEDED:
        await captures.ask_later(
            connection, capture_id=capture.id, check_at=_check_at(capture, now=now)
        )
        return False
    fee_minor = _fee_minor(order, capture, answer)
    count = await captures.succeed(
        connection,
        capture_id=capture.id,
        fee_minor=fee_minor,
        gateway_reference=answer.gateway_reference,
        now=now,
    )
    if count != len(capture.seller_order_ids):
        raise RuntimeError(f"capture {capture.id} took for {count} parts of order {order.id}")
    await ledger_service.book(
        connection,
        bookings=sale_books.capture_bookings(
            order, capture, fee_minor=fee_minor, policy=policy, now=now
        ),
        now=now,
    )
    await _tell(connection, order=order, capture=capture, kind="captured", data={}, now=now)
    await outbox.append(
        connection,
        [
            Fact(FactType.SELLER_ORDER_CAPTURED, part_id, {"order_id": str(order.id)})
            for part_id in capture.seller_order_ids
        ],
        now=now,
    )
    await settle_standing(connection, order_id=order.id, now=now)
    return True


async def _fail(
    connection: Connection,
    *,
    order: Order,
    capture: PaymentCapture,
    answer: CaptureAnswer,
    now: datetime,
) -> None:
    """Nothing is paid for by it. What it took all the same goes back, and is a case."""
    fee_minor = _fee_minor(order, capture, answer) if answer.astray_minor else 0
    await captures.fail(
        connection,
        capture_id=capture.id,
        decline_code=answer.decline_code,
        fee_minor=fee_minor,
        gateway_reference=answer.gateway_reference,
        now=now,
    )
    if answer.astray_minor:
        await short_captures.send_back(
            connection, order=order, capture=capture, taken_minor=answer.astray_minor,
            fee_minor=fee_minor, now=now,
        )  # fmt: skip
    await _tell(connection, order=order, capture=capture, kind="capture_failed",
                data={"decline_code": answer.decline_code}, now=now)  # fmt: skip


def _fee_minor(order: Order, capture: PaymentCapture, answer: CaptureAnswer) -> int:
    """What was kept of a capture; what of a total isn't booked yet is its."""
    if answer.fee_total_minor is None:
        return answer.fee_minor
    [payment] = [one for one in order.payments if one.id == capture.payment_id]
    return max(0, answer.fee_total_minor - payment.fee_minor)


def _check_at(capture: PaymentCapture, *, now: datetime) -> datetime:
    age = max(now - capture.created_at, _FIRST_CHECK_AFTER)
    return now + min(age, _CHECK_AGAIN_AT_MOST)


async def _tell(
    connection: Connection,
    *,
    order: Order,
    capture: PaymentCapture,
    kind: str,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    by_id = {part.id: part for part in order.parts}
    await orders.append_events(
        connection,
        order_id=order.id,
        events=[
            {
                "kind": kind,
                "actor": Actor.PAYMENT.value,
                "seller_order_id": part_id,
                "data": {
                    "capture_id": str(capture.id),
                    "amount": {
                        "amount": by_id[part_id].total_minor,
                        "currency": order.currency,
                    },
                    **data,
                },
            }
            for part_id in capture.seller_order_ids
        ],
        now=now,
    )


async def follow_news(connection: Connection, *, order_id: UUID, now: datetime) -> Order:
    """Draw the conclusion from what a gateway said of money that is set aside for a locked
    order."""
    await captures.note_end(connection, order_id=order_id, now=now)
    return await settle_standing(connection, order_id=order_id, now=now)


async def settle_standing(connection: Connection, *, order_id: UUID, now: datetime) -> Order:
    """Say how it stands with the money of a locked order, and end what waits for nothing more:
    the order is paid, or over, and what is still set aside goes back."""
    order = await order_steps.load_locked(connection, order_id=order_id)
    standing = order_steps.payment_status_of(order)
    if order.capture_at != AT_SHIPMENT or order.awaits_capture:
        if standing != order.payment_status:
            await payments.set_payment_status(
                connection, order_id=order.id, payment_status=standing
            )
        return order
    is_paid = any(part.captured_at is not None for part in order.parts)
    await stored_value_tender.give_back_rest(connection, order=order, now=now)
    await captures.conclude(
        connection, order_id=order.id, payment_status=standing, is_paid=is_paid, now=now
    )
    if is_paid and order.paid_at is None:
        paid = {"kind": "paid", "actor": Actor.PAYMENT.value, "data": {}}
        await orders.append_events(connection, order_id=order.id, events=[paid], now=now)
        fact = Fact(FactType.ORDER_PAID, order.id, {"order_id": str(order.id)})
        await outbox.append(connection, [fact], now=now)
    return await order_steps.load_locked(connection, order_id=order.id)
