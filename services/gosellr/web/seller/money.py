"""A shop's money: what it has and owes, when it is paid, and every movement of it."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.pagination import Page as PageOf
from gosellr.core.transact import ask
from gosellr.flows import history_files
from gosellr.services import (
    payout_forecast,
    payout_settings_service,
    reserve_service,
    statement_service,
    tax_request_service,
)
from gosellr.services.statement_service import Movement
from gosellr.utils.permissions import Permission
from gosellr.web.binding import histories, payouts
from gosellr.web.binding import tax_requests as requests
from gosellr.web.history_answers import history_file
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import Shop, names_of, shop_of, show

router = LateRouter(prefix="/seller", include_in_schema=False)

Entering = Annotated[Page, admit(Permission.BALANCE_READ)]
ReadingMoves = Annotated[Page, admit(Permission.TRANSACTION_READ)]


@router.get("")
async def choose_shop(page: Entering) -> Response:
    """The shop of whoever has one."""
    names = await names_of(page)
    if not names:
        raise NotFound
    first = min(names, key=lambda seller_id: names[seller_id])
    return page.go(f"/seller/{first}")


@router.get("/{seller_id}")
async def show_shop(page: Entering, seller_id: UUID) -> Response:
    """The first page that this member may open."""
    shop = await shop_of(page, seller_id, Permission.ORDER_READ)
    return page.go(shop.first_page())


@router.get("/{seller_id}/money")
async def show_money(page: Entering, seller_id: UUID) -> Response:
    """What the shop has, by currency, with dates, and the next payout."""
    shop = await shop_of(page, seller_id, Permission.BALANCE_READ)
    held = await ask(
        page.market.db,
        statement_service.seller_balances,
        viewer=page.viewer,
        seller_id=seller_id,
        policy=page.market.policy,
        now=page.now,
    )
    settings = await ask(
        page.market.db,
        payout_settings_service.find_settings,
        viewer=page.viewer,
        seller_id=seller_id,
    )
    kept_back = await ask(
        page.market.db, reserve_service.held_by_rules, viewer=page.viewer, seller_id=seller_id
    )
    plans = await ask(
        page.market.db,
        payout_forecast.plans_of,
        viewer=page.viewer,
        seller_id=seller_id,
        available={one.currency: one.available_minor for one in held if one.available_minor},
        policy=page.market.policy,
        now=page.now,
    )
    request = await ask(
        page.market.db, tax_request_service.find_open, viewer=page.viewer, seller_id=seller_id
    )
    view = payouts.money_page(
        held,
        settings,
        asked=requests.told(request, mode=page.market.settings.tax_identity_requests),
        base=shop.href,
        kept_back=kept_back,
        plans=plans,
        may_ask=shop.may(Permission.PAYOUT_CREATE),
        default_currency=page.market.settings.default_currency,
    )
    return await show(page, shop, "seller/money.html", current="money", purse=view)


@router.get("/{seller_id}/transactions")
async def show_transactions(
    page: ReadingMoves,
    seller_id: UUID,
    form: Annotated[str | None, Query(alias="format", max_length=8)] = None,
) -> Response:
    """Every movement with the balance after it, through filters; all of it as a file."""
    shop = await shop_of(page, seller_id, Permission.TRANSACTION_READ)
    asked = histories.asked_of(
        page.request.query_params, kinds=histories.SELLER_KINDS, pots=histories.POT_NAMES
    )

    async def read(cursor: str | None, limit: int) -> PageOf[Movement]:
        return await ask(
            page.market.db,
            statement_service.seller_movements,
            viewer=page.viewer,
            seller_id=seller_id,
            currency=asked.currency,
            pot=asked.pot,
            wanted=asked.wanted,
            cursor=cursor,
            limit=limit,
        )

    # A file doesn't say what was left out of its filters: the page does, at their fields.
    if form is not None and not asked.form.errors:
        return await history_file(page, history_files.OF_SELLER, read, form=form)
    found = await read(asked.cursor, histories.SHOWN)
    return await _show_history(page, shop, found, asked)


async def _show_history(
    page: Page, shop: Shop, found: PageOf[Movement], asked: histories.Asked
) -> Response:
    held = await ask(
        page.market.db,
        statement_service.seller_balances,
        viewer=page.viewer,
        seller_id=shop.id,
        policy=page.market.policy,
        now=page.now,
    )
    view = histories.history(
        found,
        asked,
        action=f"{shop.href}/transactions",
        currencies=[one.currency for one in held],
        kinds=histories.SELLER_KINDS,
        move=partial(histories.of_seller, orders=f"{shop.href}/orders"),
        with_pots=True,
    )
    return await show(
        page,
        shop,
        "seller/transactions.html",
        current="transactions",
        status=422 if asked.form.errors else 200,
        history=view,
    )
