"""Store credit that a shop gives one of its buyers as a gesture, out of what is available to it.

It leaves the shop as a payout does: what holds payouts holds it, debts come first, and no more is
given on one person's word than is paid out on it: more than that is proposed to the marketplace.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, SellerOrder
from gosellr.models.proposal_values import Proposal
from gosellr.models.stored_value_values import StoreCreditGrant
from gosellr.queries import outbox, payouts, proposals, seller_members, stored_value
from gosellr.services import (
    idempotency_service,
    ledger_service,
    order_steps,
    payout_terms,
    proposal_service,
    recovery_service,
    stored_value_service,
)
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.ledger_service import Booking, InsufficientBalance
from gosellr.services.refund_plan import NotPaid
from gosellr.services.seller_scope import require_of_shop
from gosellr.services.stored_value_service import Made
from gosellr.utils.ids import order_number
from gosellr.utils.ledger import seller_available
from gosellr.utils.payouts import needs_approval
from gosellr.utils.permissions import Permission, may_as_member
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.value_postings import store_credit_given
from gosellr.utils.viewer import Viewer

# As payouts that people ask for.
_TOGETHER: Final = timedelta(hours=24)


class GiverLeft(Conflict):
    """Who wanted to give it may not any more: they left the shop, or have another role there."""

    code = "giver_left"
    title = "Who asked for it no longer may give the shop's money away: turn it down"


def subject_of(seller_order_id: UUID) -> str:
    """What a proposal to give the buyer of a part credit is about: one waits for each part."""
    return f"seller_credit:{seller_order_id}"


async def give(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    seller_order_id: UUID,
    amount_minor: int,
    currency: str,
    reason: str,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> Made[StoreCreditGrant] | Proposal:
    """Give the buyer of a part credit at the cost of the shop that sold it; or propose to, where so
    much leaves a shop within a day on two people's word only: then the marketplace has to agree.

    Raises:
        NotFound, NotAllowed, InvalidInput, NotPaid, IdempotencyKeyReused, PayoutsHeld.
        InsufficientBalance: less is available to the shop once its debts are taken.
        ProposalWaits: other credit for this part is proposed, and so would this be.
    """
    if viewer.is_operator and not viewer.memberships:
        # Whatever the order is: it isn't theirs to give away.
        raise NotAllowed("Only the shop itself gives its money away")
    hand = await order_steps.see_order(connection, viewer=viewer, order_id=order_id)
    part = hand.part(seller_order_id)
    require_of_shop(viewer, seller_id=part.seller_id, permission=Permission.STORE_CREDIT_GIVE)
    user_id = await _receiver(connection, hand.order, part)
    stored_value_service.check_amount(amount_minor)
    given = StoreCreditGrant(
        id=new_id(),
        user_id=user_id,
        amount_minor=amount_minor,
        currency=currency,
        reason=reason,
        granted_by=viewer.user_id,
        created_at=now,
        seller_id=part.seller_id,
        seller_order_id=part.id,
    )
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(given.id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        made_id = UUID(earlier.resource_id or "")
        first = await stored_value.find_grant(connection, grant_id=made_id)
        if first is None:
            return await proposal_service.find(connection, proposal_id=made_id)
        return Made(value=first, existed=True)
    await _check_available(connection, given, seller_id=part.seller_id, now=now)
    if await _takes_two(connection, given, seller_id=part.seller_id, policy=policy, now=now):
        return await _propose(
            connection, given, viewer=viewer, order=hand.order, part=part, key=key, now=now
        )
    await _write(connection, given, order_id=order_id, seller_id=part.seller_id, now=now)
    return Made(value=given, existed=False)


async def give_as_proposed(
    connection: Connection, held: Proposal, *, viewer: Viewer, now: datetime
) -> None:
    """Give what somebody of the shop proposed to, held by its second person: under the proposal's
    id.

    Raises:
        GiverLeft, NotAllowed, NotPaid, PayoutsHeld, InsufficientBalance: it can't be given any
            more.
    """
    wish = held.wish
    order_id = UUID(wish["order_id"])
    hand = await order_steps.see_order(connection, viewer=viewer, order_id=order_id)
    part = hand.part(UUID(wish["seller_order_id"]))
    role = await seller_members.role_of(
        connection, seller_id=part.seller_id, user_id=held.prepared_by
    )
    if role is None or not may_as_member(role, Permission.STORE_CREDIT_GIVE):
        raise GiverLeft
    given = StoreCreditGrant(
        id=held.id,
        user_id=await _receiver(connection, hand.order, part),
        amount_minor=wish["amount_minor"],
        currency=wish["currency"],
        reason=held.reason,
        granted_by=held.prepared_by,
        created_at=now,
        seller_id=part.seller_id,
        seller_order_id=part.id,
    )
    await _check_available(connection, given, seller_id=part.seller_id, now=now)
    await _write(connection, given, order_id=order_id, seller_id=part.seller_id, now=now)


async def latest_proposal(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, seller_order_id: UUID
) -> Proposal | None:
    """What was proposed last for the buyer of a shop's part, and what became of it; for the shop.

    Raises:
        NotFound, NotAllowed.
    """
    require_of_shop(viewer, seller_id=seller_id, permission=Permission.STORE_CREDIT_GIVE)
    return await proposals.latest(connection, subject=subject_of(seller_order_id))


async def _write(
    connection: Connection,
    given: StoreCreditGrant,
    *,
    order_id: UUID,
    seller_id: UUID,
    now: datetime,
) -> None:
    if not await stored_value.add_grant(connection, grant=given):
        raise NotFound
    await stored_value_service.check_room(connection, grant=given)
    await _book(connection, given, order_id=order_id, seller_id=seller_id, now=now)
    await outbox.append(connection, [_fact(given, order_id=order_id)], now=now)


async def _propose(
    connection: Connection,
    given: StoreCreditGrant,
    *,
    viewer: Viewer,
    order: Order,
    part: SellerOrder,
    key: RequestKey,
    now: datetime,
) -> Proposal:
    made = await proposal_service.prepare_for_shop(
        connection,
        viewer=viewer,
        permission=Permission.STORE_CREDIT_GIVE,
        seller_id=part.seller_id,
        kind=ProposalKind.SELLER_CREDIT,
        subject=subject_of(part.id),
        reason=given.reason,
        wish={
            "order_id": str(order.id),
            "order_number": order_number(order.number),
            "seller_order_id": str(part.id),
            # Who gets it doesn't agree to it.
            "receiver_id": str(given.user_id),
            "amount_minor": given.amount_minor,
            "currency": given.currency,
        },
        proposal_id=given.id,
        now=now,
    )
    if made.id != given.id:
        # The same person asked for the same before.
        await idempotency_service.point_at(connection, request=key, resource_id=str(made.id))
    return made


def _fact(given: StoreCreditGrant, *, order_id: UUID) -> Fact:
    about = {
        "order_id": str(order_id),
        "seller_order_id": str(given.seller_order_id),
        "seller_id": str(given.seller_id),
        "amount": {"amount": given.amount_minor, "currency": given.currency},
        "reason": given.reason,
    }
    return Fact(FactType.STORE_CREDIT_GIVEN, given.id, about)


async def left_to_give(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, currency: str, now: datetime
) -> int:
    """What a shop could give away now, in minor units: what is available to it once its debts are
    taken. Nothing is locked.

    Raises:
        NotFound, NotAllowed.
    """
    require_of_shop(viewer, seller_id=seller_id, permission=Permission.STORE_CREDIT_GIVE)
    account = seller_available(seller_id)
    held = await ledger_service.balances(connection, accounts=[account])
    available_minor = held.get((account, currency), 0)
    return await _free(connection, available_minor, seller_id=seller_id, currency=currency, now=now)


async def _free(
    connection: Connection, available_minor: int, *, seller_id: UUID, currency: str, now: datetime
) -> int:
    debts = await recovery_service.debts_of(connection, seller_ids=[seller_id], currency=currency)
    return available_minor - debts[seller_id].take_at_payout(available_minor, now=now)


async def _receiver(connection: Connection, order: Order, part: SellerOrder) -> UUID:
    """Who bought the part, and may be given something by those who sold it."""
    if not order.is_paid_for(part):
        raise NotPaid
    if order.user_id is None:
        raise InvalidInput.at(
            "seller_order_id", "no_account", "The buyer has no account that could hold credit"
        )
    if await seller_members.is_member(connection, seller_id=part.seller_id, user_id=order.user_id):
        raise NotAllowed("No shop gives credit to its own people")
    return order.user_id


async def _check_available(
    connection: Connection,
    given: StoreCreditGrant,
    *,
    seller_id: UUID,
    now: datetime,
) -> None:
    """Whether the shop can give so much, and nothing holds its money. What is available to it is
    held until the commit, so that nobody recovers a debt, pays out or gives away the same money
    meanwhile."""
    await payout_terms.keep_unheld(connection, seller_id=seller_id)
    account, currency = seller_available(seller_id), given.currency
    held = await ledger_service.locked_balances(connection, accounts=[account], currency=currency)
    free_minor = await _free(
        connection, held[account], seller_id=seller_id, currency=currency, now=now
    )
    if given.amount_minor > free_minor:
        raise InsufficientBalance(
            "Less is available to the shop",
            extras={"left": {"amount": free_minor, "currency": currency}},
        )


async def _takes_two(
    connection: Connection,
    given: StoreCreditGrant,
    *,
    seller_id: UUID,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Whether it is more than leaves the shop on one person's word, with what did within a day;
    its balance is held."""
    left_minor = await payouts.asked_since(
        connection, seller_id=seller_id, currency=given.currency, since=now - _TOGETHER
    )
    together_minor = left_minor + given.amount_minor
    return needs_approval(together_minor, given.currency, policy.payout_approval_over)


async def _book(
    connection: Connection,
    given: StoreCreditGrant,
    *,
    order_id: UUID,
    seller_id: UUID,
    now: datetime,
) -> None:
    booking = Booking(
        draft=store_credit_given(
            seller_id=seller_id,
            user_id=given.user_id,
            amount_minor=given.amount_minor,
            currency=given.currency,
        ),
        cause_type="store_credit_grant",
        cause_id=given.id,
        idempotency_key=str(given.id),
        order_id=order_id,
        actor=f"seller:{given.granted_by or '-'}",
        effective_at=now,
        facts={"reason": given.reason},
    )
    await ledger_service.book(connection, bookings=[booking], now=now)
