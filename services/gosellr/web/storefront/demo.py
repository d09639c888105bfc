"""The demo's doors: one click signs in as one of the people who live in the demo market.

They exist only where the demo does and only for this computer: the market listens nowhere else,
the request comes from here, and the address in the browser is this computer's own name, so that
no other site's name can lead here.
"""

from typing import Annotated, Literal, get_args

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.identity import new_secret
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.services import account_service
from gosellr.utils.permissions import Permission
from gosellr.web.binding.pictures import named_picture
from gosellr.web.pages import Page, admit, market_of
from gosellr.web.storefront.accounts import device_of, enter
from gosellr.web.views import DemoView, DoorView, PictureView

Role = Literal["buyer", "seller", "operator"]

_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


async def only_here(request: Request) -> None:
    """Let pass who sits at this computer.

    Raises:
        NotFound: for everybody else, and where there is no demo.
    """
    settings = market_of(request).settings
    caller = request.client.host if request.client else ""
    if not (
        settings.demo_enabled
        and settings.is_loopback
        and caller in _HERE
        and request.url.hostname in _HERE
    ):
        raise NotFound


router = LateRouter(prefix="/demo", include_in_schema=False, dependencies=[Depends(only_here)])

Entering = Annotated[Page, admit(Permission.SESSION_CREATE)]

_DOORS: dict[Role, tuple[str, str, str, str, tuple[str, ...]]] = {
    "buyer": (
        "Buy",
        "Ada",
        "ada@demo.gosellr.test",
        "shopping-bags",
        (
            "Put things of two shops into one bag",
            "Pay once, with a test card that is declined first",
            "See a timeline for each parcel",
        ),
    ),
    "seller": (
        "Sell",
        "Ingrid",
        "ingrid@demo.gosellr.test",
        "shop",
        (
            "See what you have, what you are paid and when",
            "Answer a case, or hand in what speaks for you",
            "Take a statement home as PDF, CSV or XLSX",
        ),
    ),
    "operator": (
        "Run it",
        "Olu",
        "olu@demo.gosellr.test",
        "scales",
        (
            "Decide a case, after a look at what will move",
            "Let a payout go, and explain a provider's movement",
            "Look at the books of any order",
        ),
    ),
}


_LANDINGS: dict[Role, str] = {"buyer": "/", "seller": "/seller", "operator": "/operator"}


@router.get("")
async def show_demo(page: Entering) -> Response:
    """The doors that lead to somebody."""
    doors = tuple([_door(page, role) for role in get_args(Role) if await _exists(page, role)])
    return await page.show("store/demo.html", personal=True, demo=DemoView(doors))


@router.post("/{role}")
async def enter_demo(page: Entering, role: Role) -> Response:
    """Go in as one of them."""
    found = await ask(page.market.db, account_service.find_credentials, email=_DOORS[role][2])
    if found is None:
        raise NotFound
    token = new_secret()
    session = await transact(
        page.market.db,
        account_service.open_session,
        user_id=found.user_id,
        token=token,
        checked_hash=found.password_hash,
        device=device_of(page.request),
        now=page.now,
        kind="web",
    )
    return await enter(page, session, token=token, landing=_LANDINGS[role])


async def _exists(page: Page, role: Role) -> bool:
    email = _DOORS[role][2]
    return await ask(page.market.db, account_service.find_credentials, email=email) is not None


def _door(page: Page, role: Role) -> DoorView:
    title, person, email, picture, things = _DOORS[role]
    hue = list(_DOORS).index(role) * 120
    return DoorView(
        role=role,
        title=title,
        person=person,
        email=email,
        picture=named_picture(picture, page.site.assets, hue=hue) or PictureView(src=""),
        things_to_try=things,
        enter_path=f"/demo/{role}",
    )
