"""Store credit that a shop gives one of its buyers as a gesture, out of what is available to it.

It leaves the shop as a payout does: what holds payouts holds it, debts come first, and no more is
given on one person's word than is paid out on it.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, SellerOrder
from gosellr.models.stored_value_values import StoreCreditGrant
from gosellr.queries import outbox, payouts, seller_members, stored_value
from gosellr.services import (
    idempotency_service,
    ledger_service,
    order_steps,
    payout_terms,
    recovery_service,
    stored_value_service,
)
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.ledger_service import Booking, InsufficientBalance
from gosellr.services.refund_plan import NotPaid
from gosellr.services.seller_scope import require_of_shop
from gosellr.services.stored_value_service import Made
from gosellr.utils.ledger import seller_available
from gosellr.utils.payouts import needs_approval
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.value_postings import store_credit_given
from gosellr.utils.viewer import Viewer

# As payouts that people ask for.
_TOGETHER: Final = timedelta(hours=24)


class MoreThanOneMayGive(Conflict):
    """So much leaves a shop on two people's word only, and nobody agrees to gifts; `limit` says
    how much may leave it within a day."""

    code = "store_credit_over_limit"
    title = "That is more than a shop may give away within a day"


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
) -> Made[StoreCreditGrant]:
    """Give the buyer of a part credit at the cost of the shop that sold it.

    Raises:
        NotFound, NotAllowed, InvalidInput, NotPaid, IdempotencyKeyReused, PayoutsHeld.
        InsufficientBalance: less is available to the shop once its debts are taken.
        MoreThanOneMayGive: with what left it within a day it is too much.
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
        first = await stored_value.find_grant(connection, grant_id=UUID(earlier.resource_id or ""))
        if first is None:
            raise NotFound
        return Made(value=first, existed=True)
    await payout_terms.keep_unheld(connection, seller_id=part.seller_id)
    await _check_available(connection, given, seller_id=part.seller_id, policy=policy, now=now)
    if not await stored_value.add_grant(connection, grant=given):
        raise NotFound
    await stored_value_service.check_room(connection, grant=given)
    await _book(connection, given, order_id=order_id, seller_id=part.seller_id, now=now)
    await outbox.append(connection, [_fact(given, order_id=order_id)], now=now)
    return Made(value=given, existed=False)


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
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Whether the shop can give so much. What is available to it is held until the commit, so that
    nobody recovers a debt, pays out or gives away the same money meanwhile."""
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
    left_minor = await payouts.asked_since(
        connection, seller_id=seller_id, currency=currency, since=now - _TOGETHER
    )
    together_minor = left_minor + given.amount_minor
    if needs_approval(together_minor, currency, policy.payout_approval_over):
        limit_minor = policy.payout_approval_over[currency]
        raise MoreThanOneMayGive(extras={"limit": {"amount": limit_minor, "currency": currency}})


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
