"""The door at which gateways knock."""

from typing import Annotated

from fastapi import Path, Request, Response

from gosellr.api.answers import nothing
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.core.errors import DomainError
from gosellr.flows import webhooks
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/payments/webhooks", tags=["payments"])

BODY_BYTES_MAX = 256 * 1024


class BodyTooLarge(DomainError):
    """No gateway sends so much."""

    code = "body_too_large"
    status = 413
    title = "The body is too large"


@router.post(
    "/{gateway}",
    operation_id="receive_gateway_report",
    status_code=204,
    response_class=Response,
    responses=problems(400, 404, 413),
)
async def receive_gateway_report(
    gateway: Annotated[str, Path(max_length=40)],
    request: Request,
    _viewer: Annotated[Viewer, allow(Permission.GATEWAY_NOTIFY)],
    market: Market,
) -> Response:
    """A gateway's report. Its signature over the raw body is checked; repeats are harmless."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge
    await webhooks.receive(
        db=market.db,
        gateways=market.gateways,
        clock=market.clock,
        policy=market.policy,
        payout_powers=market.payouts,
        gateway=gateway,
        headers=request.headers,
        body=body,
    )
    return nothing()
