"""Store credit and gift cards that operators give away: at once, or proposed, where it is more than
one of them alone may give away within a day.

What is proposed changes nothing: neither is anything booked, nor is there a card, before somebody
agrees. What was granted or made then bears the proposal's id.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.proposal_values import Proposal
from gosellr.models.stored_value_values import GiftCard, StoreCreditGrant
from gosellr.queries import gift_sales, stored_value
from gosellr.services import (
    idempotency_service,
    proposal_service,
    sole_word_service,
    stored_value_service,
)
from gosellr.services.gift_sale_service import CodeToldAlready
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.stored_value_service import Made
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.stored_value import NO_CODE_YET
from gosellr.utils.viewer import Viewer


class CardWouldBeOver(Conflict):
    """The end that was proposed has passed, before anybody agreed."""

    code = "gift_card_over"
    title = "The card would be over already: turn it down, and ask anew"


def subject_of_credit(user_id: UUID) -> str:
    """What a proposal to grant credit is about: one waits for each buyer."""
    return f"store_credit:{user_id}"


def subject_of_card(card_id: UUID) -> str:
    """What a proposal to make a card is about: the card that it would be."""
    return f"gift_card:{card_id}"


async def issue(
    connection: Connection,
    *,
    viewer: Viewer,
    code_hash: bytes,
    last_four: str,
    amount_minor: int,
    currency: str,
    expires_at: datetime | None,
    note: str | None,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> Made[GiftCard] | Proposal:
    """Make a gift card at the marketplace's cost, or propose to.

    Raises:
        InvalidInput, NotAllowed, IdempotencyKeyReused.
    """
    operator_id = stored_value_service.require_operator(viewer)
    stored_value_service.check_amount(amount_minor)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput.at("expires_at", "in_the_past", "It would be over already")
    card = GiftCard(
        id=new_id(),
        code_hash=code_hash,
        last_four=last_four,
        amount_minor=amount_minor,
        balance_minor=amount_minor,
        currency=currency,
        note=note,
        issued_by=operator_id,
        created_at=now,
        expires_at=expires_at,
        deactivated_at=None,
    )
    earlier = await idempotency_service.claim(
        connection, request=key, resource_id=str(card.id), now=now,
        kept_for=policy.idempotency_kept_for,
    )  # fmt: skip
    if earlier is not None:
        made_id = _named(earlier)
        known = await stored_value.find_card(connection, card_id=made_id)
        if known is None:
            return await proposal_service.find(connection, proposal_id=made_id)
        return Made(value=known, existed=True)
    subject = subject_of_card(card.id)
    if await sole_word_service.suffices_to_give(
        connection, viewer=viewer, subject=subject, amount_minor=amount_minor, currency=currency,
        policy=policy, now=now,
    ):  # fmt: skip
        await stored_value_service.make_card(connection, card=card, by=operator_id, now=now)
        return Made(value=card, existed=False)
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.GIFT_CARD_ISSUED,
        subject=subject,
        reason=note or "",
        wish={
            "amount_minor": amount_minor,
            "currency": currency,
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        },
        proposal_id=card.id,
        now=now,
    )


async def grant(
    connection: Connection,
    *,
    viewer: Viewer,
    user_id: UUID,
    amount_minor: int,
    currency: str,
    reason: str,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> Made[StoreCreditGrant] | Proposal:
    """Give a buyer credit at the marketplace's cost, or propose to.

    Raises:
        NotFound: there is no such user.
        InvalidInput, NotAllowed, IdempotencyKeyReused.
        ProposalWaits: other credit for this buyer is proposed, and so would this be.
    """
    operator_id = stored_value_service.require_operator(viewer)
    if user_id == operator_id:
        raise NotAllowed("Nobody grants credit to themselves")
    stored_value_service.check_amount(amount_minor)
    given = StoreCreditGrant(
        id=new_id(),
        user_id=user_id,
        amount_minor=amount_minor,
        currency=currency,
        reason=reason,
        granted_by=operator_id,
        created_at=now,
    )
    earlier = await idempotency_service.claim(
        connection, request=key, resource_id=str(given.id), now=now,
        kept_for=policy.idempotency_kept_for,
    )  # fmt: skip
    if earlier is not None:
        made_id = _named(earlier)
        known = await stored_value.find_grant(connection, grant_id=made_id)
        if known is None:
            return await proposal_service.find(connection, proposal_id=made_id)
        return Made(value=known, existed=True)
    if await sole_word_service.suffices_to_give(
        connection, viewer=viewer, subject=f"store_credit:{given.id}", amount_minor=amount_minor,
        currency=currency, policy=policy, now=now,
    ):  # fmt: skip
        await stored_value_service.grant(connection, given=given, by=operator_id, now=now)
        return Made(value=given, existed=False)
    return await _propose_credit(connection, given, viewer=viewer, key=key, now=now)


async def find_waiting(connection: Connection, *, user_id: UUID) -> Proposal | None:
    """The credit for this buyer that waits for a second person, if any does. For operators."""
    return await proposal_service.find_waiting(connection, subject=subject_of_credit(user_id))


async def give_as_proposed(connection: Connection, held: Proposal, *, now: datetime) -> None:
    """Grant, or make, what somebody else proposed, held by its second person: under the proposal's
    id, so that there is one of it. A card's code is told to whoever asked for it, by `give_code`.

    Raises:
        CardWouldBeOver, InvalidInput: it can't be given any more.
    """
    wish = held.wish
    if held.kind == ProposalKind.STORE_CREDIT_GRANTED:
        given = StoreCreditGrant(
            id=held.id,
            user_id=UUID(wish["receiver_id"]),
            amount_minor=wish["amount_minor"],
            currency=wish["currency"],
            reason=held.reason,
            granted_by=held.prepared_by,
            created_at=now,
        )
        await stored_value_service.grant(connection, given=given, by=held.prepared_by, now=now)
        return
    refusal = hindrance(held, now=now)
    if refusal is not None:
        raise refusal
    card = GiftCard(
        id=held.id,
        code_hash=None,
        last_four=NO_CODE_YET,
        amount_minor=wish["amount_minor"],
        balance_minor=wish["amount_minor"],
        currency=wish["currency"],
        note=held.reason or None,
        issued_by=held.prepared_by,
        created_at=now,
        expires_at=_end_of(held),
        deactivated_at=None,
    )
    await stored_value_service.make_card(connection, card=card, by=held.prepared_by, now=now)


def hindrance(held: Proposal, *, now: datetime) -> Conflict | None:
    """Why a proposed card can't be made any more, if so."""
    if held.kind != ProposalKind.GIFT_CARD_ISSUED or held.status != "prepared":
        return None
    ends = _end_of(held)
    return CardWouldBeOver() if ends is not None and ends <= now else None


async def give_code(
    connection: Connection, *, viewer: Viewer, card_id: UUID, code_hash: bytes, last_four: str
) -> GiftCard:
    """Give a card that two people made its code, which the caller then tells, once: to whoever
    asked for the card.

    Raises:
        NotFound, CodeToldAlready.
        NotAllowed: somebody else asked for it, or its code is a buyer's.
    """
    operator_id = stored_value_service.require_operator(viewer)
    card = await stored_value_service.find(connection, card_id=card_id)
    if card.issued_by != operator_id:
        raise NotAllowed("Only who asked for a card is told its code")
    if not await gift_sales.give_code(
        connection, card_id=card_id, code_hash=code_hash, last_four=last_four
    ):
        raise CodeToldAlready("It can't be shown again: stop this card, and make another one")
    return await stored_value_service.find(connection, card_id=card_id)


async def _propose_credit(
    connection: Connection,
    given: StoreCreditGrant,
    *,
    viewer: Viewer,
    key: RequestKey,
    now: datetime,
) -> Proposal:
    if not await stored_value.user_exists(connection, user_id=given.user_id):
        raise NotFound
    made = await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.STORE_CREDIT_GRANTED,
        subject=subject_of_credit(given.user_id),
        reason=given.reason,
        wish={
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


def _named(earlier: EarlierRequest) -> UUID:
    return UUID(earlier.resource_id or "")


def _end_of(held: Proposal) -> datetime | None:
    ends = held.wish["expires_at"]
    return None if ends is None else datetime.fromisoformat(ends)
