"""Which gift cards the shop sells, currency by currency."""

from typing import Annotated

from starlette.responses import Response

from gosellr.core.errors import InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.models.gift_sale_values import GiftCardOffer
from gosellr.services import gift_sale_service
from gosellr.services.gift_sale_service import AMOUNTS_MAX, VALID_DAYS_MAX
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission, may
from gosellr.web import forms, notices
from gosellr.web.binding import gift_sales
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView

router = LateRouter(prefix="/operator/gift-card-offers", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.GIFT_CARD_READ)]
Writing = Annotated[Page, staff(Permission.GIFT_CARD_ISSUE)]

_BASE = "/operator/gift-card-offers"
_OFFER = (
    Field("currency", 3, "Choose a currency"),
    Field("amounts", 200),
    Field("minimum", 20),
    Field("maximum", 20),
    Field("valid_days", 5),
    Field("released_after_days", 5),
    Field("on_sale", 1),
)


@router.get("")
async def list_offers(page: Reading) -> Response:
    """What is for sale, and the form that changes it."""
    return await _show(
        page, FormView({"currency": page.market.settings.default_currency, "on_sale": "1"})
    )


@router.post("")
async def set_offer(page: Writing) -> Response:
    """Offer cards in a currency from now on, or no more."""
    form, offer = _read(page)
    if offer is None:
        return await _show(page, form, status=422)
    try:
        await transact(page.market.db, gift_sale_service.set_offer, viewer=page.viewer, offer=offer)
    except InvalidInput as refusal:
        names = {name: name for name in ("amounts", "minimum")}
        return await _show(page, forms.with_errors(form, refusal, names), status=refusal.status)
    return page.go(_BASE, notice=notices.OFFER_SAVED)


def _read(page: Page) -> tuple[FormView, GiftCardOffer | None]:
    form = forms.read(_OFFER, page.form)
    currency, errors = form.value("currency").upper(), dict(form.errors)
    if currency not in EXPONENTS:
        return FormView(form.values, {**errors, "currency": "Choose a currency"}), None
    typed = form.value("amounts").split()
    amounts = [forms.amount_minor(one, currency) for one in typed]
    if len(amounts) > AMOUNTS_MAX or not all(amounts):
        errors["amounts"] = f"Write up to {AMOUNTS_MAX} amounts, such as 25 50 100"
    limits: dict[str, int | None] = {}
    for name in ("minimum", "maximum"):
        limits[name] = forms.amount_minor(form.value(name), currency) or None
        if form.value(name) and limits[name] is None:
            errors[name] = f"Write an amount, such as {forms.example(currency, hundredths=1000)}"
    days = forms.whole_number(form.value("valid_days"), lowest=1, highest=VALID_DAYS_MAX)
    if form.value("valid_days") and days is None:
        errors["valid_days"] = "Write for how many days"
    released = forms.whole_number(
        form.value("released_after_days"), lowest=0, highest=VALID_DAYS_MAX
    )
    if form.value("released_after_days") and released is None:
        errors["released_after_days"] = "Write after how many days"
    if errors:
        return FormView(form.values, errors), None
    return form, GiftCardOffer(
        currency=currency,
        amounts_minor=tuple(one for one in amounts if one),
        minimum_minor=limits["minimum"],
        maximum_minor=limits["maximum"],
        valid_days=days,
        on_sale=form.value("on_sale") == "1",
        updated_at=page.now,
        updated_by=page.viewer.user_id,
        released_after_days=released,
    )


async def _show(page: Page, form: FormView, *, status: int = 200) -> Response:
    offers = await ask(page.market.db, gift_sale_service.offers, all_of_them=True)
    view = gift_sales.offers(
        offers, form=form, may_set=may(page.viewer.roles, Permission.GIFT_CARD_ISSUE)
    )
    return await show(
        page, "operator/gift_offers.html", current="/gift-cards", status=status, gifts=view
    )
