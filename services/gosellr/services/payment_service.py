"""What gateways answered, written down; and what follows when an order's money is complete."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, DomainError, NotFound
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, Payment
from gosellr.queries import locks, orders, outbox, payments
from gosellr.queries.payments import AttemptAnswer
from gosellr.services import (
    order_rows,
    payment_authorizations,
    payment_captures,
    settlement_service,
    short_captures,
)
from gosellr.services.payment_answers import (
    GatewayAnswer,
    Payable,
    asked_minor,
    attempts_of,
    judge,
    with_answers,
)
from gosellr.utils.captures import AT_SHIPMENT
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.order_states import OrderStatus, derive_payment_status
from gosellr.utils.payment_plan import (
    Ask,
    Attempt,
    live,
    next_asks,
    paying,
    to_return,
    under_way,
)
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import GATEWAY_UNREACHABLE, PaymentStatus
from gosellr.utils.stored_value import STORED_METHODS
from gosellr.utils.viewer import Viewer


class NotPayable(Conflict):
    """The order no longer waits for money."""

    code = "not_payable"
    title = "This order can't be paid any more"


class PaymentInProgress(Conflict):
    """An earlier attempt may still succeed; a second one could charge twice."""

    code = "payment_in_progress"
    title = "A payment is already under way"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


class PaymentMethodUnavailable(DomainError):
    """This market doesn't take that method."""

    code = "payment_method_unavailable"
    status = 422
    title = "That way to pay isn't offered here"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPlan:
    """What to ask next about an order's attempts.

    `concludes` says that nothing has to be asked, and still something is to be written down:
    the order is paid in full (or costs nothing), or captures have to go back.
    """

    asks: tuple[tuple[Ask, Payment], ...]
    concludes: bool


def wants_money(order: Payable) -> bool:
    """Whether captures pay for this order: it waits for them, or they have paid it."""
    was_paid = order.paid_at is not None or order.captured_minor > 0
    return order.status != OrderStatus.CANCELLED or was_paid


def was_given_up(order: Payable) -> bool:
    """Whether it waits for money that none of its attempts will bring."""
    waits = order.status == OrderStatus.PENDING_PAYMENT and bool(order.payments)
    return waits and not under_way(total_minor=order.total_minor, attempts=attempts_of(order))


def last_asked(order: Order) -> Payment | None:
    """The last try to have it paid by anything but stored value."""
    asked = [payment for payment in order.payments if payment.method not in STORED_METHODS]
    return max(asked, key=lambda payment: payment.id, default=None)


def found_nobody(order: Order) -> bool:
    """Whether the last try to pay it came to nothing because its gateway can't be reached."""
    last = last_asked(order)
    return was_given_up(order) and last is not None and last.decline_code == GATEWAY_UNREACHABLE


def was_declined(order: Order) -> bool:
    """Whether the last try to pay it brought nothing. What was set aside once, and couldn't be
    taken as its goods were to leave, isn't for its buyer to try again."""
    stood = any(one.secured_at is not None for one in order.payments)
    return order.payment_status == "failed" and not stood


async def standing(connection: Connection, *, order_id: UUID) -> Payable:
    """How it stands with the money of an order.

    Raises:
        NotFound: there is no such order.
    """
    order = await payments.standing(connection, order_id=order_id)
    if order is None:
        raise NotFound
    return order


def plan_of(
    order: Payable,
    *,
    now: datetime,
    fresh: Collection[UUID] = (),
    waiting_is_over: bool = False,
    curious: bool = False,
    reported: Collection[UUID] = (),
) -> PaymentPlan:
    """What to ask the gateways of an order that stands like this; the rest as in `next_asks`."""
    by_id = {payment.id: payment for payment in order.payments}
    is_held = order.expires_at is None or order.expires_at > now
    asks = next_asks(
        wanted=wants_money(order),
        total_minor=asked_minor(order),
        attempts=attempts_of(order),
        fresh=fresh,
        waiting_is_over=waiting_is_over,
        curious=curious,
        reported=reported,
        may_send=is_held and order.status == OrderStatus.PENDING_PAYMENT,
        rest_wanted=order.awaits_capture,
    )
    return PaymentPlan(
        asks=tuple((ask, by_id[ask.attempt_id]) for ask in asks),
        concludes=not asks and _concludes(order),
    )


def is_at_rest(order: Payable) -> bool:
    """Nothing is left to ask at once: the order is paid, or over, or waits for its buyer."""
    attempts = attempts_of(order)
    asks = next_asks(
        wanted=wants_money(order),
        total_minor=asked_minor(order),
        attempts=attempts,
        rest_wanted=order.awaits_capture,
    )
    return not asks and not _concludes(order)


def _concludes(order: Payable) -> bool:
    if order.paid_at is not None:
        return False
    attempts = attempts_of(order)
    wanted = wants_money(order)
    # What is set aside is written down once, and then waits for its goods.
    waits = order.capture_at != AT_SHIPMENT or order.status == OrderStatus.PENDING_PAYMENT
    paid = waits and paying(total_minor=asked_minor(order), attempts=attempts) is not None
    stray = to_return(wanted=wanted, total_minor=asked_minor(order), attempts=attempts)
    return (wanted and paid) or bool(stray)


async def record(
    connection: Connection,
    *,
    order_id: UUID,
    answers: Sequence[GatewayAnswer],
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    """Write answers down and draw the conclusion: paid, still waiting, or money to send back.

    Saying the same twice changes nothing, and the order of late answers doesn't matter.
    """
    await locks.order(connection, order_id=order_id)
    order = await _load(connection, order_id)
    captured_before = {one.id for one in order.payments if one.status == PaymentStatus.CAPTURED}
    written = judge(order, answers, now=now)
    if written:
        await payments.write_answers(connection, order_id=order_id, answers=written, now=now)
        await _say_where_to_pay(connection, order=order, written=written, now=now)
        order = with_answers(order, written, version=order.version + 1, now=now)
    attempts = attempts_of(order)
    stray = _stray(order, attempts, captured_before=captured_before)
    await settlement_service.send_back(connection, order=order, stray=stray, now=now)
    await _say_what_came_short(connection, order=order, stray=stray, now=now)
    paid = paying(total_minor=asked_minor(order), attempts=attempts)
    if order.capture_at == AT_SHIPMENT and order.status != OrderStatus.PENDING_PAYMENT:
        return await payment_captures.follow_news(connection, order_id=order_id, now=now)
    if order.status == OrderStatus.PENDING_PAYMENT and paid is not None:
        ids = {one.id for one in paid}
        if order.capture_at == AT_SHIPMENT:
            return await payment_authorizations.secure(
                connection, order=order, paid=ids, answers=answers, policy=policy, now=now
            )
        return await settlement_service.settle(
            connection, order=order, paid=ids, policy=policy, now=now
        )
    await _say_how_it_stands(connection, order=order, written=written, now=now)
    return await _load(connection, order_id)


def _stray(
    order: Order, attempts: Sequence[Attempt], *, captured_before: Collection[UUID]
) -> list[Attempt]:
    """Captures that have to go back. What a paid order captures once more pays for nothing."""
    if order.paid_at is None:
        return to_return(
            wanted=wants_money(order), total_minor=asked_minor(order), attempts=attempts
        )
    return [
        one
        for one in attempts
        if one.status is PaymentStatus.CAPTURED
        and one.id not in captured_before
        and not (one.secures and one.pays_in_full)
    ]


async def lock_payable(
    connection: Connection, *, viewer: Viewer, order_id: UUID, now: datetime
) -> Order:
    """Lock an order that another way to pay may be tried for.

    Raises:
        NotFound, NotPayable, PaymentInProgress.
    """
    await locks.order(connection, order_id=order_id)
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    if order is None or not viewer.is_buyer_of(order.user_id, sees_whole=order.whole):
        raise NotFound
    expired = order.expires_at is not None and order.expires_at <= now
    if order.status != OrderStatus.PENDING_PAYMENT or expired:
        raise NotPayable
    if under_way(total_minor=order.total_minor, attempts=attempts_of(order)):
        raise PaymentInProgress
    return order


def left_to_pay_minor(order: Payable) -> int:
    """What of the total nothing was set aside for yet."""
    held = (one for one in live(attempts_of(order)) if one.stored)
    return order.total_minor - sum(one.amount_minor for one in held)


async def add_attempts(
    connection: Connection,
    *,
    order: Order,
    tenders: Sequence[tuple[order_rows.PaymentTerms, int]],
    now: datetime,
) -> list[UUID]:
    """Write down another try to pay a locked order that still waits for its money; gives the
    new attempts in the order of the tenders. What was set aside before stays so."""
    # A captured attempt keeps its part, even when its money went back, and so does what is held.
    used = [
        payment.part
        for payment in order.payments
        if payment.returned
        or (payment.method in STORED_METHODS and payment.status == PaymentStatus.AUTHORIZED)
    ]
    rows = order_rows.payment_rows(
        order_id=order.id,
        currency=order.currency,
        amounts=tenders,
        tender_number=1 + max((payment.tender for payment in order.payments), default=-1),
        now=now,
    )
    shift = max(used) + 1 if used else 0
    rows = [{**row, "part": row["part"] + shift} for row in rows]
    await orders.insert_payments(connection, payments=rows)
    await payments.set_payment_status(connection, order_id=order.id, payment_status="pending")
    return [row["id"] for row in rows]


async def _load(connection: Connection, order_id: UUID) -> Order:
    order = await orders.load(connection, order_id=order_id)
    if order is None:
        raise NotFound
    return order


async def _say_where_to_pay(
    connection: Connection, *, order: Order, written: Sequence[AttemptAnswer], now: datetime
) -> None:
    """A buyer who has to transfer money learns of it once, wherever they are by then."""
    asked = {
        payment.id
        for payment in order.payments
        if payment.method == BANK_TRANSFER and payment.status != PaymentStatus.ACTION_REQUIRED
    }
    about = {"order_id": str(order.id)}
    facts = [
        Fact(FactType.ORDER_TRANSFER_AWAITED, order.id, {**about, "pay_to": answer.action_url})
        for answer in written
        if answer.payment_id in asked and answer.status == PaymentStatus.ACTION_REQUIRED
    ]
    await outbox.append(connection, facts, now=now)


async def _say_what_came_short(
    connection: Connection, *, order: Order, stray: Sequence[Attempt], now: datetime
) -> None:
    """A buyer who waits for an order sees on a statement what was taken for it in vain."""
    if order.status != OrderStatus.PENDING_PAYMENT:
        return
    short = [one for one in stray if one.captured_minor != one.amount_minor]
    facts = [
        short_captures.told_short(
            order, asked_minor=one.amount_minor, taken_minor=one.captured_minor
        )
        for one in short
    ]
    if facts:
        await outbox.append(connection, facts, now=now)


async def _say_how_it_stands(
    connection: Connection,
    *,
    order: Order,
    written: Sequence[AttemptAnswer],
    now: datetime,
) -> None:
    if order.status != OrderStatus.PENDING_PAYMENT:
        return
    standing = derive_payment_status(
        total_minor=order.total_minor,
        captured_minor=order.captured_minor,
        refunded_minor=order.refunded_minor,
        # What is set aside waits for the rest, of which alone there is something to say.
        attempts=[
            PaymentStatus(payment.status)
            for payment in order.payments
            if payment.method not in STORED_METHODS
        ],
    ).value
    if standing == order.payment_status:
        return
    await payments.set_payment_status(connection, order_id=order.id, payment_status=standing)
    if standing == "failed":
        codes = [answer.decline_code for answer in written if answer.decline_code]
        await orders.append_events(
            connection,
            order_id=order.id,
            events=[{"kind": "payment_failed", "actor": "payment", "data": {"codes": codes}}],
            now=now,
        )
        await outbox.append(
            connection,
            [Fact(FactType.ORDER_PAYMENT_FAILED, order.id, {"order_id": str(order.id)})],
            now=now,
        )


async def due_orders(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Orders with attempts that have to be asked after."""
    return await payments.due_orders(connection, now=now, limit=limit)
