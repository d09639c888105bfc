"""Refunds that somebody asks for: given at once, or proposed, where one operator alone may not give
so much back of an order.

What is proposed changes nothing and holds nothing: the sale stays as it is until somebody agrees,
and then what would go back has to be what was shown.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed
from gosellr.core.identity import new_id
from gosellr.models.order_values import Order
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    idempotency_service,
    order_steps,
    proposal_service,
    refund_limits,
    refund_plan,
    refund_questions,
    refund_service,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.refund_plan import PlannedRefund, RefundRequest
from gosellr.services.refund_questions import RefundPreview
from gosellr.services.refund_ways import NamedPayment, Override, WayBack
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.refunds import SHIPPING_KEY, RefundShares
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer


class RefundChanged(Conflict):
    """The sale has moved on: the same wish would give back something else than was proposed."""

    code = "refund_changed"
    title = "It would not give back what was proposed any more: turn it down, and ask anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRefund:
    """A refund on its way: booked, and not yet asked of a gateway."""

    refund_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A refund as it is given: of a locked order, under the id that it was asked for by."""

    order: Order
    planned: PlannedRefund
    request: RefundRequest
    refund_id: UUID
    actor: Actor
    actor_id: UUID | None
    is_sole_word: bool


def subject_of(seller_order_id: UUID) -> str:
    """What a proposal to refund a part of an order is about: one waits for each part."""
    return f"refund_of:{seller_order_id}"


async def open_refund(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    request: RefundRequest,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> OpenedRefund | Proposal | EarlierRequest:
    """Decide a refund of a seller's own part, or an operator's of any, and book the intent; or
    propose it, where it is more than one operator alone may give back of this order.

    Raises:
        NotFound, NotAllowed, InvalidInput, NotPaid, RefundTooLarge, AlreadyRefunded,
        UnderChargeback, GoodwillUnderWay, IdempotencyKeyReused: and then nothing was changed.
        ProposalWaits: another refund of this part is proposed, and so would this be.
    """
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part = hand.part(request.seller_order_id)
    refund_plan.check_right(hand.order, part, viewer=viewer, request=request)
    # Only who still has the right hears what an earlier request was answered.
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
    planned = refund_plan.plan_refund(
        hand.order, part=part, request=request, reversal=policy.commission_reversal
    )
    of_staff = refund_limits.is_of_staff(viewer, part, by_marketplace=request.by_marketplace)
    if of_staff and await refund_limits.takes_two_now(
        connection, hand.order, amount_minor=planned.amount_minor, policy=policy
    ):
        return await _propose(
            connection, viewer=viewer, order=hand.order, request=request, refund_id=refund_id,
            key=key, policy=policy, now=now,
        )  # fmt: skip
    asked = _Asked(
        order=hand.order,
        planned=planned,
        request=request,
        refund_id=refund_id,
        actor=Actor.OPERATOR if viewer.is_operator else Actor.SELLER,
        actor_id=viewer.user_id,
        is_sole_word=of_staff,
    )
    await _give(connection, asked, policy=policy, now=now)
    return OpenedRefund(refund_id=refund_id)


async def find_waiting(connection: Connection, *, seller_order_id: UUID) -> Proposal | None:
    """The refund of this part that waits for a second person, if one does. For operators."""
    return await proposal_service.find_waiting(connection, subject=subject_of(seller_order_id))


async def give_as_proposed(
    connection: Connection, held: Proposal, *, viewer: Viewer, policy: MarketPolicy, now: datetime
) -> None:
    """Book the refund that somebody else proposed, held by its second person: under the
    proposal's id, so that there is one of it, whatever happens.

    Raises:
        NotAllowed: the viewer bought it.
        RefundChanged, RefundTooLarge, AlreadyRefunded, UnderChargeback, GoodwillUnderWay: less, or
            something else, is left than was proposed.
    """
    request = _request_of(held)
    order_id = UUID(held.wish["order_id"])
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part = hand.part(request.seller_order_id)
    refund_plan.check_right(hand.order, part, viewer=viewer, request=request)
    planned = refund_plan.plan_refund(
        hand.order, part=part, request=request, reversal=policy.commission_reversal
    )
    _require_as_shown(planned, held)
    try:
        ways = refund_plan.ways_of(hand.order, planned)
    except InvalidInput as error:
        raise _changed(planned, held) from error
    _require_same_ways(ways, planned, held)
    asked = _Asked(
        order=hand.order,
        planned=planned,
        request=request,
        refund_id=held.id,
        actor=Actor.OPERATOR,
        actor_id=held.prepared_by,
        is_sole_word=False,
    )
    await _give(connection, asked, policy=policy, now=now)


async def hindrance(
    connection: Connection, *, held: Proposal, viewer: Viewer, policy: MarketPolicy
) -> Conflict | None:
    """Why a refund that waits can't be agreed to any more, as its order stands now, if so. Who has
    a part in it themselves isn't told."""
    if held.kind != ProposalKind.REFUND or held.status != "prepared":
        return None
    order_id = UUID(held.wish["order_id"])
    try:
        shown = await refund_questions.preview(
            connection, viewer=viewer, order_id=order_id, request=_request_of(held), policy=policy
        )
        _require_as_shown(shown.planned, held)
        _require_same_ways(shown.ways or (), shown.planned, held)
    except NotAllowed:
        return None
    except InvalidInput:
        return RefundChanged("Less is left of a payment that it was to go back through")
    except Conflict as refusal:
        return refusal
    return None


def _require_as_shown(planned: PlannedRefund, held: Proposal) -> None:
    """What would go back now has to be what was proposed."""
    if any(held.wish[name] != told for name, told in _figures(planned).items()):
        raise _changed(planned, held)


def _require_same_ways(ways: Sequence[WayBack], planned: PlannedRefund, held: Proposal) -> None:
    """Who holds a gift card may be somebody else than whose bank was to get it."""
    if _ways(ways) != held.wish["ways"]:
        raise _changed(planned, held)


def _changed(planned: PlannedRefund, held: Proposal) -> RefundChanged:
    left = refund_plan.part_left_minor(planned.part)
    return RefundChanged(extras={"left": {"amount": left, "currency": held.wish["currency"]}})


async def _give(
    connection: Connection, asked: _Asked, *, policy: MarketPolicy, now: datetime
) -> None:
    order = await refund_service.carry_out(
        connection,
        order=asked.order,
        planned=asked.planned,
        refund_id=asked.refund_id,
        reason=asked.request.reason,
        restock=asked.request.restock,
        actor=asked.actor,
        actor_id=asked.actor_id,
        policy=policy,
        now=now,
        is_sole_word=asked.is_sole_word,
    )
    await refund_service.end_what_is_empty(
        connection,
        order=order,
        part_id=asked.planned.part.id,
        actor=asked.actor,
        actor_id=asked.actor_id,
        policy=policy,
        now=now,
    )


async def _propose(
    connection: Connection,
    *,
    viewer: Viewer,
    order: Order,
    request: RefundRequest,
    refund_id: UUID,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> Proposal:
    shown = await refund_questions.preview(
        connection, viewer=viewer, order_id=order.id, request=request, policy=policy
    )
    made = await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.REFUND,
        subject=subject_of(request.seller_order_id),
        reason=request.reason,
        wish=_wish(order, request, shown),
        seller_ids=[shown.planned.part.seller_id],
        proposal_id=refund_id,
        now=now,
    )
    if made.id != refund_id:
        # The same person asked for the same before.
        await idempotency_service.point_at(connection, request=key, resource_id=str(made.id))
    return made


def _wish(order: Order, request: RefundRequest, shown: RefundPreview) -> dict[str, Any]:
    """What was asked for, and all that was shown of what it would do."""
    sold = {line.id: line.title for line in shown.planned.part.lines}
    return {
        "order_id": str(order.id),
        "order_number": order_number(order.number),
        "seller_order_id": str(request.seller_order_id),
        # Who bought it neither asks for it nor agrees to it.
        "buyer_id": None if order.user_id is None else str(order.user_id),
        "currency": order.currency,
        "asked": {
            "items": [[str(line_id), quantity] for line_id, quantity in request.items],
            "shipping": request.shipping,
            "amount_minor": request.amount_minor,
            "by_marketplace": request.by_marketplace,
            "restock": request.restock,
            "to_store_credit": request.to_store_credit,
            "first_paid_first": request.override.first_paid_first,
            "named": [
                {
                    "payment_id": str(one.payment_id),
                    "amount_minor": one.amount_minor,
                    "currency": one.currency,
                }
                for one in request.override.named
            ],
        },
        **_figures(shown.planned),
        "titles": {str(line_id): sold[line_id] for line_id in shown.planned.lines},
        "withdrawn": {str(line_id): units for line_id, units in shown.withdrawn.items()},
        "effects": shown.effects,
        "ways": _ways(shown.ways or ()),
    }


def _ways(ways: Sequence[WayBack]) -> list[dict[str, Any]]:
    return [
        {
            "payment_id": str(way.payment_id),
            "goes_to": way.goes_to,
            "amount_minor": way.amount_minor,
        }
        for way in ways
    ]


def _figures(planned: PlannedRefund) -> dict[str, Any]:
    """What somebody agrees to. Out of which of its pots a seller gives it moves with time alone."""
    return {
        "amount_minor": planned.amount_minor,
        "goodwill_returned_minor": planned.goodwill_returned_minor,
        "lines": {str(line_id): _shares(one) for line_id, one in planned.lines.items()},
        "shipping": _shares(planned.shipping) if SHIPPING_KEY in planned.shares else None,
    }


def _shares(one: RefundShares) -> dict[str, int]:
    return {
        "quantity": one.quantity,
        "amount_minor": one.buyer_minor,
        "tax_minor": one.tax_minor,
        "promotion_minor": one.promotion_minor,
        "commission_minor": one.commission_reversed_minor,
        "commission_vat_minor": one.commission_vat_reversed_minor,
    }


def _request_of(held: Proposal) -> RefundRequest:
    wish: Mapping[str, Any] = held.wish
    asked = wish["asked"]
    return RefundRequest(
        seller_order_id=UUID(wish["seller_order_id"]),
        reason=held.reason,
        items=tuple((UUID(line_id), quantity) for line_id, quantity in asked["items"]),
        shipping=asked["shipping"],
        amount_minor=asked["amount_minor"],
        currency=None if asked["amount_minor"] is None else wish["currency"],
        by_marketplace=asked["by_marketplace"],
        restock=asked["restock"],
        to_store_credit=asked["to_store_credit"],
        override=Override(
            first_paid_first=asked["first_paid_first"],
            named=tuple(
                NamedPayment(**{**one, "payment_id": UUID(one["payment_id"])})
                for one in asked["named"]
            ),
        ),
    )
