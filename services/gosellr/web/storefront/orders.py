"""Orders as buyers see them: the receipt, another try to pay, and the way out before shipping."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotAuthenticated, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import checkout as flow
from gosellr.flows import refunds
from gosellr.models.order_values import Order
from gosellr.models.stored_value_values import ValueMove
from gosellr.services import (
    dispute_questions,
    document_questions,
    order_service,
    replacement_card_service,
)
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.services.gift_sale_service import NotPaidByValue
from gosellr.services.idempotency_service import IdempotencyInProgress, IdempotencyKeyReused
from gosellr.services.order_service import OrderFilters
from gosellr.services.payment_service import PaymentMethodUnavailable
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.utils.states import RefundStatus
from gosellr.utils.stored_value import GIFT_CARD
from gosellr.web import form_keys, notices
from gosellr.web.binding import cases, checkouts, order_payments, orders, value_moves
from gosellr.web.binding.listings import address
from gosellr.web.pages import Page, admit
from gosellr.web.session import Cookie, orders_value
from gosellr.web.storefront.checkout import offered, tenders
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/orders", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.ORDER_READ)]
Paying = Annotated[Page, admit(Permission.ORDER_PAY)]
Cancelling = Annotated[Page, admit(Permission.ORDER_CANCEL)]

_ORDER = frozenset({"order"})
_ORDERS_SHOWN = 20
_CASES_SHOWN = 20
_REASON = "The buyer cancelled it"


@router.get("")
async def list_orders(
    page: Reading, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> Response:
    """The signed-in buyer's orders."""
    if page.viewer.is_guest:
        raise NotAuthenticated
    found = await ask(
        page.market.db,
        order_service.list_orders,
        viewer=page.viewer,
        filters=OrderFilters(as_="buyer"),
        limit=_ORDERS_SHOWN,
        cursor=cursor,
    )
    return await page.show(
        "store/order_list.html",
        personal=True,
        order_list=orders.order_list(
            found.items,
            next_href=address("/orders", [("cursor", found.next_cursor or "")])
            if found.next_cursor
            else "",
            previous_href="/orders" if cursor else "",
        ),
    )


@router.get("/{number}")
async def show_order(
    page: Reading, number: str, token: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    """One order. A guest's link brings its key along, which moves into the browser."""
    if token is None:
        return await _show(page, await _order(page, number))
    page.visit = page.visit.with_order_token(number, token)
    found = order_number((await _order(page, number)).number)
    page.keep(Cookie.ORDERS, orders_value(page.visit.order_tokens, number=found, token=token))
    return page.go(orders.order_href(found))


@router.get("/{number}/pay")
async def show_payment(page: Paying, number: str) -> Response:
    """Another try to pay an order whose goods are held."""
    order = await _order(page, number)
    if order.status != "pending_payment" or order_payments.awaits_gateway(order):
        return page.go(orders.order_href(number))
    href = orders.payment_href(order)
    if href != page.request.url.path and order_payments.awaited_transfer(order) is None:
        return page.go(href)
    return await _show_payment(page, order)


@router.post("/{number}/pay")
async def pay_again(page: Paying, number: str) -> Response:
    """Ask for the money of an order once more, with another card."""
    order = await _order(page, number)
    wanted = tenders(page)
    said = " ".join(f"{one.method} {one.token}" for one in wanted).encode()
    key = form_keys.request_key(page, f"pay:{order.id}", said, field="idempotency_key")
    try:
        placed = await flow.pay_again(
            page.market.checkout,
            viewer=page.visit.for_order(number).viewer,
            order_id=order.id,
            tenders=wanted,
            key=key,
        )
    except (IdempotencyInProgress, IdempotencyKeyReused):
        return page.go(orders.order_href(number))
    except GiftCardRefused as refusal:
        form = checkouts.kept_payment(page.form)
        form.errors[checkouts.GIFT_CARD_FIELD] = refusal.detail
        return await _show_payment(page, await _order(page, number), form=form, status=422)
    except PaymentMethodUnavailable as refusal:
        return await _unpaid(page, await _order(page, number), refusal, words=refusal.title)
    except (Conflict, InvalidInput, NotPaidByValue) as refusal:
        return await _unpaid(page, await _order(page, number), refusal, words=refusal.detail)
    now = placed.order or await _order(page, number)
    if not order_payments.awaits_gateway(now) and (href := orders.payment_href(now)):
        return page.go(href)
    return page.go(orders.order_href(number), notice=notices.PLACED)


@router.post("/{number}/cancel")
async def cancel_order(page: Cancelling, number: str) -> Response:
    """Call an order off before any of it is sent; what was paid goes back."""
    order = await _order(page, number)
    try:
        order = await refunds.cancel_order(
            page.market.refunds,
            viewer=page.visit.for_order(number).viewer,
            order_id=order.id,
            seller_order_id=None,
            reason=_REASON,
        )
    except Conflict as refusal:
        order = await _order(page, number)
        # Sent twice, the form is refused because the first sending did it.
        if order.status != "cancelled":
            return await _show(page, order, refusal=refusal)
    is_owed = order.captured_minor > order.refunded_minor
    if is_owed and any(one.status == RefundStatus.FAILED for one in order.refunds):
        return page.go(orders.order_href(number), notice=notices.CANCELLED_NOT_REFUNDED)
    return page.go(orders.order_href(number), notice=notices.CANCELLED)


async def _order(page: Page, number: str) -> Order:
    """The whole order for its buyer; whoever may see less of it has other pages for that."""
    order = await ask(
        page.market.db,
        order_service.find_order_by_number,
        viewer=page.visit.for_order(number).viewer,
        number=number,
    )
    if not order.whole:
        raise NotFound
    return order


async def _show(page: Page, order: Order, *, refusal: DomainError | None = None) -> Response:
    notice = None if refusal is None else NoticeView(refusal.detail, "warn")
    viewer = page.visit.for_order(order_number(order.number)).viewer
    papers = await ask(
        page.market.db, document_questions.of_order, viewer=viewer, order_id=order.id
    )
    known = await ask(
        page.market.db,
        dispute_questions.list_cases,
        viewer=viewer,
        filters=DisputeFilters(order_id=order.id, as_buyer=True),
        cursor=None,
        limit=_CASES_SHOWN,
    )
    charged_back = await ask(page.market.db, dispute_questions.is_charged_back, order=order)
    moved: list[ValueMove] = []
    if any(payment.method == GIFT_CARD for payment in order.payments):
        moved = await ask(
            page.market.db,
            replacement_card_service.moves_of_order,
            viewer=viewer,
            order_id=order.id,
        )
    return await page.show(
        "store/order.html",
        layout=await page.layout(notice=notice),
        fragments=_ORDER,
        status=200 if refusal is None else refusal.status,
        personal=True,
        order=orders.order(
            order,
            viewer=page.viewer,
            papers=papers,
            cases=cases.links(known.items),
            moved=value_moves.on_order(moved, number=order.number),
            celebrate=page.visit.notice == notices.PLACED,
            charged_back=charged_back,
        ),
    )


async def _unpaid(page: Page, order: Order, refusal: DomainError, *, words: str) -> Response:
    """The form again where the order can still be paid, with what was typed; else the order."""
    may_try = order_payments.awaited_transfer(order) is not None or (
        orders.payment_href(order) == f"{orders.order_href(order_number(order.number))}/pay"
    )
    if not may_try or order_payments.awaits_gateway(order):
        return await _show(page, order, refusal=refusal)
    form = checkouts.kept_payment(page.form)
    form.errors[""] = words
    return await _show_payment(page, order, form=form, status=refusal.status)


async def _show_payment(
    page: Page, order: Order, *, form: FormView | None = None, status: int = 200
) -> Response:
    market = page.market
    methods = await offered(
        page,
        currency=order.currency,
        sellers_minor={part.seller_id: part.total_minor for part in order.parts},
    )
    view = checkouts.pay(
        order, methods=methods, form=form or FormView(), secret_key=market.secret_key
    )
    return await page.show("store/pay.html", status=status, personal=True, pay=view)
