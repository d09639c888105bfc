"""An order's papers as files: what its page links to."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import documents
from gosellr.services import order_service, sales_documents
from gosellr.utils.permissions import Permission
from gosellr.web.history_answers import file_answer
from gosellr.web.pages import Page, admit

router = LateRouter(prefix="/orders", include_in_schema=False)


@router.get("/{number}/documents/{document_id}")
async def show_document(
    page: Annotated[Page, admit(Permission.ORDER_READ)], number: str, document_id: UUID
) -> Response:
    """An invoice or a credit note of one's own order, as PDF."""
    viewer = page.visit.for_order(number).viewer
    order = await ask(
        page.market.db, order_service.find_order_by_number, viewer=viewer, number=number
    )
    if not order.whole:
        raise NotFound
    powers = page.market.documents
    found = await documents.order_document(
        powers, viewer=viewer, order_id=order.id, document_id=document_id
    )
    made = await documents.make_file(powers, found.content, form="pdf", name=found.number)
    return Response(
        made.content,
        media_type=made.media_type,
        headers={
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": f'inline; filename="{made.name}"',
        },
    )


@router.get("/{number}/shipments/{shipment_id}/packing-slip")
async def show_packing_slip(
    page: Annotated[Page, admit(Permission.SHIPMENT_READ)], number: str, shipment_id: UUID
) -> Response:
    """What is in a parcel of one's own order, without any price."""
    viewer = page.visit.for_order(number).viewer
    order = await ask(
        page.market.db, order_service.find_order_by_number, viewer=viewer, number=number
    )
    if not order.whole:
        raise NotFound
    content = await ask(
        page.market.db,
        sales_documents.packing_slip,
        viewer=viewer,
        order_id=order.id,
        shipment_id=shipment_id,
    )
    name = f"packing-slip-{content['seller_order_number']}"
    made = await documents.make_file(page.market.documents, content, form="pdf", name=name)
    return file_answer(made.content, media_type=made.media_type, name=made.name)
