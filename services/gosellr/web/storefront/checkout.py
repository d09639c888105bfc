"""Checking out: address, delivery and payment on one page; the same form twice is one order."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.email_addresses import normal_email
from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotFound, VersionConflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import carts
from gosellr.flows import checkout as flow
from gosellr.integrations.payments.by_hand import BankTransfer
from gosellr.integrations.payments.report_port import MayBeSilent
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.models.order_values import Order
from gosellr.services import (
    cash_terms_service,
    order_service,
    stored_value_service,
)
from gosellr.services.basket_service import CheckoutRequest, Tender, TotalChanged
from gosellr.services.cart_service import CartView
from gosellr.services.idempotency_service import IdempotencyInProgress
from gosellr.services.payment_service import PaymentMethodUnavailable
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.permissions import Permission
from gosellr.utils.stored_value import GIFT_CARD, STORE_CREDIT
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import checkouts, order_payments, orders
from gosellr.web.pages import Page, admit
from gosellr.web.session import Cookie, orders_value
from gosellr.web.storefront.bag import choices_of
from gosellr.web.storefront.carts import open_cart
from gosellr.web.views import FormView

router = LateRouter(prefix="/checkout", include_in_schema=False)

Buying = Annotated[Page, admit(Permission.ORDER_CREATE)]

_CHECKOUT = frozenset({"checkout"})
_SAVED = {"email": "email", **{f"shipping_address.{part}": part for part in ("name", "city")}}
_MOVED = (
    "The total is another one than you saw. Nothing was charged: look at it again, "
    "and pay if you agree."
)
_CHANGED_ELSEWHERE = "Your bag was changed in another window. Nothing was charged: look again."


@router.get("")
async def show_checkout(page: Buying) -> Response:
    """Address, delivery and payment of what is in the bag."""
    view = await open_cart(page)
    if view is None or not view.parcels:
        order = await _order_of_cart(page, page.visit.cart_id)
        waits = order is not None and order.status == "pending_payment"
        return to_order(page, order) if order is not None and waits else page.go("/bag")
    return await _show(page, view, checkouts.contact_form(view, page.viewer))


@router.get("/address")
@router.get("/delivery")
async def return_to_checkout(page: Buying) -> Response:
    """Where a form was sent to is no page of its own."""
    return page.go("/checkout")


@router.post("/address")
@router.post("/delivery")
async def save_details(page: Buying) -> Response:
    """Keep the address and the ways of delivery, and show what it all comes to."""
    view = await open_cart(page)
    if view is None or not view.parcels:
        return page.go("/bag")
    form = forms.read(checkouts.CONTACT, page.form)
    if form.errors:
        return await _show(page, view, form, status=422)
    try:
        view = await _save(page, view, form)
    except InvalidInput as refusal:
        return await _show(page, view, forms.with_errors(form, refusal, _SAVED), status=422)
    # What was chosen to pay with is kept nowhere yet but in the form.
    if page.is_htmx or checkouts.METHOD_FIELD in page.form:
        return await _show(page, view, form)
    return page.go("/checkout#delivery")


@router.post("")
async def pay(page: Buying) -> Response:
    """Place the order and ask for its money, once, however often the form is sent."""
    view = await open_cart(page)
    sent_id = _cart_id(page)
    if view is None or view.cart.id != sent_id or not view.parcels:
        order = await _order_of_cart(page, sent_id)
        return page.go("/bag") if order is None else to_order(page, order)
    form = forms.read(checkouts.CONTACT, page.form)
    if form.errors:
        return await _show(page, view, form, status=422)
    try:
        placed = await _place(page, view, form)
    except IdempotencyInProgress:
        # The first sending of this form is still with the bank: show its order, which waits.
        order = await _order_of_cart(page, sent_id)
        return page.go("/bag") if order is None else to_order(page, order)
    except GiftCardRefused as refusal:
        form = FormView(form.values, {**form.errors, checkouts.GIFT_CARD_FIELD: refusal.detail})
        return await _show(page, await open_cart(page) or view, form, status=422)
    except (Conflict, InvalidInput, PaymentMethodUnavailable) as refusal:
        return await _refused(page, form, refusal, sent_id)
    return to_order(page, placed.order, access_token=placed.access_token)


@dataclass(frozen=True, slots=True)
class _Placed:
    order: Order
    access_token: str | None


async def _place(page: Page, view: CartView, form: FormView) -> _Placed:
    """Save what was typed last, and order exactly what was shown."""
    if str(view.cart.version) != page.form.get("cart_version"):
        raise VersionConflict(_CHANGED_ELSEWHERE)
    view = await _save(page, view, form)
    placed = await flow.place_order(
        page.market.checkout,
        viewer=page.viewer,
        request=CheckoutRequest(
            tenders=tenders(page),
            cart_id=view.cart.id,
            cart_version=view.cart.version,
            expected_total_minor=forms.whole_number(
                page.form.get("expected_total"), lowest=0, highest=10**15
            )
            or 0,
            expected_currencies=frozenset({view.cart.currency}),
        ),
        # Another card isn't another order: the bag is what is bought, once.
        key=form_keys.request_key(page, "checkout", view.cart.id.bytes, field="idempotency_key"),
    )
    if placed.order is None:
        raise NotFound
    return _Placed(placed.order, placed.access_token)


async def _save(page: Page, view: CartView, form: FormView) -> CartView:
    """Keep what the form says differently from the bag; nothing is written where nothing is."""
    address = checkouts.address_of(form)
    email = normal_email(form.value("email"))
    known = {part: value or None for part, value in (view.cart.shipping_address or {}).items()}
    told = {part: value or None for part, value in address.items()}
    if known != told or view.cart.email != email:
        view = await carts.set_addresses(
            page.market.carts,
            viewer=page.viewer,
            cart_id=view.cart.id,
            changes={"email": email, "shipping_address": address},
            version=view.cart.version,
        )
    offered = {
        parcel.seller_id: {option.id for option in parcel.options} for parcel in view.parcels
    }
    chosen = {
        seller_id: option_id
        for seller_id, option_id in choices_of(page.form).items()
        # Another address may have other ways of delivery: then the cheapest is taken and shown.
        if option_id in offered.get(seller_id, ())
    }
    current = {
        parcel.seller_id: parcel.chosen.id for parcel in view.parcels if parcel.chosen is not None
    }
    if any(current.get(seller_id) != option_id for seller_id, option_id in chosen.items()):
        view = await carts.choose_shipping(
            page.market.carts,
            viewer=page.viewer,
            cart_id=view.cart.id,
            choices=chosen,
            version=view.cart.version,
        )
    return view


async def _refused(
    page: Page, form: FormView, refusal: DomainError, cart_id: UUID | None
) -> Response:
    """The page again with what has changed; nothing was charged."""
    view = await open_cart(page)
    if view is None:
        # Another sending of the same form was quicker.
        order = await _order_of_cart(page, cart_id)
        return page.go("/bag") if order is None else to_order(page, order)
    if isinstance(refusal, PaymentMethodUnavailable):
        return await _show(page, view, form, status=refusal.status, notice=refusal.title)
    notice = _MOVED if isinstance(refusal, TotalChanged) else refusal.detail
    return await _show(page, view, form, status=409, notice=notice)


def to_order(page: Page, order: Order, *, access_token: str | None = None) -> Response:
    """Send the buyer where this order wants them: to the bank, to pay again, or to the receipt."""
    number = order_number(order.number)
    if page.viewer.is_guest:
        token = access_token or flow.order_token(page.market.checkout, order.id)
        value = orders_value(page.visit.order_tokens, number=number, token=token)
        page.keep(Cookie.ORDERS, value)
    if not order_payments.awaits_gateway(order) and (href := orders.payment_href(order)):
        return page.go(href)
    return page.go(orders.order_href(number), notice=notices.PLACED)


async def _order_of_cart(page: Page, cart_id: UUID | None) -> Order | None:
    if cart_id is None:
        return None
    try:
        return await ask(
            page.market.db,
            order_service.find_order_of_cart,
            viewer=page.viewer,
            cart_id=cart_id,
        )
    except NotFound:
        return None


async def _show(
    page: Page, view: CartView, form: FormView, *, status: int = 200, notice: str = ""
) -> Response:
    market, user_id = page.market, page.viewer.user_id
    credit: Mapping[str, int] = {}
    if user_id is not None:
        known = await ask(market.db, stored_value_service.credit_of, user_id=user_id)
        credit = known.balances
    checkout = checkouts.checkout(
        view,
        viewer=page.viewer,
        form=FormView({**form.values, **checkouts.kept_payment(page.form).values}, form.errors),
        methods=await _offered(page, view),
        secret_key=market.secret_key,
        store_credit_minor=credit.get(view.cart.currency, 0),
        # What was refused wasn't kept, and is still what was chosen.
        choices=choices_of(page.form),
        notice=notice,
    )
    return await page.show(
        "store/checkout.html",
        fragments=_CHECKOUT,
        status=status,
        personal=True,
        checkout=checkout,
    )


async def _offered(page: Page, view: CartView) -> list[checkouts.OfferedMethod]:
    """The ways to pay that this bag can go: not every one takes each currency, or each seller."""
    quote = view.basket.quote
    return await offered(
        page,
        currency=view.cart.currency,
        sellers_minor={one.seller_id: one.totals.total_minor for one in quote.parcels},
    )


async def offered(
    page: Page, *, currency: str, sellers_minor: Mapping[UUID, int]
) -> list[checkouts.OfferedMethod]:
    """The ways to pay for so much of these sellers in a currency."""
    market = page.market
    found = []
    for name, gateway in market.gateways.items():
        if isinstance(gateway, BankTransfer) and currency not in gateway.currencies:
            continue
        # What no seller sends has no door to pay at.
        if name == CASH_ON_DELIVERY and (
            not sellers_minor
            or not await ask(
                market.db,
                cash_terms_service.is_taken,
                sellers_minor=sellers_minor,
                currency=currency,
                policy=market.policy,
            )
        ):
            continue
        is_silent = isinstance(gateway, MayBeSilent) and gateway.is_silent
        found.append(checkouts.OfferedMethod(name, is_silent))
    return found


def tenders(page: Page) -> tuple[Tender, ...]:
    """How the buyer wants to pay: a gift card and credit as far as they go, the rest otherwise."""
    code = forms.clean(page.form.get(checkouts.GIFT_CARD_FIELD, ""))[:40]
    wants_credit = bool(page.form.get(checkouts.STORE_CREDIT_FIELD)) and not page.viewer.is_guest
    return (
        *([Tender(method=GIFT_CARD, token=code)] if code else []),
        *([Tender(method=STORE_CREDIT)] if wants_credit else []),
        rest_of(page),
    )


def rest_of(page: Page) -> Tender:
    """The way to pay that was chosen for what neither a gift card nor credit pays."""
    method = forms.clean(page.form.get(checkouts.METHOD_FIELD, ""))[:40]
    # The sandbox's choice of cards is sent along, whatever is chosen beside it.
    token = forms.clean(page.form.get("payment_token", ""))[:200]
    return Tender(method=method, token=(token or None) if method == SandboxGateway.name else None)


def _cart_id(page: Page) -> UUID | None:
    try:
        return UUID(page.form.get("cart_id", ""))
    except ValueError:
        return None
