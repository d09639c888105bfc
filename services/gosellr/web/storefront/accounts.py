"""Signing in and out, making an account, and the light of the page."""

from contextlib import suppress
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from gosellr.core.email_addresses import normal_email
from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.core.identity import fingerprint, new_secret
from gosellr.core.late_routes import LateRouter
from gosellr.core.passwords import LENGTH_MAX, LENGTH_MIN
from gosellr.core.rate_limit import RateLimit, network_of
from gosellr.core.transact import transact
from gosellr.flows import carts, limits
from gosellr.services import account_service, cart_service
from gosellr.services.account_service import Device, EmailTaken, WrongCredentials
from gosellr.utils.accounts import Session
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer
from gosellr.web import forms, notices
from gosellr.web.forms import Field
from gosellr.web.pages import AnyonesPage, Page, admit
from gosellr.web.session import Cookie
from gosellr.web.views import FormView, LoginView

router = LateRouter(include_in_schema=False)

Entering = Annotated[Page, admit(Permission.SESSION_CREATE)]
Joining = Annotated[Page, admit(Permission.ACCOUNT_CREATE)]
Leaving = Annotated[Page, admit(Permission.SESSION_END)]

_AGENT_LENGTH_MAX = 300
_EMAIL = Field("email", 254, "Write your e-mail address", forms.email_error)
_SIGN_IN = (_EMAIL, Field("password", LENGTH_MAX, "Write your password"))
_REGISTER = (
    Field("name", 120, "Write your name"),
    _EMAIL,
    Field("password", LENGTH_MAX, f"Choose a password of at least {LENGTH_MIN} letters"),
)
_WRONG = "The e-mail address or the password isn't right. Try again."
_TAKEN = "This address has an account already. Sign in instead."

NextPath = Annotated[str | None, Query(alias="next", max_length=2000)]


@router.get("/sign-in")
async def show_sign_in(page: Entering, next_path: NextPath = None) -> Response:
    """The form to sign in with."""
    return await _show(page, "store/sign_in.html", FormView(), next_path)


@router.post("/sign-in")
async def sign_in(page: Entering) -> Response:
    """Sign in; a guest's bag comes along."""
    form = _typed(page, _SIGN_IN)
    if form.errors:
        return await _show(page, "store/sign_in.html", form, status=422)
    email = form.value("email")
    of_account = (limits.LOGIN_PER_ACCOUNT, email.casefold())
    await count(
        page,
        (limits.LOGIN_PER_ADDRESS, network_of(page.viewer.ip_address)),
        of_account,
        (limits.LOGIN_ALTOGETHER, limits.EVERYBODY),
    )
    token = new_secret()
    try:
        session = await page.market.sign_in.open_session(
            email=email,
            password=form.value("password"),
            token=token,
            device=device_of(page.request),
            now=page.now,
            kind="web",
        )
    except WrongCredentials:
        form = FormView(form.values, {"password": _WRONG})
        return await _show(page, "store/sign_in.html", form, status=422)
    if page.market.settings.rate_limits:
        await limits.give_back(page.market.db, subjects=[of_account], now=page.now)
    return await enter(page, session, token=token)


@router.get("/register")
async def show_register(page: Joining, next_path: NextPath = None) -> Response:
    """The form to make an account with."""
    return await _show(page, "store/register.html", FormView(), next_path)


@router.post("/register")
async def register(page: Joining) -> Response:
    """Make an account and sign it in; a guest's bag comes along."""
    form = _typed(page, _REGISTER)
    if form.errors:
        return await _show(page, "store/register.html", form, status=422)
    await count(page, (limits.REGISTER_PER_ADDRESS, network_of(page.viewer.ip_address)))
    token = new_secret()
    try:
        session = await page.market.sign_in.register_session(
            email=normal_email(form.value("email")),
            name=form.value("name"),
            password=form.value("password"),
            token=token,
            device=device_of(page.request),
            now=page.now,
            kind="web",
        )
    except EmailTaken:
        form = FormView(form.values, {"email": _TAKEN})
    except InvalidInput as refusal:
        form = forms.with_errors(form, refusal, {"password": "password", "email": "email"})
    else:
        return await enter(page, session, token=token, notice=notices.REGISTERED)
    return await _show(page, "store/register.html", form, status=422)


@router.post("/sign-out")
async def sign_out(page: Leaving) -> Response:
    """End this session."""
    await transact(
        page.market.db,
        account_service.sign_out,
        viewer=page.viewer,
        everywhere=False,
        now=page.now,
    )
    page.drop(Cookie.SESSION)
    return page.go("/", notice=notices.SIGNED_OUT)


@router.post("/theme")
async def choose_theme(page: AnyonesPage) -> Response:
    """Light or dark; the next page comes in it."""
    theme = page.form.get("theme")
    if theme in ("light", "dark"):
        page.keep(Cookie.THEME, theme)
    return page.go(forms.local_path(page.form.get("next")))


async def enter(
    page: Page, session: Session, *, token: str, notice: str = "", landing: str = "/"
) -> Response:
    """Begin the session in this browser, take the guest's bag over, and go on."""
    page.keep(Cookie.SESSION, token)
    if page.visit.bag is not None:
        account = session.account
        viewer = Viewer(
            user_id=account.id,
            roles=account.roles,
            cart_token_hash=fingerprint(page.visit.bag.token),
        )
        # A bag that was ordered, or is somebody else's by now, has nothing to bring along.
        with suppress(NotFound, Conflict):
            await carts.change(
                page.market.carts,
                cart_service.merge_cart,
                viewer=viewer,
                cart_id=page.visit.bag.cart_id,
            )
        page.drop(Cookie.BAG)
    return page.go(forms.local_path(page.form.get("next"), otherwise=landing), notice=notice)


async def count(page: Page, *subjects: tuple[RateLimit, str]) -> None:
    """Count one attempt against each limit.

    Raises:
        TooManyRequests: when one is exceeded.
    """
    if page.market.settings.rate_limits:
        limits.refuse_excess(
            await limits.count_knock(page.market.db, subjects=subjects, now=page.now)
        )


def device_of(request: Request) -> Device:
    """With what somebody signs in, as the list of their sessions shows it."""
    agent = request.headers.get("user-agent", "")[:_AGENT_LENGTH_MAX]
    return Device(
        user_agent="".join(sign for sign in agent if sign.isprintable()) or None,
        ip_address=request.client.host if request.client else None,
    )


def _typed(page: Page, fields: tuple[Field, ...]) -> FormView:
    """What was typed; a password stays exactly as it is."""
    form = forms.read(fields, page.form)
    return FormView({**form.values, "password": page.form.get("password", "")}, form.errors)


async def _show(
    page: Page,
    template: str,
    form: FormView,
    next_path: str | None = None,
    *,
    status: int = 200,
) -> Response:
    wanted = next_path if page.request.method == "GET" else page.form.get("next")
    login = LoginView(form, forms.local_path(wanted))
    return await page.show(template, status=status, personal=True, login=login)
