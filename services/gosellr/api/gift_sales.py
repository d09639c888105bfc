"""Gift cards that are bought: what is for sale, the purchase, its code, and its way back."""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response

from gosellr.api.answers import answer, json_bytes
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, answer_of, caller_of, telling
from gosellr.api.refunds import stored
from gosellr.api.room import Room
from gosellr.api.schemas.common import Currency, problems
from gosellr.api.schemas.gift_sales import (
    GiftCardCodeOut,
    GiftCardOfferListOut,
    GiftCardOfferOut,
    GiftCardOfferSet,
    GiftCardPurchaseCreate,
    GiftCardPurchaseOut,
    GiftCardTakeBack,
    code_document,
    offer_document,
    purchase_document,
)
from gosellr.api.schemas.orders import OrderOut
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.api.schemas.refunds import RefundOut, refund_document
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import ask, transact
from gosellr.flows import gift_sales, refunds
from gosellr.services import gift_sale_service, idempotency_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/gift-cards", tags=["gift cards"])


@router.get(
    "/offers",
    operation_id="list_gift_card_offers",
    responses={200: {"model": GiftCardOfferListOut}, **problems(401, 403, 422)},
)
async def list_gift_card_offers(
    viewer: Annotated[Viewer, allow(Permission.MARKETPLACE_READ)], market: Market
) -> Response:
    """What gift cards can be bought; operators also see what isn't for sale at the moment."""
    found = await ask(market.db, gift_sale_service.offers, all_of_them=viewer.is_operator)
    return answer({"items": [offer_document(offer) for offer in found], "next_cursor": None})


@router.put(
    "/offers/{currency}",
    operation_id="set_gift_card_offer",
    responses={200: {"model": GiftCardOfferOut}, **problems(401, 403, 422)},
)
async def set_gift_card_offer(
    currency: Currency,
    body: GiftCardOfferSet,
    viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_ISSUE)],
    market: Market,
) -> Response:
    """Offer gift cards in a currency from now on, or no more. Cards that were sold stay as sold."""
    if body.currencies() - {currency}:
        raise InvalidInput.at("amounts", "another_currency", f"An offer in {currency} is in it")
    offer = body.offer(currency, now=market.clock.now(), by=viewer.user_id)
    set_ = await transact(market.db, gift_sale_service.set_offer, viewer=viewer, offer=offer)
    return answer(offer_document(set_))


@router.post(
    "/purchases",
    operation_id="create_gift_card_purchase",
    status_code=201,
    responses={
        201: {"model": OrderOut},
        202: {"model": OrderOut, "description": "The gateway hasn't answered; it resolves itself"},
        **problems(400, 401, 402, 403, 404, 409, 422, 429),
    },
)
async def create_gift_card_purchase(
    body: GiftCardPurchaseCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.ORDER_CREATE)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Buy a gift card. It is an order of its own, which has no sellers and no tax.

    Once it is paid, `create_gift_card_code` tells the card's code, once.
    """
    key = idempotency_service.request_key(
        caller=caller_of(viewer, email=body.email),
        route="create_gift_card_purchase",
        key=idempotency_key,
        body=await request.body(),
    )
    placed = await gift_sales.buy_gift_card(
        market.checkout, viewer=viewer, wish=body.wish(), key=key
    )
    tell = telling(request=request, viewer=viewer, market=market, key=key)
    return await answer_of(placed, market=market, tell=tell)


@router.get(
    "/purchases/{order_id}",
    operation_id="get_gift_card_purchase",
    responses={200: {"model": GiftCardPurchaseOut}, **problems(401, 403, 404, 422)},
)
async def get_gift_card_purchase(
    order_id: UUID, viewer: Annotated[Viewer, allow(Permission.ORDER_READ)], market: Market
) -> Response:
    """A purchase, and what is left on its card once it is paid."""
    found = await ask(market.db, gift_sale_service.find, viewer=viewer, order_id=order_id)
    return answer(purchase_document(found, now=market.clock.now()))


@router.post(
    "/purchases/{order_id}/code",
    operation_id="create_gift_card_code",
    status_code=201,
    responses={201: {"model": GiftCardCodeOut}, **problems(401, 403, 404, 409, 422)},
)
async def create_gift_card_code(
    order_id: UUID, viewer: Annotated[Viewer, allow(Permission.ORDER_PAY)], market: Market
) -> Response:
    """Make the code of a card that was bought, and tell it: this once, and to its buyer alone."""
    told = await gift_sales.tell_code(market.stored_value, viewer=viewer, order_id=order_id)
    return answer(code_document(told.card, code=told.code), status=201)


@router.post(
    "/purchases/{order_id}/refund",
    operation_id="refund_gift_card_purchase",
    status_code=201,
    responses={
        201: {"model": RefundOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def refund_gift_card_purchase(
    *,
    order_id: UUID,
    body: GiftCardTakeBack,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_DEACTIVATE)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take a card back that was bought: what is left on it goes to whoever paid for it. Above
    `GOSELLR_REFUND_APPROVAL_OVER` that is proposed (202), and the card can be spent meanwhile."""
    key = idempotency_service.request_key(
        caller=caller_of(viewer),
        route=f"refund_gift_card_purchase:{order_id}",
        key=idempotency_key,
        body=await request.body(),
    )
    requested = await gift_sales.take_back(
        market.refunds, viewer=viewer, order_id=order_id, reason=body.reason, key=key
    )
    if requested.proposal is not None:
        content = json_bytes(proposal_document(requested.proposal))
        await refunds.keep_answer(market.refunds, key=key, status=202, body=content)
        return answer(content, status=202)
    if requested.refund is None:
        return stored(requested.answered)
    content = json_bytes(refund_document(requested.refund, order_id=order_id, sees_terms=True))
    await refunds.keep_answer(market.refunds, key=key, status=201, body=content)
    return answer(content, status=201)
