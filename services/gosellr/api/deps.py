"""Who asks, with what, and through which process: the dependencies of every route."""

import re
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.security import OAuth2PasswordBearer

from gosellr.api.headers import header_of
from gosellr.core.errors import InvalidInput, NotAllowed, NotAuthenticated
from gosellr.core.identity import fingerprint
from gosellr.core.route_policy import Policy
from gosellr.resources import Resources
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer

# Declares the scheme in the OpenAPI document; the token itself is read below.
_bearer_scheme = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)

_TOKEN_LENGTH_MAX = 200


def market_of(request: Request) -> Resources:
    """What this process holds."""
    resources: Resources = request.scope["app"].state.resources
    return resources


async def _market(request: Request) -> Resources:
    """The same as a dependency: one that isn't awaited would be sent through a thread."""
    return market_of(request)


Market = Annotated[Resources, Depends(_market)]


def _hash_of(token: str | None) -> bytes | None:
    return fingerprint(token) if token and len(token) <= _TOKEN_LENGTH_MAX else None


def guest_of(request: Request) -> Viewer:
    """Whoever asks without signing in, with what they hold."""
    scope = request.scope
    client = scope.get("client")
    return Viewer(
        cart_token_hash=_hash_of(header_of(scope, b"x-cart-token")),
        order_token_hash=_hash_of(header_of(scope, b"x-order-token")),
        ip_address=client[0] if client else None,
    )


def _holds(request: Request, *, cart_token: str | None, order_token: str | None) -> dict[str, Any]:
    return {
        "cart_token_hash": _hash_of(cart_token),
        "order_token_hash": _hash_of(order_token),
        "ip_address": request.client.host if request.client else None,
    }


def _refuse_unknown_query(request: Request) -> None:
    """Refuse what nobody would read; a route's own parameters refuse what is unknown to them."""
    if request.scope["query_string"] and not request.scope["route"].dependant.query_params:
        name = next(iter(request.query_params), "")[:60]
        raise InvalidInput.at(name, "unknown_parameter", "There is no such parameter here")


class Allow(Policy):
    """Lets a caller pass who has the permission; everybody where there is none to have."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    async def __call__(
        self,
        request: Request,
        token: Annotated[str | None, Depends(_bearer_scheme)],
        cart_token: Annotated[str | None, Header(alias="X-Cart-Token")] = None,
        order_token: Annotated[str | None, Header(alias="X-Order-Token")] = None,
    ) -> Viewer:
        """The caller.

        Roles in the token decide before the database is asked for anything: a token
        without the right never costs a read.

        Raises:
            NotAuthenticated: nobody, or somebody who can't prove it.
            NotAllowed: somebody without the permission.
            InvalidInput: for query parameters where the route takes none.
        """
        resources = market_of(request)
        guest = _holds(request, cart_token=cart_token, order_token=order_token)
        if token is None:
            if self.permission is not None and not may(frozenset(), self.permission):
                raise NotAuthenticated
            _refuse_unknown_query(request)
            return Viewer(**guest)
        now = resources.clock.now()
        claims = await resources.tokens.verify(token, now=now)
        if self.permission is not None and not may(claims.roles, self.permission):
            raise NotAllowed
        _refuse_unknown_query(request)
        viewer = await resources.viewer_of(claims, now=now, **guest)
        # A role may have been taken since the token was made.
        if self.permission is not None and not may(viewer.roles, self.permission):
            raise NotAllowed
        return viewer


def allow(permission: Permission) -> Any:
    """The dependency of a route that needs a permission."""
    return Depends(Allow(permission))


Anyone = Annotated[Viewer, Depends(Allow(None))]


_VERSION = re.compile(r"([0-9]{1,9})(?:-[0-9a-f]{32})?")


async def expected_version(
    if_match: Annotated[
        str | None,
        Header(max_length=64, description="The version, or the `ETag` that it was read with"),
    ] = None,
) -> int | None:
    """The version that an update is made to, from `If-Match`: a number, or a tag that begins with
    one. What of the tag comes after it says what else stood on the page, such as the stock: nobody
    who changes the rest has to know that.

    Raises:
        InvalidInput: when the tag isn't one of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = _VERSION.fullmatch(if_match.strip().removeprefix("W/").strip('"'))
    if found is None:
        raise InvalidInput.at("If-Match", "version_unknown", "This isn't a version of ours")
    return int(found[1])


IfMatch = Annotated[int | None, Depends(expected_version)]
