"""Calling units off before they are paid for, for every face that may: looked at, then done."""

from uuid import UUID

from gosellr.core.errors import DomainError, NotFound
from gosellr.core.transact import ask, transact
from gosellr.models.order_values import Order, SellerOrder
from gosellr.services import reduction_service
from gosellr.services.reduction_plan import MoreThanOrdered, Reduction, ReductionRequest
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web import form_keys, forms
from gosellr.web.binding import console_orders as binding
from gosellr.web.forms import Field
from gosellr.web.pages import Page
from gosellr.web.views import FormView

_UNITS_MAX = 999_999


@dataclass(frozen=True, slots=True)
class Asked:
    """A form that was taken, or that comes back with what is to be changed about it."""

    form: FormView
    planned: Reduction | None = None
    is_done: bool = False
    status: int = 200


def part_in(order: Order, part_id: UUID) -> SellerOrder:
    """The part that is meant. Raises NotFound."""
    for part in order.parts:
        if part.id == part_id:
            return part
    raise NotFound


async def preview(page: Page, order: Order, part: SellerOrder) -> Asked:
    """What calling off would change; nothing happens."""
    form, request = _read(page, part)
    if request is None:
        return Asked(form, status=422)
    try:
        planned = await ask(
            page.market.db,
            reduction_service.preview,
            viewer=page.viewer,
            order_id=order.id,
            request=request,
        )
    except form_keys.REFUSALS as refusal:
        return _refused(form, refusal)
    return Asked(form, planned)


async def call_off(page: Page, order: Order, part: SellerOrder) -> Asked:
    """Call them off; the same form twice does it once."""
    form, request = _read(page, part)
    if request is None:
        return Asked(form, status=422)
    try:
        await transact(
            page.market.db,
            reduction_service.call_off,
            viewer=page.viewer,
            order_id=order.id,
            request=request,
            key=form_keys.request_key(page, f"call_off:{part.id}", form),
            tell=_told,
            policy=page.market.policy,
            now=page.now,
        )
    except form_keys.REFUSALS as refusal:
        return _refused(form, refusal)
    return Asked(form, is_done=True)


def _told(reduction: Reduction) -> bytes:
    return str(reduction.id).encode()


def _read(page: Page, part: SellerOrder) -> tuple[FormView, ReductionRequest | None]:
    """What was typed; None where it can't be meant, and the form says why."""
    fields = [Field(binding.units_field(line.id), 6) for line in part.lines]
    form = forms.read([*fields, Field("reason", 500, "Say why: the buyer reads it")], page.form)
    errors, items = dict(form.errors), []
    for line in part.lines:
        name = binding.units_field(line.id)
        typed = form.value(name) or "0"
        units = forms.whole_number(typed, lowest=0, highest=_UNITS_MAX)
        if units is None:
            errors[name] = "Write a number of units"
        elif units:
            items.append((line.id, units))
    if not items and not errors:
        errors[binding.units_field(part.lines[0].id)] = "Say how many units are called off"
    told = FormView(form.values, errors)
    if errors:
        return told, None
    request = ReductionRequest(
        seller_order_id=part.id, reason=form.value("reason"), items=tuple(items)
    )
    return told, request


def _refused(form: FormView, refusal: DomainError) -> Asked:
    if isinstance(refusal, MoreThanOrdered):
        name = binding.units_field(refusal.extras["order_item_id"])
        words = f"Only {refusal.extras['left']} can be called off"
        return Asked(FormView(form.values, {name: words}), status=refusal.status)
    return Asked(form_keys.with_refusal(form, refusal, {}), status=refusal.status)
