"""Documents: an order's for those who trade in it, a seller's statements, the report of a year."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Path, Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.documents import (
    DocumentOut,
    DocumentPageOut,
    FileFilters,
    OrderDocumentsOut,
    SellerDocumentFilters,
    SlipFilters,
    StatementFilters,
    StatementOut,
    TaxReportOut,
    listed_document,
    report_document,
    statement_document,
    whole_document,
)
from gosellr.core.transact import ask
from gosellr.flows import documents
from gosellr.flows.documents import MEDIA_TYPES, DocumentFile, Form
from gosellr.models.document_values import IssuedDocument
from gosellr.resources import Resources
from gosellr.services import document_questions, sales_documents
from gosellr.services.document_questions import DocumentFilters
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["documents"])

Accept = Annotated[str, Header(include_in_schema=False)]
Wanted = Annotated[FileFilters, Query()]
MayReadOrders = Annotated[Viewer, allow(Permission.ORDER_READ)]
MayReadStatements = Annotated[Viewer, allow(Permission.STATEMENT_READ)]

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[str, Any] = {"content": dict.fromkeys(MEDIA_TYPES.values(), _BYTES)}


@router.get(
    "/orders/{order_id}/documents",
    operation_id="list_order_documents",
    responses={200: {"model": OrderDocumentsOut}, **problems(401, 403, 404, 422)},
)
async def list_order_documents(order_id: UUID, viewer: MayReadOrders, market: Market) -> Response:
    """An order's invoices and credit notes: all for its buyer, a seller's own for a seller."""
    found = await ask(market.db, document_questions.of_order, viewer=viewer, order_id=order_id)
    return answer({"items": [listed_document(one) for one in found]})


@router.get(
    "/orders/{order_id}/documents/{document_id}",
    operation_id="get_order_document",
    responses={200: {"model": DocumentOut, **_FILES}, **problems(401, 403, 404, 422)},
)
async def get_order_document(
    *,
    order_id: UUID,
    document_id: UUID,
    wanted: Wanted,
    viewer: MayReadOrders,
    market: Market,
    accept: Accept = "",
) -> Response:
    """An invoice or a credit note, as JSON, PDF, CSV or XLSX."""
    found = await documents.order_document(
        market.documents, viewer=viewer, order_id=order_id, document_id=document_id
    )
    return await _issued(market, found, wanted, accept)


@router.get(
    "/orders/{order_id}/shipments/{shipment_id}/packing-slip",
    operation_id="get_packing_slip",
    responses={
        200: {"description": "A packing slip", **_FILES},
        **problems(401, 403, 404, 422),
    },
)
async def get_packing_slip(
    *,
    order_id: UUID,
    shipment_id: UUID,
    wanted: Annotated[SlipFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.SHIPMENT_READ)],
    market: Market,
    accept: Accept = "",
) -> Response:
    """What is in a parcel, to be put into it, without any price: as PDF, CSV or XLSX."""
    content = await ask(
        market.db,
        sales_documents.packing_slip,
        viewer=viewer,
        order_id=order_id,
        shipment_id=shipment_id,
    )
    name = f"packing-slip-{content['seller_order_number']}"
    form = _form(wanted, accept) or "pdf"
    return await _file(market, content, form=form, name=name, wanted=wanted)


@router.get(
    "/sellers/{seller_id}/documents",
    operation_id="list_seller_documents",
    responses={200: {"model": DocumentPageOut}, **problems(401, 403, 404, 422)},
)
async def list_seller_documents(
    seller_id: UUID,
    filters: Annotated[SellerDocumentFilters, Query()],
    viewer: MayReadStatements,
    market: Market,
) -> Response:
    """A seller's statements and the marketplace's invoices for its commission, newest first."""
    page = await ask(
        market.db,
        document_questions.of_seller,
        viewer=viewer,
        seller_id=seller_id,
        filters=DocumentFilters(kind=filters.kind, period=filters.period),
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [listed_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.get(
    "/sellers/{seller_id}/documents/{document_id}",
    operation_id="get_seller_document",
    responses={200: {"model": DocumentOut, **_FILES}, **problems(401, 403, 404, 422)},
)
async def get_seller_document(
    *,
    seller_id: UUID,
    document_id: UUID,
    wanted: Wanted,
    viewer: MayReadStatements,
    market: Market,
    accept: Accept = "",
) -> Response:
    """A statement or a commission invoice, as JSON, PDF, CSV or XLSX."""
    found = await ask(
        market.db,
        document_questions.find_of_seller,
        viewer=viewer,
        seller_id=seller_id,
        document_id=document_id,
    )
    return await _issued(market, found, wanted, accept)


@router.get(
    "/sellers/{seller_id}/statements/{period}",
    operation_id="get_seller_statement",
    responses={200: {"model": StatementOut, **_FILES}, **problems(401, 403, 404, 422)},
)
async def get_seller_statement(
    *,
    seller_id: UUID,
    period: Annotated[str, Path(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-03"])],
    wanted: Annotated[StatementFilters, Query()],
    viewer: MayReadStatements,
    market: Market,
    accept: Accept = "",
) -> Response:
    """A seller's month: as issued once it is over, before that as it stands, without a number."""
    found = await documents.statement(
        market.documents,
        viewer=viewer,
        seller_id=seller_id,
        period=period,
        currency=wanted.currency,
    )
    form = _form(wanted, accept)
    if form is None:
        return answer(statement_document(found, seller_id=seller_id), headers={"Vary": "Accept"})
    content = found.content if isinstance(found, IssuedDocument) else found
    name = f"statement-{period}-{content['currency']}"
    return await _file(market, content, form=form, name=name, wanted=wanted)


@router.get(
    "/reports/dac7/{year}",
    operation_id="get_tax_report",
    responses={200: {"model": TaxReportOut, **_FILES}, **problems(401, 403, 422)},
)
async def get_tax_report(
    *,
    year: Annotated[int, Path(ge=2000, le=2099)],
    wanted: Wanted,
    viewer: Annotated[Viewer, allow(Permission.LEDGER_READ)],
    market: Market,
    accept: Accept = "",
) -> Response:
    """What a platform reports of its sellers (DAC7): a year by quarter, as the journal has it, with
    who each is to the tax authorities and the account that it is paid to."""
    content = await documents.tax_report(market.documents, year=year, reader=viewer)
    form = _form(wanted, accept)
    if form is None:
        return answer(report_document(content), headers={"Vary": "Accept"})
    return await _file(market, content, form=form, name=f"dac7-{year}", wanted=wanted)


def file_answer(made: DocumentFile) -> Response:
    """A finished file, to be kept by whoever asked for it."""
    return Response(
        made.content,
        media_type=made.media_type,
        headers={
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": f'attachment; filename="{made.name}"',
        },
    )


async def _issued(
    market: Resources, found: IssuedDocument, wanted: FileFilters, accept: str
) -> Response:
    form = _form(wanted, accept)
    if form is None:
        return answer(whole_document(found), headers={"Vary": "Accept"})
    return await _file(market, found.content, form=form, name=found.number, wanted=wanted)


async def _file(
    market: Resources,
    content: Mapping[str, Any],
    *,
    form: Form,
    name: str,
    wanted: FileFilters | SlipFilters,
) -> Response:
    return file_answer(
        await documents.make_file(
            market.documents, content, form=form, name=name, language=wanted.language
        )
    )


def _form(wanted: FileFilters | SlipFilters, accept: str) -> Form | None:
    """The kind of file that is wanted; None for JSON, which whoever also takes it gets."""
    if wanted.format is not None:
        return None if wanted.format == "json" else wanted.format
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if "application/json" in named:
        return None
    forms: tuple[Form, ...] = ("pdf", "csv", "xlsx")
    return next((form for form in forms if MEDIA_TYPES[form] in named), None)
