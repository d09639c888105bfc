"""A buyer's own money here: store credit, gift cards, payments and refunds, and open cases."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotAuthenticated
from gosellr.core.late_routes import LateRouter
from gosellr.core.pagination import Page as PageOf
from gosellr.core.transact import ask
from gosellr.flows import history_files, stored_value
from gosellr.services import dispute_questions, history_service, stored_value_service
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.services.statement_service import Movement
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.web import forms
from gosellr.web.binding import cases, histories
from gosellr.web.case_views import CaseListView
from gosellr.web.formats import format_money, format_when
from gosellr.web.forms import Field
from gosellr.web.history_answers import history_file
from gosellr.web.money_views import CreditView
from gosellr.web.pages import Page, admit
from gosellr.web.views import AttributeView, FormView

router = LateRouter(prefix="/account", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.ACCOUNT_READ)]
Checking = Annotated[Page, admit(Permission.GIFT_CARD_CHECK)]
ReadingCases = Annotated[Page, admit(Permission.DISPUTE_READ)]
ReadingPayments = Annotated[Page, admit(Permission.TRANSACTION_READ)]

Cursor = Annotated[str | None, Query(max_length=1000)]

_CASES_SHOWN = 20
_CODE = (Field("code", 40, "Write the code that stands on the card"),)
_WRONG_CODE = "We don't know this code, or it can't be used any more"


@router.get("")
async def show_credit(page: Reading, cursor: Cursor = None) -> Response:
    """Store credit with all that moved on it, and the form that asks for a gift card."""
    return await _show_credit(page, FormView(), cursor=cursor)


@router.post("/gift-card")
async def check_card(page: Checking) -> Response:
    """Tell what is left on the card of a code; the code itself is kept nowhere."""
    if page.viewer.is_guest:
        raise NotAuthenticated
    form = forms.read(_CODE, page.form)
    if form.errors:
        return await _show_credit(page, form, status=422)
    try:
        card = await stored_value.check_gift_card(
            page.market.stored_value, viewer=page.viewer, typed=form.value("code")
        )
    except GiftCardRefused:
        told = FormView(form.values, {"code": _WRONG_CODE})
        return await _show_credit(page, told, status=422)
    found = (
        AttributeView("Card ending in", card.last_four),
        AttributeView("Left on it", format_money(card.balance_minor, card.currency, explicit=True)),
        AttributeView(
            "Good until",
            "it is spent" if card.expires_at is None else format_when(card.expires_at),
        ),
    )
    return await _show_credit(page, form, card=found)


@router.get("/cases")
async def list_cases(page: ReadingCases, cursor: Cursor = None) -> Response:
    """The buyer's own cases, newest first."""
    if page.viewer.is_guest:
        raise NotAuthenticated
    found = await ask(
        page.market.db,
        dispute_questions.list_cases,
        viewer=page.viewer,
        filters=DisputeFilters(as_buyer=True),
        cursor=cursor,
        limit=_CASES_SHOWN,
    )
    view = CaseListView(
        cases.rows(found.items, side="buyer", base=""),
        pager=histories.pager("/account/cases", [], found.next_cursor, is_first=cursor is None),
    )
    return await page.show("store/cases.html", personal=True, case_list=view)


@router.get("/payments")
async def show_payments(
    page: ReadingPayments, form: Annotated[str | None, Query(alias="format", max_length=8)] = None
) -> Response:
    """What was paid and came back, with filters; all of it as a file."""
    asked = histories.asked_of(page.request.query_params, kinds=histories.BUYER_KINDS)

    async def read(cursor: str | None, limit: int) -> PageOf[Movement]:
        return await ask(
            page.market.db,
            history_service.buyer_movements,
            viewer=page.viewer,
            currency=asked.currency,
            wanted=asked.wanted,
            cursor=cursor,
            limit=limit,
        )

    # A file doesn't say what was left out of its filters: the page does, at their fields.
    if form is not None and not asked.form.errors:
        return await history_file(page, history_files.OF_BUYER, read, form=form)
    found = await read(asked.cursor, histories.SHOWN)
    known = await ask(page.market.db, history_service.buyer_currencies, viewer=page.viewer)
    view = histories.history(
        found,
        asked,
        action="/account/payments",
        currencies=known,
        kinds=histories.BUYER_KINDS,
        move=histories.of_buyer,
        balance_label="Paid in all",
    )
    return await page.show(
        "store/payments.html",
        status=422 if asked.form.errors else 200,
        personal=True,
        history=view,
    )


async def _show_credit(
    page: Page,
    form: FormView,
    *,
    cursor: str | None = None,
    card: tuple[AttributeView, ...] = (),
    status: int = 200,
) -> Response:
    user_id = page.viewer.user_id
    if user_id is None:
        raise NotAuthenticated
    credit = await ask(page.market.db, stored_value_service.credit_of, user_id=user_id)
    currency = next(iter(sorted(credit.balances)), None)
    moves = await ask(
        page.market.db,
        history_service.credit_movements,
        viewer=page.viewer,
        currency=currency,
        cursor=cursor,
        limit=histories.SHOWN,
    )
    view = CreditView(
        balances=tuple(Money(minor, code) for code, minor in sorted(credit.balances.items())),
        moves=tuple(map(histories.of_holder, moves.items)),
        pager=histories.pager("/account", [], moves.next_cursor, is_first=cursor is None),
        form=form,
        card=card,
    )
    return await page.show("store/credit.html", status=status, personal=True, credit=view)
