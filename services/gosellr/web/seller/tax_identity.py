"""Who a shop is to the tax authorities: what it said of itself, and the form that says it anew."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import VersionConflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import tax_identities
from gosellr.services import tax_request_service
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import tax_identities as binding
from gosellr.web.binding import tax_requests as requests
from gosellr.web.pages import Page, admit
from gosellr.web.seller.payouts import count_password
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/seller/{seller_id}", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.TAX_IDENTITY_READ)]
Writing = Annotated[Page, admit(Permission.TAX_IDENTITY_WRITE)]

_VERSION_MAX = 2**31 - 1
_CHANGED_FIRST = NoticeView(
    "Somebody else said it anew meanwhile. Look at what is kept, then send the form again.",
    "warn",
    "Nothing was changed",
)


@router.get("/tax-identity")
async def show_identity(page: Reading, seller_id: UUID) -> Response:
    """What the shop said of itself, numbers by their end, and the form."""
    shop = await shop_of(page, seller_id, Permission.TAX_IDENTITY_READ)
    return await _show(page, shop)


@router.post("/tax-identity")
async def say(page: Writing, seller_id: UUID) -> Response:
    """Say who the shop is: whoever says so proves again who they are. The same form twice is one
    change."""
    shop = await shop_of(page, seller_id, Permission.TAX_IDENTITY_WRITE)
    form, typed = binding.read(page.form)
    if typed is None:
        return await _show(page, shop, form=form, status=422)
    await count_password(page)
    # Kept so that nobody can try numbers against it.
    said = page.market.payouts.vault.blind_index(binding.said_in(form), purpose="tax identity form")
    try:
        await tax_identities.change(
            page.market.payouts,
            page.market.passwords,
            viewer=page.viewer,
            seller_id=seller_id,
            typed=typed,
            # Exactly as it was typed: a password isn't put into any normal form.
            password=page.form.get("password", ""),
            expected_version=forms.whole_number(
                page.form.get("version"), lowest=0, highest=_VERSION_MAX
            ),
            key=form_keys.request_key(page, f"tax_identity:{seller_id}:{said.hex()}", said),
        )
    except VersionConflict as refusal:
        return await _show(
            page, shop, form=form, notice=_CHANGED_FIRST, is_fresh=True, status=refusal.status
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, binding.names_of(form))
        return await _show(page, shop, form=told, status=refusal.status)
    return page.go(f"{shop.href}/tax-identity", notice=notices.TAX_IDENTITY_SAVED)


async def _show(
    page: Page,
    shop: Shop,
    *,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    is_fresh: bool = False,
    status: int = 200,
) -> Response:
    said = await tax_identities.find(page.market.payouts, viewer=page.viewer, seller_id=shop.id)
    request = await ask(
        page.market.db, tax_request_service.find_open, viewer=page.viewer, seller_id=shop.id
    )
    view = binding.page(
        said,
        asked=requests.told(request, mode=page.market.settings.tax_identity_requests),
        path=f"{shop.href}/tax-identity",
        form=form,
        key=form_keys.key_to_send(page, form),
        # A form that comes back is meant for the version that it was written about.
        version=None if form is None or is_fresh else page.form.get("version", ""),
        may_change=shop.may(Permission.TAX_IDENTITY_WRITE),
    )
    return await show(
        page, shop, "seller/tax_identity.html", current="tax-identity", status=status,
        notice=notice, identity=view,
    )  # fmt: skip
