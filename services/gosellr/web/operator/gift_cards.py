"""Gift cards: issued, stopped, and every movement of each."""

from datetime import UTC, datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_secret
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.flows import gift_sales, stored_value
from gosellr.flows.stored_value import IssuedGiftCard
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    card_release_service,
    gift_refund_service,
    gift_sale_service,
    history_service,
    stored_value_service,
)
from gosellr.services.history_service import JournalFilter
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.utils.ids import order_number
from gosellr.utils.ledger import gift_card
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission, may
from gosellr.utils.states import RefundStatus
from gosellr.web import form_keys, forms, notices, refund_doors
from gosellr.web.binding import gift_cards, histories
from gosellr.web.binding.proposals import PROPOSALS, waits_notice
from gosellr.web.forms import Field
from gosellr.web.money_views import CardListView, CardPageView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import ChoiceView, FormView

router = LateRouter(prefix="/operator/gift-cards", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.GIFT_CARD_READ)]
Issuing = Annotated[Page, staff(Permission.GIFT_CARD_ISSUE)]
Stopping = Annotated[Page, staff(Permission.GIFT_CARD_DEACTIVATE)]
Extending = Annotated[Page, staff(Permission.GIFT_CARD_ISSUE)]
Cursor = Annotated[str | None, Query(max_length=1000)]

_SHOWN = 24
_BASE = "/operator/gift-cards"
_CARD = (
    Field("amount", 20, "Write what it is worth"),
    Field("currency", 3, "Choose a currency"),
    Field("expires_on", 10),
    Field("note", 200),
)
_UNTIL = (Field("expires_on", 10), Field("endless", 1))
_REASON = (Field("reason", 500, "Write why"),)
_TAKEN_BACK = {
    RefundStatus.SUCCEEDED: notices.CARD_TAKEN_BACK,
    RefundStatus.FAILED: notices.REFUND_DECLINED,
}


@router.get("")
async def list_cards(page: Reading, cursor: Cursor = None) -> Response:
    """Gift cards with what is left on each, newest first, and the form that makes one."""
    return await _show_list(page, cursor=cursor)


@router.post("")
async def issue(page: Issuing) -> Response:
    """Make a gift card. Its code is shown by this answer, and never again."""
    form = forms.read(_CARD, page.form)
    currency = form.value("currency").upper()
    errors = dict(form.errors)
    if currency not in EXPONENTS:
        errors["currency"] = "Choose a currency"
        amount = None
    else:
        amount = forms.amount_minor(form.value("amount"), currency)
    if not amount and "amount" not in errors:
        code = currency if currency in EXPONENTS else page.market.settings.default_currency
        errors["amount"] = f"Write an amount, such as {forms.example(code)}"
    ends = forms.day(form.value("expires_on"))
    if form.value("expires_on") and ends is None:
        errors["expires_on"] = "Write a day, such as 2027-12-31"
    form = FormView(form.values, errors)
    if errors or amount is None:
        return await _show_list(page, form=form, status=422)
    try:
        issued = await stored_value.issue_gift_card(
            page.market.stored_value,
            viewer=page.viewer,
            amount_minor=amount,
            currency=currency,
            expires_at=None if ends is None else datetime.combine(ends, time.max, tzinfo=UTC),
            note=form.value("note") or None,
            key=form_keys.request_key(page, "issue_gift_card", form),
        )
    except form_keys.REFUSALS as refusal:
        names = {"expires_at": "expires_on", "amount.amount": "amount"}
        told = form_keys.with_refusal(form, refusal, names)
        return await _show_list(page, form=told, status=refusal.status)
    if isinstance(issued, Proposal):
        return page.go(f"{PROPOSALS}/{issued.id}", notice=notices.PROPOSED)
    return await _show_list(page, issued=issued)


@router.get("/{card_id}")
async def show_card(page: Reading, card_id: UUID, cursor: Cursor = None) -> Response:
    """A card and every movement on it."""
    return await _show_card(page, card_id, cursor=cursor)


async def _show_card(
    page: Page,
    card_id: UUID,
    *,
    cursor: str | None = None,
    refusal: str = "",
    form: FormView | None = None,
    code: str = "",
    status: int = 200,
) -> Response:
    card = await ask(page.market.db, stored_value_service.find, card_id=card_id)
    bought = await ask(page.market.db, gift_sale_service.order_of_card, card_id=card_id)
    moves = await ask(
        page.market.db,
        history_service.market_movements,
        asked=JournalFilter(account=gift_card(card_id), currency=card.currency),
        cursor=cursor,
        limit=histories.SHOWN,
    )
    waiting = await ask(page.market.db, gift_refund_service.find_waiting, card_id=card_id)
    path = f"{_BASE}/{card_id}"
    may_stop = may(page.viewer.roles, Permission.GIFT_CARD_DEACTIVATE)
    view = CardPageView(
        card=gift_cards.card(card, base=_BASE, now=page.now),
        moves=tuple(map(histories.of_holder, moves.items)),
        may_stop=may_stop and card.deactivated_at is None,
        pager=histories.pager(path, [], moves.next_cursor, is_first=cursor is None),
        bought_by="" if bought is None else order_number(bought[1]),
        may_take_back=may_stop and bought is not None and card.balance_minor > 0,
        key=new_secret(),
        refusal=refusal,
        replaces="" if card.replaces_id is None else f"{_BASE}/{card.replaces_id}",
        may_extend=card.expires_at is not None
        and card.deactivated_at is None
        and may(page.viewer.roles, Permission.GIFT_CARD_ISSUE),
        form=form or FormView(),
        may_tell=card.code_hash is None
        and card.issued_by is not None
        and card.issued_by == page.viewer.user_id,
        code=code,
    )
    return await show(
        page,
        "operator/gift_card.html",
        current="/gift-cards",
        status=status,
        notice=waits_notice(waiting),
        gift=view,
    )


@router.post("/{card_id}/take-back")
async def take_back(page: Stopping, card_id: UUID) -> Response:
    """Refund what is left on a card that was bought, to whoever paid for it."""
    bought = await ask(page.market.db, gift_sale_service.order_of_card, card_id=card_id)
    if bought is None:
        raise NotFound
    form = forms.read(_REASON, page.form)
    if form.errors:
        return await _show_card(page, card_id, form=form, status=422)
    key = form_keys.request_key(page, f"take_back:{card_id}", form)
    try:
        requested = await gift_sales.take_back(
            page.market.refunds,
            viewer=page.viewer,
            order_id=bought[0],
            reason=form.value("reason"),
            key=key,
        )
    except (Conflict, IdempotencyKeyReused) as refusal:
        is_used = isinstance(refusal, IdempotencyKeyReused)
        told = form_keys.SENT_ALREADY if is_used else refusal.detail
        return await _show_card(page, card_id, refusal=told, form=form, status=refusal.status)
    proposal_id = await refund_doors.proposed(page, requested, key=key)
    if proposal_id is not None:
        return page.go(f"{PROPOSALS}/{proposal_id}", notice=notices.PROPOSED)
    notice = await refund_doors.notice_of(page, requested, key=key, told=_TAKEN_BACK)
    return page.go(f"{_BASE}/{card_id}", notice=notice)


@router.post("/{card_id}/code")
async def tell_code(page: Issuing, card_id: UUID) -> Response:
    """Show the code of a card that took two people, once, to the one who asked for it."""
    try:
        told = await stored_value.tell_code(
            page.market.stored_value, viewer=page.viewer, card_id=card_id
        )
    except (Conflict, NotAllowed) as refusal:
        return await _show_card(page, card_id, refusal=refusal.detail, status=refusal.status)
    return await _show_card(page, card_id, code=told.code or "")


@router.post("/{card_id}/deactivate")
async def deactivate(page: Stopping, card_id: UUID) -> Response:
    """Stop a card from being spent."""
    await transact(
        page.market.db,
        stored_value_service.deactivate,
        viewer=page.viewer,
        card_id=card_id,
        now=page.now,
    )
    return page.go(f"{_BASE}/{card_id}", notice=notices.CARD_STOPPED)


@router.post("/{card_id}/extend")
async def extend(page: Extending, card_id: UUID) -> Response:
    """Let a card be good for longer; what was released of it is on it again."""
    form = forms.read(_UNTIL, page.form)
    ends = forms.day(form.value("expires_on"))
    # A card without an end is owed for ever: an empty field isn't enough to say so.
    if ends is None and (form.value("expires_on") or not form.value("endless")):
        told = {"expires_on": "Write a day, such as 2027-12-31, or choose that it has no end"}
        return await _show_card(page, card_id, form=FormView(form.values, told), status=422)
    if ends is not None and form.value("endless"):
        told = {"expires_on": "Either a day, or no end"}
        return await _show_card(page, card_id, form=FormView(form.values, told), status=422)
    try:
        await transact(
            page.market.db,
            card_release_service.extend,
            viewer=page.viewer,
            card_id=card_id,
            expires_at=None if ends is None else datetime.combine(ends, time.max, tzinfo=UTC),
            now=page.now,
        )
    except InvalidInput as refusal:
        form = forms.with_errors(form, refusal, {"expires_at": "expires_on"})
        return await _show_card(page, card_id, form=form, status=refusal.status)
    except Conflict as refusal:
        words = refusal.title
        return await _show_card(page, card_id, refusal=words, form=form, status=refusal.status)
    return page.go(f"{_BASE}/{card_id}", notice=notices.CARD_EXTENDED)


async def _show_list(
    page: Page,
    *,
    cursor: str | None = None,
    form: FormView | None = None,
    issued: IssuedGiftCard | None = None,
    status: int = 200,
) -> Response:
    found = await ask(page.market.db, stored_value_service.list_cards, cursor=cursor, limit=_SHOWN)
    own = page.market.settings.default_currency
    typed = form or FormView({"currency": own})
    view = CardListView(
        cards=tuple(gift_cards.card(one, base=_BASE, now=page.now) for one in found.items),
        form=typed,
        # A form that comes back is the same wish; one that was granted isn't.
        key=form_keys.key_to_send(page, form),
        currencies=tuple(
            ChoiceView(code, code, code == (typed.value("currency") or own))
            for code in sorted(EXPONENTS)
        ),
        may_issue=may(page.viewer.roles, Permission.GIFT_CARD_ISSUE),
        code="" if issued is None else issued.code or "",
        made=None if issued is None else gift_cards.card(issued.card, base=_BASE, now=page.now),
        pager=histories.pager(_BASE, [], found.next_cursor, is_first=cursor is None),
        alone_at_most=gift_cards.alone_at_most(page.market.policy.gift_approval_over),
    )
    return await show(
        page, "operator/gift_cards.html", current="/gift-cards", status=status, gifts=view
    )
