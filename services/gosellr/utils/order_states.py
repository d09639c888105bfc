"""The states of a seller order, and the order and payment status derived from the parts.

A seller order moves along one table; an order's own status is never written by anybody but
computed from its parts, so the two can't disagree.
"""

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.states import Actor, PaymentStatus, StateMachine, TransitionNotAllowed


class OrderStatus(StrEnum):
    """The status of a seller order, and of the order that its parts add up to."""

    PENDING_PAYMENT = "pending_payment"
    PAID = "paid"
    PROCESSING = "processing"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class OrderPaymentStatus(StrEnum):
    """What the buyer's money is doing, over all attempts of an order."""

    UNPAID = "unpaid"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    DISPUTED = "disputed"


_BY_PAYMENT = frozenset({Actor.PAYMENT})
_BY_SHIPMENT = frozenset({Actor.SHIPMENT})
_BY_CANCELLING = frozenset({Actor.SYSTEM, Actor.SELLER, Actor.BUYER, Actor.OPERATOR})

SELLER_ORDER_STATES: StateMachine[OrderStatus] = StateMachine(
    noun="seller_order",
    states=tuple(OrderStatus),
    initial=OrderStatus.PENDING_PAYMENT,
    table={
        (OrderStatus.PENDING_PAYMENT, OrderStatus.PAID): _BY_PAYMENT,
        # Cash on delivery starts at once, and an authorised payment is captured on shipping.
        (OrderStatus.PENDING_PAYMENT, OrderStatus.PROCESSING): _BY_PAYMENT | {Actor.SYSTEM},
        (OrderStatus.PENDING_PAYMENT, OrderStatus.CANCELLED): _BY_CANCELLING,
        (OrderStatus.PAID, OrderStatus.PROCESSING): frozenset({Actor.SELLER, Actor.OPERATOR}),
        (OrderStatus.PAID, OrderStatus.PARTIALLY_SHIPPED): _BY_SHIPMENT,
        (OrderStatus.PAID, OrderStatus.SHIPPED): _BY_SHIPMENT,
        (OrderStatus.PAID, OrderStatus.CANCELLED): _BY_CANCELLING,
        (OrderStatus.PROCESSING, OrderStatus.PARTIALLY_SHIPPED): _BY_SHIPMENT,
        (OrderStatus.PROCESSING, OrderStatus.SHIPPED): _BY_SHIPMENT,
        (OrderStatus.PROCESSING, OrderStatus.CANCELLED): _BY_CANCELLING,
        (OrderStatus.PARTIALLY_SHIPPED, OrderStatus.SHIPPED): _BY_SHIPMENT,
        # A parcel that is paid at the door may be refused there.
        (OrderStatus.PARTIALLY_SHIPPED, OrderStatus.CANCELLED): _BY_SHIPMENT,
        (OrderStatus.SHIPPED, OrderStatus.CANCELLED): _BY_SHIPMENT,
        (OrderStatus.SHIPPED, OrderStatus.DELIVERED): frozenset(
            {Actor.SHIPMENT, Actor.SYSTEM, Actor.SELLER, Actor.OPERATOR}
        ),
        (OrderStatus.DELIVERED, OrderStatus.COMPLETED): frozenset(
            {Actor.SYSTEM, Actor.BUYER, Actor.OPERATOR}
        ),
    },
)

_MAY_SHIP_THE_REMAINDER = frozenset({Actor.SELLER, Actor.OPERATOR})
_ADVANCE = {status: rank for rank, status in enumerate(OrderStatus)}


def allowed_transitions(current: OrderStatus, actor: Actor) -> tuple[OrderStatus, ...]:
    """Return the statuses which the actor may write on a seller order in `current`."""
    return SELLER_ORDER_STATES.allowed(current, actor)


def check_transition(current: OrderStatus, target: OrderStatus, actor: Actor) -> None:
    """Raise `TransitionNotAllowed` unless the actor may write `target` over `current`."""
    SELLER_ORDER_STATES.check(current, target, actor)


def transition_pairs() -> tuple[tuple[str, str], ...]:
    """Return every listed (from, to) of a seller order, for the trigger that guards them."""
    return SELLER_ORDER_STATES.pairs()


def requestable_statuses(current: OrderStatus, actor: Actor) -> tuple[OrderStatus, ...]:
    """Return the statuses a person may ask for, cancelling aside, which has its own operation.

    A seller or operator who asks for `shipped` asks to ship the remainder: a shipment is made,
    and that shipment writes the status. So `shipped` is requestable though not writable.
    """
    writable = set(allowed_transitions(current, actor)) - {OrderStatus.CANCELLED}
    if actor in _MAY_SHIP_THE_REMAINDER:
        writable |= set(allowed_transitions(current, Actor.SHIPMENT)) & {OrderStatus.SHIPPED}
    return tuple(status for status in OrderStatus if status in writable)


def check_request(current: OrderStatus, target: OrderStatus, actor: Actor) -> None:
    """Raise `TransitionNotAllowed` unless the actor may ask for `target` (see above)."""
    requestable = requestable_statuses(current, actor)
    if target not in requestable:
        raise TransitionNotAllowed(
            noun=SELLER_ORDER_STATES.noun,
            current=current.value,
            target=target.value,
            actor=actor,
            allowed=tuple(status.value for status in requestable),
        )


def may_cancel(current: OrderStatus, actor: Actor) -> bool:
    """Tell whether the actor may cancel a seller order: not once anything was shipped."""
    return OrderStatus.CANCELLED in allowed_transitions(current, actor)


def derive_order_status(seller_order_statuses: Iterable[OrderStatus]) -> OrderStatus:
    """Return the order's status from its parts, ignoring the cancelled ones.

    All cancelled is cancelled; some but not all shipped is partially shipped; otherwise the
    least advanced part speaks for the order. Raises ValueError without any part.
    """
    statuses = list(seller_order_statuses)
    if not statuses:
        raise ValueError("an order has at least one seller order")
    live = [_ADVANCE[status] for status in statuses if status is not OrderStatus.CANCELLED]
    if not live:
        return OrderStatus.CANCELLED
    begun = any(rank >= _ADVANCE[OrderStatus.PARTIALLY_SHIPPED] for rank in live)
    finished = all(rank >= _ADVANCE[OrderStatus.SHIPPED] for rank in live)
    if begun and not finished:
        return OrderStatus.PARTIALLY_SHIPPED
    return tuple(OrderStatus)[min(live)]


_OPEN_ATTEMPTS = frozenset(
    {PaymentStatus.CREATED, PaymentStatus.UNKNOWN, PaymentStatus.ACTION_REQUIRED}
)


def derive_payment_status(
    *,
    total_minor: int,
    captured_minor: int,
    refunded_minor: int,
    attempts: Collection[PaymentStatus],
    cancelled_minor: int = 0,
    disputed: bool = False,
) -> OrderPaymentStatus:
    """Return what the buyer's money is doing; the order of the attempts doesn't matter.

    `cancelled_minor` is the total of those parts that were cancelled before their money was
    captured; `disputed` says that a chargeback is open. An order over nothing is paid. A declined
    attempt counts only while nothing else has paid or may still pay. Raises ValueError for
    totals that can't be.
    """
    due_minor = total_minor - cancelled_minor
    if min(due_minor, cancelled_minor, refunded_minor, captured_minor - refunded_minor) < 0:
        raise ValueError("needs 0 ≤ cancelled ≤ total and 0 ≤ refunded ≤ captured")
    if disputed:
        return OrderPaymentStatus.DISPUTED
    states = frozenset(attempts)
    expects_more = PaymentStatus.AUTHORIZED in states or bool(states & _OPEN_ATTEMPTS)
    if refunded_minor:
        if refunded_minor == captured_minor and not expects_more:
            return OrderPaymentStatus.REFUNDED
        return OrderPaymentStatus.PARTIALLY_REFUNDED
    if captured_minor >= due_minor and (captured_minor or not total_minor):
        return OrderPaymentStatus.PAID
    return _status_before_full_capture(states)


def _status_before_full_capture(states: frozenset[PaymentStatus]) -> OrderPaymentStatus:
    if PaymentStatus.AUTHORIZED in states:
        return OrderPaymentStatus.AUTHORIZED
    if states & _OPEN_ATTEMPTS:
        return OrderPaymentStatus.PENDING
    if PaymentStatus.DECLINED in states:
        return OrderPaymentStatus.FAILED
    return OrderPaymentStatus.UNPAID


@dataclass(frozen=True, slots=True)
class LineProgress:
    """How far one order line has come, in units of quantity.

    `ordered` is what is still owed: units refunded before they were shipped don't count.
    """

    ordered: int
    shipped: int
    delivered: int

    def __post_init__(self) -> None:
        """Refuse a line that shipped more than was ordered or delivered more than it shipped."""
        if not 0 <= self.delivered <= self.shipped <= self.ordered:
            raise ValueError("a line needs 0 ≤ delivered ≤ shipped ≤ ordered")


def seller_order_status_after_shipment(
    *, current: OrderStatus, lines: Sequence[LineProgress]
) -> OrderStatus:
    """Return the status which the shipped and delivered quantities give a seller order.

    Never moves backwards, and leaves a cancelled or completed seller order as it is: a carrier
    that reports a parcel of a cancelled one is an exception case for a person.
    """
    if current in {OrderStatus.CANCELLED, OrderStatus.COMPLETED}:
        return current
    ordered = sum(line.ordered for line in lines)
    shipped = sum(line.shipped for line in lines)
    delivered = sum(line.delivered for line in lines)
    if shipped == 0:
        return current
    if shipped < ordered:
        reached = OrderStatus.PARTIALLY_SHIPPED
    elif delivered < ordered:
        reached = OrderStatus.SHIPPED
    else:
        reached = OrderStatus.DELIVERED
    return max(current, reached, key=_ADVANCE.__getitem__)
