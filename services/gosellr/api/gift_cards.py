"""Gift cards: issued and stopped by operators, and checked by whoever knows a code."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import PageFilters, problems
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.api.schemas.stored_value import (
    GiftCardBalanceOut,
    GiftCardCheck,
    GiftCardCreate,
    GiftCardOut,
    GiftCardPageOut,
    balance_document,
    card_document,
)
from gosellr.core.transact import ask, transact
from gosellr.flows import stored_value
from gosellr.models.proposal_values import Proposal
from gosellr.services import idempotency_service, stored_value_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/gift-cards", tags=["gift cards"])

MayRead = Annotated[Viewer, allow(Permission.GIFT_CARD_READ)]


@router.get(
    "",
    operation_id="list_gift_cards",
    responses={200: {"model": GiftCardPageOut}, **problems(401, 403, 422)},
)
async def list_gift_cards(
    filters: Annotated[PageFilters, Query()], _viewer: MayRead, market: Market
) -> Response:
    """Gift cards with what is left on them, newest first. Codes are nowhere to be read."""
    page = await ask(
        market.db, stored_value_service.list_cards, cursor=filters.cursor, limit=filters.limit
    )
    now = market.clock.now()
    items = [card_document(card, now=now) for card in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "",
    operation_id="issue_gift_card",
    status_code=201,
    responses={
        201: {"model": GiftCardOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 409, 422),
    },
)
async def issue_gift_card(
    *,
    body: GiftCardCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_ISSUE)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make a gift card at the marketplace's cost.

    Its code is told now and never again: the same request once more answers without it.

    Above `GOSELLR_GIFT_APPROVAL_OVER`, with all that the caller gave away within 24 hours, it is
    proposed (202). Once another operator approves that, the card bears the proposal's id, and
    `create_issued_card_code` tells its code to the caller.
    """
    issued = await stored_value.issue_gift_card(
        market.stored_value,
        viewer=viewer,
        amount_minor=body.amount.amount,
        currency=body.amount.currency,
        expires_at=body.expires_at,
        note=body.note,
        key=idempotency_service.request_key(
            caller=caller_of(viewer),
            route="issue_gift_card",
            key=idempotency_key,
            body=await request.body(),
        ),
    )
    if isinstance(issued, Proposal):
        return answer(proposal_document(issued), status=202)
    document = card_document(issued.card, now=market.clock.now(), code=issued.code)
    replayed = {"Idempotency-Replayed": "true"} if issued.code is None else {}
    return answer(document, status=201, headers=replayed)


@router.post(
    "/check",
    operation_id="check_gift_card",
    responses={200: {"model": GiftCardBalanceOut}, **problems(401, 403, 422, 429)},
)
async def check_gift_card(
    body: GiftCardCheck,
    viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_CHECK)],
    market: Market,
) -> Response:
    """What is left on the card of a code.

    Unknown, expired and deactivated are the same answer: `gift_card_refused`.
    """
    card = await stored_value.check_gift_card(market.stored_value, viewer=viewer, typed=body.code)
    return answer(balance_document(card))


@router.get(
    "/{card_id}",
    operation_id="get_gift_card",
    responses={200: {"model": GiftCardOut}, **problems(401, 403, 404, 422)},
)
async def get_gift_card(card_id: UUID, _viewer: MayRead, market: Market) -> Response:
    """A gift card and what is left on it."""
    card = await ask(market.db, stored_value_service.find, card_id=card_id)
    return answer(card_document(card, now=market.clock.now()))


@router.post(
    "/{card_id}/code",
    operation_id="create_issued_card_code",
    status_code=201,
    responses={201: {"model": GiftCardOut}, **problems(401, 403, 404, 409, 422)},
)
async def create_issued_card_code(
    card_id: UUID, viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_ISSUE)], market: Market
) -> Response:
    """Make the code of a card that took two people, and tell it: this once, and to the one who
    asked for the card."""
    told = await stored_value.tell_code(market.stored_value, viewer=viewer, card_id=card_id)
    document = card_document(told.card, now=market.clock.now(), code=told.code)
    return answer(document, status=201)


@router.post(
    "/{card_id}/deactivate",
    operation_id="deactivate_gift_card",
    responses={200: {"model": GiftCardOut}, **problems(401, 403, 404, 422)},
)
async def deactivate_gift_card(
    card_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_DEACTIVATE)],
    market: Market,
) -> Response:
    """Stop a gift card from being spent. What it holds stays in the books, still owed."""
    now = market.clock.now()
    card = await transact(
        market.db, stored_value_service.deactivate, viewer=viewer, card_id=card_id, now=now
    )
    return answer(card_document(card, now=now))
