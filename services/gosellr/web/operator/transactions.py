"""The market's transaction history: an account's, a shop's or all of it, and as a file."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.late_routes import LateRouter
from gosellr.core.pagination import Page as PageOf
from gosellr.core.transact import ask
from gosellr.flows import history_files
from gosellr.services import history_service, seller_names, seller_service
from gosellr.services.history_service import JournalFilter
from gosellr.services.statement_service import Movement
from gosellr.utils.permissions import Permission
from gosellr.web.binding import histories, journals
from gosellr.web.binding.histories import Asked
from gosellr.web.history_answers import history_file
from gosellr.web.operator import shops
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import ChoiceView

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LEDGER_READ)]

_BASE = "/operator/transactions"


@router.get("/transactions")
async def show_transactions(
    page: Reading, form: Annotated[str | None, Query(alias="format", max_length=8)] = None
) -> Response:
    """Every entry of the journal through filters, of an account or a shop with the balance after
    it; all of it as a file."""
    asked, of = await _asked(page)

    async def read(cursor: str | None, limit: int) -> PageOf[Movement]:
        return await ask(
            page.market.db, history_service.market_movements, asked=of, cursor=cursor, limit=limit
        )

    # A file doesn't say what was left out of its filters: the page does, at their fields.
    if form is not None and not asked.form.errors:
        columns = history_files.journal_columns(
            has_balance=of.has_balance,
            account=of.account,
            of_seller=of.seller_id is not None,
        )
        return await history_file(page, columns, read, form=form)
    return await _show(page, await read(asked.cursor, histories.SHOWN), asked, of)


async def _asked(page: Page) -> tuple[Asked, JournalFilter]:
    query = page.request.query_params
    typed, db = journals.typed_of(query), page.market.db
    is_shop = bool(typed.of) and journals.account_named(typed.of) is None
    meant = await ask(db, seller_names.meant_by, texts=[typed.of]) if is_shop else {}
    order: tuple[UUID, str] | None = None
    if typed.order:
        order = await ask(db, history_service.order_named, text=typed.order)
    return journals.asked_of(query, typed, meant=meant, order=order)


async def _show(page: Page, found: PageOf[Movement], asked: Asked, of: JournalFilter) -> Response:
    db = page.market.db
    currencies: list[str] = []
    if of.has_balance:
        currencies = await ask(db, history_service.market_currencies, asked=of)
    names = await ask(db, seller_service.names_of, seller_ids=journals.sellers_in(found))
    view = journals.journal(found, asked, of, action=_BASE, currencies=currencies, names=names)
    accounts = tuple(ChoiceView(name, name) for name in journals.OWN_ACCOUNTS)
    return await show(
        page,
        "operator/transactions.html",
        current="/transactions",
        status=422 if asked.form.errors else 200,
        history=view,
        offered=(*accounts, *await shops.offered(page)),
    )
