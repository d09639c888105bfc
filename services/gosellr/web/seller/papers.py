"""A shop's statements and commission invoices, as files."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import documents
from gosellr.flows.documents import Form
from gosellr.models.document_values import IssuedDocument
from gosellr.services import document_questions, period_documents
from gosellr.services.document_questions import DocumentFilters
from gosellr.utils.permissions import Permission
from gosellr.web.binding import histories, papers
from gosellr.web.history_answers import file_answer
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import shop_of, show

router = LateRouter(prefix="/seller/{seller_id}", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.STATEMENT_READ)]
WantedForm = Annotated[str, Query(alias="format", max_length=8)]

_SHOWN = 24


@router.get("/papers")
async def list_papers(
    page: Reading,
    seller_id: UUID,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The shop's statements and the market's invoices for its commission, newest first."""
    shop = await shop_of(page, seller_id, Permission.STATEMENT_READ)
    asked = histories.chosen_of(kind, papers.SELLER_KINDS)
    chosen = asked.value
    found = await ask(
        page.market.db,
        document_questions.of_seller,
        viewer=page.viewer,
        seller_id=seller_id,
        filters=DocumentFilters(kind=chosen or None),
        cursor=cursor,
        limit=_SHOWN,
    )
    currencies = await ask(
        page.market.db, period_documents.currencies_moved, viewer=page.viewer, seller_id=seller_id
    )
    base = f"{shop.href}/papers"
    kept = [("kind", chosen)] if chosen else []
    view = papers.papers(
        found.items,
        base=base,
        chosen=chosen,
        currencies=currencies,
        now=page.now,
        pager=histories.pager(base, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        shop,
        "seller/papers.html",
        current="papers",
        papers=view,
        notice=asked.notice,
        status=asked.status,
    )


@router.get("/papers/{document_id}")
async def show_paper(
    page: Reading, seller_id: UUID, document_id: UUID, form: WantedForm = "pdf"
) -> Response:
    """A statement or an invoice as a file."""
    await shop_of(page, seller_id, Permission.STATEMENT_READ)
    found = await ask(
        page.market.db,
        document_questions.find_of_seller,
        viewer=page.viewer,
        seller_id=seller_id,
        document_id=document_id,
    )
    made = await documents.make_file(
        page.market.documents, found.content, form=_form(form), name=found.number
    )
    return file_answer(made.content, media_type=made.media_type, name=made.name)


@router.get("/statements/{period}")
async def show_statement(
    page: Reading,
    seller_id: UUID,
    period: str,
    form: WantedForm = "pdf",
    currency: Annotated[str | None, Query(max_length=3)] = None,
) -> Response:
    """A month as it was issued, or as it stands so far; the first currency's unless one is said."""
    await shop_of(page, seller_id, Permission.STATEMENT_READ)
    found = await documents.statement(
        page.market.documents,
        viewer=page.viewer,
        seller_id=seller_id,
        period=period,
        currency=currency,
    )
    content = found.content if isinstance(found, IssuedDocument) else found
    name = "-".join(part for part in ("statement", period, currency) if part)
    made = await documents.make_file(page.market.documents, content, form=_form(form), name=name)
    return file_answer(made.content, media_type=made.media_type, name=made.name)


def _form(text: str) -> Form:
    for known in papers.FORMS:
        if text == known:
            return known
    raise InvalidInput.at("format", "format_unknown", "There are files as pdf, csv and xlsx")
