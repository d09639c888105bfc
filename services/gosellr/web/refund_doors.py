"""Refunds for every face that may ask for one: looked at, then done."""

from collections.abc import Mapping
from uuid import UUID

from gosellr.core.errors import DomainError
from gosellr.core.transact import ask
from gosellr.flows import refunds
from gosellr.flows.refunds import RequestedRefund
from gosellr.models.order_values import Order, SellerOrder
from gosellr.services import refund_questions, refund_ways
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.refund_plan import RefundRequest, RefundTooLarge
from gosellr.services.refund_questions import RefundPreview
from gosellr.services.refund_ways import NamedPayment, Override
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.states import RefundStatus
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import console_refunds as binding
from gosellr.web.formats import format_money
from gosellr.web.forms import Field
from gosellr.web.pages import Page
from gosellr.web.views import FormView

_UNITS_MAX = 999_999
_PROPOSED = 202
_NOTICES = {
    RefundStatus.SUCCEEDED: notices.REFUND_MADE,
    RefundStatus.FAILED: notices.REFUND_DECLINED,
}
_TOTAL = ("amount", "amount.amount", "amount.currency")


@dataclass(frozen=True, slots=True)
class Asked:
    """A form that was taken, or that comes back with what is to be changed about it. `notice` says
    how far the refund went, once it was made; where it was proposed, `proposal_id` names that."""

    form: FormView
    preview: RefundPreview | None = None
    notice: str = ""
    proposal_id: UUID | None = None
    status: int = 200


async def preview(page: Page, order: Order, part: SellerOrder) -> Asked:
    """What the refund would take from whom; nothing happens."""
    form, request = _read(page, order, part)
    if request is None:
        return Asked(form, status=422)
    try:
        found = await ask(
            page.market.db,
            refund_questions.preview,
            viewer=page.viewer,
            order_id=order.id,
            request=request,
            policy=page.market.policy,
        )
    except form_keys.REFUSALS as refusal:
        return _refused(form, refusal, request)
    return Asked(form, found)


async def refund(page: Page, order: Order, part: SellerOrder) -> Asked:
    """Send it back, or propose it where that takes two; the same form twice does it once."""
    form, request = _read(page, order, part)
    if request is None:
        return Asked(form, status=422)
    key = form_keys.request_key(page, f"refund:{part.id}", form)
    try:
        requested = await refunds.request_refund(
            page.market.refunds, viewer=page.viewer, order_id=order.id, request=request, key=key
        )
    except form_keys.REFUSALS as refusal:
        return _refused(form, refusal, request)
    proposal_id = await proposed(page, requested, key=key)
    if proposal_id is not None:
        return Asked(form, proposal_id=proposal_id)
    return Asked(form, notice=await notice_of(page, requested, key=key, told=_NOTICES))


async def proposed(page: Page, requested: RequestedRefund, *, key: RequestKey) -> UUID | None:
    """What waits for a second person, now or since the same form was sent before."""
    made, kept = requested.proposal, requested.answered
    if made is None:
        if kept is None or kept.body is None or kept.status != _PROPOSED:
            return None
        return UUID(kept.body.decode())
    body = str(made.id).encode()
    await refunds.keep_answer(page.market.refunds, key=key, status=_PROPOSED, body=body)
    return made.id


async def notice_of(
    page: Page, requested: RequestedRefund, *, key: RequestKey, told: Mapping[RefundStatus, str]
) -> str:
    """What is said of how far a refund went, and again to whoever sends its form again."""
    made = requested.refund
    if made is None:
        kept = requested.answered
        return "" if kept is None or kept.body is None else kept.body.decode()
    notice = told.get(RefundStatus(made.status), notices.REFUND_UNDER_WAY)
    await refunds.keep_answer(page.market.refunds, key=key, status=201, body=notice.encode())
    return notice


def _read(page: Page, order: Order, part: SellerOrder) -> tuple[FormView, RefundRequest | None]:
    """What was typed; None where it can't be meant, and the form says why."""
    fields = [Field(binding.units_field(line.id), 6) for line in part.lines]
    fields += [Field(name, 20) for name in ("amount", "shipping", "restock", "borne_by", "to")]
    if page.viewer.is_operator:
        fields += [
            Field(binding.way_field(one.id), 20) for one in refund_ways.payments_of(order, part)
        ]
    form = forms.read([*fields, Field("reason", 500, "Say why: the buyer reads it")], page.form)
    errors, items = dict(form.errors), []
    for line in part.lines:
        name = binding.units_field(line.id)
        units = forms.whole_number(form.value(name) or "0", lowest=0, highest=_UNITS_MAX)
        if units is None:
            errors[name] = "Write a number of units"
        elif units:
            items.append((line.id, units))
    shipping, typed = form.value("shipping") == "1", form.value("amount")
    minor = forms.amount_minor(typed, order.currency) if typed else None
    if typed and not minor:
        example = forms.example(order.currency)
        errors.setdefault("amount", f"Write an amount in {order.currency}, such as {example}")
    elif typed and (items or shipping):
        errors["amount"] = "Either units and the delivery, or a free amount"
    elif not typed and not items and not shipping and not errors:
        errors["amount"] = "Say what goes back: units, the delivery, or an amount"
    ways, wrong = _ways(form, order, part) if page.viewer.is_operator else ((), {})
    errors |= wrong
    if ways and form.value("to") == "first_paid":
        errors["to"] = "Either in this order, or by the amounts below"
    told = FormView(form.values, errors)
    if errors:
        return told, None
    return told, RefundRequest(
        seller_order_id=part.id,
        reason=form.value("reason"),
        items=tuple(items),
        shipping=shipping,
        amount_minor=minor,
        currency=None if minor is None else order.currency,
        by_marketplace=form.value("borne_by") == "marketplace",
        restock=form.value("restock") == "1",
        to_store_credit=form.value("to") == "store_credit",
        override=Override(first_paid_first=form.value("to") == "first_paid", named=ways),
    )


def _ways(
    form: FormView, order: Order, part: SellerOrder
) -> tuple[tuple[NamedPayment, ...], dict[str, str]]:
    """How much is to go back through which payment, and what is wrong with that by field."""
    named, wrong = [], {}
    for payment in refund_ways.payments_of(order, part):
        name = binding.way_field(payment.id)
        typed = form.value(name)
        minor = forms.amount_minor(typed, order.currency) if typed else 0
        if minor is None:
            example = forms.example(order.currency)
            wrong[name] = f"Write an amount in {order.currency}, such as {example}"
        elif minor:
            named.append(NamedPayment(payment_id=payment.id, amount_minor=minor))
    return tuple(named), wrong


def _refused(form: FormView, refusal: DomainError, request: RefundRequest) -> Asked:
    left = refusal.extras.get("left")
    if isinstance(refusal, RefundTooLarge) and left:
        words = f"No more than {format_money(left['amount'], left['currency'])} is left to refund"
        return Asked(FormView(form.values, {"": words}), status=refusal.status)
    names = dict.fromkeys(_TOTAL, "amount") | {"borne_by": "borne_by", "to": "to"}
    for place, way in enumerate(request.override.named):
        names[f"ways.{place}.amount"] = binding.way_field(way.payment_id)
    if left:
        words = f"No more than {format_money(left['amount'], left['currency'])} is left of it"
        told = {names.get(one.field, ""): words for one in refusal.errors}
        return Asked(FormView(form.values, told), status=refusal.status)
    if "named" in refusal.extras:
        named, due = (
            format_money(one["amount"], one["currency"])
            for one in (refusal.extras["named"], refusal.extras["refund"])
        )
        words = f"The ways that you name take {named}, and {due} goes back"
        return Asked(FormView(form.values, {"": words}), status=refusal.status)
    return Asked(form_keys.with_refusal(form, refusal, names), status=refusal.status)
