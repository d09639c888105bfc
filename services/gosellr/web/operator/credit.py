"""Store credit: a buyer's, looked up by address, and granted at the market's cost."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.models.proposal_values import Proposal
from gosellr.services import account_service, stored_value_service, value_requests
from gosellr.utils.money import EXPONENTS, Money
from gosellr.utils.permissions import Permission, may
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding.gift_cards import alone_at_most
from gosellr.web.binding.proposals import PROPOSALS, waits_notice
from gosellr.web.forms import Field
from gosellr.web.money_views import BuyerCreditView, MoveView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import ChoiceView, FormView

router = LateRouter(prefix="/operator/credit", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.STORE_CREDIT_READ)]
Granting = Annotated[Page, staff(Permission.STORE_CREDIT_GRANT)]

_BASE = "/operator/credit"
_GRANT = (
    Field("amount", 20, "Write how much"),
    Field("currency", 3, "Choose a currency"),
    Field("reason", 500, "Say why"),
)


@router.get("")
async def look_up(page: Reading, email: Annotated[str, Query(max_length=254)] = "") -> Response:
    """Find a buyer by address."""
    wanted = forms.clean(email)
    if not wanted:
        return await _show_search(page, FormView())
    found = await ask(page.market.db, account_service.find_person, email=wanted)
    if found is None:
        form = FormView({"email": wanted}, {"email": "Nobody has an account with this address"})
        return await _show_search(page, form, status=404)
    return page.go(f"{_BASE}/{found.id}")


@router.get("/{user_id}")
async def show_credit(page: Reading, user_id: UUID) -> Response:
    """What a buyer may spend, and what was granted of late."""
    return await _show(page, user_id)


@router.post("/{user_id}")
async def grant(page: Granting, user_id: UUID) -> Response:
    """Give the buyer credit; the same form twice is one grant."""
    form, money = forms.money_of(forms.read(_GRANT, page.form))
    if form.errors or money is None:
        return await _show(page, user_id, form, status=422)
    try:
        made = await transact(
            page.market.db,
            value_requests.grant,
            viewer=page.viewer,
            user_id=user_id,
            amount_minor=money.amount,
            currency=money.currency,
            reason=form.value("reason"),
            key=form_keys.request_key(page, f"grant:{user_id}", form),
            policy=page.market.policy,
            now=page.now,
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, {"amount.amount": "amount"})
        return await _show(page, user_id, told, status=refusal.status)
    if isinstance(made, Proposal):
        return page.go(f"{PROPOSALS}/{made.id}", notice=notices.PROPOSED)
    return page.go(f"{_BASE}/{user_id}", notice=notices.CREDIT_GRANTED)


async def _show_search(page: Page, form: FormView, *, status: int = 200) -> Response:
    view = BuyerCreditView(form=form)
    return await show(page, "operator/credit.html", current="/credit", status=status, credit=view)


async def _show(
    page: Page, user_id: UUID, form: FormView | None = None, *, status: int = 200
) -> Response:
    found = await ask(page.market.db, stored_value_service.credit_of, user_id=user_id)
    own = page.market.settings.default_currency
    view = BuyerCreditView(
        form=form or FormView({"currency": own}),
        path=f"{_BASE}/{user_id}",
        email=await ask(page.market.db, account_service.address_of, user_id=user_id),
        balances=tuple(Money(minor, code) for code, minor in sorted(found.balances.items())),
        moves=tuple(
            MoveView(
                one.created_at,
                one.reason if one.seller_id is None else f"{one.reason} (at a shop's cost)",
                Money(one.amount_minor, one.currency),
            )
            for one in found.grants
        ),
        currencies=tuple(ChoiceView(code, code) for code in sorted(EXPONENTS)),
        key=form_keys.key_to_send(page, form),
        may_grant=may(page.viewer.roles, Permission.STORE_CREDIT_GRANT),
        alone_at_most=alone_at_most(page.market.policy.gift_approval_over),
    )
    waiting = await ask(page.market.db, value_requests.find_waiting, user_id=user_id)
    return await show(
        page,
        "operator/credit.html",
        current="/credit",
        status=status,
        notice=waits_notice(waiting),
        credit=view,
    )
