"""What stands on a shop's papers beside its name, and the form that says it."""

from functools import partial
from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import VersionConflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.models.letterhead_values import KeptLetterhead
from gosellr.services import letterhead_service
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import letterheads as binding
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/seller/{seller_id}", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.LETTERHEAD_READ)]
Writing = Annotated[Page, admit(Permission.LETTERHEAD_WRITE)]

_VERSION_MAX = 2**31 - 1
_CHANGED_FIRST = NoticeView(
    "Somebody else changed it meanwhile. Look at what stands there, then send the form again.",
    "warn",
    "Nothing was changed",
)


@router.get("/letterhead")
async def show_letterhead(page: Reading, seller_id: UUID) -> Response:
    """What the shop's papers bear from now on, and for those who may, the form."""
    shop = await shop_of(page, seller_id, Permission.LETTERHEAD_READ)
    return await _show(page, shop)


@router.post("/letterhead")
async def say(page: Writing, seller_id: UUID) -> Response:
    """Say what is to stand on the shop's papers. The same form twice is one change."""
    shop = await shop_of(page, seller_id, Permission.LETTERHEAD_WRITE)
    form, typed = binding.read(page.form)
    if typed is None:
        return await _show(page, shop, form=form, status=422)
    version = forms.whole_number(page.form.get("version"), lowest=0, highest=_VERSION_MAX)
    change = partial(
        letterhead_service.change,
        viewer=page.viewer,
        seller_id=seller_id,
        changes=typed,
        expected_version=version,
        now=page.now,
    )
    key = form_keys.repeat_key(page, f"letterhead:{seller_id}:{version}", form)
    try:
        await form_keys.once(page, change, key=key, made=_version_of)
    except VersionConflict as refusal:
        return await _show(
            page, shop, form=form, notice=_CHANGED_FIRST, is_fresh=True, status=refusal.status
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, binding.NAMES)
        return await _show(page, shop, form=told, status=refusal.status)
    return page.go(f"{shop.href}/letterhead", notice=notices.LETTERHEAD_SAVED)


def _version_of(kept: KeptLetterhead) -> str:
    return str(kept.version)


async def _show(
    page: Page,
    shop: Shop,
    *,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    is_fresh: bool = False,
    status: int = 200,
) -> Response:
    kept = await ask(page.market.db, letterhead_service.find, viewer=page.viewer, seller_id=shop.id)
    view = binding.page(
        kept,
        path=f"{shop.href}/letterhead",
        form=form,
        key=form_keys.key_to_send(page, form),
        # A form that comes back is meant for the version that it was written about.
        version=None if form is None or is_fresh else page.form.get("version", ""),
        may_change=shop.may(Permission.LETTERHEAD_WRITE),
    )
    return await show(
        page, shop, "seller/letterhead.html", current="letterhead", status=status, notice=notice,
        letterhead=view,
    )  # fmt: skip
