"""A shop's payouts: asked for, listed, taken apart; when they come and where they go."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput, NotFound, VersionConflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.rate_limit import network_of
from gosellr.core.transact import ask
from gosellr.flows import limits, payout_accounts, payout_withdrawals, payouts
from gosellr.flows.payout_accounts import TypedAccount
from gosellr.services import payout_questions, payout_settings_service
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.services.payout_questions import PayoutFilters
from gosellr.utils.money import EXPONENTS
from gosellr.utils.payouts import PayoutStatus, ScheduleKind
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import histories
from gosellr.web.binding import payouts as binding
from gosellr.web.forms import Field
from gosellr.web.money_views import PayoutListView
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.storefront.accounts import count
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/seller/{seller_id}", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.PAYOUT_READ)]
Asking = Annotated[Page, admit(Permission.PAYOUT_CREATE)]
Changing = Annotated[Page, admit(Permission.PAYOUT_ACCOUNT_WRITE)]
Cursor = Annotated[str | None, Query(max_length=1000)]

_SHOWN = 24
_ENTRIES_SHOWN = 100
_SCHEDULE = (
    Field("schedule", 20, "Choose how often"),
    Field("weekday", 2),
    Field("day_of_month", 2),
    Field("minimum", 20),
)
_ACCOUNT = (
    Field("method", 40, "Choose a way"),
    Field("holder", 200, "Write whose account it is"),
    Field("iban", 50),
    Field("email", 254),
    Field("password", 128, "Write your password once more"),
)
_ACCOUNT_FIELDS = {name: name for name in ("method", "holder", "iban", "email", "password")}


@router.get("/payouts")
async def list_payouts(
    page: Reading,
    seller_id: UUID,
    status: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Cursor = None,
) -> Response:
    """The shop's payouts, newest first."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_READ)
    asked = histories.chosen_of(status, set(PayoutStatus))
    chosen = asked.value
    found = await ask(
        page.market.db,
        payout_questions.list_payouts,
        viewer=page.viewer,
        filters=PayoutFilters(seller_id=seller_id, status=chosen or None),
        cursor=cursor,
        limit=_SHOWN,
    )
    base = f"{shop.href}/payouts"
    kept = [("status", chosen)] if chosen else []
    view = PayoutListView(
        tuple(binding.row(one, base=base) for one in found.items),
        chips=histories.chips(base, binding.CHIPS, name="status", chosen=chosen),
        pager=histories.pager(base, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        shop,
        "seller/payouts.html",
        current="payouts",
        payout_list=view,
        notice=asked.notice,
        status=asked.status,
    )


@router.post("/payouts")
async def ask_for_payout(page: Asking, seller_id: UUID) -> Response:
    """Pay out all that is available in a currency; the same form twice is one payout."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_CREATE)
    currency = page.form.get("currency", "")
    if currency not in EXPONENTS:
        raise InvalidInput.at("currency", "currency_unknown", "Choose one of your currencies")
    key = form_keys.request_key(page, f"payout:{seller_id}", currency.encode())
    try:
        requested = await payouts.request_payout(
            page.market.payouts,
            viewer=page.viewer,
            seller_id=seller_id,
            currency=currency,
            key=key,
        )
    except Conflict as refusal:
        return await _refused(page, shop, refusal)
    if requested.payout is None:
        return page.go(f"{shop.href}/payouts")
    body = str(requested.payout.id).encode()
    await payouts.keep_answer(page.market.payouts, key=key, status=201, body=body)
    return page.go(f"{shop.href}/payouts/{requested.payout.id}", notice=notices.PAYOUT_ASKED)


async def _refused(page: Page, shop: Shop, refusal: Conflict) -> Response:
    """The payout settings, where most of what stands in the way can be changed."""
    notice = NoticeView(refusal.detail, "warn", "Nothing was paid out")
    return await _show_settings(page, shop, notice=notice, status=refusal.status)


@router.get("/payouts/{payout_id}")
async def show_payout(
    page: Reading, seller_id: UUID, payout_id: UUID, cursor: Cursor = None
) -> Response:
    """A payout with the movements that made it."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_READ)
    found = await ask(
        page.market.db, payout_questions.find_payout, viewer=page.viewer, payout_id=payout_id
    )
    if found.seller_id != seller_id:
        raise NotFound
    entries = await ask(
        page.market.db,
        payout_questions.list_entries,
        viewer=page.viewer,
        payout_id=payout_id,
        cursor=cursor,
        limit=_ENTRIES_SHOWN,
    )
    path = f"{shop.href}/payouts/{payout_id}"
    view = binding.payout(
        found,
        entries.items,
        path=path,
        orders=f"{shop.href}/orders",
        pager=histories.pager(path, [], entries.next_cursor, is_first=cursor is None),
    )
    return await show(page, shop, "seller/payout.html", current="payouts", payout=view)


@router.get("/payout-settings")
async def show_settings(page: Reading, seller_id: UUID) -> Response:
    """When and where the shop is paid."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_READ)
    return await _show_settings(page, shop)


@router.post("/payout-settings")
async def change_schedule(page: Changing, seller_id: UUID) -> Response:
    """Change how often the shop is paid, and from which amount on; the same form twice is one."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_ACCOUNT_WRITE)
    currency = page.market.settings.default_currency
    form = forms.read(_SCHEDULE, page.form)
    version = forms.whole_number(page.form.get("version"), lowest=1, highest=10**9)
    minimum = forms.amount_minor(form.value("minimum") or "0", currency)
    errors = dict(form.errors)
    if form.value("schedule") not in set(ScheduleKind):
        errors["schedule"] = "Choose how often"
    if minimum is None:
        example = forms.example(currency)
        errors["minimum"] = f"Write an amount in {currency}, such as {example}, or nothing"
    form = FormView(form.values, errors)
    if errors or minimum is None:
        return await _show_settings(page, shop, form=form, version=version, status=422)
    before = await ask(
        page.market.db,
        payout_settings_service.find_settings,
        viewer=page.viewer,
        seller_id=seller_id,
    )
    try:
        await form_keys.once(
            page,
            partial(
                payout_settings_service.change_settings,
                viewer=page.viewer,
                seller_id=seller_id,
                changes=_schedule_of(form),
                minimums={**before.minimums, currency: minimum},
                expected_version=version,
                now=page.now,
            ),
            key=form_keys.repeat_key(page, f"payout_settings:{seller_id}", form),
            made=lambda settings: str(settings.seller_id),
        )
    except VersionConflict as refusal:
        notice = notices.CHANGED_FIRST
        return await _show_settings(page, shop, notice=notice, status=refusal.status)
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, {"schedule": "schedule"})
        return await _show_settings(page, shop, form=told, version=version, status=refusal.status)
    return page.go(f"{shop.href}/payout-settings", notice=notices.SCHEDULE_SAVED)


def _schedule_of(form: FormView) -> dict[str, object]:
    kind = form.value("schedule")
    changes: dict[str, object] = {"schedule": kind}
    if kind == ScheduleKind.WEEKLY:
        changes["weekday"] = forms.whole_number(form.value("weekday"), lowest=1, highest=7)
    if kind == ScheduleKind.MONTHLY:
        changes["day_of_month"] = forms.whole_number(
            form.value("day_of_month"), lowest=1, highest=31
        )
    return changes


@router.post("/payout-account")
async def change_account(page: Changing, seller_id: UUID) -> Response:
    """Pay the shop to another account: whoever says so proves again who they are. The same form
    twice is one account."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_ACCOUNT_WRITE)
    form = forms.read(_ACCOUNT, page.form)
    if form.errors:
        return await _show_settings(page, shop, account_form=form, status=422)
    await count_password(page)
    try:
        await payout_accounts.change_destination(
            page.market.payouts,
            page.market.passwords,
            viewer=page.viewer,
            seller_id=seller_id,
            typed=TypedAccount(
                method=form.value("method"),
                holder=form.value("holder"),
                # Exactly as it was typed: a password isn't put into any normal form.
                password=page.form.get("password", ""),
                iban=form.value("iban") or None,
                email=form.value("email") or None,
            ),
            key=form_keys.request_key(page, f"payout_account:{seller_id}", _said(page, form)),
        )
    except (InvalidInput, IdempotencyKeyReused) as refusal:
        told = form_keys.with_refusal(form, refusal, _ACCOUNT_FIELDS)
        return await _show_settings(page, shop, account_form=told, status=422)
    return page.go(f"{shop.href}/payout-settings", notice=notices.ACCOUNT_SAVED)


def _said(page: Page, form: FormView) -> bytes:
    """What the form says of the account: kept so that nobody can try numbers against it, and
    without the password."""
    told = [form.value(name) for name in _ACCOUNT_FIELDS if name != "password"]
    return page.market.payouts.vault.blind_index(repr(told), purpose="payout account form")


@router.post("/payout-settings/confirm")
async def let_go(page: Changing, seller_id: UUID) -> Response:
    """Let payouts go on that are held since a change of the account was withdrawn."""
    shop = await shop_of(page, seller_id, Permission.PAYOUT_ACCOUNT_WRITE)
    await count_password(page)
    try:
        await payout_withdrawals.let_go(
            page.market.payouts,
            page.market.passwords,
            viewer=page.viewer,
            seller_id=seller_id,
            password=page.form.get("own_password", ""),
        )
    except InvalidInput as refusal:
        told = forms.with_errors(FormView(), refusal, {"password": "own_password"})
        return await _show_settings(page, shop, let_go_form=told, status=422)
    except Conflict as refusal:
        told = FormView({}, {"own_password": refusal.detail or refusal.title})
        return await _show_settings(page, shop, let_go_form=told, status=refusal.status)
    return page.go(f"{shop.href}/payout-settings", notice=notices.PAYOUTS_GO_ON)


async def count_password(page: Page) -> None:
    """Tried here as often as at the sign-in, and counted together with it."""
    await count(
        page,
        (limits.LOGIN_PER_ADDRESS, network_of(page.viewer.ip_address)),
        (limits.LOGIN_PER_ACCOUNT, page.viewer.email.strip().casefold()),
        (limits.LOGIN_ALTOGETHER, limits.EVERYBODY),
    )


async def _show_settings(
    page: Page,
    shop: Shop,
    *,
    form: FormView | None = None,
    version: int | None = None,
    account_form: FormView | None = None,
    let_go_form: FormView | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    market = page.market
    settings = await ask(
        market.db, payout_settings_service.find_settings, viewer=page.viewer, seller_id=shop.id
    )
    destination = None
    if sees_account := shop.may(Permission.PAYOUT_ACCOUNT_READ):
        try:
            destination = await ask(
                market.db,
                payout_settings_service.find_destination,
                viewer=page.viewer,
                seller_id=shop.id,
            )
        except NotFound:
            destination = None
    view = binding.settings_page(
        settings,
        destination,
        path=shop.href,
        key=form_keys.key_to_send(page, form or account_form or let_go_form),
        methods={name: one.account_kind for name, one in market.payout_providers.items()},
        currency=market.settings.default_currency,
        may_change=shop.may(Permission.PAYOUT_ACCOUNT_WRITE),
        sees_account=sees_account,
        change_hold=market.policy.payout_change_hold,
        now=page.now,
        form=form,
        version=version,
        account_form=account_form,
        let_go_form=let_go_form,
    )
    return await show(
        page, shop, "seller/payout_settings.html", current="payout-settings", status=status,
        notice=notice, settings=view,
    )  # fmt: skip
