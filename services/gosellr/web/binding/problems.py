"""The form that opens a case: which lines may be complained of, and what was typed."""

from collections.abc import Collection, Mapping
from datetime import datetime

from gosellr.models.order_values import Order, OrderLine, SellerOrder
from gosellr.services.dispute_service import claim_window
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.pricing import MAX_QUANTITY
from gosellr.web import forms
from gosellr.web.binding.cases import REASONS, WISHES
from gosellr.web.binding.orders import order_href
from gosellr.web.case_views import ReportLineView, ReportView
from gosellr.web.formats import format_when
from gosellr.web.forms import Field
from gosellr.web.views import ChoiceView, FormView

# Beside it stands what the buyer wishes; both together are one message of the case.
_MESSAGE_LENGTH_MAX = 3_800
_CHOSEN = (
    Field("line", 40, "Choose what it is about"),
    Field("reason", 40, "Choose what is wrong"),
    Field("wish", 40, "Choose what would put it right"),
    Field("quantity", 6),
)
_TOLD = (Field("message", _MESSAGE_LENGTH_MAX, "Tell what happened"),)


def read_report(sent: Mapping[str, str], *, lines: Collection[str]) -> FormView:
    """What was typed, and what is to be changed about it."""
    chosen, told = forms.read(_CHOSEN, sent), forms.read_text(_TOLD, sent)
    errors = {**chosen.errors, **told.errors}
    for name, known in (("line", lines), ("reason", REASONS), ("wish", WISHES)):
        if name not in errors and chosen.value(name) not in known:
            errors[name] = "Choose one of these"
    quantity = chosen.value("quantity")
    if quantity and forms.whole_number(quantity, lowest=1, highest=MAX_QUANTITY) is None:
        errors["quantity"] = f"Write a number from 1 to {MAX_QUANTITY}, or leave it empty"
    return FormView({**chosen.values, **told.values}, errors)


def quantity_of(form: FormView) -> int | None:
    """How many units a form without errors is about; None for all of them."""
    return int(form.value("quantity")) if form.value("quantity") else None


def message_of(form: FormView) -> str:
    """What a form without errors says, with what would put it right."""
    return f"{form.value('message')}\n\nWhat would put it right: {WISHES[form.value('wish')]}."


def report(
    order: Order, *, policy: MarketPolicy, now: datetime, form: FormView, key: str
) -> ReportView:
    """The form, with every line of the order and whether it is still time."""
    number = order_number(order.number)
    lines = tuple(
        _line(order, part, line, policy=policy, now=now, form=form)
        for part in order.parts
        for line in part.lines
    )
    still_open = [line for line in lines if line.open]
    if len(still_open) == 1 and not form.value("line"):
        lines = tuple(replace(line, chosen=line.open) for line in lines)
    return ReportView(
        number=number,
        order_href=order_href(number),
        action=f"{order_href(number)}/problems",
        lines=lines,
        reasons=_choices(REASONS, "Choose what is wrong", form.value("reason")),
        wishes=_choices(WISHES, "Choose what would help", form.value("wish")),
        key=key,
        form=form,
    )


def _line(
    order: Order,
    part: SellerOrder,
    line: OrderLine,
    *,
    policy: MarketPolicy,
    now: datetime,
    form: FormView,
) -> ReportLineView:
    window = claim_window(order, part, line, policy=policy)
    left = line.quantity - line.refunded_quantity
    if order.paid_at is None or part.status == "cancelled" or not left:
        note, is_open = "There is nothing of it to be given back", False
    elif now < window.opens_at:
        note, is_open = f"It may still arrive until {format_when(window.opens_at)}", False
    elif now > window.closes_at:
        note, is_open = f"That could be reported until {format_when(window.closes_at)}", False
    else:
        note, is_open = f"May be reported until {format_when(window.closes_at)}", True
    return ReportLineView(
        id=str(line.id),
        title=f"{left} × {line.title}, {part.seller_name}",
        note=note,
        open=is_open,
        chosen=form.value("line") == str(line.id),
    )


def _choices(known: Mapping[str, str], first: str, chosen: str) -> tuple[ChoiceView, ...]:
    return (
        ChoiceView("", first, not chosen),
        *(ChoiceView(value, label, value == chosen) for value, label in known.items()),
    )
