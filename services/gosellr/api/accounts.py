"""Accounts: registering, signing in and out, and the keys that prove it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request, Response

from gosellr.api.answers import answer, json_bytes, nothing
from gosellr.api.deps import Anyone, Market, allow
from gosellr.api.limits import (
    REFRESH_PER_ADDRESS,
    REFRESH_PER_TOKEN,
    address_of,
    count_attempt,
    limited,
    uncount_attempt,
)
from gosellr.api.room import Room
from gosellr.api.schemas.accounts import (
    KeySetOut,
    LogoutIn,
    PasswordChangeIn,
    RefreshIn,
    RegisterIn,
    TokenForm,
    TokensOut,
    UserOut,
)
from gosellr.api.schemas.common import problems
from gosellr.core.transact import transact
from gosellr.flows.limits import (
    EVERYBODY,
    LOGIN_ALTOGETHER,
    LOGIN_PER_ACCOUNT,
    LOGIN_PER_ADDRESS,
    REGISTER_PER_ADDRESS,
)
from gosellr.flows.sign_in import TokenPair
from gosellr.services import account_service
from gosellr.services.account_service import Device
from gosellr.utils.accounts import Account
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/auth", tags=["accounts"])
well_known = Room(within="", prefix="/.well-known", tags=["accounts"])

_USER_AGENT_LENGTH_MAX = 300


@router.post(
    "/register",
    operation_id="register_account",
    status_code=201,
    dependencies=[limited(REGISTER_PER_ADDRESS)],
    responses={201: {"model": TokensOut}, **problems(400, 409, 422, 429)},
)
async def register_account(
    body: RegisterIn,
    request: Request,
    _viewer: Annotated[Viewer, allow(Permission.ACCOUNT_CREATE)],
    market: Market,
) -> Response:
    """Make an account and sign it in. Password: 8 to 128 characters, none that everybody uses."""
    pair = await market.sign_in.register(
        email=body.email,
        name=body.name,
        password=body.password,
        device=_device(request),
        now=market.clock.now(),
    )
    return answer(_tokens(pair), status=201)


@router.post(
    "/token",
    operation_id="create_token",
    responses={200: {"model": TokensOut}, **problems(400, 401, 422, 429)},
)
async def create_token(
    form: Annotated[TokenForm, Form()],
    request: Request,
    _viewer: Annotated[Viewer, allow(Permission.SESSION_CREATE)],
    market: Market,
) -> Response:
    """Sign in by e-mail address and password."""
    of_account = (LOGIN_PER_ACCOUNT, form.username.strip().casefold())
    await count_attempt(
        request,
        (LOGIN_PER_ADDRESS, address_of(request)),
        of_account,
        (LOGIN_ALTOGETHER, EVERYBODY),
    )
    pair = await market.sign_in.sign_in(
        email=form.username.strip(),
        password=form.password,
        device=_device(request),
        now=market.clock.now(),
    )
    await uncount_attempt(request, of_account)
    return answer(_tokens(pair))


@router.post(
    "/refresh",
    operation_id="refresh_token",
    responses={200: {"model": TokensOut}, **problems(400, 401, 422, 429)},
)
async def refresh_token(
    body: RefreshIn,
    request: Request,
    _viewer: Annotated[Viewer, allow(Permission.SESSION_CREATE)],
    market: Market,
) -> Response:
    """Replace a refresh token. Each is good once; used again later, its whole sign-in ends."""
    await count_attempt(
        request,
        (REFRESH_PER_ADDRESS, address_of(request)),
        (REFRESH_PER_TOKEN, body.refresh_token),
    )
    pair = await market.sign_in.refresh(refresh_token=body.refresh_token, now=market.clock.now())
    return answer(_tokens(pair))


@router.post(
    "/logout",
    operation_id="end_session",
    status_code=204,
    responses=problems(401, 403, 422),
)
async def end_session(
    viewer: Annotated[Viewer, allow(Permission.SESSION_END)],
    market: Market,
    body: LogoutIn | None = None,
) -> Response:
    """Sign out here, or everywhere. Access tokens are refused from now on."""
    await transact(
        market.db,
        account_service.sign_out,
        viewer=viewer,
        everywhere=body is not None and body.everywhere,
        now=market.clock.now(),
    )
    return nothing()


@router.post(
    "/password",
    operation_id="change_password",
    status_code=204,
    responses=problems(400, 401, 403, 422, 429),
)
async def change_password(
    body: PasswordChangeIn,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.ACCOUNT_UPDATE)],
    market: Market,
) -> Response:
    """Change one's own password. Every session and token of the account ends with it."""
    await count_attempt(
        request,
        (LOGIN_PER_ADDRESS, address_of(request)),
        (LOGIN_PER_ACCOUNT, viewer.email.strip().casefold()),
        (LOGIN_ALTOGETHER, EVERYBODY),
    )
    await market.sign_in.change_password(
        viewer=viewer,
        current=body.current_password,
        new=body.new_password,
        now=market.clock.now(),
    )
    return nothing()


@router.get(
    "/me",
    operation_id="get_me",
    responses={200: {"model": UserOut}, **problems(401, 403)},
)
async def get_me(viewer: Annotated[Viewer, allow(Permission.ACCOUNT_READ)]) -> Response:
    """Who the token belongs to, and what they may be here."""
    return answer(_user(viewer.user_id, viewer))


@well_known.get("/jwks.json", operation_id="list_keys", responses={200: {"model": KeySetOut}})
async def list_keys(_viewer: Anyone, market: Market) -> Response:
    """The public keys of our access tokens (RFC 7517)."""
    keys = await market.ring.published(now=market.clock.now())
    return Response(
        json_bytes({"keys": keys}),
        media_type="application/json",
        headers={"Cache-Control": "public, max-age=300"},
    )


def _device(request: Request) -> Device:
    agent = request.headers.get("User-Agent", "")[:_USER_AGENT_LENGTH_MAX]
    return Device(
        user_agent="".join(sign for sign in agent if sign.isprintable()) or None,
        ip_address=request.client.host if request.client else None,
    )


def _tokens(pair: TokenPair) -> dict[str, Any]:
    return {
        "user": _user(pair.account.id, pair.account),
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "token_type": "bearer",
        "expires_in": pair.expires_in_seconds,
    }


def _user(user_id: UUID | None, person: Account | Viewer) -> dict[str, Any]:
    return {
        "id": user_id,
        "email": person.email,
        "name": person.name,
        "roles": sorted(person.roles),
        "memberships": [
            {"seller_id": seller_id, "role": role}
            for seller_id, role in sorted(person.memberships.items())
        ],
    }
