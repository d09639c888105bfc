"""State machines as tables: who may move what from where to where.

One mechanism serves every noun that has a status. A table is data, so that the services check
it, the error names what is allowed, and the database triggers are generated from it.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from gosellr.utils.lazy_dataclasses import dataclass


class Actor(StrEnum):
    """On whose word a status moves.

    `PAYMENT` and `SHIPMENT` are facts reported by a gateway or a carrier, or recorded by the
    service that keeps them; `SYSTEM` is a job acting on a deadline or a policy.
    """

    SYSTEM = "system"
    PAYMENT = "payment"
    SHIPMENT = "shipment"
    SELLER = "seller"
    BUYER = "buyer"
    OPERATOR = "operator"


State = TypeVar("State", bound=StrEnum)


class TransitionNotAllowed(ValueError):
    """A status can't move like this; `allowed` names where this actor may move it instead."""

    def __init__(
        self, *, noun: str, current: str, target: str, actor: Actor, allowed: tuple[str, ...]
    ) -> None:
        choices = ", ".join(allowed) or "nothing"
        super().__init__(
            f"{noun} can't go from {current} to {target} for {actor}; allowed: {choices}"
        )
        self.noun = noun
        self.current = current
        self.target = target
        self.actor = actor
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class StateMachine(Generic[State]):
    """A table of transitions, each with the actors who may make it.

    `noun` names the thing in errors, `states` keeps the natural order from first to last,
    `initial` is where each begins, and a pair that isn't in `table` never happens.
    """

    noun: str
    states: tuple[State, ...]
    initial: State
    table: Mapping[tuple[State, State], frozenset[Actor]]

    def allowed(self, current: State, actor: Actor) -> tuple[State, ...]:
        """Return the states to which the actor may move a thing in `current`, in order."""
        return tuple(
            state for state in self.states if actor in self.table.get((current, state), ())
        )

    def check(self, current: State, target: State, actor: Actor) -> None:
        """Raise `TransitionNotAllowed` unless the actor may move from `current` to `target`."""
        allowed = self.allowed(current, actor)
        if target not in allowed:
            raise TransitionNotAllowed(
                noun=self.noun,
                current=current.value,
                target=target.value,
                actor=actor,
                allowed=tuple(state.value for state in allowed),
            )

    def settle(self, current: State, reported: State) -> State:
        """Return the state after a report from outside that may be late or repeated.

        A report that isn't a listed step forward is old news and changes nothing.
        """
        return reported if (current, reported) in self.table else current

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return every listed (from, to), in natural order: what a database trigger guards."""
        order = {state: index for index, state in enumerate(self.states)}
        listed = sorted(self.table, key=lambda pair: (order[pair[0]], order[pair[1]]))
        return tuple((source.value, target.value) for source, target in listed)

    def terminal(self) -> frozenset[State]:
        """Return the states that nothing leaves."""
        return frozenset(self.states) - {source for source, _ in self.table}


def _ladder(
    noun: str, rungs: tuple[State, ...], movers: Mapping[State, Iterable[Actor]]
) -> StateMachine[State]:
    """Build a machine that only climbs: from any rung to any higher one.

    The last state is then the highest rung ever reported, so reports may arrive late, twice and
    in any order and still end in the same place. `movers` are the actors who may move *to* a rung.
    """
    table = {
        (lower, higher): frozenset(movers[higher])
        for index, lower in enumerate(rungs)
        for higher in rungs[index + 1 :]
    }
    return StateMachine(noun=noun, states=rungs, initial=rungs[0], table=table)


class ProductStatus(StrEnum):
    """A listing's life; only `active` is on sale."""

    DRAFT = "draft"
    PENDING_REVIEW = "pending_review"
    ACTIVE = "active"
    REJECTED = "rejected"
    ARCHIVED = "archived"


class SellerStatus(StrEnum):
    """A seller's life; only `active` has its offers on sale."""

    APPLIED = "applied"
    IN_REVIEW = "in_review"
    ACTIVE = "active"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    ON_HOLIDAY = "on_holiday"
    TERMINATED = "terminated"


class ShipmentStatus(StrEnum):
    """A parcel's way, in the order of the ladder: a parcel that was lost may still turn up."""

    LABEL_CREATED = "label_created"
    IN_TRANSIT = "in_transit"
    LOST = "lost"
    DELIVERED = "delivered"
    RETURNED = "returned"


class PaymentStatus(StrEnum):
    """One payment attempt, in the order of the ladder: captured money outweighs all reports."""

    CREATED = "created"
    UNKNOWN = "unknown"
    ACTION_REQUIRED = "action_required"
    DECLINED = "declined"
    AUTHORIZED = "authorized"
    EXPIRED = "expired"
    VOIDED = "voided"
    CAPTURED = "captured"


GATEWAY_UNREACHABLE = "gateway_unreachable"
"""Why an attempt came to nothing whose request never left the house: its gateway is down."""


class RefundStatus(StrEnum):
    """One refund at the gateway; a failed one is followed by another refund, not by a retry."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_OPERATOR = frozenset({Actor.OPERATOR})
_SELLER = frozenset({Actor.SELLER})
_SYSTEM = frozenset({Actor.SYSTEM})
_SELLER_OR_OPERATOR = _SELLER | _OPERATOR
_SYSTEM_OR_OPERATOR = _SYSTEM | _OPERATOR


def _product_states(publishers: frozenset[Actor]) -> StateMachine[ProductStatus]:
    draft, review, active, rejected, archived = ProductStatus
    return StateMachine(
        noun="product",
        states=tuple(ProductStatus),
        initial=draft,
        table={
            (draft, review): _SELLER_OR_OPERATOR,
            (draft, active): publishers,
            (draft, archived): _SELLER_OR_OPERATOR,
            (review, active): _OPERATOR,
            (review, rejected): _OPERATOR,
            (review, archived): _SELLER_OR_OPERATOR,
            (active, draft): _SELLER_OR_OPERATOR,
            (active, rejected): _OPERATOR,
            (active, archived): _SELLER_OR_OPERATOR,
            # A rejected listing has no way back through `draft`, where its seller could
            # publish it again without anybody looking at it.
            (rejected, review): _SELLER_OR_OPERATOR,
            (rejected, active): _OPERATOR,
            (rejected, archived): _SELLER_OR_OPERATOR,
        },
    )


_PRODUCT_STATES_BY_REVIEW_MODE = {
    "off": _product_states(_SELLER_OR_OPERATOR),
    "all": _product_states(_OPERATOR),
}


def product_states(*, review_mode: Literal["off", "all"]) -> StateMachine[ProductStatus]:
    """Return the product machine: with `all`, a seller's listing passes a review to go on sale.

    Both modes list the same pairs and differ only in who may publish a draft.
    """
    return _PRODUCT_STATES_BY_REVIEW_MODE[review_mode]


def _seller_states() -> StateMachine[SellerStatus]:
    applied, review, active, rejected, suspended, holiday, terminated = SellerStatus
    return StateMachine(
        noun="seller",
        states=tuple(SellerStatus),
        initial=applied,
        table={
            (applied, review): _SELLER_OR_OPERATOR,
            # The system approves where the marketplace has chosen automatic approval.
            (applied, active): _SYSTEM_OR_OPERATOR,
            (applied, rejected): _OPERATOR,
            (applied, terminated): _SELLER_OR_OPERATOR,
            (review, applied): _OPERATOR,
            (review, active): _SYSTEM_OR_OPERATOR,
            (review, rejected): _OPERATOR,
            (review, terminated): _SELLER_OR_OPERATOR,
            (active, suspended): _SYSTEM_OR_OPERATOR,
            (active, holiday): _SELLER_OR_OPERATOR,
            (active, terminated): _SELLER_OR_OPERATOR,
            (rejected, applied): _SELLER_OR_OPERATOR,
            (rejected, terminated): _SELLER_OR_OPERATOR,
            (suspended, active): _OPERATOR,
            (suspended, terminated): _OPERATOR,
            (holiday, active): _SELLER_OR_OPERATOR | _SYSTEM,
            (holiday, suspended): _SYSTEM_OR_OPERATOR,
            (holiday, terminated): _SELLER_OR_OPERATOR,
        },
    )


SELLER_STATES = _seller_states()

_PARCEL_MOVERS = frozenset({Actor.SHIPMENT, Actor.SELLER, Actor.OPERATOR})

SHIPMENT_STATES = _ladder(
    "shipment",
    tuple(ShipmentStatus),
    {
        ShipmentStatus.IN_TRANSIT: _PARCEL_MOVERS,
        ShipmentStatus.LOST: _PARCEL_MOVERS | _SYSTEM,
        ShipmentStatus.DELIVERED: _PARCEL_MOVERS | _SYSTEM,
        ShipmentStatus.RETURNED: _PARCEL_MOVERS,
    },
)

_GATEWAY = frozenset({Actor.PAYMENT})

# A hosted payment page lets a buyer try a second card in the same attempt, so `declined` may
# still be followed by success; and money that arrives after we gave up on an attempt has to be
# recorded before it can be sent back, so `captured` stands above `expired` and `voided`.
PAYMENT_STATES = _ladder(
    "payment",
    tuple(PaymentStatus),
    {
        PaymentStatus.UNKNOWN: _GATEWAY | _SYSTEM,
        PaymentStatus.ACTION_REQUIRED: _GATEWAY,
        PaymentStatus.DECLINED: _GATEWAY,
        PaymentStatus.AUTHORIZED: _GATEWAY,
        PaymentStatus.EXPIRED: _GATEWAY | _SYSTEM,
        PaymentStatus.VOIDED: _GATEWAY | _SYSTEM,
        PaymentStatus.CAPTURED: _GATEWAY,
    },
)

REFUND_STATES = StateMachine(
    noun="refund",
    states=tuple(RefundStatus),
    initial=RefundStatus.PENDING,
    table={
        (RefundStatus.PENDING, RefundStatus.UNKNOWN): _GATEWAY | _SYSTEM,
        (RefundStatus.PENDING, RefundStatus.SUCCEEDED): _GATEWAY,
        (RefundStatus.PENDING, RefundStatus.FAILED): _GATEWAY,
        (RefundStatus.UNKNOWN, RefundStatus.SUCCEEDED): _GATEWAY,
        (RefundStatus.UNKNOWN, RefundStatus.FAILED): _GATEWAY,
    },
)
