"""Gift cards in the shop: bought like anything else, and their codes shown once."""

from datetime import UTC, date, datetime, time
from functools import partial
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from gosellr.core.email_addresses import normal_email
from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import gift_sales as flow
from gosellr.models.gift_sale_values import GiftCardOffer
from gosellr.models.order_values import Order
from gosellr.services import gift_delivery_service, gift_sale_service, order_service
from gosellr.services.gift_sale_service import GiftCardNotOffered, GiftCardWish, NotPaidByValue
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.services.payment_service import PaymentMethodUnavailable
from gosellr.utils.ids import order_number
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission, may
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import checkouts, gift_sales
from gosellr.web.forms import Field
from gosellr.web.pages import Page, admit
from gosellr.web.storefront.checkout import offered, rest_of, to_order
from gosellr.web.views import FormView

router = LateRouter(include_in_schema=False)

Looking = Annotated[Page, admit(Permission.MARKETPLACE_READ)]
Buying = Annotated[Page, admit(Permission.ORDER_CREATE)]
Reading = Annotated[Page, admit(Permission.ORDER_READ)]
Asking = Annotated[Page, admit(Permission.ORDER_PAY)]

_LINE = (
    Field("chosen", 20),
    Field("amount", 20),
    Field("email", 254, check=forms.email_error),
    Field("recipient_name", 100),
    Field("recipient_email", 254, check=forms.email_error),
    Field("deliver_on", 10),
)
_TO = (Field("recipient_email", 254, check=forms.email_error),)
# On its day a card is there in the morning, as far as one clock can be right for all.
_SENT_AT = time(8)
_TEXT = (Field("message", 500),)


@router.get("/gift-cards")
async def show_shop(
    page: Looking, currency: Annotated[str | None, Query(max_length=3)] = None
) -> Response:
    """What gift cards can be bought, and the form that buys one."""
    return await _show_shop(page, currency=currency, form=FormView())


@router.post("/gift-cards")
async def buy(page: Buying) -> Response:
    """Order a card and ask for its money, once, however often the form is sent."""
    currency = forms.clean(page.form.get("currency", ""))[:3]
    offer = await _offer(page, currency)
    line, text = forms.read(_LINE, page.form), forms.read_text(_TEXT, page.form)
    form = FormView({**line.values, **text.values}, {**line.errors, **text.errors})
    is_offered = offer is not None and offer.currency == currency
    amount_minor = _amount_minor(form, currency) if is_offered else None
    if page.viewer.is_guest and not form.value("email"):
        form.errors["email"] = "Write where the receipt goes"
    if amount_minor is None:
        code = currency if currency in EXPONENTS else page.market.settings.default_currency
        example = forms.example(code, hundredths=4000)
        form.errors.setdefault("amount", f"Choose an amount, or write one such as {example}")
    day = forms.day(form.value("deliver_on"))
    if form.value("deliver_on") and day is None:
        form.errors["deliver_on"] = "Write a day, such as 2027-12-24"
    if form.errors or amount_minor is None:
        return await _show_shop(page, currency=currency, form=form, status=422)
    wish = GiftCardWish(
        amount_minor=amount_minor,
        currency=currency,
        tender=rest_of(page),
        email=normal_email(form.value("email")) if form.value("email") else None,
        recipient_name=form.value("recipient_name") or None,
        message=form.value("message") or None,
        recipient_email=normal_email(form.value("recipient_email"))
        if form.value("recipient_email")
        else None,
        deliver_at=None if day is None or day == page.now.date() else _morning(day),
    )
    try:
        placed = await flow.buy_gift_card(
            page.market.checkout,
            viewer=page.viewer,
            wish=wish,
            key=form_keys.request_key(page, "gift_card", form, field="idempotency_key"),
        )
    except (GiftCardNotOffered, NotPaidByValue, PaymentMethodUnavailable) as refusal:
        told = FormView(form.values, {"amount": refusal.detail})
        return await _show_shop(page, currency=currency, form=told, status=422)
    except (InvalidInput, IdempotencyKeyReused) as refusal:
        names = {"recipient_email": "recipient_email", "deliver_at": "deliver_on"}
        told = form_keys.with_refusal(form, refusal, names)
        return await _show_shop(page, currency=currency, form=told, status=refusal.status)
    except Conflict as refusal:
        told = FormView(form.values, {"amount": refusal.detail})
        return await _show_shop(page, currency=currency, form=told, status=refusal.status)
    if placed.order is None:
        raise NotFound
    return to_order(page, placed.order, access_token=placed.access_token)


@router.get("/orders/{number}/gift-card")
async def show_purchase(page: Reading, number: str) -> Response:
    """The card that an order bought."""
    return await _show_purchase(page, await _order(page, number))


@router.post("/orders/{number}/gift-card")
async def show_code(page: Asking, number: str) -> Response:
    """Make the code and show it by this answer, and never again."""
    order = await _order(page, number)
    viewer = page.visit.for_order(number).viewer
    try:
        told = await flow.tell_code(page.market.stored_value, viewer=viewer, order_id=order.id)
    except Conflict as refusal:
        return await _show_purchase(
            page, order, refusal=refusal.detail or refusal.title, status=refusal.status
        )
    return await _show_purchase(page, order, code=told.code)


@router.post("/orders/{number}/gift-card/send")
async def send_again(page: Asking, number: str) -> Response:
    """Have the letter sent once more, to another address if one is written; the same form twice
    is one letter."""
    order = await _order(page, number)
    form = forms.read(_TO, page.form)
    if form.errors:
        return await _show_purchase(page, order, form=form, status=422)
    typed = form.value("recipient_email")
    try:
        await form_keys.once(
            page,
            partial(
                gift_delivery_service.send_again,
                viewer=page.visit.for_order(number).viewer,
                order_id=order.id,
                recipient_email=normal_email(typed) if typed else None,
                now=page.now,
            ),
            key=form_keys.request_key(page, f"send_card:{order.id}", form),
            made=lambda purchase: str(purchase.order_id),
        )
    except IdempotencyKeyReused as refusal:
        told = form_keys.with_refusal(form, refusal, {})
        return await _show_purchase(page, order, form=told, status=refusal.status)
    except Conflict as refusal:
        words = refusal.detail or refusal.title
        told = FormView(form.values, {"recipient_email": words})
        return await _show_purchase(page, order, form=told, status=refusal.status)
    return page.go(f"/orders/{order_number(order.number)}/gift-card", notice=notices.GIFT_SENT)


def _morning(day: date) -> datetime:
    return datetime.combine(day, _SENT_AT, tzinfo=UTC)


def _amount_minor(form: FormView, currency: str) -> int | None:
    chosen = form.value("chosen")
    if chosen and chosen != gift_sales.ANOTHER:
        return forms.whole_number(chosen, lowest=1, highest=10**15)
    return forms.amount_minor(form.value("amount"), currency) or None


async def _offer(page: Page, currency: str | None) -> GiftCardOffer | None:
    """The offer in a currency; else the market's own, else the first there is."""
    found = await ask(page.market.db, gift_sale_service.offers)
    wanted = (currency, page.market.settings.default_currency)
    named = [one for code in wanted for one in found if one.currency == code]
    return next(iter([*named, *found]), None)


async def _show_shop(
    page: Page, *, currency: str | None, form: FormView, status: int = 200
) -> Response:
    offers = await ask(page.market.db, gift_sale_service.offers)
    offer = await _offer(page, currency)
    methods: list[checkouts.OfferedMethod] = []
    if offer is not None:
        methods = await offered(page, currency=offer.currency, sellers_minor={})
    kept = checkouts.kept_payment(page.form).values if form.values else {}
    view = gift_sales.shop(
        offers,
        offer=offer,
        methods=methods,
        form=FormView({**form.values, **kept}, form.errors),
        key=form_keys.key_to_send(page, form, field="idempotency_key"),
        signed_in=not page.viewer.is_guest,
    )
    return await page.show("store/gift_shop.html", status=status, personal=True, gifts=view)


async def _order(page: Page, number: str) -> Order:
    order = await ask(
        page.market.db,
        order_service.find_order_by_number,
        viewer=page.visit.for_order(number).viewer,
        number=number,
    )
    if not order.whole:
        raise NotFound
    return order


async def _show_purchase(
    page: Page,
    order: Order,
    *,
    code: str = "",
    refusal: str = "",
    form: FormView | None = None,
    status: int = 200,
) -> Response:
    viewer = page.visit.for_order(order_number(order.number)).viewer
    found = await ask(page.market.db, gift_sale_service.find, viewer=viewer, order_id=order.id)
    view = gift_sales.purchase(
        found,
        number=order.number,
        may_ask=may(viewer.roles, Permission.ORDER_PAY) and not viewer.sees_everything,
        now=page.now,
        code=code,
        refusal=refusal,
        key=form_keys.key_to_send(page, form),
        form=form or FormView(),
    )
    return await page.show("store/gift_purchase.html", status=status, personal=True, gift=view)
