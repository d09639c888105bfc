"""Orders: placed, paid, read."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, Response

from gosellr.api.answers import answer, finished_json, json_bytes
from gosellr.api.deps import Market, allow
from gosellr.api.errors import problem, request_id_of
from gosellr.api.guest_ways import guest_way
from gosellr.api.room import Room
from gosellr.api.schemas.common import PageOut, problems
from gosellr.api.schemas.order_documents import listed_document, order_document
from gosellr.api.schemas.orders import (
    ListedOrderOut,
    OrderCreate,
    OrderFilters,
    OrderOut,
    PaymentCreate,
)
from gosellr.api.short_ways import ShortRoute
from gosellr.core.errors import DomainError
from gosellr.core.transact import ask
from gosellr.flows import checkout
from gosellr.flows.checkout import PlacedOrder
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import idempotency_service, order_service, payment_service
from gosellr.services.idempotency_service import KeptAnswer, RequestKey
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/orders", tags=["orders"], route_class=ShortRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Required: the same key and body have one effect and one answer",
    ),
]
MayOrder = Annotated[Viewer, allow(Permission.ORDER_CREATE)]
MayRead = Annotated[Viewer, allow(Permission.ORDER_READ)]
MayPay = Annotated[Viewer, allow(Permission.ORDER_PAY)]


class PaymentDeclined(DomainError):
    """The gateway said no; the goods stay held, so that another way to pay can be tried."""

    code = "payment_declined"
    status = 402
    title = "The payment was declined"


class ProviderUnreachable(PaymentDeclined):
    """Nobody said anything: the gateway is down, and was sent nothing."""

    title = "This way to pay can't be reached"


def caller_of(viewer: Viewer, *, email: str | None = None) -> str:
    """Whose keys these are: the account's, else the cart's, the order's, the e-mail's."""
    if viewer.user_id is not None:
        return f"user:{viewer.user_id}"
    for token_hash in (viewer.cart_token_hash, viewer.order_token_hash):
        if token_hash is not None:
            return f"token:{token_hash.hex()}"
    return f"email:{(email or '').lower()}"


@router.post(
    "/create",
    operation_id="create_order",
    status_code=201,
    responses={
        201: {"model": OrderOut},
        202: {"model": OrderOut, "description": "The gateway hasn't answered; it resolves itself"},
        200: {"model": OrderOut, "description": "The cart had become this order already"},
        **problems(400, 402, 404, 409, 422, 429),
    },
)
@guest_way(permission=Permission.ORDER_CREATE)
async def create_order(
    body: OrderCreate,
    request: Request,
    viewer: MayOrder,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Buy: from a cart, or in one call."""
    key = idempotency_service.request_key(
        caller=caller_of(viewer, email=body.email),
        route="create_order",
        key=idempotency_key,
        body=await request.body(),
    )
    tell = telling(request=request, viewer=viewer, market=market, key=key)
    placed = await checkout.place_order(
        market.checkout, viewer=viewer, request=body.request(), key=key, tell=tell
    )
    return await answer_of(placed, market=market, tell=tell)


@router.post(
    "/{order_id}/payments",
    operation_id="create_payment",
    status_code=201,
    responses={
        201: {"model": OrderOut},
        202: {"model": OrderOut, "description": "The gateway hasn't answered; it resolves itself"},
        **problems(400, 402, 404, 409, 422, 429),
    },
)
async def create_payment(
    order_id: UUID,
    body: PaymentCreate,
    request: Request,
    viewer: MayPay,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Pay an order that still waits for its money, another way."""
    key = idempotency_service.request_key(
        caller=caller_of(viewer),
        route=f"create_payment:{order_id}",
        key=idempotency_key,
        body=await request.body(),
    )
    placed = await checkout.pay_again(
        market.checkout, viewer=viewer, order_id=order_id, tenders=body.tenders(), key=key
    )
    tell = telling(request=request, viewer=viewer, market=market, key=key)
    return await answer_of(placed, market=market, tell=tell)


@router.get(
    "/",
    operation_id="list_orders",
    responses={200: {"model": PageOut[ListedOrderOut]}, **problems(401, 403, 422)},
)
async def list_orders(
    viewer: MayRead, market: Market, filters: Annotated[OrderFilters, Query()]
) -> Response:
    """Orders, newest first: a buyer's own, a seller's parts, or all for the operator."""
    page = await ask(
        market.db,
        order_service.list_orders,
        viewer=viewer,
        filters=order_service.OrderFilters(
            as_=filters.as_,
            status=filters.status,
            seller_id=filters.seller,
            q=filters.q,
            placed_from=filters.from_,
            placed_to=filters.to,
        ),
        limit=filters.limit,
        cursor=filters.cursor,
    )
    capacity = order_service.capacity_of(viewer, filters.as_)
    return answer(
        {
            "items": [listed_document(order, capacity=capacity) for order in page.items],
            "next_cursor": page.next_cursor,
        }
    )


@router.get(
    "/{order_id}",
    operation_id="get_order",
    responses={200: {"model": OrderOut}, **problems(401, 403, 404, 422)},
)
@guest_way(permission=Permission.ORDER_READ)
async def get_order(order_id: UUID, viewer: MayRead, market: Market) -> Response:
    """One order, as far as the caller may see it."""
    order = await ask(market.db, order_service.find_order, viewer=viewer, order_id=order_id)
    return answer(order_document(order, viewer=viewer, base_url=market.settings.base_url))


def telling(
    *, request: Request, viewer: Viewer, market: Resources, key: RequestKey
) -> Callable[[PlacedOrder], KeptAnswer]:
    """What an order is answered under this key, as an answer to be kept."""

    def tell(placed: PlacedOrder) -> KeptAnswer:
        status, body = _rendered(
            placed,
            viewer=viewer,
            base_url=market.settings.base_url,
            request_id=request_id_of(request),
        )
        return KeptAnswer(request=key, status=status, body=body)

    return tell


async def answer_of(
    placed: PlacedOrder, *, market: Resources, tell: Callable[[PlacedOrder], KeptAnswer]
) -> Response:
    """The order as an answer; kept, so that the same request gets it again."""
    if placed.answered is not None and placed.answered.status is not None:
        return _stored(placed.answered.status, placed.answered.body or b"")
    kept = placed.kept
    if kept is None:
        kept = tell(placed)
        await checkout.keep_answer(market.checkout, answer=kept)
    return _response(kept.status, kept.body)


def _rendered(
    placed: PlacedOrder, *, viewer: Viewer, base_url: str, request_id: str
) -> tuple[int, bytes]:
    order = placed.order
    if order is None:
        raise ValueError("neither an order nor an earlier answer")
    # An attempt that was given up is no decline, and no yes either: another one can be made.
    if payment_service.was_declined(order) or payment_service.was_given_up(order):
        return 402, _declined(placed, order, request_id=request_id)
    waits = any(payment.status in ("created", "unknown") for payment in order.payments)
    status = 202 if waits else 200 if placed.existed else 201
    document = order_document(
        order, viewer=viewer, base_url=base_url, access_token=placed.access_token
    )
    return status, json_bytes(document)


def _declined(placed: PlacedOrder, order: Order, *, request_id: str) -> bytes:
    """An error whose effect stands: kept like an answer, since the same request meets it again."""
    declined = (
        ProviderUnreachable(
            "Nothing was taken. Try again in a moment, or another way to pay; your goods are held"
        )
        if payment_service.found_nobody(order)
        else PaymentDeclined("Try another way to pay; your goods are held for a while")
    )
    codes = [payment.decline_code for payment in order.payments if payment.decline_code]
    document = problem(
        status=declined.status,
        code=declined.code,
        title=declined.title,
        detail=declined.detail,
        request_id=request_id,
        extras={
            "order_id": order.id,
            "number": order_number(order.number),
            "decline_codes": codes,
            **({} if placed.access_token is None else {"access_token": placed.access_token}),
        },
    )
    return bytes(document.body)


def _response(status: int, body: bytes) -> Response:
    if status < 400:
        return finished_json(body, status=status)
    return Response(
        body,
        status_code=status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


def _stored(status: int, body: bytes) -> Response:
    response = _response(status, body)
    response.headers["Idempotency-Replayed"] = "true"
    return response
