"""Store credit that a shop gives the buyer of one of its parts, at its own cost."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import NotAuthenticated, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.models.order_values import Order, SellerOrder
from gosellr.models.proposal_values import Proposal
from gosellr.services import order_service, seller_credit_service
from gosellr.services.ledger_service import InsufficientBalance
from gosellr.utils.ids import order_number, seller_order_number
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, forms, notices
from gosellr.web.console_refund_views import GivenCreditView
from gosellr.web.formats import format_money
from gosellr.web.forms import Field
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.views import FormView, LinkView, NoticeView

_FORM = "/{number}/parts/{part_id}/credit"
_GIVING = (Field("amount", 20, "Write how much"), Field("reason", 500, "Say why"))

router = LateRouter(prefix="/seller/{seller_id}/orders", include_in_schema=False)

Giving = Annotated[Page, admit(Permission.STORE_CREDIT_GIVE)]


@router.get(_FORM)
async def write(page: Giving, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """The form that gives the buyer of a part credit."""
    shop, found, part = await _part(page, seller_id, number, part_id)
    return await _show_form(page, shop, found, part, FormView())


@router.post(_FORM)
async def give(page: Giving, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """Give it; the same form twice is one gift."""
    shop, found, part = await _part(page, seller_id, number, part_id)
    form = forms.read(_GIVING, page.form)
    minor = forms.amount_minor(form.value("amount"), found.currency)
    if not minor and not form.error("amount"):
        words = f"Write an amount in {found.currency}, such as {forms.example(found.currency)}"
        form = FormView(form.values, {**form.errors, "amount": words})
    if form.errors or not minor:
        return await _show_form(page, shop, found, part, form, status=422)
    try:
        made = await transact(
            page.market.db,
            seller_credit_service.give,
            viewer=page.viewer,
            order_id=found.id,
            seller_order_id=part.id,
            amount_minor=minor,
            currency=found.currency,
            reason=form.value("reason"),
            key=form_keys.request_key(page, f"give-credit:{part.id}", form),
            policy=page.market.policy,
            now=page.now,
        )
    except InsufficientBalance as refusal:
        left = format_money(refusal.extras["left"]["amount"], found.currency)
        told = FormView(form.values, {"amount": f"No more than {left} is available to you"})
        return await _show_form(page, shop, found, part, told, status=refusal.status)
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, {"amount.amount": "amount"})
        return await _show_form(page, shop, found, part, told, status=refusal.status)
    if isinstance(made, Proposal) and made.status != "prepared":
        told = FormView(form.values, {"": form_keys.SENT_ALREADY})
        return await _show_form(page, shop, found, part, told, status=409)
    notice = notices.CREDIT_PROPOSED if isinstance(made, Proposal) else notices.CREDIT_GRANTED
    return page.go(f"{shop.href}/orders/{number}", notice=notice)


async def _part(
    page: Page, seller_id: UUID, number: str, part_id: UUID
) -> tuple[Shop, Order, SellerOrder]:
    """The shop and its own part. Raises NotFound, NotAllowed, NotAuthenticated."""
    # A guest may read an order whose key they hold, and nothing here.
    if page.viewer.is_guest:
        raise NotAuthenticated
    shop = await shop_of(page, seller_id, Permission.STORE_CREDIT_GIVE)
    found = await ask(
        page.market.db, order_service.find_order_by_number, viewer=page.viewer, number=number
    )
    for part in found.parts:
        if part.id == part_id and part.seller_id == shop.id:
            return shop, found, part
    raise NotFound


async def _show_form(
    page: Page, shop: Shop, found: Order, part: SellerOrder, form: FormView, *, status: int = 200
) -> Response:
    number = order_number(found.number)
    path = f"{shop.href}/orders/{number}"
    left_minor = await ask(
        page.market.db,
        seller_credit_service.left_to_give,
        viewer=page.viewer,
        seller_id=shop.id,
        currency=found.currency,
        now=page.now,
    )
    proposed = await ask(
        page.market.db,
        seller_credit_service.latest_proposal,
        viewer=page.viewer,
        seller_id=shop.id,
        seller_order_id=part.id,
    )
    view = GivenCreditView(
        number=seller_order_number(number, part.index),
        path=f"{path}/parts/{part.id}/credit",
        back=LinkView(number, path),
        left=Money(left_minor, found.currency),
        form=form,
        key=form_keys.key_to_send(page, form),
    )
    return await show(
        page, shop, "seller/credit.html", current="orders", status=status, credit=view,
        notice=_stands(proposed),
    )  # fmt: skip


def _stands(proposed: Proposal | None) -> NoticeView | None:
    """What became of what the shop wanted to give last, where that isn't given."""
    if proposed is None or proposed.status == "approved":
        return None
    worth = format_money(proposed.wish["amount_minor"], proposed.wish["currency"])
    if proposed.status == "prepared":
        return NoticeView(f"{worth} is proposed, and waits for the marketplace to agree", "info")
    return NoticeView(proposed.decision_note or "", "warn", f"{worth} was turned down")
