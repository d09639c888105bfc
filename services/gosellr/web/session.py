"""Who visits: the cookies of a browser, read once, and written in one way."""

import base64
from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gosellr.core.identity import fingerprint, new_secret
from gosellr.resources import Resources
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.viewer import Viewer
from gosellr.web.csrf import csrf_token
from gosellr.web.rendering import theme_of
from gosellr.web.views import Theme

# A browser's cookie must be secure, of this host and for every path to bear this prefix.
HOST_PREFIX = "__Host-"
# A secret, with the id of what it opens; several of them where a browser holds orders.
_LONGEST = 100
_ORDERS_LONGEST = 4000
_ORDERS_KEPT = 5


class Cookie(StrEnum):
    """The names of what we keep in a browser; nothing there is readable by scripts."""

    VISITOR = "visitor"
    SESSION = "session"
    BAG = "bag"
    ORDERS = "orders"
    THEME = "theme"
    NOTICE = "notice"


_LIFETIMES = {
    Cookie.VISITOR: timedelta(days=180),
    Cookie.SESSION: timedelta(days=30),
    Cookie.BAG: timedelta(days=60),
    Cookie.ORDERS: timedelta(days=90),
    Cookie.THEME: timedelta(days=365),
    Cookie.NOTICE: timedelta(minutes=2),
}


@dataclass(frozen=True, slots=True)
class BagKey:
    """A guest's bag: which one, and the token that opens it."""

    cart_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One request's visitor: who they are, and what their browser holds.

    `visitor` is a random name of the browser that forms are bound to; it says nothing about
    the person. `order_tokens` maps order numbers to their keys.
    """

    viewer: Viewer
    visitor: str
    csrf_token: str
    is_new: bool = False
    theme: Theme = ""
    notice: str = ""
    bag: BagKey | None = None
    order_tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def cart_id(self) -> UUID | None:
        """The bag that the browser holds the key of."""
        return None if self.bag is None else self.bag.cart_id

    def for_order(self, number: str) -> "Visit":
        """The same visitor with the key of this order in hand, if the browser holds it."""
        token = self.order_tokens.get(number.strip().upper())
        if token is None:
            return self
        return replace(self, viewer=replace(self.viewer, order_token_hash=fingerprint(token)))

    def with_order_token(self, number: str, token: str) -> "Visit":
        """The same visitor with one more order's key."""
        return replace(self, order_tokens={**self.order_tokens, number.strip().upper(): token})


async def visit_of(request: Request, market: Resources) -> Visit:
    """Read the cookies; one look-up where there is a session."""
    now = market.clock.now()
    bag = _bag_key(_value(request, Cookie.BAG))
    guest: dict[str, Any] = {
        "cart_token_hash": None if bag is None else fingerprint(bag.token),
        "ip_address": request.client.host if request.client else None,
    }
    session = _value(request, Cookie.SESSION)
    viewer = await market.viewer_of_cookie(session, now=now, **guest) if session else None
    return _visit(request, market, viewer=viewer or Viewer(**guest), bag=bag)


def stranger_of(request: Request, market: Resources) -> Visit:
    """The visitor without asking who it is, for pages that must appear in any case."""
    return _visit(request, market, viewer=Viewer(), bag=None)


def _visit(request: Request, market: Resources, *, viewer: Viewer, bag: BagKey | None) -> Visit:
    known = _value(request, Cookie.VISITOR)
    visitor = known or new_secret()
    return Visit(
        viewer=viewer,
        visitor=visitor,
        csrf_token=csrf_token(
            market.secret_key, visitor=visitor, session=_value(request, Cookie.SESSION)
        ),
        is_new=not known,
        theme=theme_of(request),
        notice=_value(request, Cookie.NOTICE),
        bag=bag,
        order_tokens=_order_tokens(_value(request, Cookie.ORDERS)),
    )


def cookie_name(cookie: Cookie, *, https: bool) -> str:
    """The name under which a browser keeps it."""
    return f"{HOST_PREFIX}{cookie}" if https else cookie.value


def _value(request: Request, cookie: Cookie) -> str:
    """What the browser sent; where it holds a secure one, an insecure one doesn't count."""
    longest = _ORDERS_LONGEST if cookie is Cookie.ORDERS else _LONGEST
    for name in (cookie_name(cookie, https=True), cookie.value):
        value = request.cookies.get(name)
        if value is not None:
            is_whole = len(value) <= longest and value.isascii() and value.isprintable()
            return value if is_whole else ""
    return ""


def set_cookie(response: Response, cookie: Cookie, value: str, *, https: bool) -> None:
    """Let the browser keep a value, out of reach of scripts and of other sites' requests."""
    response.set_cookie(
        cookie_name(cookie, https=https),
        value,
        max_age=int(_LIFETIMES[cookie].total_seconds()),
        path="/",
        secure=https,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, cookie: Cookie, *, https: bool) -> None:
    """Let the browser forget a value."""
    response.delete_cookie(
        cookie_name(cookie, https=https), path="/", secure=https, httponly=True, samesite="lax"
    )


def bag_value(bag: BagKey) -> str:
    """A bag's key as a cookie."""
    return f"{bag.cart_id}.{bag.token}"


def orders_value(known: Mapping[str, str], *, number: str, token: str) -> str:
    """The keys of a guest's newest orders as a cookie, this one last."""
    kept = {**{key: value for key, value in known.items() if key != number}, number: token}
    return "~".join(f"{key}.{value}" for key, value in list(kept.items())[-_ORDERS_KEPT:])


def _bag_key(value: str) -> BagKey | None:
    cart_id, _, token = value.partition(".")
    try:
        return BagKey(UUID(cart_id), token) if token else None
    except ValueError:
        return None


def _order_tokens(value: str) -> dict[str, str]:
    pairs = (part.partition(".") for part in value.split("~"))
    return {number: token for number, _, token in pairs if _is_token(token)}


def _is_token(text: str) -> bool:
    try:
        return bool(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return False
