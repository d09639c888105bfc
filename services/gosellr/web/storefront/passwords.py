"""Another password for one's own account."""

from typing import Annotated

from starlette.responses import Response

from gosellr.core.errors import InvalidInput, NotAuthenticated
from gosellr.core.late_routes import LateRouter
from gosellr.core.rate_limit import network_of
from gosellr.flows import limits
from gosellr.services.account_service import WrongCredentials
from gosellr.utils.permissions import Permission
from gosellr.web import forms, notices
from gosellr.web.pages import Page, admit
from gosellr.web.session import Cookie
from gosellr.web.storefront.accounts import count
from gosellr.web.views import FormView

router = LateRouter(prefix="/account/password", include_in_schema=False)

Changing = Annotated[Page, admit(Permission.ACCOUNT_UPDATE)]

_NAMES = {"current_password": "current_password", "new_password": "new_password"}


@router.get("")
async def show_form(page: Changing) -> Response:
    """The form that changes it."""
    return await _show(page, FormView())


@router.post("")
async def change_password(page: Changing) -> Response:
    """Change it, and sign in again with it."""
    if page.viewer.is_guest:
        raise NotAuthenticated
    await count(
        page,
        (limits.LOGIN_PER_ADDRESS, network_of(page.viewer.ip_address)),
        (limits.LOGIN_PER_ACCOUNT, page.viewer.email.strip().casefold()),
        (limits.LOGIN_ALTOGETHER, limits.EVERYBODY),
    )
    try:
        await page.market.sign_in.change_password(
            viewer=page.viewer,
            # Exactly as they were typed, and never sent back.
            current=page.form.get("current_password", ""),
            new=page.form.get("new_password", ""),
            now=page.now,
        )
    except InvalidInput as refusal:
        return await _show(page, forms.with_errors(FormView(), refusal, _NAMES), status=422)
    except WrongCredentials as refusal:
        told = FormView({}, {"current_password": refusal.title})
        return await _show(page, told, status=422)
    page.drop(Cookie.SESSION)
    return page.go("/sign-in", notice=notices.PASSWORD_CHANGED)


async def _show(page: Page, form: FormView, *, status: int = 200) -> Response:
    if page.viewer.is_guest:
        raise NotAuthenticated
    return await page.show("store/password.html", status=status, personal=True, form=form)
